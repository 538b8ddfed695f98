"""Today says what needs somebody, with numbers and a way on, and forgets what was dealt with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import stand_in
import stand_in_buying
from streamlit.testing.v1 import AppTest

from pages.ui.buy_plan.text import span
from pages.ui.today import alerts_panel

Visit = Callable[..., AppTest]
WAYS = ("Buy", "Lower the price", "Look at it", "What changed", "Earlier forecasts")

#: What is said of the dearest alert, whose name has signs that Markdown would read.
DEAREST = (
    r'**=HYPERLINK\("x"\) \*bold\* \<b\>juice\</b\> \[a\]\(b\) \$1\$** will miss about 97 sales (**$134**) before an order '
    "placed now arrives: 58 on hand and on order, and about 154 are asked for in 1 week."
)


def text(app: AppTest) -> str:
    assert not app.exception, app.exception
    return " ".join(element.value for element in (*app.markdown, *app.caption))


@pytest.fixture
def stocked(desk: stand_in.State) -> stand_in.State:
    desk.stocked = True
    return desk


def test_what_is_at_risk_is_named_dearest_first_with_a_way_to_its_answer(visit: Visit, stocked: stand_in.State) -> None:
    app = visit()
    words = text(app)
    assert "**83 items** need you, about **$890** at risk" in words
    assert DEAREST in words
    assert "**Ground coffee, 500 g** will miss about 65 sales (**$90.83**) before an order placed now arrives" in words
    assert "**Rye bread, 500 g** will miss about 45 sales (**$63.10**) before an order placed now arrives" in words
    assert words.index("$134") < words.index("$90.83") < words.index("$63.10")
    ways = [link.proto for link in app.get("page_link") if link.proto.label in WAYS]
    assert len(ways) == alerts_panel.FIRST
    assert ways[0].query_string == "item=SKU-0001&tau=0.9&scope=item"


@pytest.mark.parametrize("title", ["Reviewed", "Snooze"])
def test_what_was_dealt_with_is_gone_and_can_be_brought_back(visit: Visit, stocked: stand_in.State, title: str) -> None:
    app = visit()
    app = next(one for one in app.button if one.label == title).click().run()
    assert DEAREST not in text(app)
    assert DEAREST not in text(visit()), "a reload remembers it"
    app.session_state["dealt with"] = True
    app.run()
    assert DEAREST in text(app)
    app = next(one for one in app.button if one.label == "Bring back").click().run()
    assert DEAREST in text(visit())


def test_more_can_be_shown(visit: Visit, stocked: stand_in.State) -> None:
    app = visit()
    app = next(one for one in app.button if one.label.startswith("Show more")).click().run()
    ways = [link for link in app.get("page_link") if link.proto.label in WAYS]
    assert len(ways) == alerts_panel.FIRST + alerts_panel.MORE


def test_figures_that_are_not_the_planners_own_are_called_what_the_catalog_calls_them(
    visit: Visit, stocked: stand_in.State
) -> None:
    for page in ("today", "buy_plan"):
        assert "Stock is made up" not in text(visit(page))
    stocked.supply_words = "Stock is made up."
    for page in ("today", "buy_plan"):
        assert text(visit(page)).count("Stock is made up") == 1


@pytest.mark.parametrize(("periods", "words"), [(1.0, "1 week"), (1.04, "1 week"), (2.0, "2 weeks"), (1.16, "1.2 weeks")])
def test_a_lead_time_of_about_a_week_is_one_week(periods: float, words: str) -> None:
    assert span(periods, stand_in.about()) == words


def test_a_catalog_without_stock_says_so_and_names_its_new_item(visit: Visit) -> None:
    words = text(visit())
    assert "no stock on hand, so nobody can say what will run out" in words
    assert "is new (6 weeks on record)" in words


def test_old_data_is_said_to_be_old() -> None:
    about = stand_in.about()
    assert alerts_panel.stale(about, "2026-01-10") == ""
    assert alerts_panel.stale(about, "2026-03-08") == "The newest week is 28 Dec 2025, 10 weeks ago."


def test_what_moved_and_what_keeps_missing_its_range_lead_to_the_item(visit: Visit) -> None:
    app = visit(alerts="50")
    words = text(app)
    assert (
        "is expected to sell 34 more in the next 4 weeks than a week ago, now 74 and then 40, 20 because of what sold last "
        "week and 14 of what the forecasts got wrong" in words
    )
    fewer = (
        "is expected to sell 12 fewer in the next 4 weeks than a week ago, now 28 and then 40, because of what sold last week"
    )
    assert fewer in words
    assert "if it stays unsold" in words
    assert "1 keeps missing its range" in words
    assert "in 18 of the last 26 weeks, where 5.2 were to be expected: above it 17 times, so the forecast is too low" in words
    ways = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    assert ways["Earlier forecasts"] == f"item={stand_in_buying.MISSED}&tau=0.9&open=past"
    assert ways["What changed"].endswith("&open=changes")


def test_a_link_opens_the_section_that_answers_it_once(visit: Visit) -> None:
    app = visit("item", item=stand_in_buying.ROSE, open="changes")
    assert app.session_state["changes"]
    assert "open" not in app.query_params
    assert len(app.get("plotly_chart")) == 2


def test_until_it_is_worked_out_the_page_says_so(visit: Visit, desk: stand_in.State) -> None:
    desk.looked_back = False
    app = visit()
    assert "is being worked out (25%); the rest of this page is ready" in text(app)
    assert "than a week ago" not in text(app)
    assert "than a week ago" in text(visit(alerts="50"))


def test_without_prices_an_alert_tells_of_units_alone(stocked: stand_in.State) -> None:
    found = stand_in.Purchases().alerts(())
    about = stand_in.open_service().figures()
    for alert in found.of(range(len(found))):
        priced, unpriced = (alerts_panel.sentence(replace(alert, is_priced=known), about) for known in (True, False))
        assert ("**$" in priced, "**$" in unpriced) == (True, False), unpriced
        assert unpriced.endswith(".")
