"""Loading other data: the demo, or a simulated catalog of any size; a planner's own file is in uploading.py."""

from __future__ import annotations

import streamlit as st

from data.errors import TidelineError, UploadError
from pages.ui import formats, progress, resources, uploading

_DONE = "loading done"
_SOURCES = {"upload": "A file of mine", "demo": "The demo", "simulated": "A simulated catalog"}


def notice() -> None:
    """Says once that something was loaded."""
    if done := st.session_state.pop(_DONE, None):
        st.success(done, icon=":material/check:")


def section(usual: str) -> None:
    """One of the three ways, chosen first, so that the others cost nothing; ``usual`` is the one offered."""
    source = st.segmented_control(
        "Where from", list(_SOURCES), format_func=_SOURCES.get, default=usual, required=True, key=f"source/{usual}"
    )
    try:
        {"upload": _upload, "demo": _demo, "simulated": _simulated}[source]()
    except TidelineError as error:
        _refused(error)


def _demo() -> None:
    st.markdown(
        "**Complete Journey**: a year of weekly sales of a grocery chain. The data is simulated from real grocery "
        "shopping; it is published under the MIT licence and comes with Tideline."
    )
    if st.button("Load the demo", type="primary"):
        _load(resources.load_complete_journey, "The demo is loaded.")


def _simulated() -> None:
    st.markdown(
        "Made-up items with known seasons, holidays, promotions, price responses, launches and stockouts: for trying "
        "out sizes, and for comparing forecasts with the truth."
    )
    items, periods, seed = st.columns(3)
    count = items.number_input("Items", 10, 1_000_000, 1_000, step=1_000)
    length = periods.number_input("Weeks", 30, 520, 104, step=52)
    start = seed.number_input("Seed", 0, 999_999, 1, help="The same seed makes the same catalog.")
    if st.button("Make and load it", type="primary"):
        _load(
            lambda report: resources.load_simulated(int(count), int(length), int(start), report),
            f"The simulated catalog of {count:,} items is loaded.",
        )


def _upload() -> None:
    if name := uploading.section():
        _loaded(f"{formats.plain(name)} is loaded.")
        st.rerun()


def _load(work: progress.Work, done: str) -> None:
    """Runs ``work`` under a progress bar, then starts the page again on the new data."""

    def and_say(report: object) -> None:
        work(report)
        _loaded(done)

    progress.run(and_say)


def _loaded(words: str) -> None:
    st.session_state[_DONE] = words
    st.query_params.clear()  # the item looked at is of the old catalog


def _refused(error: TidelineError) -> None:
    """Why nothing was loaded, with the rows that are wrong."""
    summary, *_ = str(error).splitlines()
    lines = [f"- {formats.plain(str(problem))}" for problem in getattr(error, "problems", ())]
    kept = "" if "stays as it was" in summary or not isinstance(error, UploadError) else " The catalog in use stays as it was."
    st.error("\n".join([f"**{formats.plain(summary)}**{kept}", "", *lines]))
