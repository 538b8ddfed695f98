"""What the names of columns mean, in the languages that files come in: one table, a role a paragraph.

English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Japanese and Chinese. Names are compared as ``plain``
gives them: lower case, without accents, units in brackets and whatever stands between words.
"""

from __future__ import annotations

import re
from functools import cache

from data.sources.upload.dates.calendar_words import folded

#: Role → the names that mean it, the likeliest first; words of one name are joined by underscores.
_NAMES: dict[str, str] = {
    "item_id": """
        item_id item sku sku_id product_id product article article_id material item_no item_number unique_id
        series_id asin upc ean
        gtin artikel artikelnummer code stock_code stockcode item_code product_code material_number
        material_no part_number
        part_no part productid itemid sku_code item_sku article_number article_no style series variant_id
        artikel_nr artikelnr art_nr art_no artikel_id artikelcode sachnummer materialnummer material_nr
        produkt produktnummer
        warennummer teilenummer bestellnummer ean_code
        produit code_produit code_article reference ref id_produit numero_article designation_article
        producto codigo codigo_producto articulo codigo_articulo id_producto referencia id_articulo
        prodotto codice codice_articolo articolo codice_prodotto cod_articolo cod_art
        produto codigo_produto codigo_do_produto artigo cod_produto item_codigo
        artikelnaam productcode artikelnummer_nl product_nr
        produkt_id indeks towar kod_produktu numer_artykulu artykul kod_towaru symbol
        品番 商品コード 商品番号 商品 製品コード 製品番号 品目 品目コード 型番 品名コード アイテム jan janコード
        商品编码 商品代码 产品编码 产品 商品编号 货号 物料 物料号 物料编码 品号 料号 sku编码 商品id 產品編號 商品編號
    """,
    "date": """
        date ds week week_start week_starting week_end week_ending month day period timestamp datetime time
        order_date sales_date
        invoice_date week_beginning week_commencing week_of month_end month_start posting_date
        transaction_date sale_date
        fiscal_week year_week yearweek year_month yearmonth calendar_week cal_week calendar_month billing_date
        doc_date
        document_date date_time period_start period_end orderdate invoicedate quarter
        datum tag woche monat kw kalenderwoche jahrwoche jahr_woche jahrmonat jahr_monat buchungsdatum
        belegdatum rechnungsdatum
        verkaufsdatum zeitraum periode wochenbeginn wochenstart wochenende bestelldatum kalendertag
        kalendermonat
        jour semaine mois date_vente date_de_vente date_facture date_commande debut_semaine
        fecha dia semana mes periodo fecha_venta fecha_de_venta fecha_factura fecha_pedido inicio_semana
        data giorno settimana mese data_vendita data_fattura data_ordine inizio_settimana
        data_venda data_da_venda data_pedido inicio_da_semana
        dag maand verkoopdatum factuurdatum orderdatum
        dzien tydzien miesiac data_sprzedazy data_faktury okres
        日付 年月日 週 月 日 年月 年週 販売日 売上日 期間 週開始日 対象日 対象月 伝票日付
        日期 周 月份 年月日 销售日期 时间 星期 周次 订单日期 开始日期 統計日期 統計日 銷售日期 期间 週次
    """,
    "demand": """
        demand units qty quantity units_sold unit_sales sales_units sold sales_qty sales_quantity net_units
        quantity_sold qty_sold
        sold_qty sold_units pieces pcs net_qty net_quantity sold_quantity order_quantity order_qty ordered_qty
        ordered_quantity
        invoiced_quantity invoice_qty billed_quantity billing_quantity shipped_qty shipped_quantity shipments
        consumption usage
        demand_qty actual_demand actual_sales actuals sales_volume sell_out sellout sell_through unit_demand
        volume_sold
        total_units total_qty number_sold count_sold items_sold sales y volume target orders kg kilograms
        kilos litres liters tons
        tonnes cases boxes pallets pairs weight_sold
        menge absatz verkaufsmenge absatzmenge stuck stuckzahl verkaufte_menge verkauft liefermenge
        fakturamenge fakturierte_menge
        abverkauf bedarf verbrauch anzahl auftragsmenge bestellmenge_kunde absatz_stuck verkaufe abgang
        quantite quantite_vendue qte qte_vendue ventes ventes_unites unites unites_vendues volume_ventes
        nb_ventes consommation
        cantidad cantidad_vendida unidades unidades_vendidas ventas ventas_unidades demanda uds cant consumo
        quantita quantita_venduta qta venduto pezzi vendite vendite_pezzi pezzi_venduti domanda unita_vendute
        unita
        quantidade quantidade_vendida qtd qtde qtd_vendida vendas unidades_vendidas_pt pecas
        aantal verkocht aantal_verkocht hoeveelheid afzet stuks verkopen vraag verkochte_aantallen
        ilosc ilosc_sprzedana sprzedaz sprzedane_sztuki sztuki szt popyt zuzycie
        数量 販売数 販売数量 売上数量 売上数 出荷数 出荷数量 需要 個数 需要数 販売個数 出庫数
        销量 销售数量 数量 销售量 需求 需求量 出货量 件数 售出数量 订单数量 銷量 銷售數量 數量 出庫量 出库量 实际销量
    """,
    "price": """
        price unit_price sell_price selling_price sales_price avg_price retail_price average_price list_price
        net_price
        price_per_unit unitprice item_price asp
        preis einzelpreis verkaufspreis vk vk_preis stuckpreis preis_in durchschnittspreis nettopreis
        ladenpreis
        prix prix_unitaire prix_vente prix_de_vente pu prix_moyen
        precio precio_unitario precio_venta precio_de_venta pvp
        prezzo prezzo_unitario prezzo_vendita prezzo_di_vendita
        preco preco_unitario preco_venda preco_de_venda
        prijs verkoopprijs stukprijs eenheidsprijs
        cena cena_jednostkowa cena_sprzedazy
        価格 単価 販売価格 売価 平均単価
        价格 单价 售价 销售单价 平均价格 價格 單價 售價
    """,
    "promo": """
        promo promotion on_promotion onpromotion is_promo promo_flag deal feature promotions promo_active
        is_promotion
        aktion aktionsflag werbung angebot aktionskennzeichen promotion_kz sonderangebot
        promotion_fr promo_fr en_promotion operation
        promocion en_promocion oferta
        promozione in_promozione offerta
        promocao em_promocao promocional
        actie aanbieding in_actie
        promocja akcja w_promocji
        販促 キャンペーン セール 特売 プロモーション
        促销 活动 是否促销 促销标志 特价 促銷 活動
    """,
    "stock": """
        stock in_stock instock in_stock_share availability inventory stock_units stock_level closing_stock
        opening_stock stock_end
        end_stock ending_stock stock_qty inventory_level ending_inventory closing_inventory
        bestand lagerbestand endbestand lagermenge verfugbarkeit bestand_ende schlussbestand lagernd auf_lager verfugbar
        stock_final stock_fin stock_cloture disponibilite
        existencias inventario stock_cierre disponibilidad
        giacenza scorta giacenza_finale magazzino_giacenza
        estoque estoque_final saldo_estoque
        voorraad eindvoorraad
        stan stan_magazynowy zapas stan_koncowy
        在庫 在庫数 在庫数量 期末在庫
        库存 库存量 期末库存 庫存 庫存量
    """,
    "name": """
        name item_name product_name description item_description product_description title article_name
        material_description
        product_title item_desc article_description
        bezeichnung artikelbezeichnung produktname artikelname beschreibung artikeltext materialkurztext
        libelle designation nom nom_produit description_produit libelle_article
        descripcion nombre nombre_producto denominacion
        descrizione nome nome_prodotto denominazione
        descricao nome_produto descricao_produto
        omschrijving naam productnaam artikelomschrijving
        nazwa nazwa_produktu opis nazwa_towaru
        品名 商品名 製品名 名称 商品名称
        名称 品名 商品名称 产品名称 物料描述 商品名稱
    """,
    "location": """
        store store_id store_nbr location location_id warehouse site dc branch shop outlet store_code
        store_name store_no
        store_number plant plnt ship_to shipto ship_from depot distribution_center distribution_centre whse wh
        market
        filiale filial_nr filialnummer lager standort werk laden verkaufsstelle markt niederlassung lagerort
        magasin point_de_vente boutique entrepot site_vente pdv
        tienda sucursal almacen punto_de_venta centro local
        negozio punto_vendita magazzino deposito filiale_it
        loja armazem filial ponto_de_venda centro_distribuicao
        winkel filiaal vestiging magazijn
        sklep oddzial magazyn placowka
        店舗 店舗コード 拠点 倉庫 店
        门店 店铺 仓库 门店编码 分店 地点 店鋪 門市 倉庫
    """,
    "unit_cost": "unit_cost cost cogs cost_price purchase_price ek einkaufspreis einstandspreis cout_unitaire prix_achat costo "
    "costo_unitario coste custo custo_unitario kostprijs inkoopprijs koszt cena_zakupu 原価 成本 成本价 成本價",
    "pack_size": "pack_size case_size case_pack units_per_case pack vpe verpackungseinheit gebinde colisage packung",
    "min_order": "min_order moq minimum_order min_order_qty mindestbestellmenge mindestmenge minimum_order_quantity",
    "lead_time": "lead_time leadtime lead_time_periods lieferzeit wiederbeschaffungszeit delai plazo_entrega levertijd",
    "on_hand": "on_hand stock_on_hand soh qty_on_hand",
    "on_order": "on_order qty_on_order open_orders",
    "lead_time_sd": "lead_time_sd lead_time_std lead_time_deviation lead_time_variability",
    "arrives_in": "arrives_in on_order_arrives_in next_receipt_in periods_to_receipt",
    "back_orders": "back_orders backorders qty_back_ordered backlog",
    "shelf_life": "shelf_life shelf_life_periods keeps_for",
    "max_cover": "max_cover maximum_cover cover_limit",
}

#: What was sold in money: counted when the demand is, and so never told to a forecast of it.
_MONEY = """
    sales revenue turnover amount net_sales gross_sales sales_amount sales_value value net_revenue gross_revenue
    total_sales gmv
    net_amount total_amount sales_usd sales_eur line_total total_price extended_price margin profit gross_profit
    gross_margin
    dollar_sales sales_dollars total_revenue
    umsatz erlos umsatzerlos nettoumsatz bruttoumsatz umsatz_netto umsatz_brutto betrag warenwert rohertrag
    deckungsbeitrag
    ca chiffre_d_affaires chiffre_affaires montant montant_ht valeur marge
    importe ingresos facturacion valor monto venta_neta margen
    fatturato importo ricavi valore ricavo margine
    faturamento receita valor_venda valor_total faturacao margem
    omzet bedrag waarde marge_nl
    wartosc obrot przychod kwota wartosc_sprzedazy marza
    売上 売上高 売上金額 金額 販売金額 粗利
    销售额 金额 营业额 销售金额 收入 毛利 銷售額 金額 營業額
"""

#: Counts that go with what was sold: how many orders, customers, invoices.
_COUNTS = """
    orders order_count number_of_orders transactions invoices customers baskets receipts tickets visits visitors
    sessions traffic
    bestellungen auftrage kunden bons commandes clients pedidos clientes ordini clienti bestellingen klanten
    zamowienia klienci
    注文数 客数 订单数 客户数
"""

#: What a number of these words is not: the demand of a period that has passed.
_NOT_DEMAND = """
    stock inventory on hand order_no min max pack case per price cost value amount revenue lead cover life
    forecast
    fcst plan planned budget target_stock safety open back on_order id no nr number code year week month day
    bestand
    lager preis umsatz prognose plan_menge retour return returns returned stornos storno lost cumulative cum ytd
    share
    pct percent rate index discount rabatt tax vat prev previous last lag avg mean
"""

_DEMAND_WORDS = """
    units qty quantity menge absatz stuck stuckzahl quantite qte cantidad unidades quantita quantidade qtd aantal
    ilosc sztuki demand sold verkauft venduto ventas ventes vendas sales pieces pcs kg volume
"""
_PRICE_WORDS = """
    price preis prix precio prezzo preco prijs cena
"""
_DATE_WORDS = """
    date datum fecha week woche semaine semana settimana month monat mois mes mese day
"""

#: Parts of a date that stand in columns of their own.
_PARTS = {
    "year": "year yr jahr annee ano anno jaar rok 年 年度 年份 calendar_year cal_year kalenderjahr exercice",
    "week": "week wk week_no week_number week_nr weeknumber week_of_year iso_week kw kalenderwoche woche wochennummer semaine "
    "num_semaine numero_semaine semana numero_semana settimana weeknummer tydzien nr_tygodnia calendar_week 週 週番号 周 周次",
    "month": "month month_no month_number month_name monat monatsnummer mois mes mese maand miesiac 月 月份 calendar_month",
    "day": "day day_of_month tag jour dia giorno dag dzien 日",
    "quarter": "quarter qtr quartal trimestre kwartaal kwartal 四半期 季度",
}

_BRACKETS = re.compile(r"[\(\[\{（【].*?[\)\]\}）】]")
_UNITS = re.compile(r"(?:_in|_per)?_(?:stuck|stk|pcs|pieces|ea|each|units|unit|kg|g|l|ltr|eur|usd|gbp|chf|st|szt|uds|pz)$")

#: Words beside which a price or a date is another than the one that is meant.
_OTHER_PRICE = frozenset({"cost", "purchase", "change", "index", "competitor", "old", "last"})
_OTHER_DATE = frozenset({"no", "number", "due", "delivery", "launch", "life"})


@cache
def plain(column: str) -> str:
    """A column's name for comparing: words of lower case without accents joined by underscores, units in brackets left out."""
    bare = _BRACKETS.sub(" ", column).strip() or column
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", bare)
    return re.sub(r"[\W_]+", "_", folded(spaced)).strip("_")


@cache
def names_of(role: str) -> tuple[str, ...]:
    """The names that mean a role, as ``plain`` gives them, the likeliest first."""
    return tuple(dict.fromkeys(folded(name) for name in _NAMES[role].split()))


@cache
def role_named(column: str) -> str:
    """The role that a column's name alone suggests, "" for none."""
    return next((role for role in _NAMES if plain(column) in names_of(role)), "")


def rank(role: str, column: str) -> int | None:
    """How likely a column of this name has the role, 0 the likeliest; None where its name does not say so."""
    names, name = names_of(role), plain(column)
    if name in names:
        return names.index(name)
    short = _UNITS.sub("", name)
    if short != name and short in names:
        return len(names) + names.index(short)
    words = set(name.split("_"))
    said = {
        "demand": bool(words & _folded(_DEMAND_WORDS)) and not words & _folded(_NOT_DEMAND),
        "price": bool(words & _folded(_PRICE_WORDS)) and not words & _OTHER_PRICE,
        "date": bool(words & _folded(_DATE_WORDS)) and not words & _OTHER_DATE,
    }
    return 3 * len(names) if said.get(role) else None


def is_money(column: str) -> bool:
    """Whether a name says what was sold in money."""
    return bool({plain(column), _UNITS.sub("", plain(column))} & _folded(_MONEY))


def is_count(column: str) -> bool:
    """Whether a name says how many orders or customers there were."""
    return plain(column) in _folded(_COUNTS)


def part_named(column: str) -> str:
    """Which part of a date a column of this name holds ("year", "week" …), "" for none."""
    return next((part for part, names in _PARTS.items() if plain(column) in _folded(names)), "")


@cache
def _folded(names: str) -> frozenset[str]:
    return frozenset(folded(name) for name in names.split())
