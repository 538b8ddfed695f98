"""Loading other data: the demo, or a simulated catalog of any size; a planner's own file is in uploading.py."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from data.errors import ResourceError, TidelineError, UploadError
from data.sources.simulator.simulate import MOST_CELLS
from forecasting.core.types import Progress, Report
from pages.ui.display import formats
from pages.ui.display.number_field import Range, session_field
from pages.ui.jobs import job_panel
from pages.ui.loading import upload_panel
from pages.ui.resources import catalog, purchasing

#: What may be planted: title, whether it usually is, and what it is.
_PLANTED = {
    "holidays": ("Holidays", True, "Holidays move the sales of some categories, up or down, by as much every year."),
    "promotions_in_season": (
        "Promotions in season",
        False,
        "Promotions run when the season is high, so that their lift and the season are hard to tell apart.",
    ),
    "launches": ("Launches", True, "An eighth of the items begins within the history, each kind along a curve of its own."),
    "locations": (
        "Branches of a depot",
        False,
        "Every product stands at a depot and four branches that it supplies; the number above counts all. No stockouts.",
    ),
    "stockouts": ("Stockouts", True, "Shelves run empty now and then; what would have sold is then not on record."),
    "orders": (
        "Purchase orders",
        False,
        "Every item has a supplier, orders that were received and orders that are open, for trying the Buy plan.",
    ),
}

#: Measured with loads of 10,000 and 200,000 items over 104 weeks, truths included, and rounded to the careful side.
_CELLS_PER_SECOND, _BYTES_PER_CELL = 400_000, 14.0

_DONE = "loading done"
_SOURCES = {"upload": "A file of mine", "demo": "The demo", "simulated": "A simulated catalog"}


def notice() -> None:
    """Says once that something was loaded."""
    if done := st.session_state.pop(_DONE, None):
        st.success(done, icon=":material/check:")


def section(usual: str) -> None:
    """One of the three ways, chosen first, so that the others cost nothing; ``usual`` is the one offered."""
    source = st.segmented_control(
        "Where from", list(_SOURCES), format_func=_SOURCES.__getitem__, default=usual, required=True, key=f"source/{usual}"
    )
    try:
        agreed = _agreed()
        {"upload": _upload, "demo": _demo, "simulated": _simulated}[source](agreed)
    except TidelineError as error:
        _refused(error)


def _agreed() -> bool:
    """Whether the catalog in use may be replaced: where planners have worked on it, somebody says so first."""
    try:
        kept, name = purchasing.decisions(), catalog.service().figures().name
    except ResourceError:  # there is none
        return True
    if not kept:
        return True
    several = "" if kept == 1 else "s"
    return st.checkbox(
        f"Replace {formats.plain(name)}, on which planners have saved {kept:,} decision{several}",
        key=f"replace/{catalog.version()}",
        help="Quantities, terms and what was dealt with are kept under the name of the catalog and come back with it.",
    )


def _demo(agreed: bool) -> None:
    st.markdown(
        "**Complete Journey**: a year of weekly sales of a grocery chain. The data is simulated from real grocery "
        "shopping; it is published under the MIT licence and comes with Tideline."
    )
    if st.button("Load the demo", type="primary", disabled=not agreed):
        from forecasting import workflows

        _load(workflows.load_complete_journey, "The demo is loaded.")


def _simulated(agreed: bool) -> None:
    from data.sources.simulator.settings import Planted
    from forecasting import workflows

    st.markdown(
        "Made-up items whose truth is known: for trying out sizes, and for seeing whether a forecast finds what was planted. "
        "The truth is kept beside the catalog, where no forecaster reads it; once a model is trained, the pages show it beside "
        "their answers."
    )
    items, periods, seed = st.columns(3)
    count = int(session_field(items, "Items", "simulated items", 1_000, Range(10, 1_000_000, whole=True)))
    length = int(session_field(periods, "Weeks", "simulated weeks", 104, Range(30, 520, whole=True)))
    same = "The same seed makes the same catalog."
    start = int(session_field(seed, "Seed", "simulated seed", 1, Range(0, 999_999, whole=True), help=same))
    with st.container(horizontal=True, gap="medium"):
        planted = {
            name: st.checkbox(title, usual, help=words, key=f"planted/{name}", width="content")
            for name, (title, usual, words) in _PLANTED.items()
        }
    cells = count * length
    if cells > MOST_CELLS:
        st.warning(
            f"{count:,} items over {length:,} weeks are {cells:,} numbers. Up to {MOST_CELLS:,} are made at once, a million "
            f"items over two years: take at most {MOST_CELLS // length:,} items for so many weeks, or fewer weeks.",
            icon=":material/straighten:",
        )
    else:
        seconds, size = max(1, cells / _CELLS_PER_SECOND), max(1, round(cells * _BYTES_PER_CELL / 1e6))
        st.caption(f"About {formats.whole(size)} MB on disk, in {formats.duration(seconds).removeprefix('about ')} or so.")
    if st.button("Make and load it", type="primary", disabled=cells > MOST_CELLS or not agreed):
        _load(
            lambda report: workflows.load_simulated(count, length, start, report, Planted(**planted)),
            f"The simulated catalog of {count:,} items is loaded. Train a model on it, to see its forecasts beside the truth.",
        )


def _upload(agreed: bool) -> None:
    if done := upload_panel.section(agreed):
        _loaded(done)
        st.rerun()


def _load(work: Callable[[Report], None], done: str) -> None:
    """Does ``work`` under a progress bar, then starts the page again on the new data; errors are the caller's."""
    bar = st.progress(0.0, text="Starting")

    def show(progress: Progress) -> None:
        bar.progress(progress.share, text=job_panel.words(progress))

    try:
        work(show)
    finally:
        bar.empty()
    _loaded(done)
    st.rerun()


def _loaded(words: str) -> None:
    st.session_state[_DONE] = words
    st.query_params.clear()  # the item looked at is of the old catalog


def _refused(error: TidelineError) -> None:
    """Why nothing was loaded, with the rows that are wrong."""
    summary, *_ = str(error).splitlines()
    lines = [f"- {formats.plain(str(problem))}" for problem in getattr(error, "problems", ())]
    kept = "" if "stays as it was" in summary or not isinstance(error, UploadError) else " The catalog in use stays as it was."
    st.error("\n".join([f"**{formats.plain(summary)}**{kept}", "", *lines]))
