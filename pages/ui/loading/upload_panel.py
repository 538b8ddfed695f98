"""A planner's own file: how it would be read, which column is what, and loading it all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from data.errors import UploadError
from data.schema import COMMERCIAL, Frequency
from forecasting.core.types import Progress, Report
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table
from pages.ui.jobs import job_panel
from pages.ui.loading import addition_panel, offers_panel, place_panel, reading_job

if TYPE_CHECKING:
    from data.sources.upload.column_mapping import ColumnMapping
    from data.sources.upload.load import UploadPreview
    from data.sources.upload.purchase_orders import OrdersFile
    from data.sources.upload.readers.coded_columns import Telling
    from forecasting.workflows import Addition

_PREVIEW = "upload preview"
_ROUND = "upload round"
_ORDERS = "upload orders"
_ADDITION = "upload addition"
_NONE = "—"
_ENDINGS = ["csv", "tsv", "txt", "parquet", "pq", "xlsx", "gz", "zip"]
_ANY_STEP = Frequency.of("D")  # for a table of text alone, which needs none

#: Role in the mapping → what the planner reads; the first three are needed.
_ROLES = {
    "item_id": "Item",
    "date": "Date",
    "demand": "Units sold",
    "price": "Price",
    "promo": "Promotion",
    "stock": "Stock",
    "name": "Name of the item",
    "location": "Store or location",
}
_NEEDED = ("item_id", "date", "demand")
_MISSING: dict[Literal["unknown", "zero"], str] = {"unknown": "is not known", "zero": "means that nothing sold"}
_DAY_FIRST: dict[bool | None, str] = {
    None: "As the dates tell",
    True: "Day first: 31/12/2024",
    False: "Month first: 12/31/2024",
}


def section(agreed: bool) -> str | None:
    """The way from a file to a catalog, once it is ``agreed`` that the one in use is replaced; answers what was done once it
    is, raises UploadError."""
    st.markdown(
        "A CSV, text, Parquet or Excel file, also packed, as your system exports it: item, date and units sold, and where you "
        "have them price, promotion, stock and attributes such as category or brand. What is odd in it is told, with what can "
        "be done about it. Nothing is loaded before you have seen how it is read, and then all of it or nothing."
    )
    names = ", ".join(f"`{name}`" for name in COMMERCIAL if name != "price")
    st.caption(
        f"For buying, columns of these names are read, too, the latest cell of each item: {names}. Times are in periods; "
        "`lead_time_sd` is how far the lead time gives or takes, and `arrives_in` when the units on order come."
    )
    place = place_panel.chosen()
    if reading_job.section():
        place_panel.first_look()
        return None
    if (done := reading_job.taken()) is not None:
        if isinstance(done, str):
            return _put_away(done)
        _keep(*done)
    held = {"bring": _brought, "server": place_panel.server, "database": place_panel.database}[place]()
    return None if held is None else _previewed(*held, agreed)


def _brought() -> tuple[str, UploadPreview] | None:
    """The file that is brought, with its key; read once, not at every click."""
    key = f"upload/{st.session_state.get(_ROUND, 0)}"  # a new one after each file, so that the loaded file is put away
    file = st.file_uploader("File", type=_ENDINGS, key=key, label_visibility="collapsed")
    if file is None:
        st.session_state.pop(_PREVIEW, None)
        return None
    held: tuple[str, UploadPreview] | None = st.session_state.get(_PREVIEW)
    if held is None or held[0] != file.file_id:
        from forecasting import workflows

        with st.spinner("Reading the file"):
            held = (file.file_id, workflows.preview_upload(file.name, file.getvalue()))
        st.session_state[_PREVIEW] = held
    return held


def _keep(key: str, preview: UploadPreview | Addition) -> None:
    """Keeps a preview, whichever place it is of, or what adding it would change, until another takes its place."""
    if hasattr(preview, "difference"):
        st.session_state[_ADDITION] = (key, preview)
    elif key.startswith(("server/", "table/")):
        place_panel.keep((key, preview))
    else:
        st.session_state[_PREVIEW] = (key, preview)


def _previewed(key: str, preview: UploadPreview, agreed: bool) -> str | None:
    """What was read, and what can be done with it; answers what was done."""
    if addition_panel.adds(preview):
        return _adding(key, preview)
    _as_before(preview, key)
    _reading(preview)
    _decided(preview, key)
    mapping = _mapping(preview)
    if mapping is not None:
        from data.sources.upload import load

        _read_again(preview, key, lambda tell: load.review(preview, mapping, tell))
    return _loading(preview, agreed)


def _read_again(preview: UploadPreview, key: str, read: Callable[[Telling], UploadPreview]) -> None:
    """Reads the file in another way: at once, or beside the page where it is large; raises UploadError."""
    if preview.rows >= reading_job.MANY:
        from forecasting import workflows

        reading_job.start(lambda report: (key, read(workflows.progress_of(report))))
    with st.spinner("Reading the file again"):
        again = read(_silent)
    _keep(key, again)
    st.rerun()


def _silent(done: int, total: int, words: str) -> None:
    """Tells nobody."""


def _put_away(done: str) -> str:
    """Lets go of what was loaded; answers what was done."""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    for held in (_PREVIEW, _ADDITION, "upload there"):
        st.session_state.pop(held, None)
    return done


def _adding(key: str, preview: UploadPreview) -> str | None:
    """The way of a file into the catalog in use; answers what was done."""
    from forecasting import workflows

    held: tuple[str, Addition] | None = st.session_state.get(_ADDITION)
    if held is None or held[0] != key:
        if not reading_job.failed():
            reading_job.start(lambda report: (key, workflows.preview_addition(preview, report)))
        return None
    addition = held[1]
    fits = addition_panel.shown(addition)
    orders = _orders(addition.preview)
    if not st.button("Add it", type="primary", disabled=not fits or (orders is not None and bool(orders.problems))):
        return None

    def work(report: Report) -> str:
        workflows.load_addition(addition, orders, report)
        return f"{formats.plain(preview.file_name)} is added. {workflows.after_addition()}"

    return _done(addition.preview, work)


def _done(preview: UploadPreview, work: Callable[[Report], str]) -> str:
    """Does the last step under a progress bar, or beside the page where the file is large; answers what was done."""
    if preview.rows >= reading_job.MANY:
        reading_job.start(work)
    bar = st.progress(0.0, text="Loading every row")

    def show(progress: Progress) -> None:
        bar.progress(progress.share, text=job_panel.words(progress))

    try:
        return _put_away(work(show))
    finally:
        bar.empty()


def _as_before(preview: UploadPreview, key: str) -> None:
    """Says that the file is read as one of its form was, and offers to ask again."""
    if not preview.recipe:
        return
    words, button = st.columns([4, 1], vertical_alignment="center")
    words.info(f"Read as {formats.plain(preview.recipe)} was, which has the same columns.", icon=":material/history:")
    if button.button("Ask me again"):
        from data.sources.upload import load

        _read_again(preview, key, lambda tell: load.afresh(preview, tell))


def _decided(preview: UploadPreview, key: str) -> None:
    """The offers; reads the file again once one is taken or left."""
    decisions = offers_panel.decided(preview, f"offer/{key}")
    if decisions is None:
        return
    from data.sources.upload import load

    try:
        _read_again(preview, key, lambda tell: load.decide(preview, decisions, tell))
    except UploadError as error:  # it cannot be read at all like that: it stays as it was
        st.error(formats.plain(str(error)))


def _reading(preview: UploadPreview) -> None:
    """How the file is read, with what is wrong and what is worth knowing."""
    words = [f"**{formats.plain(preview.file_name)}**: {preview.rows:,} rows"]
    if preview.frequency is not None and preview.first is not None:
        first, last = (formats.period(stamp, preview.frequency) for stamp in (preview.first, preview.last))
        words.append(f"{preview.items:,} items, {first} to {last}. {formats.plain(preview.frequency_words)}.")
    st.markdown(", ".join(words))
    cells = list(zip(*preview.first_rows, strict=True)) or [()] * len(preview.columns)
    columns = tuple(Column(name, "text", values) for name, values in zip(preview.columns, cells, strict=True))
    st.html(Table("First rows of the file", columns, preview.frequency or _ANY_STEP).html())
    if preview.problems:
        lines = [f"- {formats.plain(str(problem))}" for problem in preview.problems]
        st.error(
            "\n".join(
                [
                    "**It cannot be loaded like this.** Take an offer or choose other columns below, or mend the file.",
                    "",
                    *lines,
                ]
            )
        )
    found = [check for check in preview.checks if check.severity != "fine"]
    if found:
        lines = [f"- **{formats.plain(check.title)}**: {formats.plain(check.finding)}" for check in found]
        st.info("\n".join(["**What was found and done**", "", *lines]))


def _mapping(preview: UploadPreview) -> ColumnMapping | None:
    """The form in which the planner says which column is what; answers the mapping when it is sent."""
    now = preview.mapping
    with st.form(f"mapping/{preview.file_name}", border=False):
        st.markdown("**Which column is what?**")
        places, chosen = st.columns(4), {}
        options = [_NONE, *preview.columns]
        for position, (role, label) in enumerate(_ROLES.items()):
            held = getattr(now, role)
            with places[position % 4]:
                label = f"{label} (needed)" if role in _NEEDED else label
                chosen[role] = st.selectbox(label, options, options.index(held) if held in options else 0)
        static = st.multiselect("Attributes of the item", preview.columns, now.static)
        if now.commercial:
            roles = [f"{formats.plain(column)} as {role.replace('_', ' ')}" for role, column in now.commercial.items()]
            st.caption(f"For buying, read from the column names: {formats.listing(roles)}.")
        with st.expander("Costs, other numbers, missing rows, dates and holidays"):
            known = st.multiselect("Other numbers that are planned ahead", preview.columns, now.known)
            past = st.multiselect("Other numbers that are known only afterwards", preview.columns, now.past)
            first, second, third, fourth = st.columns(4)
            cost = first.selectbox("Unit cost", options, _position(options, now.commercial.get("unit_cost")))
            missing = second.selectbox(
                "A row that is not there", list(_MISSING), list(_MISSING).index(now.missing), _MISSING.__getitem__
            )
            day_first = third.selectbox(
                "Dates like 02/01/2024", list(_DAY_FIRST), list(_DAY_FIRST).index(now.day_first), _DAY_FIRST.__getitem__
            )
            country = fourth.text_input("Country of its holidays", now.country or "", max_chars=2, placeholder="US, DE")
        sent = st.form_submit_button("Read it like this")
    if not sent:
        return None
    single: dict[str, Any] = {role: "" if column == _NONE else column for role, column in chosen.items()}
    commercial = dict(now.commercial) | {"unit_cost": cost}
    if cost == _NONE:
        del commercial["unit_cost"]
    taken = {*single.values(), *commercial.values()}
    free = [[column for column in columns if column not in taken] for columns in (static, known, past)]
    return replace(
        now,
        **single,
        static=tuple(free[0]),
        known=tuple(free[1]),
        past=tuple(free[2]),
        commercial=commercial,
        missing=missing,
        day_first=day_first,
        country=country.strip().upper() or None,
    )


def _position(options: list[str], held: str | None) -> int:
    return options.index(held) if held in options else 0


def _loading(preview: UploadPreview, agreed: bool) -> str | None:
    """The last step; answers what was done once everything is loaded."""
    orders = _orders(preview)
    usual = preview.file_name.rsplit(".", 1)[0]
    name = st.text_input("Name of the catalog", usual, max_chars=80).strip() or usual
    wrong = not agreed or not preview.loadable or (orders is not None and bool(orders.problems))
    if not st.button("Load it", type="primary", disabled=wrong):
        return None
    from forecasting import workflows

    def work(report: Report) -> str:
        workflows.load_upload(preview, preview.mapping, name, orders, report)
        return f"{formats.plain(name)} is loaded."

    return _done(preview, work)


def _orders(preview: UploadPreview) -> OrdersFile | None:
    """Another file, of purchase orders; nothing where none is brought."""
    st.markdown(
        "**Purchase orders, if you have them**, in a file of their own, one row for each order: `item_id`, `ordered`, `due`, "
        "`received` and `units`. Received ones tell how long orders take, those without a date of receipt what is on its way."
    )
    from data.sources.upload.purchase_orders import read_orders

    key = f"orders/{st.session_state.get(_ROUND, 0)}"
    file = st.file_uploader("Purchase orders", type=_ENDINGS, key=key, label_visibility="collapsed")
    if file is None:
        st.session_state.pop(_ORDERS, None)
        return None
    held = st.session_state.get(_ORDERS)
    if held is None or held[0] != file.file_id:
        with st.spinner("Reading the orders"):
            held = (file.file_id, read_orders(file.name, file.getvalue()))
        st.session_state[_ORDERS] = held
    found: OrdersFile = held[1]
    if found.problems:
        lines = [f"- {formats.plain(str(problem))}" for problem in found.problems]
        st.error("\n".join(["**The orders cannot be loaded like this.** Mend the file, or take it out.", "", *lines]))
    elif preview.last is not None and preview.frequency is not None:
        checks = found.written_as(preview.item_ids).found(preview.last, preview.frequency, preview.mapping.stamp)
        st.info("\n".join(f"- {formats.plain(check.finding)}" for check in checks))
    return found
