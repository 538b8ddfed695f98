"""Pages of the desk as they are read: figures, sentences, tables, charts, the list that is typed into, and the files.

A page runs on the service that workflows open, without a browser. What a button would hand over is taken when the page is
drawn, from what it gives to Streamlit.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any

import streamlit as st
from agreement.shown import plain
from streamlit.testing.v1 import AppTest

from forecasting import workflows

PAGES = Path(workflows.__file__).resolve().parents[1] / "pages"
SECONDS = 300


@dataclass(frozen=True)
class Grid:
    """A table with its ``title``: ``heads``, and ``rows`` of texts as they are read."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, head: str) -> list[str]:
        """The texts of a column; none where it has no such column."""
        if head not in self.heads:
            return []
        place = self.heads.index(head)
        return [row[place] for row in self.rows]

    def cell(self, row: int, head: str) -> str:
        """One text, empty where there is none."""
        found = self.column(head)
        return found[row] if -len(found) <= row < len(found) else ""


@dataclass(frozen=True)
class Shop:
    """One page as it was drawn: its ``app``, by its key what each button for a file hands over, and the ``unit`` asked for."""

    app: AppTest
    files: dict[str, Callable[[], bytes]]
    unit: str = ""

    @cached_property
    def figures(self) -> dict[str, tuple[str, str]]:
        """Label → value and what stands under it."""
        return {one.label: (one.value, one.delta) for one in self.app.metric}

    @cached_property
    def sentences(self) -> list[str]:
        """Everything written, without markdown, and as it would be in pieces."""
        return [
            in_words(plain(one.value), self.unit)
            for one in (*self.app.markdown, *self.app.caption, *self.app.info, *self.app.warning)
        ]

    @cached_property
    def html(self) -> list[str]:
        return [one.proto.body for one in self.app.get("html")]

    @cached_property
    def grids(self) -> dict[str, Grid]:
        """The tables by their title; of two with one title the first."""
        found: dict[str, Grid] = {}
        for body in self.html:
            if "<table" in body:
                grid = _grid(body)
                found.setdefault(grid.title, grid)
        return found

    def grid(self, begins: str) -> Grid | None:
        """The first table whose title begins so."""
        return next((grid for title, grid in self.grids.items() if title.startswith(begins)), None)

    def says(self, pattern: str) -> re.Match[str] | None:
        """The first place where a sentence says so."""
        return next((found for one in self.sentences if (found := re.search(pattern, one))), None)

    def chart(self, key: str) -> dict[str, Any] | None:
        """The figure of this key."""
        for one in self.app.get("plotly_chart"):
            if one.proto.id.endswith(f"-{key}"):
                return json.loads(one.proto.spec)
        return None

    @cached_property
    def edited(self) -> list[dict[str, Any]]:
        """The rows of the list that is typed into."""
        return [row for one in self.app.data_editor for row in one.value.to_dict("records")]

    def csv(self, key: str) -> list[dict[str, str]]:
        """The rows of the CSV file under a table."""
        if key not in self._read:
            self._read[key] = list(csv.DictReader(io.StringIO(self.files[f"{key}-csv"]().decode("utf-8-sig"))))
        return self._read[key]

    @cached_property
    def _read(self) -> dict[str, list[dict[str, str]]]:
        return {}

    def xlsx(self, key: str) -> list[dict[str, Any]]:
        """The same of the workbook's first sheet."""
        from openpyxl import load_workbook

        rows = load_workbook(io.BytesIO(self.files[f"{key}-xlsx"]())).worksheets[0].iter_rows(values_only=True)
        heads = next(rows)
        return [dict(zip(heads, row, strict=True)) for row in rows]


def visit(name: str, opened: tuple[str, ...] = (), **address: str) -> Shop:
    """A page at this address with the sections ``opened`` unfolded; raises AssertionError where it fell over."""
    app = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=SECONDS)
    for key, value in address.items():
        app.query_params[key] = value
    for key in opened:
        app.session_state[key] = True
    with _files_kept() as files:
        app.run()
    assert not app.exception, (name, address, app.exception[0].message)
    return Shop(app, files, address.get("unit", ""))


def in_words(sentence: str, unit: str) -> str:
    """A sentence as it would be in pieces, so that one check reads every unit."""
    word = {"cases": "cases", "money": "[A-Z]{3}"}.get(unit)
    return sentence if word is None else re.sub(rf"(?<=\d )(?:{word})\b", "units", sentence)


@contextmanager
def _files_kept() -> Iterator[dict[str, Callable[[], bytes]]]:
    """What the buttons that are drawn meanwhile hand over."""
    files: dict[str, Callable[[], bytes]] = {}
    drawn = st.download_button

    def kept(*arguments: Any, **named: Any) -> bool:
        files[named["key"]] = named["data"]
        return drawn(*arguments, **named)

    st.download_button = kept
    try:
        yield files
    finally:
        st.download_button = drawn


def _grid(body: str) -> Grid:
    texts = lambda tag, part: [unescape(one) for one in re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", part)]  # noqa: E731
    head, _, rest = body.partition("</thead>")
    rows = [
        tuple(unescape(text) for _, text in re.findall(r"<(th|td)[^>]*>(.*?)</\1>", row))
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", rest)
    ]
    return Grid("".join(texts("caption", body)), tuple(texts("th", head.partition("<thead>")[2])), tuple(rows))


def ranking(shop: Shop) -> list[dict[str, str]]:
    """The ranked rows of Today: item, expected, low, high, lately, price."""
    ids = [re.search(r":small\[(.*?)\]\]", one.proto.label) for one in shop.app.get("page_link")]
    items = [plain(found.group(1)) for found in ids if found]
    cells = [body for body in shop.html if 'class="tl-row"' in body]
    answer = []
    for item, body in zip(items, cells, strict=True):
        found = re.search(r"<b>(.*?)</b>.*<i>(.*?)(?: – (.*?))?</i></span><span>(.*?)</span><span class=p>(.*?)</span>", body)
        assert found, body
        names = ("expected", "low", "high", "lately", "price")
        answer.append({"item": item} | dict(zip(names, (one or "" for one in found.groups()), strict=True)))
    return answer
