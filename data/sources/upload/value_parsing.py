"""Cells as numbers and words: how a file writes them is found out from all of its cells, not from the first.

Work is done once for each different cell, of which a file has few.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from data.sources.upload.columns.row_keys import counted
from data.sources.upload.limits import LONGEST_NUMBER, shortened
from data.sources.upload.readers.coded_columns import codes_of, encoded, narrowest, only_held

#: Texts that stand for an empty cell where a number or a date should be; elsewhere NA may be a name.
_NOTHING_WORDS = """
- – — -- --- . .. ... ? ?? ??? * -/- na n/a n.a. n.a #n/a #nv #na nan <na> nat null (null) \\n none nil void empty (empty) blank
(blank) missing unknown tbd tba error #error! #ref! #value! #div/0! #name? #num! #null! #bezug! #wert! #valor! #valeur! #nom?
unbekannt k.a. k.a leer (leer) n.v. n.b. fehlt inconnu n.d. nd n/d s/d vide (vide) desconocido vacio vacío sconosciuto
desconhecido onbekend n.v.t. nvt leeg nieznane nieznany brak b.d. bd なし 不明 未定 該当なし 无 無 未知 不详
"""
_NOTHING = frozenset(_NOTHING_WORDS.split()) | {"", "not available", "not known", "no data", "keine angabe", "k. a."}

#: Money in a cell, as a sign or a code, beside those that every number may bear.
_CURRENCY = re.compile(
    r"CHF|SFr\.?|Fr\.|JPY|CNY|RMB|PLN|zł|SEK|NOK|DKK|kr\.?|CZK|Kč|HUF|Ft|RON|lei|TRY|TL|INR|Rs\.?|AUD|CAD|NZD|BRL|R\$|MXN|ZAR|KRW|"
    r"RUB|руб\.?|[¥₹₽₩₺₴円元圆]",
    re.IGNORECASE,
)
_YES, _NO = (
    frozenset(words.split())
    for words in (
        "1 yes y true t x on ja j wahr oui vrai si sí s verdadero vero sim verdadeiro tak prawda waar "
        "はい 有 有り ○ 〇 ● 是 ✓ ✔",
        "0 no n false f off nein falsch non faux falso não nao nie fałsz nee onwaar "
        "いいえ 無 無し なし × ✗ ✘ 否 无 "
        "keine kein ohne aucune aucun ninguna ninguno nessuna nessuno sin sans senza sem nenhuma nenhum brak geen without",
    )
)

Decimal = Literal[".", ","]

#: Rows from which on it is remembered what a column holds.
_MANY = 100_000

_remembered: dict[int, tuple[weakref.ref[pa.Array], Coded]] = {}


@dataclass(frozen=True, eq=False)
class Coded:
    """A column as its different texts and, for each row, which one: ``texts`` [U], ``codes`` [R], -1 where empty."""

    texts: tuple[str, ...]
    codes: np.ndarray

    def spread(self, values: np.ndarray, empty: object) -> np.ndarray:
        """``values`` [U] of the texts as values [R] of the rows."""
        return np.append(values, np.array([empty], dtype=values.dtype))[self.codes]

    def filled(self) -> np.ndarray:
        """Where [R] a cell holds more than what stands for nothing."""
        return self.spread(np.array([_is_something(text) for text in self.texts], dtype=bool), False)

    def example(self, where: np.ndarray) -> str:
        """The first cell of those marked in ``where`` [R], as a message shows it."""
        return repr(shortened(self.texts[self.codes[np.flatnonzero(where)[0]]]))


def coded(cells: pa.Array) -> Coded:
    """The column's different cells as trimmed text; remembered as long as a column of many rows is there."""
    known = _remembered.get(id(cells))
    if known is not None and known[0]() is cells:
        return known[1]
    found = _coded(cells)
    if len(cells) >= _MANY:
        place = id(cells)
        _remembered[place] = (weakref.ref(cells, lambda _: _remembered.pop(place, None)), found)
    return found


def _coded(cells: pa.Array) -> Coded:
    held = only_held(encoded(cells))
    different = held.dictionary
    if pa.types.is_timestamp(different.type) and _all_midnight(different):
        different = different.cast(pa.date32())
    if pa.types.is_floating(different.type):
        raw = [_as_typed(number) for number in different.to_pylist()]
    else:
        raw = [" ".join(text.split()) for text in different.cast(pa.string()).to_pylist()]
    texts = tuple(dict.fromkeys(text for text in raw if text))
    if len(texts) == len(raw):  # each is another text already
        return Coded(texts, codes_of(held))
    place = {text: number for number, text in enumerate(texts)}
    renumbered = np.array([place.get(text, -1) for text in raw] + [-1], dtype=narrowest(len(texts)))
    return Coded(texts, renumbered[codes_of(held)])


def _is_something(text: str) -> bool:
    return text.casefold() not in _NOTHING


def something(texts: Iterable[str]) -> list[str]:
    """The texts that stand for more than nothing."""
    return [text for text in texts if _is_something(text)]


def sample(texts: Sequence[str], most: int = 2_000) -> Sequence[str]:
    """Some of the texts, evenly from first to last: enough to see what they are."""
    return texts[:: max(1, len(texts) // most)]


def words_for_nothing(column: Coded) -> str:
    """Which words of a column were read as empty, with their rows: "NULL 3, #N/A 1"; "" where there is none."""
    rows = counted(column.codes, len(column.texts))
    found = [(text, int(count)) for text, count in zip(column.texts, rows, strict=True) if not _is_something(text)]
    return ", ".join(f"{text} {count:,}" for text, count in sorted(found, key=lambda one: -one[1]))


def _all_midnight(cells: pa.Array) -> bool:
    stamps = cells.to_numpy(zero_copy_only=False)
    stamps = stamps[~np.isnat(stamps)]
    return bool((stamps == stamps.astype("datetime64[D]")).all())


def _as_typed(number: float) -> str:
    """The number as a planner would type it; "" for what is none."""
    if not np.isfinite(number):
        return ""
    return str(int(number)) if abs(number) < 1e22 and number == int(number) else repr(number)


# numbers

_POINT = re.compile(r"[-+]?(?=\.?\d)(\d+|\d{1,3}(,\d{2,3})*,\d{3})?(\.\d*)?(e[-+]?\d+)?", re.IGNORECASE)
_COMMA = re.compile(r"[-+]?(?=,?\d)(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?(e[-+]?\d+)?", re.IGNORECASE)
_ORNAMENT = re.compile(r"[\s$€£¥'’]|^(USD|EUR|GBP)|(USD|EUR|GBP)$")
_EVERYWHERE = re.compile(r"[$€£]|USD|EUR|GBP")
_ONLY_POINT = re.compile(r"\.(\d{1,2}|\d{4,})$|,\d{3}.*\.|\..*e|^[-+]?0\.\d", re.IGNORECASE)
_ONLY_COMMA = re.compile(r",(\d{1,2}|\d{4,})$|\.\d{3}.*,|^[-+]?0,\d")

#: A number with a unit after it.
_UNIT = re.compile(r"([-+]?\d[\d.,\s'’]*?)\s*([^\W\d_]{1,12}\.?)")

#: So many different cells that end in three zeros after a mark make it a decimal mark: thousands are seldom all that round.
_ROUND = 5


def decimal_mark(columns: Iterable[Coded], delimiter: str) -> tuple[Decimal, bool]:
    """How the file writes decimals, and whether some cell settles it.

    Without proof (1,234 and 1.234 may each be either) a file separated by semicolons has decimal commas.
    """
    point = comma = 0
    for column in columns:
        marked = [
            plain
            for text in _bare(column.texts)
            if len(text) <= LONGEST_NUMBER and ("." in text or "," in text) and any(map(str.isdigit, text))
            if (_POINT.fullmatch(plain := _plain(text)) or _COMMA.fullmatch(plain))
        ]
        point += sum(bool(_ONLY_POINT.search(plain)) and bool(_POINT.fullmatch(plain)) for plain in marked)
        comma += sum(bool(_ONLY_COMMA.search(plain)) and bool(_COMMA.fullmatch(plain)) for plain in marked)
        for mark in ".,":
            if len(marked) >= _ROUND and all(plain.endswith(f"{mark}000") and plain.count(mark) == 1 for plain in marked):
                point, comma = point + (mark == "."), comma + (mark == ",")
    if point != comma:
        return (".", True) if point > comma else (",", True)
    return ("," if delimiter == ";" else "."), False


def numbers(column: Coded, decimal: Decimal) -> tuple[np.ndarray, np.ndarray]:
    """The column's numbers [R] (NaN where empty or none) and where [R] a cell holds something else."""
    texts = _without_unit(_bare(column.texts))
    values = np.array([_number(text, decimal) for text in texts], dtype=np.float64)
    found = column.spread(values, np.nan)
    return found, column.filled() & ~np.isfinite(found)


def _without_unit(texts: Sequence[str]) -> Sequence[str]:
    """The texts without the one unit that all of them bear, such as pcs or kg; as they are where there are several."""
    some = sample(something(texts))
    found = {match[2].casefold() for text in some if len(text) <= LONGEST_NUMBER and (match := _UNIT.fullmatch(text))}
    if len(found) != 1 or not all(_UNIT.fullmatch(text) for text in some if len(text) <= LONGEST_NUMBER):
        return texts
    return [match[1] if len(text) <= LONGEST_NUMBER and (match := _UNIT.fullmatch(text)) else text for text in texts]


def _bare(texts: Sequence[str]) -> Sequence[str]:
    """The texts without the currency that the column names; as they are where it names none, or several."""
    seen = {found.casefold() for text in sample(texts) for found in _CURRENCY.findall(text) if len(text) <= LONGEST_NUMBER}
    if len(seen) != 1 or any(_EVERYWHERE.search(text) for text in sample(texts)):
        return texts
    return [_CURRENCY.sub("", text) if len(text) <= LONGEST_NUMBER else text for text in texts]


def _plain(text: str) -> str:
    """A number's text without ornaments, its minus before it."""
    plain = _ORNAMENT.sub("", text).replace("−", "-")
    if plain.startswith("(") and plain.endswith(")"):  # as bookkeepers write what is negative
        return "-" + plain[1:-1]
    return "-" + plain[:-1] if plain.endswith("-") and plain[:1].isdigit() else plain  # as lists of SAP write it


def _number(text: str, decimal: Decimal) -> float:
    if len(text) > LONGEST_NUMBER:  # no pattern is held against it: some take the square of its length
        return float("nan")
    plain = _plain(text)
    shape = _POINT if decimal == "." else _COMMA
    if not shape.fullmatch(plain):
        return float("nan")
    plain = plain.replace(",", "") if decimal == "." else plain.replace(".", "").replace(",", ".")
    return float(plain)


def typed_number(text: str) -> float | None:
    """What a planner has typed into a field, None where it is no number.

    One field does not settle how decimals are written: what may be read in one way alone is read so, and 1,234 as the pages
    write it, as thousands.

    >>> typed_number("2,40"), typed_number("1.234,5"), typed_number("1,234"), typed_number("$3"), typed_number("words")
    (2.4, 1234.5, 1234.0, 3.0, None)
    """
    readings = (_number(text, decimal) for decimal in (".", ","))
    return next((value for value in readings if np.isfinite(value)), None)


def numeric_share(column: Coded, decimal: Decimal) -> float:
    """Which share of the column's different cells are numbers; 0 where it has none."""
    texts = _bare(sample(something(column.texts)))
    good = sum(not np.isnan(_number(text, decimal)) for text in texts)
    return good / len(texts) if texts else 0.0


def switches(column: Coded, decimal: Decimal) -> tuple[np.ndarray, np.ndarray]:
    """A promotion's share [R] from numbers or from yes and no, NaN where empty; and where [R] it is neither."""
    words = {**dict.fromkeys(_YES, 1.0), **dict.fromkeys(_NO, 0.0)}
    values = [words.get(text.casefold(), _number(text.removesuffix("%"), decimal)) for text in column.texts]
    percent = [text.endswith("%") for text in column.texts]
    found = column.spread(np.where(percent, np.array(values) / 100, values), np.nan)
    return found, column.filled() & ~np.isfinite(found)
