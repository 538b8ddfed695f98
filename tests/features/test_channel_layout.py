"""The layout and the arrays: as many columns, each holding what its name says, in the order that trained networks know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from factories import counting_panel, make_panel

from data.groups import group_series
from data.schema import Panel
from forecasting.core.time_splits import history_until, plan_after
from forecasting.features.channel_layout import DELAYS, WEEKDAYS, Channel, ChannelLayout, Channels, events_among
from forecasting.features.counterfactual_inputs import Counterfactuals
from forecasting.features.encoding import encoding_of
from forecasting.features.inputs import Inputs, encode
from forecasting.features.planned_targets import HiddenPlan

HORIZON = 4


def regrouped(panel: Panel, **changes: object) -> Panel:
    panel = replace(panel, **changes, groups=())  # type: ignore[arg-type]
    return replace(panel, groups=group_series(panel))


def panels() -> dict[str, Panel]:
    whole = make_panel(items=8, periods=120)
    known = whole.known
    return {
        "weekly": whole,
        "daily": make_panel(items=6, periods=220, alias="D"),
        "monthly": make_panel(items=6, periods=48, alias="MS"),
        "without price": regrouped(whole, known={"promo": known["promo"]}),
        "without promotion": regrouped(whole, known={"price": known["price"]}),
        "two covariates": regrouped(whole, known={"display": known["promo"][::-1].copy(), **known}),
        "without groups": replace(whole, groups=()),
        "without events": make_panel(items=8, periods=120, events=False),
        "without past covariates": replace(whole, past={}),
        "prices seen with a sale": replace(whole, price_seen="when sold"),
        "demand alone": replace(make_panel(items=6, periods=60, events=False), known={}, past={}, static={}, groups=()),
    }


def read(panel: Panel, *, calendar: bool = False, usual: bool = False) -> Inputs:
    """The inputs at HORIZON periods before the end of the panel, with what followed as the plan."""
    t = len(panel.periods) - 1 - HORIZON
    history = history_until(panel, t)
    encoding = encoding_of(history, HORIZON, 26.0, calendar=calendar)
    return encode(encoding, history, plan_after(panel, t, HORIZON), usual=usual)


@pytest.mark.parametrize("calendar", [False, True])
@pytest.mark.parametrize("name", panels())
def test_the_layout_is_as_wide_as_the_arrays(name: str, calendar: bool) -> None:
    panel = panels()[name]
    inputs = read(panel, calendar=calendar, usual=True)
    layout = inputs.layout
    for channels, arrays in (
        (layout.past, (inputs.past,)),
        (layout.origin, (inputs.origin,)),
        (layout.ahead, (inputs.ahead,)),
        (layout.relative, (inputs.relative, inputs.baseline)),
        (layout.known_ahead, (inputs.known_ahead, inputs.usual)),
    ):
        assert {array.shape[-1] for array in arrays} == {len(channels)}
    assert inputs.given.shape == (len(panel), inputs.ahead.shape[1], len(layout.covariates))
    assert HiddenPlan.of(layout, (), HORIZON).channels(layout, HORIZON).shape[-1] == len(layout.known_ahead)


def test_the_order_is_that_of_the_networks_that_were_trained() -> None:
    """A weight belongs to a column: whoever changes this order must train and ship new networks."""
    layout = read(panels()["weekly"], calendar=True).layout
    assert [one.kind for one in layout.past] == [
        "ratio", "known", "censored", "scale step", "past covariate", "covariate", *["group ratio"] * 3, "price change",
    ]  # fmt: skip
    assert [one.kind for one in layout.origin] == [
        "scale", "age", "has history", "spread", "zeros", "recent zeros", "since sale", "sale size", "last demand",
        *["running mean"] * 7, *["recent quantile"] * 5, "recent covariate", *["group trend"] * 3, "price change",
        "reference price",
    ]  # fmt: skip
    assert list(layout.ahead) == [
        *(Channel("covariate", "promo", back=back) for back in (0, 1, 2)),
        *(Channel("time of year", wave) for wave in ("sin 1", "cos 1", "sin 2", "cos 2")),
        Channel("event", "Midsummer"),
    ]
    groups = [channel.group for channel in layout.past if channel.kind == "group ratio"]
    assert list(layout.relative) == [
        Channel("relative covariate", "promo"),
        *(Channel("relative group covariate", name, group) for group in groups for name in ("price", "promo")),
    ]


def test_the_days_of_the_week_stand_between_the_covariates_and_the_events() -> None:
    layout = read(panels()["daily"]).layout
    assert [one.name for one in layout.ahead] == [*["promo"] * (1 + DELAYS), *WEEKDAYS, "Midsummer"]


def test_columns_hold_what_their_names_say() -> None:
    panel = counting_panel(items=2, periods=400)  # from a Monday on; demand of row n in period s is 100 n + s
    inputs = read(panel, calendar=True)
    layout, t = inputs.layout, inputs.demand.shape[1]
    ahead = {channel: inputs.ahead[0, :, place].numpy() for place, channel in enumerate(layout.ahead)}
    np.testing.assert_array_equal(ahead[Channel("weekday", "Wednesday")][:9], [0, 0, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(ahead[Channel("event", "even")], (np.arange(t + HORIZON) % 2 == 0))
    np.testing.assert_allclose(ahead[Channel("time of year", "cos 1")][:2], np.cos(2 * np.pi * np.array([1, 2]) / 365.25))
    now = ahead[Channel("covariate", "promo")]
    for back in range(1, 1 + DELAYS):
        np.testing.assert_array_equal(ahead[Channel("covariate", "promo", back=back)][back:], now[:-back])
    np.testing.assert_array_equal(inputs.past[0, :, layout.past.at("covariate", "promo")], now[:t])
    np.testing.assert_array_equal(inputs.relative[0, :, layout.relative.at("relative covariate", "promo")], now)
    recent = layout.origin.at("recent covariate", "promo")
    np.testing.assert_array_equal(
        inputs.origin[..., recent], inputs.baseline[..., layout.relative.at("relative covariate", "promo")]
    )
    price = layout.origin.at("price change")
    np.testing.assert_array_equal(inputs.origin[..., price], inputs.past[..., layout.past.at("price change")])


def test_what_nobody_knows_ahead_is_hidden_and_as_usual_by_its_name() -> None:
    inputs = read(panels()["two covariates"], calendar=True, usual=True)
    channels = HiddenPlan.of(inputs.layout, {"promo"}, HORIZON).channels(inputs.layout, HORIZON)[0, 0]  # (H, C)
    hidden = dict(zip(inputs.layout.known_ahead, channels.T.tolist(), strict=True))
    assert [hidden[Channel("covariate", "promo", back=back)].index(True) for back in (0, 1, 2)] == [0, 1, 2]
    for channel, cells in hidden.items():
        assert any(cells) == (channel.name == "promo")
    usual = inputs.usual[..., inputs.layout.known_ahead.span("event")]
    assert (usual == 0).all()


@pytest.mark.parametrize("name", ["weekly", "daily", "without events", "demand alone"])
def test_events_stand_where_a_network_that_knows_only_their_number_looks_for_them(name: str) -> None:
    layout = read(panels()[name], calendar=True).layout
    events = layout.ahead.places("event")
    assert list(range(len(layout.ahead)))[events_among(len(layout.ahead), len(events))] == events


def test_what_is_taken_off_a_target_stands_under_the_relative_channels() -> None:
    inputs = read(panels()["weekly"])
    at = torch.tensor([20, 50])
    taken = inputs.known_baseline(at)
    for place, channel in enumerate(inputs.layout.known_ahead):
        relative = channel in set(inputs.layout.relative)
        own = inputs.baseline[:, at, inputs.layout.relative.names.index(channel)] if relative else torch.zeros(8, 2)
        assert torch.equal(taken[..., place], own)


def test_arrays_that_the_layout_does_not_name_are_refused() -> None:
    channels = Channels((Channel("ratio"), Channel("known")))
    one = np.ones((2, 3))
    assert len(channels.ordered({Channel("known"): one, Channel("ratio"): one})) == 2
    with pytest.raises(AssertionError, match="censored"):
        channels.ordered({Channel("known"): one, Channel("ratio"): one, Channel("censored"): one})
    with pytest.raises(AssertionError, match="known"):
        channels.ordered({Channel("ratio"): one})
    with pytest.raises(AssertionError, match="one name"):
        Channels((Channel("ratio"), Channel("ratio")))


def test_channels_that_do_not_stand_side_by_side_are_no_slice() -> None:
    relative = read(panels()["weekly"]).layout.relative
    assert relative.places("relative group covariate", "promo") == [2, 4, 6]
    with pytest.raises(ValueError, match="side by side"):
        relative.span("relative group covariate", "promo")
    with pytest.raises(ValueError):
        relative.at("relative covariate", "nobody's")


def test_inputs_keep_their_layout_when_items_are_chosen_and_joined() -> None:
    inputs = read(panels()["weekly"])
    joined = inputs.take(slice(0, 2)).followed_by(inputs.take(torch.tensor([5])))
    assert (
        joined.layout == inputs.layout == ChannelLayout.of(encoding_of(history_until(panels()["weekly"], 115), HORIZON, 26.0))
    )
    assert torch.equal(joined.past, inputs.past[[0, 1, 5]])


@pytest.mark.parametrize("subject", ["trend", "season", "price", "promotion"])
def test_a_subject_taken_away_changes_its_own_channels_alone(subject: str) -> None:
    panel = make_panel(items=6, periods=220, alias="D")  # no event is among the targets
    demand = panel.demand.copy()
    demand[0, 2::3] = 0  # the last period among them
    panel = regrouped(panel, demand=demand)
    history, plan = history_until(panel, 215), plan_after(panel, 215, HORIZON)
    encoding = encoding_of(history, HORIZON, 26.0, calendar=True)
    before = encode(encoding, history, plan)
    after = getattr(Counterfactuals(encoding, HORIZON), f"without_{subject}")(before)
    changed = {
        channel.kind
        for channels, arrays in ((before.layout.past, "past"), (before.layout.origin, "origin"), (before.layout.ahead, "ahead"))
        for place, channel in enumerate(channels)
        if not torch.equal(getattr(before, arrays)[..., place], getattr(after, arrays)[..., place])
    }
    sales = {"ratio", "scale step", "past covariate", "group ratio", "recent zeros", "since sale", "last demand"}
    own = {
        "trend": sales | {"running mean", "recent quantile", "group trend", "covariate", "recent covariate"},
        "season": {"ratio", "weekday", "time of year"},
        "price": {"price change"},
        "promotion": {"covariate"},
    }
    assert changed == own[subject]


def test_an_item_is_read_alone_as_among_others_before_it_began_to_sell_too() -> None:
    whole = make_panel(items=12, periods=60)
    demand = whole.demand.copy()
    demand[3, :40] = np.nan  # until then its closest group stands in: the finest of the catalog, not of those asked about
    fine = np.array([f"line {row // 2}" for row in range(12)], dtype=object)
    panel = regrouped(whole, demand=demand, static={**whole.static, "line": fine})
    alone = panel.take([3])
    encoding = encoding_of(panel, HORIZON, 26.0, calendar=False)
    plan = plan_after(panel, 59 - HORIZON, HORIZON)
    among_others = encode(encoding, history_until(panel, 59 - HORIZON), plan)
    by_itself = encode(encoding, history_until(alone, 59 - HORIZON), plan.take([3]))
    for name in ("scale", "past", "origin", "ahead", "relative"):
        np.testing.assert_allclose(getattr(by_itself, name)[0], getattr(among_others, name)[3], rtol=1e-6, err_msg=name)
