"""Where a planner's data is: a file that is brought, a file or a folder on the server, or a table of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from forecasting.core.types import Report
from pages.ui.display import formats
from pages.ui.loading import reading_job

if TYPE_CHECKING:
    from data.sources.upload.file_formats import Content
    from data.sources.upload.load import UploadPreview
    from data.sources.upload.places.first_look import FirstLook

PLACES = {"bring": "Bring a file", "server": "On the server", "database": "A database table"}


def chosen() -> str:
    """Where the data is."""
    return st.segmented_control(
        "Where the file is", list(PLACES), format_func=PLACES.__getitem__, default="bring", required=True, key="upload/place"
    )


def server() -> tuple[str, UploadPreview] | None:
    """A file or folder of the server's, read beside the page; its key and preview once it is read."""
    from data.sources.upload.places.named import lying_in
    from forecasting import workflows

    folder = workflows.files()
    names = lying_in(folder)
    if not names:
        st.info(
            f"No file lies in the folder {formats.plain(str(folder))} of the server. Whoever runs Tideline can put CSV or "
            "Parquet files there, of millions of rows, too, or folders with a file for each month.",
            icon=":material/folder_open:",
        )
        return None
    words, button = st.columns([4, 1], vertical_alignment="bottom")
    name = words.selectbox("File or folder", names, key="upload/server")
    asked = button.button("Read it", type="primary", key="upload/read server")
    return _read(f"server/{name}", name, folder / name, asked)


def database() -> tuple[str, UploadPreview] | None:
    """A table of the database that the server is connected to, read beside the page."""
    from data.sources.upload.places.named import has_database
    from data.sources.upload.places.postgres import PREFIX, PostgresTable

    if not has_database():
        st.info(
            "No database is connected. Whoever runs Tideline can set PGHOST, PGUSER, PGPASSWORD and PGDATABASE, or one address "
            "in TIDELINE_POSTGRES, where it is started; nothing of it is kept or shown here.",
            icon=":material/database:",
        )
        return None
    words, button = st.columns([4, 1], vertical_alignment="bottom")
    name = words.text_input("Table", key="upload/table", placeholder="sales, or shop.sales", max_chars=130).strip()
    asked = button.button("Read it", type="primary", key="upload/read table", disabled=not name)
    if not name:
        return None
    return _read(f"table/{name}", name, PostgresTable.of(f"{PREFIX}{name}"), asked)


def _read(key: str, name: str, content: Content, asked: bool) -> tuple[str, UploadPreview] | None:
    held: tuple[str, UploadPreview] | None = st.session_state.get("upload there")
    if asked:
        st.session_state.pop("upload there", None)
        box = reading_job.box()

        def work(report: Report) -> tuple[str, UploadPreview]:
            from forecasting import workflows

            box["first"] = workflows.look_first(name, content)
            return key, workflows.preview_upload(name, content, report)

        reading_job.start(work)
    return held if held is not None and held[0] == key else None


def keep(held: tuple[str, UploadPreview]) -> None:
    """Keeps a preview until another one is read."""
    st.session_state["upload there"] = held


def first_look() -> None:
    """What is known of a file while it is being read."""
    look: FirstLook | None = reading_job.box().get("first")
    if look is not None:
        st.markdown(f"**A first look.** {formats.plain(look.words)} All rows are being read.")
