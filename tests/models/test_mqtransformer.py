"""MQTransformer's own parts: where it looks, what its convolutions see of a promotion, and what an ablation says of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from factories import make_panel

from forecasting.evaluation import ablation
from forecasting.features.encoding import encoding_of
from forecasting.features.inputs import Inputs, encode
from forecasting.features.planned_targets import planned_targets
from forecasting.models.mqtransformer.network import MQTransformer, periods_back, recent_quantiles
from forecasting.models.mqtransformer.settings import PARTS, TrainingSettings
from forecasting.models.neural.layers import MEDIAN
from forecasting.training.mqtransformer_runs import RunData

HORIZON, T = 4, 50


def built(parts: frozenset[str] = PARTS) -> tuple[MQTransformer, Inputs]:
    torch.manual_seed(3)
    panel = make_panel(items=6, periods=64)
    encoding = encoding_of(panel, HORIZON, 26.0, calendar=False)
    settings = TrainingSettings(width=8, decoder_width=12, parts=tuple(sorted(parts)))
    data = RunData.of(encoding, panel, HORIZON, 64, settings)
    return MQTransformer(data.config).eval(), encode(encoding, panel)


def test_attention_is_a_share_of_the_past_and_of_nothing_before_it() -> None:
    network, inputs = built()
    at = torch.tensor([3, T])
    looked = network(inputs, at).looked.detach()  # (N, K, H, B)
    back = periods_back(network.config.seasons, HORIZON)[: looked.shape[-1]]
    assert torch.allclose(looked.sum(dim=-1), torch.ones(6, 2, HORIZON), atol=1e-5)
    assert float(looked[:, 0, :, back > 3].max()) < 1e-6  # before the first period there is nothing to look at


def test_periods_of_unknown_demand_are_not_looked_at() -> None:
    network, inputs = built()
    known = inputs.known.clone()
    known[:, T - 5] = 0
    looked = network(replace(inputs, known=known), torch.tensor([T])).looked.detach()
    assert float(looked[..., 5].max()) < 1e-6


def test_training_and_asking_look_at_the_same_past() -> None:
    network, inputs = built()
    assert network.look_back is not None
    at = torch.tensor([20, T])
    planned = planned_targets(inputs, at, network.config.horizon)
    explicit = network.look_back.eval()(inputs, at, planned)[0]
    fused = network.look_back.train()(inputs, at, planned)[0]
    torch.testing.assert_close(fused, explicit, rtol=1e-4, atol=1e-5)


def test_a_target_looks_most_where_its_position_was_the_same() -> None:
    network, inputs = built()
    assert network.look_back is not None
    with torch.no_grad():
        network.look_back.position.weight.zero_()
        network.look_back.position.weight[:, 1].fill_(5.0)  # the first channel known ahead
        network.look_back.recency.fill_(-10.0)
    ahead = torch.zeros_like(inputs.ahead)
    ahead[:, [T - 7, T + 2], 0] = 1.0
    looked = network(replace(inputs, ahead=ahead), torch.tensor([T])).looked[:, 0].detach()  # (N, H, B)
    known = (inputs.known * (1 - inputs.censored))[:, T - 7] > 0
    assert float(looked[known, 1, 7].min()) > 0.9
    assert float(looked[:, 0, 7].max()) < 0.1


def test_before_it_learns_a_holiday_looks_at_the_same_holiday_a_year_ago() -> None:
    torch.manual_seed(0)
    panel = make_panel(items=6, periods=150)  # midsummer is in every 27th week of 52
    encoding = encoding_of(panel, HORIZON, 26.0, calendar=False)
    assert encoding.event_names
    data = RunData.of(encoding, panel, HORIZON, 150, TrainingSettings(width=8, decoder_width=12))
    network = MQTransformer(data.config).eval()
    at = torch.tensor([128])  # two periods before one of them
    looked = network(encode(encoding, panel), at).looked[:, 0, 1].detach()  # (N, B)
    then = 128 - periods_back(network.config.seasons, HORIZON)[: looked.shape[-1]]
    assert set(then[looked.argmax(dim=-1)].tolist()) <= {26, 78}
    assert float(looked[:, (then == 78) | (then == 26)].sum(dim=-1).mean()) > 0.8


def test_what_came_after_the_creation_date_changes_nothing() -> None:
    network, inputs = built()
    names = ("demand", "known", "censored", "scale", "past", "origin", "baseline", "log_reference", "season_demand")
    changed = {}
    for name in names:
        array = getattr(inputs, name).clone()
        period = 2 if name.startswith("season") else 1
        array.narrow(period, T + 1, array.shape[period] - T - 1).add_(2.0)
        changed[name] = array
    at = torch.tensor([T - 1, T])
    one, other = network(inputs, at), network(replace(inputs, **changed), at)
    assert torch.equal(one.periods, other.periods)
    assert torch.equal(one.spans, other.spans)
    earlier = inputs.past.clone()
    earlier[:, T, 0] += 2.0
    assert not torch.equal(network(replace(inputs, past=earlier), at).periods[:, 1], one.periods[:, 1])


def test_what_sold_lately_is_recalled_where_there_is_a_record() -> None:
    network, inputs = built()
    assert network.recall is not None
    at, column = torch.tensor([T]), inputs.layout.origin.at("has history")
    with torch.no_grad():
        network.recall.bias.fill_(30.0)
        network.price_response = None  # all prices as usual
    logs = network(inputs, at).periods  # (N, K, H, Q)
    recent, seen = recent_quantiles(inputs, at)
    assert bool(seen.all())
    assert torch.allclose(logs, recent[:, :, None].expand_as(logs), atol=1e-5)
    middle = (recent[:, 0, MEDIAN].exp() - 0.02) * inputs.scale[:, T]  # logs are softened
    lower, upper = (inputs.demand[:, T - 25 : T + 1].sort(dim=1).values[:, place] for place in (12, 13))
    assert bool(((lower - 0.01 <= middle) & (middle <= upper + 0.01)).all())
    new = inputs.origin.clone()
    new[..., column] = 0
    one = network(replace(inputs, origin=new), at).periods
    with torch.no_grad():
        network.recall.bias.fill_(-30.0)
    assert torch.allclose(one, network(replace(inputs, origin=new), at).periods)


def test_the_convolutions_read_a_promotion_as_the_period_before_it() -> None:
    network, inputs = built(frozenset({"peak_care"}))
    relative = torch.zeros_like(inputs.relative)
    relative[:, 10:12, 0] = 3.0
    promoted = replace(inputs, relative=relative)
    peaked = inputs.past.clone()
    peaked[:, 10:12, 0] += 5.0  # what sold in the promotion
    at = torch.tensor([20])
    context = slice(0, network.config.width)
    static = network._static(inputs)
    one, other = (network._origin(replace(promoted, past=past), static, at)[..., context] for past in (inputs.past, peaked))
    assert torch.equal(one, other)
    careless, _ = built(frozenset())
    one, other = (careless._origin(replace(promoted, past=past), static, at)[..., context] for past in (inputs.past, peaked))
    assert not torch.equal(one, other)


@pytest.mark.slow
def test_an_ablation_scores_the_whole_and_each_part_left_out() -> None:
    panel = make_panel(items=6, periods=64)
    settings = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=25, width=8, decoder_width=12)
    table = list(ablation.ablate(panel, HORIZON, settings))
    assert [one.variant for one in table] == list(ablation.variants())
    assert all(np.isfinite(one.wql) and np.isfinite(one.volatility) for one in table)
    assert len({round(one.wql, 6) for one in table}) > 1
    assert len(ablation.text(table[0])) == len(ablation.HEAD)


@pytest.mark.parametrize("parts", [frozenset[str](), PARTS])
def test_no_two_quantiles_cross(parts: frozenset[str]) -> None:
    network, inputs = built(parts)
    decoded = network(inputs, torch.tensor([0, 5, T]))
    assert bool((decoded.periods.diff(dim=-1) >= 0).all())
    assert bool((decoded.spans.diff(dim=-1) >= 0).all())
