"""Whether attention tells what matters: the Accuracy page's section, measured when somebody asks for it and kept."""

from __future__ import annotations

import numpy as np
import streamlit as st

from forecasting.explain.attention_faithfulness import Agreement, Faithfulness
from pages.ui.display import exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Column, Table
from pages.ui.jobs import job_panel
from pages.ui.resources import catalog, jobs

_JOB = "faithfulness"

_LEVELS = ((0.7, "closely"), (0.4, "fairly"), (0.1, "weakly"))


def section() -> None:
    """What was measured for the catalog and model in use, or the button that measures it; nothing where no model serves."""
    if not catalog.service().model().serves:
        return
    st.subheader("Does it look where it matters?", anchor=False)
    job_panel.section(jobs.function(_JOB, catalog.version()), _JOB, _idle, went_wrong="It could not be measured.")


def _idle() -> None:
    forecasts = catalog.service().forecasts
    found = forecasts.faithfulness()
    if found is None:
        st.markdown(
            "The Item page shows where each forecast looked. Whether that matters can be measured: over 300 items drawn at "
            "random, the periods looked at most are masked, and each forecast is made again. It takes some seconds."
        )
    else:
        _shown(found)
    label = "Measure it" if found is None else "Measure it again"
    if st.button(label, key="measure faithfulness", type="secondary" if found else "primary"):
        job = jobs.function(_JOB, catalog.version())
        job_panel.start(_JOB, lambda: job.start(forecasts.measure_faithfulness))


def _shown(found: Faithfulness) -> None:
    about = catalog.service().figures()
    st.markdown(sentence(found))
    st.caption(
        "Rank correlation, over items, of the share of the forecast's level seen in the periods looked at most with the share "
        "by which the forecast moves when nobody knows what sold in them: 1 if looking harder always mattered more, 0 if it "
        "told nothing. The range holds 9 of 10 drawings of other items."
    )
    table = Table(
        "Attention against masking",
        (
            Column("What", "words", ["Rank correlation over items", "From", "To", "Items"]),
            Column("Figure", "text", [*map(_figure, _range(found.agreement)), formats.whole(found.agreement.items)]),
        ),
        about.frequency,
    )
    st.html(table.html())
    downloads(table, exports.Stamp(about.name, about.last, catalog.model_words()), "faithfulness")


def sentence(found: Faithfulness) -> str:
    """What the figure means, honestly."""
    value, low, high = _range(found.agreement)
    if not np.isfinite(value):
        return f"Only {found.agreement.items} of the items drawn have anything on record: too few to say."
    agrees = next((words for least, words in _LEVELS if value >= least), "not")
    chance = " and that may be chance" if low <= 0 <= high else ""
    figure = f"**{_figure(value)}**, {_figure(low)} to {_figure(high)}{chance}"
    how = f"it agrees **{agrees}** with" if agrees != "not" else "it does **not** agree with"
    return (
        f"Attention is where the model looked. Over {found.agreement.items} items {how} what masking does (rank correlation "
        f"{figure}). {formats.percent(found.taken)} of a forecast's level is what attention found, and "
        f"{formats.percent(found.looked)} of the attention lay on the periods masked; the middle forecast moved by "
        f"{formats.percent(found.moved)} without them, and {formats.percent(found.weak)} hardly moved. So on the Item page "
        "trust the units that a link moves, not how strong its colour is."
    )


def _range(agreement: Agreement) -> tuple[float, float, float]:
    return agreement.value, agreement.low, agreement.high


def _figure(value: float) -> str:
    return formats.UNKNOWN if not np.isfinite(value) else f"{value:.2f}".replace("-", "−")
