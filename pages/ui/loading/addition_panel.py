"""A file added to the catalog in use: what would change is shown first, and then taken, all of it or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.display import formats

if TYPE_CHECKING:
    from data.sources.upload.load import UploadPreview
    from data.sources.upload.writing.difference import Difference
    from forecasting.workflows import Addition

_WAYS = {"replace": "Replace what is there", "add": "Add to what is there"}


def adds(preview: UploadPreview) -> bool:
    """Whether the planner wants the file added; not asked where nothing can be added to."""
    from forecasting import workflows

    if not workflows.can_be_added_to():
        return False
    way = st.segmented_control(
        "What to do with it",
        list(_WAYS),
        format_func=_WAYS.__getitem__,
        default="replace",
        required=True,
        key=f"upload/way/{preview.file_name}",
        help="Added, the file is right wherever it has an item on a date; everything else stays as it is.",
    )
    return way == "add"


def shown(addition: Addition) -> bool:
    """What would change; answers whether it can be taken."""
    if addition.difference is None:
        lines = [f"- {formats.plain(str(problem))}" for problem in addition.preview.problems]
        st.error("\n".join(["**It cannot be added like this.** Mend the file, or replace what is there.", "", *lines]))
        return False
    made = addition.difference
    if made.nothing:
        st.info(f"{formats.plain(made.catalog)} holds all of it already; nothing would change.", icon=":material/check:")
        return False
    st.markdown(f"**What would change in {formats.plain(made.catalog)}**")
    st.markdown("\n".join(f"- {formats.plain(line)}" for line in _lines(made)))
    st.caption(
        "Its name, planners' decisions and the model in use stay. All items are then forecast anew with that model; train it "
        "again whenever you like, and the new one serves once it is ready."
    )
    return True


def _lines(made: Difference) -> list[str]:
    from data.sources.upload.readers.table import many
    from data.sources.upload.writing.difference import some_of, stretch_of

    lines = []
    if made.added:
        lines.append(f"{many(len(made.added), 'period')} more, {stretch_of(made.added)}, with {made.cells:,} numbers of demand")
    if made.new_items:
        lines.append(f"{many(len(made.new_items), 'new item')}: {some_of(made.new_items)}")
    if made.changed:
        numbers = [f"{one.item_id} on {one.period:%Y-%m-%d} {one.before:,.6g} → {one.after:,.6g}" for one in made.examples]
        lines.append(
            f"{made.changed:,} numbers on record change, from {made.before:,.6g} to {made.after:,.6g} units in all: "
            f"{'; '.join(numbers)}"
        )
    if made.attributes:
        lines.append(f"{made.attributes:,} items are described otherwise")
    if made.unfilled:
        lines.append(f"No demand at all in {many(len(made.unfilled), 'period')} of them: {stretch_of(made.unfilled)}")
    if made.absent:
        lines.append(f"{made.absent:,} items that sold in the last period on record have no demand after it")
    if made.gone:
        lines.append(f"{many(len(made.gone), 'period')} left out: {stretch_of(made.gone)}")
    if made.lost_items:
        lines.append(f"{many(len(made.lost_items), 'item')} left out: {some_of(made.lost_items)}")
    return lines
