"""The two buttons under a table: its file is written when it is asked for, without a rerun of the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from pages.ui.display import exports
from pages.ui.display.exports import Stamp
from pages.ui.display.tables import Table
from pages.ui.shell import frame

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def downloads(table: Table | Callable[[], Table], stamp: Stamp, key: str, title: str = "") -> None:
    """Offers a table as CSV and XLSX; one that is costly may be given as what makes it, with its ``title``."""
    if not title:
        assert isinstance(table, Table)  # what makes one comes with its title
        title = table.title
    with frame.box(f"files-{key}", horizontal=True, gap="small"):
        for label, suffix, mime, write in (
            ("CSV", "csv", "text/csv", exports.as_csv),
            ("Excel", "xlsx", _XLSX, exports.as_xlsx),
        ):
            st.download_button(
                label,
                data=partial(_file, write, table, stamp),
                file_name=exports.name(title, stamp, suffix),
                mime=mime,
                key=f"{key}-{suffix}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )


def _file(write: Callable[[Table, Stamp], bytes], table: Table | Callable[[], Table], stamp: Stamp) -> bytes:
    """What is handed over when a button is pressed."""
    return write(table() if callable(table) else table, stamp)
