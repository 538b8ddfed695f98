"""A learned metric over products: near products launched alike, in how much they sold and in how it went on.

A small network places every product by its attributes, its price among its like, the words of its name and how its groups
stand. It is trained as soft nearest neighbours: each launch is forecast by the others, weighted by exp(−distance²), and
what is lowered is the CRPS of that weighted distribution, Σ wⱼ|cⱼ − y| − ½ ΣΣ wᵢwⱼ|cᵢ − cⱼ|, over each period of the
launch and over its total; a head that reads the log level from the place keeps levels apart. Launches further back in
time count less, at a rate that is learned too.

Axis letters: N products, C channels, W periods of a launch, D dimensions, B of a batch.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from forecasting.new_products.launch_history import GroupHistory, Launches, Products, log_level

_TOKENS = 512  # buckets that the words of names are hashed to; the last row is for none
_HIDDEN, _DIMENSIONS, _DROPOUT = 48, 12, 0.2
_TARGETS, _BANK, _STEPS, _RATE, _DECAY = 128, 512, 200, 4e-3, 0.02
_TOTAL = 0.5  # of the loss of the periods, that of the total
_LEVEL = 0.3  # of the forecast's loss, that of the head which reads the level
_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)?")

OnStep = Callable[[int, int], None]


def words_of(name: str) -> tuple[str, ...]:
    """The words and numbers of a name, whatever the case.

    >>> words_of("Rye bread, 500 g")
    ('rye', 'bread', '500', 'g')
    """
    return tuple(_WORD.findall(name.casefold()))


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the network reads: channels [N, C] float32, words [N, L] and labels [N, S] int64."""

    channels: Tensor
    words: Tensor
    labels: Tensor

    def take(self, rows: Tensor) -> Inputs:
        """These products."""
        return Inputs(self.channels[rows], self.words[rows], self.labels[rows])


class EmbeddingNetwork(nn.Module):
    """Products → places [N, D] and log levels [N]."""

    def __init__(self, channels: int, labels: tuple[int, ...]) -> None:
        super().__init__()
        self.words = nn.Embedding(_TOKENS + 1, _HIDDEN, padding_idx=_TOKENS)
        self.labels = nn.ModuleList(nn.Embedding(count + 1, _HIDDEN, padding_idx=count) for count in labels)
        for table in (self.words, *self.labels):
            nn.init.normal_(table.weight, std=0.05)
            with torch.no_grad():
                table.weight[table.padding_idx] = 0
        self.read = nn.Linear(channels, _HIDDEN)
        self.mix = nn.Sequential(nn.GELU(), nn.Dropout(_DROPOUT), nn.Linear(_HIDDEN, _HIDDEN), nn.GELU(), nn.Dropout(_DROPOUT))
        self.place = nn.Linear(_HIDDEN, _DIMENSIONS)
        self.level = nn.Linear(_HIDDEN, 1)
        self.dropout = nn.Dropout(_DROPOUT)
        self.log_memory = nn.Parameter(torch.tensor(2.5))  # log of the periods after which a launch counts 1/e

    def forward(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        spoken = (inputs.words < _TOKENS).sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        named = self.words(inputs.words).sum(dim=1) / spoken  # (N, hidden)
        for column, table in enumerate(self.labels):
            named = named + table(inputs.labels[:, column])
        hidden = self.mix(self.read(inputs.channels) + self.dropout(named))
        return self.place(hidden), self.level(hidden)[:, 0]


@dataclass(frozen=True, eq=False)
class LaunchMetric:
    """The metric of one moment: it was fitted on launches that were over then.

    ``mean``, ``spread`` [C] scale the channels; ``known`` are the launches it was fitted on.
    """

    networks: tuple[EmbeddingNetwork, ...]
    shelf: GroupHistory
    known: Launches
    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def fitted(cls, known: Launches, shelf: GroupHistory, *, members: int, on_step: OnStep) -> LaunchMetric:
        """Trains on ``known``, launches that are over; ``on_step(done, total)`` hears of every few steps."""
        channels = shelf.channels(known.products, known)
        metric = cls((), shelf, known, channels.mean(axis=0), channels.std(axis=0) + 1e-6)
        inputs = metric.inputs(known.products)
        columns = tuple(len(shelf.labels[column]) for column in shelf.columns if column)
        networks = []
        for member in range(members):
            with torch.random.fork_rng():
                torch.manual_seed(1000 + member)
                network = EmbeddingNetwork(channels.shape[1], columns)
                _train(network, inputs, known, 1 + member, on_step, (member * _STEPS, members * _STEPS))
            networks.append(network.eval().requires_grad_(False))
        return cls(tuple(networks), shelf, known, metric.mean, metric.spread)

    def inputs(self, products: Products) -> Inputs:
        """What the networks read of these products."""
        channels = np.clip((self.shelf.channels(products, self.known) - self.mean) / self.spread, -4, 4)
        hashed = [[zlib.crc32(word.encode()) % _TOKENS for word in words_of(name)] or [_TOKENS] for name in products.names]
        words = np.full((len(products), max(map(len, hashed), default=1)), _TOKENS, np.int64)
        for row, numbers in enumerate(hashed):
            words[row, : len(numbers)] = numbers
        rows = [(self.shelf.rows(products, column), len(self.shelf.labels[column])) for column in self.shelf.columns if column]
        labels = [np.where(found < 0, count, found) for found, count in rows]
        stacked = np.stack(labels, axis=1) if labels else np.zeros((len(products), 0), np.int64)
        return Inputs(torch.as_tensor(channels, dtype=torch.float32), torch.from_numpy(words), torch.from_numpy(stacked))

    @torch.no_grad()
    def places(self, products: Products) -> np.ndarray:
        """Where the products stand, [M members, N, D]."""
        inputs = self.inputs(products)
        return np.stack([network(inputs)[0].numpy().astype(np.float64) for network in self.networks])

    def weights(self, products: Products, of: Launches) -> np.ndarray:
        """The share [N, K] of each launch ``of`` K in the forecast of each product: the mean of the members'."""
        mine, theirs = self.places(products), self.places(of.products)
        age = np.abs(products.start[:, None] - of.products.start[None])  # (N, K)
        shares = np.zeros((len(products), len(of)))
        for place, other, network in zip(mine, theirs, self.networks, strict=True):
            distance = _squared(place, other) + age * float(torch.exp(-network.log_memory))
            near = np.exp(distance.min(axis=1, keepdims=True) - distance)
            shares += near / near.sum(axis=1, keepdims=True) / len(self.networks)
        return shares


def squared_distances(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Mean over members of the squared distances [N, K] of places [M, N, D] and [M, K, D]."""
    return np.mean([_squared(one, other) for one, other in zip(mine, theirs, strict=True)], axis=0)


def _squared(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.maximum((mine**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)[None] - 2 * mine @ theirs.T, 0)


def _train(
    network: EmbeddingNetwork, inputs: Inputs, known: Launches, seed: int, on_step: OnStep, steps: tuple[int, int]
) -> None:
    """Lowers the CRPS of each launch as its neighbours forecast it; ``steps`` are those done before, and all there are."""
    curves = np.concatenate([known.curves, known.curves.mean(axis=1, keepdims=True)], axis=1)  # (N, W + 1)
    weigh = np.append(np.full(known.window, 1.0), _TOTAL * known.window) / (1 + _TOTAL) / known.window
    apart = _apart(curves, weigh) / max(float(curves[:, -1].mean()), 1e-6)  # (N, N)
    level = torch.as_tensor(log_level(known.curves), dtype=torch.float32)
    level = level - level.mean()
    when = torch.as_tensor(known.products.start, dtype=torch.float32)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=_STEPS, pct_start=0.1)
    rng, count = np.random.default_rng(seed), len(known)
    batch = min(_TARGETS, max(1, count // 2))
    for step in range(_STEPS):
        drawn = torch.from_numpy(rng.choice(count, min(batch + _BANK, count), replace=False))
        place, predicted = network(inputs.take(drawn))
        squared = place.square().sum(dim=1)
        distance = (squared[:batch, None] + squared[None] - 2 * place[:batch] @ place.T).clamp(min=0)
        distance = distance + (when[drawn][:batch, None] - when[drawn][None]).abs() * torch.exp(-network.log_memory)
        distance = distance + torch.zeros_like(distance).fill_diagonal_(1e9)  # no launch forecasts itself
        share = torch.softmax(-distance, dim=1)  # (B, drawn)
        between = apart[drawn][:, drawn]
        crps = (share * between[:batch]).sum(dim=1) - 0.5 * ((share @ between) * share).sum(dim=1)
        loss = crps.mean() + _LEVEL * (predicted[:batch] - level[drawn[:batch]]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 10 == 9:
            on_step(steps[0] + step + 1, steps[1])


def _apart(curves: np.ndarray, weigh: np.ndarray) -> Tensor:
    """How far launches are from each other, [N, N] float32: the weighted mean of |cᵢ − cⱼ| over periods and the total."""
    answer = torch.zeros((len(curves), len(curves)))
    for column, weight in zip(torch.as_tensor(curves.T, dtype=torch.float32), weigh, strict=True):
        answer += weight * (column[:, None] - column[None]).abs_()
    return answer
