"""My data: what is loaded and what is wrong with it, whether the model fits it, and how to load other data."""

from __future__ import annotations

import streamlit as st

from data.errors import ResourceError
from pages.ui import alike, all_items, exports, formats, frame, known_truth, loading, resources, training
from pages.ui.downloads import downloads
from pages.ui.frame import Figure
from pages.ui.messages import answered
from pages.ui.tables import Column, Table

QUESTION = "Which data is this, and does the model fit it?"
SEVERITY = {"fine": "✓ fine", "note": "• worth knowing", "warning": "▲ worth mending"}

frame.frame()


def loaded() -> None:
    """The catalog in a sentence and four figures, and what its import found."""
    about = resources.figures()
    frequency = about.frequency
    first, last = formats.period(about.first, frequency), formats.period(about.last, frequency)
    status = resources.model()
    fits = "A model is still to be trained on it."
    if status.serves:
        fits = "The model is older than it." if status.message else "The model was trained on it."
    frame.heading(
        QUESTION,
        f"**{formats.plain(about.name)}**: {about.items:,} items over {formats.periods(about.periods, frequency)}, "
        f"{first} to {last}. {fits}",
    )
    st.caption(formats.plain(about.words))
    frame.figures(
        Figure("Items", formats.whole(about.items)),
        Figure(f"{formats.period_word(frequency).title()}s on record", formats.whole(about.periods)),
        Figure(f"Newest {formats.period_word(frequency)}", last),
        Figure("Loaded", formats.date(about.built_at)),
    )

    st.subheader("What the import found", anchor=False)
    found = resources.checks()
    table = Table(
        "Checks",
        (
            Column("Check", "text", [check.title for check in found]),
            Column("Severity", "text", [SEVERITY[check.severity] for check in found]),
            Column("Finding", "words", [check.finding for check in found]),
            Column("Count", "count", [check.count for check in found]),
        ),
        frequency,
    )
    st.html(table.html())
    downloads(table, exports.Stamp(about.name, about.last, resources.model_words()), "checks")
    alike.duplicates()
    known_truth.data_section()


with answered(QUESTION):
    loading.notice()
    try:
        loaded()
    except ResourceError as error:
        frame.heading(QUESTION, formats.plain(str(error)))
        st.subheader("Load data", anchor=False)
        loading.section("demo")
    else:
        st.subheader("The model", anchor=False)
        training.section()
        all_items.section()
        st.subheader("Load other data", anchor=False)
        loading.section("upload")
