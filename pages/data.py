"""My data: what is loaded and what is wrong with it, whether the model fits it, and how to load other data."""

from __future__ import annotations

import streamlit as st

from data.errors import ResourceError
from pages.ui.calendar import settings_panel
from pages.ui.display import exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Column, Table
from pages.ui.item import similar_items, simulator_truth_panel
from pages.ui.jobs import batch_panel, training_panel
from pages.ui.loading import recipes_panel, source_panel
from pages.ui.resources import catalog
from pages.ui.shell import frame
from pages.ui.shell.empty_states import answered
from pages.ui.shell.frame import Figure

QUESTION = "Which data is this, and does the model fit it?"
SEVERITY = {"fine": "✓ fine", "note": "• worth knowing", "warning": "▲ worth mending"}

frame.frame()


def loaded() -> None:
    """The catalog in a sentence and four figures, and what its import found."""
    about = catalog.service().figures()
    frequency = about.frequency
    first, last = formats.period(about.first, frequency), formats.period(about.last, frequency)
    status = catalog.service().model()
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
    found = catalog.service().checks()
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
    downloads(table, exports.Stamp(about.name, about.last, catalog.model_words()), "checks")
    settings_panel.section()
    similar_items.duplicates()
    simulator_truth_panel.data_section()


with answered(QUESTION):
    source_panel.notice()
    try:
        loaded()
    except ResourceError as error:
        frame.heading(QUESTION, formats.plain(str(error)))
        st.subheader("Load data", anchor=False)
        source_panel.section("demo")
    else:
        st.subheader("The model", anchor=False)
        training_panel.section()
        batch_panel.section()
        st.subheader("Load other data", anchor=False)
        source_panel.section("upload")
        recipes_panel.section()
