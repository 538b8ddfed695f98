"""Which column of a network's inputs is which channel, by name: the only place that knows.

``encode`` makes its arrays by these names and lays them in this order, and whoever wants a channel afterwards asks the layout
that travels with the inputs. The order is part of every trained network: a weight belongs to a column. A new channel therefore
needs new networks, and two channels must never change places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from data.schema import PRICE, Frequency
from forecasting.features.encoding import Encoding

#: What a channel tells. Where a kind needs it, ``Channel`` also says of which covariate, event, half-life or group.
Kind = Literal[
    # of a period that is over, in ``Inputs.past``
    "ratio",  # log(1 + y/m) less what an unknown period is taken to be
    "known",  # 1 where demand counts
    "censored",  # 1 where the item was out of stock
    "scale step",  # by how much log m has just moved
    "past covariate",  # a covariate that nobody knows ahead
    "covariate",  # one that is known ahead, as it is; in ``Inputs.ahead`` also as it was ``back`` periods before the target
    "group ratio",  # what a group sold per item against its mean
    "price change",  # log price against its reference; in ``Inputs.origin`` as it stands at the creation date
    # of a creation date, in ``Inputs.origin``
    "scale",  # log m
    "age",  # periods on record
    "has history",  # 1 where any demand was known before
    "spread",  # mean distance of the ratio from its usual value
    "zeros",  # share of periods without a sale
    "recent zeros",  # the same of the last periods
    "since sale",  # periods since the last sale
    "sale size",  # mean of the periods with a sale, against m
    "last demand",  # the last known demand, against m
    "running mean",  # a mean of a shorter or longer half-life, against m
    "recent quantile",  # a quantile of the last periods, against m
    "recent covariate",  # the running mean of a covariate
    "group trend",  # where a group stands now against its mean
    "reference price",  # log of the usual price
    # of a target period, in ``Inputs.ahead``
    "weekday",  # 1 on that day
    "time of year",  # waves of one year and of half a year
    "event",  # what the calendar says of an event
    # of a target period against the creation date, in ``Inputs.relative`` and ``Inputs.baseline``
    "relative covariate",
    "relative group covariate",  # the mean of a group
]

#: Kinds of channels that tell of a target's own plan, and of its groups'.
OWN: tuple[Kind, ...] = ("covariate", "relative covariate")
OF_GROUPS: tuple[Kind, ...] = ("relative group covariate",)

#: Of the last periods these quantiles are told: where nothing is planned, what came is what may come.
RECENT = (0.1, 0.25, 0.5, 0.75, 0.9)

#: Of each covariate a target is also told how it was so many periods before.
DELAYS = 2

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: Waves of the time of the year.
WAVES = {"sin 1": (np.sin, 1), "cos 1": (np.cos, 1), "sin 2": (np.sin, 2), "cos 2": (np.cos, 2)}


class Channel(NamedTuple):
    """The name of one column.

    ``name`` is the covariate, the event, the day, the wave or the half-life that it tells of, ``group`` the column that groups
    the items ("" may be all of them), ``back`` how many periods before the target it was.
    """

    kind: Kind
    name: str = ""
    group: str = ""
    back: int = 0


@dataclass(frozen=True)
class Channels:
    """The columns of one array in their order; no two have the same name.

    >>> found = Channels((Channel("ratio"), Channel("covariate", "promo"), Channel("covariate", "display")))
    >>> found.at("covariate", "display"), found.span("covariate"), found.span("event")
    (2, slice(1, 3, None), slice(0, 0, None))
    """

    names: tuple[Channel, ...]

    def __post_init__(self) -> None:
        assert len(set(self.names)) == len(self.names), "two columns of one name"

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Channel]:
        return iter(self.names)

    def at(self, kind: Kind, name: str = "") -> int:
        """The place of the one channel of this kind and name; raises ValueError where there is none."""
        return self.names.index(Channel(kind, name))

    def places(self, kind: Kind, name: str | None = None) -> list[int]:
        """The places of all channels of this kind, or of those of one name."""
        return [place for place, one in enumerate(self.names) if one.kind == kind and name in (None, one.name)]

    def span(self, kind: Kind, name: str | None = None) -> slice:
        """The same as a slice, empty where there is none; raises ValueError where others stand between them."""
        places = self.places(kind, name)
        if not places:
            return slice(0, 0)
        if places[-1] - places[0] >= len(places):
            raise ValueError(f"The channels {kind!r} do not stand side by side. Ask for their places.")
        return slice(places[0], places[-1] + 1)

    def ordered(self, made: Mapping[Channel, np.ndarray]) -> list[np.ndarray]:
        """The arrays ``made`` under these names in the order of their columns: all of them, and no others."""
        assert made.keys() == set(self.names), f"layout and arrays disagree about {sorted(made.keys() ^ set(self.names))}"
        return [made[name] for name in self.names]


@dataclass(frozen=True)
class ChannelLayout:
    """The columns of ``Inputs``: ``past`` [N, T, ·], ``origin`` [N, T, ·], ``ahead`` [N, U, ·], ``relative`` [N, U, ·].

    ``baseline`` [N, T, ·] has the columns of ``relative``, and ``usual`` [N, T, ·] those of ``known_ahead``. ``covariates`` are
    those of ``given`` [N, U, ·]: all that can be planned and play a part, the price last. Of the ``flagged``, the first of
    them, a network is told whether a target's cell is known; a price that is seen with sales only is not among them.
    """

    past: Channels
    origin: Channels
    ahead: Channels
    relative: Channels
    covariates: tuple[str, ...]
    flagged: tuple[str, ...]

    @classmethod
    def of(cls, encoding: Encoding) -> ChannelLayout:
        """The columns that ``encode`` makes with this encoding."""
        return cls(
            past=Channels(tuple(_past(encoding))),
            origin=Channels(tuple(_origin(encoding))),
            ahead=Channels(tuple(_ahead(encoding))),
            relative=Channels(tuple(_relative(encoding))),
            covariates=(*encoding.moments, *([PRICE] if encoding.price else [])),
            flagged=(*encoding.moments, *([PRICE] if encoding.price and PRICE in encoding.group_covariates else [])),
        )

    @cached_property
    def known_ahead(self) -> Channels:
        """Those of ``ahead``, and then those of ``relative``."""
        return Channels(self.ahead.names + self.relative.names)


def events_among(ahead: int, events: int) -> slice:
    """Where the ``events`` stand among so many channels ``ahead``, for a network that knows only their numbers: at the end."""
    return slice(ahead - events, ahead)


def _past(encoding: Encoding) -> Iterator[Channel]:
    yield from (Channel("ratio"), Channel("known"), Channel("censored"), Channel("scale step"))
    yield from (Channel("past covariate", name) for name in encoding.past_moments)
    yield from (Channel("covariate", name) for name in encoding.moments)
    yield from (Channel("group ratio", group=column) for column in encoding.groups)
    if encoding.price:
        yield Channel("price change")


def _origin(encoding: Encoding) -> Iterator[Channel]:
    yield from (Channel("scale"), Channel("age"), Channel("has history"), Channel("spread"))
    yield from (Channel("zeros"), Channel("recent zeros"))
    yield from (Channel("since sale"), Channel("sale size"), Channel("last demand"))
    yield from (Channel("running mean", str(life)) for life in encoding.mean_lives)
    yield from (Channel("recent quantile", str(share)) for share in RECENT)
    yield from (Channel("recent covariate", name) for name in encoding.moments)
    yield from (Channel("group trend", group=column) for column in encoding.groups)
    if encoding.price:
        yield from (Channel("price change"), Channel("reference price"))


def _ahead(encoding: Encoding) -> Iterator[Channel]:
    for name in encoding.moments:
        yield from (Channel("covariate", name, back=back) for back in range(1 + DELAYS))
    if Frequency.of(encoding.frequency).unit == "day":
        yield from (Channel("weekday", day) for day in WEEKDAYS)
    if encoding.calendar:
        yield from (Channel("time of year", wave) for wave in WAVES)
    yield from (Channel("event", name) for name in encoding.event_names)


def _relative(encoding: Encoding) -> Iterator[Channel]:
    yield from (Channel("relative covariate", name) for name in encoding.moments)
    for column in encoding.groups:
        yield from (Channel("relative group covariate", name, column) for name in encoding.group_covariates)
