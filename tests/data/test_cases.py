"""Messy files as planners have them, each read with every offer taken and loaded: items, periods, totals and single cells.

What is right for each is in ``bench/files_expected.json``; the files are small and were made for this project.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.files import EXPECTED, all_taken, tried
from data.sources.upload.load import UploadPreview, decide, preview, review
from data.sources.upload.purchase_orders import read_orders

CASES = Path(__file__).parent / "cases"
RIGHT = json.loads(EXPECTED.read_text("utf-8"))

#: Files that also need what is mended row by row, which has tests of its own.
NOT_ALONE = {"12-report-with-title-groups-and-totals.xlsx", "56-sap-list-export.txt", "27b-orders-ids-without-zeros.csv"}


def case(name: str) -> tuple[str, bytes]:
    path = next(CASES.glob(f"{name}-*"))
    return path.name, path.read_bytes()


def told(got: UploadPreview) -> str:
    return "\n".join(check.finding for check in got.checks)


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir() if path.name not in NOT_ALONE))
def test_a_messy_file_loads_right(name: str, tmp_path: Path) -> None:
    outcome = tried(CASES / name, RIGHT[name], tmp_path)
    assert outcome.verdict == "right", outcome.words


def test_an_encoding_is_found_and_another_can_be_chosen() -> None:
    got = preview(*case("06"))
    assert got.columns[3:] == ("Menge (Stück)", "Preis in €")
    assert "Windows-1252" in told(got)
    assert [(offer.kind, offer.answer) for offer in got.offers] == [("encoding", "cp1252")]
    other = decide(got, {"encoding": "cp1250"})
    assert other.offers[0].answer == "cp1250"
    assert other.items == got.items


def test_text_in_utf16_keeps_its_umlauts() -> None:
    got = preview(*case("05"))
    assert {row[1] for row in got.first_rows} == {"Müsli"}
    assert "UTF-16" in told(got)


def test_months_are_told_from_days_by_their_steps() -> None:
    got = preview(*case("10"))
    assert got.frequency_words == "Months, stamped on their first day"
    assert "their steps then leave 0 periods empty" in told(got)
    assert got.loadable
    turned = review(got, replace(got.mapping, day_first=False))
    assert turned.frequency_words == "Days"


def test_a_report_is_read_from_its_header_with_its_groups_filled_down() -> None:
    got = all_taken(*case("12"))
    assert got.columns[:5] == ("Category", "Item", "Week", "Units", "Price")
    assert "The header was found in row 4" in told(got)
    assert got.items == 15
    offers = {offer.kind: offer for offer in got.offers}
    assert (offers["fill-down"].count, offers["fill-down"].default) == (897, "yes")
    assert (offers["fill-down"].before, offers["fill-down"].after) == ("row 6: (empty)", "row 6: D0")
    assert offers["key-columns"].count == 15
    left = decide(got, {"fill-down": "no"})
    assert not left.loadable


def test_a_wide_table_is_read_as_rows_unless_the_planner_says_no() -> None:
    got = preview(*case("13"))
    assert (got.items, got.periods, got.total_demand) == (20, 104, 130_112)
    assert got.mapping.name == "Description"
    assert got.mapping.static == ("Category",)
    left = decide(got, {"wide-periods": "no"})
    assert not left.loadable
    assert len(left.columns) == 107


def test_fiscal_weeks_are_dated_by_the_day_that_the_planner_gives() -> None:
    got = preview(*case("15"))
    assert "Give its first day, such as 2023-01-30 (fiscal-calendar=" in str(got.problems[0])
    given = decide(got, {"fiscal-calendar": "2023-01-30"})
    assert given.loadable
    assert (given.items, given.periods, str(given.first.date()), str(given.last.date())) == (
        10,
        104,
        "2023-01-30",
        "2025-01-20",
    )
    assert given.offers[0].answer == "2023-01-30 for FY2023"
    assert not decide(got, {"fiscal-calendar": "2024-01-29 for FY2024"}).loadable  # of a recipe, for another year


def test_a_store_is_proposed_where_items_come_once_for_each() -> None:
    got = preview(*case("25"))
    assert (got.mapping.location, got.items, got.locations) == ("Filiale", 24, 3)


def test_orders_find_their_items_without_the_zeros_before_them() -> None:
    sales, orders = preview(*case("27a")), read_orders(*case("27b"))
    assert "which may be '000012'" in str(orders.unknown_items(sales.item_ids)[0])
    matched = orders.written_as(sales.item_ids)
    assert matched.unknown_items(sales.item_ids) == ()
    assert set(matched.orders.item_ids) <= set(sales.item_ids)
    assert "000012" in matched.checks[-1].finding
    assert orders.written_as(("12", "000012")).orders.item_ids[0] == "12"  # known as it is
    assert orders.written_as(("0012", "000012")).orders.item_ids[0] == "12"  # of two items: not guessed


def test_japanese_columns_and_dates_are_understood() -> None:
    got = preview(*case("31"))
    mapping = got.mapping
    assert (mapping.item_id, mapping.date, mapping.demand, mapping.price, mapping.promo) == (
        "品番",
        "週",
        "数量",
        "価格",
        "販促",
    )


def test_a_file_of_one_item_is_named_after_it() -> None:
    got = preview(*case("37"))
    assert got.items == 1
    assert "all of it is one item, '37-one-item-only'" in told(got)


def test_mixed_formats_are_read_together_once_that_is_wanted() -> None:
    got = preview(*case("51"))
    assert (got.offers[0].kind, got.offers[0].count, got.offers[0].answer) == ("mixed-dates", 40, "no")
    assert (got.offers[0].before, got.offers[0].after) == ("26/02/2024", "2024-02-26")
    assert got.problems[0].count == 40
    assert decide(got, {"mixed-dates": "yes"}).loadable


def test_a_printed_list_is_read_with_its_decimals_and_minus_signs() -> None:
    got = preview(*case("56"))
    assert (got.items, got.rows) == (8, 560)
    assert got.first_rows[0] == ("10000000", "1000", "02.01.2023", "808,000", "ST")
    assert "13 repeated headers, 17 rules, 1 title, 1 total row marked *" in told(got)
    assert "decimal comma" in told(got)
    assert 0 < got.total_demand < 1e6  # not thousands of thousands
    assert all("Negative" in str(problem) for problem in got.problems)  # 12,000- is a return


def test_words_for_nothing_are_counted_by_word() -> None:
    words = told(preview(*case("59")))
    assert "nan 7, . 7, None 6, ? 6" in words
    assert "#REF! 4" in words
    assert "unknown 2" in words


def test_money_and_orders_beside_the_quantity_are_kept_from_the_forecast() -> None:
    got = preview(*case("62"))
    assert (got.mapping.demand, got.mapping.past) == ("quantity", ())
    assert "known only when the demand is: 'sales', 'orders'" in told(got)
