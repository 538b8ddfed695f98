"""The Accuracy page and what the ladder adds to the Item page: the report's numbers, the choices, and the run behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import stand_in
import stand_in_ladder
from seen import worked
from streamlit.testing.v1 import AppTest
from test_pages import button, figure, figures, text, title

from data.schema import Frequency
from forecasting.core.metrics import Difference
from forecasting.evaluation.accuracy_report import TOLERANCE, AccuracyReport, Verdict
from forecasting.evaluation.backtest import BENCH_TAUS
from pages.ui.accuracy import charts as accuracy_charts
from pages.ui.accuracy import text as accuracy_text
from pages.ui.display import charts as display_charts
from pages.ui.item import model_overlay
from pages.ui.resources import jobs, ladder

Visit = Callable[..., AppTest]
ITEM = "SKU-0003"
WEEKS = Frequency.of("W-SUN")


@pytest.fixture(autouse=True)
def what_is_stored_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in keeps no files: how many generations are through takes the place of their dates."""
    monkeypatch.setattr(ladder, "_files", lambda: (("tried", stand_in.STATE.tried),))


@pytest.fixture
def report() -> AccuracyReport:
    return stand_in_ladder.report(3)


def selectbox(app: AppTest, label: str) -> object:
    return next(one for one in app.selectbox if one.label == label)


def test_the_page_shows_the_numbers_of_the_report(visit: Visit) -> None:
    app = visit("accuracy")
    assert title(app) == "Can I trust it?"
    assert figures(app) == {  # of the 2017 MQ-CNN: the one that serves is looked at first
        "Error per unit sold": "0.505",
        "Against last season again": "+32%",
        "Below P90": "99%",
        "Bias": "+67%",
    }
    assert "**9.9 times in 10**" in text(app)
    for generation, error in (("Last season again", "0.383"), ("2017 MQ-CNN", "0.505"), ("Patchwork (2008)", "0.505")):
        assert generation in text(app)
        assert f"<td class=n>{error}</td>" in text(app)
    assert "60 of 120 items were tried" in text(app)
    assert len(app.get("plotly_chart")) == 2
    assert app.get("plotly_chart")[0].proto.alt.startswith("One line for each of 3 generations")


def test_choices_are_in_the_address_and_come_from_it(visit: Visit) -> None:
    app = visit("accuracy")
    app.button_group(key="slice").set_value("promoted").run()
    selectbox(app, "Generation").set_value("seasonal_naive").run()
    selectbox(app, "Compared with").set_value("patchwork").run()
    app.button_group(key="by").set_value("category").run()
    app.button_group(key="ahead").set_value("5-6").run()
    chosen = {name: app.query_params[name] for name in ("slice", "of", "with", "by", "ahead")}
    assert chosen == {"slice": "promoted", "of": "seasonal_naive", "with": "patchwork", "by": "category", "ahead": "5-6"}
    for page in (app, visit("accuracy", **chosen)):
        assert figures(page)["Error per unit sold"] == "0.351"
        assert "soap" in text(page)
        assert (
            r"**Last season again** errs **79% more** per unit sold than **Patchwork \(2008\)** (0.351 against 0.196). Drawn "
            "anew, 9 times in 10 other items and dates put the difference between +47% and +109%, so it is **worse, and not by "
            "luck alone**." in text(page)
        )
    link = next(code.value for code in app.code)
    assert link.endswith("/accuracy?slice=promoted&of=seasonal_naive&with=patchwork&by=category&ahead=5-6")


def test_a_broken_address_shows_everything(visit: Visit) -> None:
    app = visit("accuracy", slice="nowhere", of="nobody", by="colour", ahead="9-2", **{"with": "x"})
    assert selectbox(app, "Generation").value == "mqcnn"
    assert app.button_group(key="slice").value == "all"


def test_an_empty_slice_says_so(visit: Visit) -> None:
    app = visit("accuracy", slice="new")
    assert "met nothing of this kind" in text(app)
    assert figures(app)["Error per unit sold"] == "—"


def test_the_notes_of_the_generations_are_there_when_opened(visit: Visit) -> None:
    app = visit("accuracy")
    assert stand_in_ladder.NOTES["mqcnn"] not in text(app)
    app.session_state["notes"] = True
    app.run()
    for note in stand_in_ladder.NOTES.values():
        assert note in text(app)


def test_before_a_run_the_page_offers_one_and_shows_what_is_finished(visit: Visit, desk: stand_in.State) -> None:
    desk.tried = 0
    app = visit("accuracy")
    assert title(app) == "Can I trust it?"
    assert not app.metric
    button(app, "Try the generations").click().run()
    assert app.get("progress")[0].proto.text == "0 of 3"
    assert not app.metric
    while not app.metric:
        app.run()
    assert jobs.command("ladder").running
    assert app.get("progress")[0].proto.text == "1 of 3"
    assert "Last season again" in text(app)
    button(app, "Stop").click().run()
    app.run()
    assert not app.get("progress")
    assert "Still to be tried" in text(app)
    assert app.metric
    button(app, "Go on").click().run()
    while jobs.command("ladder").running:
        app.run()
    app.run()
    assert not app.exception
    assert "Still to be tried" not in text(app)
    button(app, "Try them all again").click().run()
    assert jobs.command("ladder").afresh


def test_a_generation_that_could_not_be_tried_and_a_failed_run_say_why(visit: Visit, desk: stand_in.State) -> None:
    desk.tried, desk.failed = 2, (("Patchwork (2008)", "It needs 15 periods."),)
    jobs.command("ladder").failed = "The run failed. No space is left."
    app = visit("accuracy")
    assert "It needs 15 periods" in app.warning[0].value.replace("\\", "")
    assert "No space is left" in app.error[0].value
    assert button(app, "Go on")


# words and pictures


def verdict_of(low: float, high: float) -> Verdict:
    value = (low + high) / 2
    return Verdict(0.5 + value, 0.5, Difference(value, low, high, 0.5, 60))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.1, -0.02, "errs **12% less** per unit sold than **Last season again** (0.440 against 0.500)"),
        (-0.1, -0.02, "between −20% and −4%, so it is **better, and not by luck alone**"),
        (0.02, 0.1, "so it is **worse, and not by luck alone**"),
        (-0.02, 0.02, "errs as much per unit sold as **Last season again** (0.500 against 0.500)"),
        (-0.02, 0.06, "between −4% and +12%, so **which of them is better is open**"),
    ],
)
def test_a_comparison_says_its_interval(report: AccuracyReport, low: float, high: float, words: str) -> None:
    assert words in accuracy_text.verdict(report.of("mqcnn"), report.of("seasonal_naive"), verdict_of(low, high)).replace(
        "\\", ""
    )


def test_the_ladder_chart_has_every_generation_oldest_at_the_top(report: AccuracyReport) -> None:
    drawn = accuracy_charts.ladder(report, "all", "mqcnn")
    marks = next(trace for trace in drawn.data if trace.name == "Error per unit sold")
    np.testing.assert_allclose(marks.x, [one.rung.wql for one in report.tried])
    assert list(drawn.layout.yaxis.categoryarray)[::-1] == [one.title for one in report.tried]
    assert [color == display_charts.ACCENT for color in marks.marker.color] == [one.name == "mqcnn" for one in report.tried]
    assert len(set(marks.marker.symbol)) == 2  # colour is not the only sign
    ranges = next(trace for trace in drawn.data if trace.name == "Nine in ten resamples")
    found = report.compare("seasonal_naive", "mqcnn").difference
    base = report.of("mqcnn").rung.wql
    assert list(ranges.x[:2]) == pytest.approx([base + found.low, base + found.high])


def test_the_promise_chart_shows_what_came_less_what_was_promised(report: AccuracyReport) -> None:
    rows = accuracy_text.certified(report.of("mqcnn").certificate, "category", "1-6")
    drawn = accuracy_charts.promises(rows, BENCH_TAUS, TOLERANCE)
    whole = next(trace for trace in drawn.data if trace.name == "All items")
    np.testing.assert_allclose(whole.y, 100 * (np.array(rows[0].up_to) - np.array(BENCH_TAUS)))
    assert [trace.name for trace in drawn.data[:-1]] == [row.segment for row in rows[1:]]
    assert len({(trace.line.dash, trace.marker.symbol) for trace in drawn.data}) == len(rows)


def test_the_certificate_says_where_a_promise_was_broken(report: AccuracyReport) -> None:
    rows = accuracy_text.certified(report.of("seasonal_naive").certificate, "category", "1-6")
    rows += [replace(rows[0], segment="kept to the letter", below=BENCH_TAUS, up_to=BENCH_TAUS)]
    table = accuracy_text.certificate_table(rows, TOLERANCE, WEEKS)
    assert dict(zip((row.segment for row in rows), table.columns[-1].values, strict=True)) == {
        "All items": "▲ off by 6.1 points",
        "tea": "▲ off by 5.2 points",
        "soap": "▲ off by 7.7 points",
        "kept to the letter": "✓ within 2 points",
    }


# the Item page


def test_another_generations_fan_is_laid_over_and_compared(visit: Visit) -> None:
    app = visit("item", item=ITEM, horizon="4", tau="0.75")
    before = {trace.get("name") for trace in figure(app)["data"]}
    selectbox(app, "Lay another generation's fan over it").set_value("patchwork").run()
    assert app.query_params["over"] == "patchwork"
    names = {trace.get("name") for trace in figure(app)["data"]}
    assert names - before == {"Patchwork (2008): eight in ten", "Patchwork (2008): median", ""}
    assert "expects **456** in the next 4 weeks, +76 (+20%) against today's model" in text(app)
    assert "1.2 times as wide" in text(app)
    assert "It learned from sales up to 9 Jul 2023" in text(app)
    assert "<td class=n>139</td>" in text(app)  # P75 of the third week
    assert app.code[0].value.endswith("over=patchwork")
    assert figures(app) == figures(visit("item", item=ITEM, horizon="4", tau="0.75"))


def test_the_overlay_costs_nothing_until_it_is_asked_for(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*asked: object) -> None:
        raise AssertionError(asked)

    monkeypatch.setattr(stand_in.Items, "forecast_by", fail)
    monkeypatch.setattr(stand_in.Items, "patchwork_parts", fail)
    assert "Rye bread" in title(visit("item", item=ITEM))


def test_without_a_ladder_the_item_page_offers_no_overlay(visit: Visit, desk: stand_in.State) -> None:
    desk.tried = 0
    app = visit("item", item=ITEM, over="patchwork")
    assert "Rye bread" in title(app)
    assert not [box for box in app.selectbox if box.label.startswith("Lay another")]


def test_the_item_page_says_where_another_generation_is_surely_better(
    visit: Visit, report: AccuracyReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "not by luck alone. Lay its fan over this one"
    assert report.surely_better("seasonal_naive") is None
    assert report.surely_better("mqcnn") is report.of("seasonal_naive")
    assert f"**Last season again** erred 24% less per unit sold than the model in use, and {words}" in text(
        visit("item", item=ITEM)
    )
    monkeypatch.setattr(ladder, "better_generation", lambda name: None)
    assert words not in text(visit("item", item=ITEM))


def test_the_patchworks_parts_are_told_when_opened(visit: Visit) -> None:
    app = visit("item", item=ITEM)
    app.session_state["parts"] = True
    app.run()
    assert not app.exception
    for words in (
        "Sent to the items whose season repeats",
        "ETS and Theta: a level of 41 units per week, changing by +0.5",
        "Moves the level by −20% to +20%",
        "A price 1% higher sells about 2.3% fewer units.",
        "moves the level by −10%, and promotion by +25%",
        "25% of the level is what new products of its category usually sell: 12 units",
        "its own of 9 earlier dates with 75% of the weight",
    ):
        assert words in text(app)
    assert "<td class=n>0.90</td>" in text(app)


def test_a_fan_shorter_than_the_horizon_is_compared_over_what_both_have(report: AccuracyReport, desk: stand_in.State) -> None:
    own = stand_in.Items().view(ITEM, 6).forecast
    over = model_overlay.Overlay(report.of("patchwork"), own.first(3))
    words = model_overlay.sentence(over, own, 0.9, WEEKS)
    assert "in the next 3 weeks, 0 (0%) against today's model" in words
    assert "about as wide" in words


@pytest.mark.parametrize("tried", [0, 3])
def test_attention_is_held_against_masking_when_asked_and_the_figure_is_kept(
    visit: Visit, desk: stand_in.State, tried: int
) -> None:
    desk.tried = tried
    app = visit("accuracy")
    assert "agrees" not in text(app)
    worked(app.button(key="measure faithfulness").click().run())
    assert not app.exception
    assert "it agrees **weakly** with what masking does (rank correlation **0.12**, 0.02 to 0.22)" in text(app)
    assert "agrees **weakly**" in text(visit("accuracy"))  # the next visitor need not measure again


def test_nothing_is_held_against_masking_without_a_model(visit: Visit, desk: stand_in.State) -> None:
    desk.trained = False
    assert not [one for one in visit("accuracy").button if one.key == "measure faithfulness"]
