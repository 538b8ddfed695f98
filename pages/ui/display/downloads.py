"""The two buttons under a table: its file is written when it is asked for, without a rerun of the page."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.ui.display import exports
from pages.ui.display.exports import Stamp
from pages.ui.display.tables import Table
from pages.ui.shell import frame

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def downloads(table: Table | Callable[[], Table], stamp: Stamp, key: str, title: str = "") -> None:
    """Offers a table as CSV and XLSX; one that is costly may be given as what makes it, with its ``title``."""
    title = title or table.title
    with frame.box(f"files-{key}", horizontal=True, gap="small"):
        for label, suffix, mime, write in (
            ("CSV", "csv", "text/csv", exports.as_csv),
            ("Excel", "xlsx", _XLSX, exports.as_xlsx),
        ):
            st.download_button(
                label,
                data=lambda write=write: write(table() if callable(table) else table, stamp),
                file_name=exports.name(title, stamp, suffix),
                mime=mime,
                key=f"{key}-{suffix}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )
