"""A quantile forest as plain arrays: quick to ask, and read from disk without running code.

quantile-forest grows it; with one training target kept in each leaf a tree answers with a number, and the quantiles
of a row are those of its trees' numbers. Axis letters: R rows, K features, B trees, M nodes of all trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from forecasting.core import threads
from forecasting.core.quantile_function import TAUS

if TYPE_CHECKING:
    from quantile_forest import RandomForestQuantileRegressor

#: A tree sees at least so many rows, or all.
_LEAST_ROWS = 10

#: Pairs of a row and a tree that walk down together: bounds the memory of one answer.
_PAIRS = 400_000


@dataclass(frozen=True, eq=False)
class QuantileTrees:
    """Every node of every tree, one after the other.

    Attributes
    ----------
    roots : [B] where each tree begins.
    feature : [M] the column that a node asks about; −1 in a leaf.
    threshold : [M] rows that are at most this go left.
    left, right : [M] where to go on.
    value : [M] the training target that a leaf kept.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    @classmethod
    def of(cls, grown: RandomForestQuantileRegressor) -> Self:
        """The arrays of a forest grown with ``max_samples_leaf=1`` on one target."""
        trees = [estimator.tree_ for estimator in grown.estimators_]
        roots = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
        places = np.asarray(grown.forest_.y_train_leaves)[:, :, 0, 0]  # (B, nodes) 1 … rows; 0 where no leaf is
        targets = np.asarray(grown.forest_.y_train)[0]
        kept = [
            np.where(places[b, : tree.node_count] > 0, targets[places[b, : tree.node_count] - 1], 0.0)
            for b, tree in enumerate(trees)
        ]
        leaf = np.concatenate([tree.children_left < 0 for tree in trees])
        onward = lambda name: np.concatenate([getattr(t, name) + root for t, root in zip(trees, roots, strict=True)])  # noqa: E731
        return cls(
            roots=roots.astype(np.int32),
            feature=np.where(leaf, -1, np.concatenate([tree.feature for tree in trees])).astype(np.int16),
            threshold=np.concatenate([tree.threshold for tree in trees]),
            left=onward("children_left").astype(np.int32),
            right=onward("children_right").astype(np.int32),
            value=np.concatenate(kept).astype(np.float32),
        )

    def quantiles(self, features: np.ndarray) -> np.ndarray:
        """Quantiles [R, Q] at ``TAUS`` for rows of features [R, K] without NaN."""
        answers = [np.quantile(self._leaves(part), TAUS, axis=1).T for part in self._parts(features)]
        return np.concatenate(answers)

    def _parts(self, features: np.ndarray) -> Iterator[np.ndarray]:
        size = max(1, _PAIRS // len(self.roots))
        for start in range(0, len(features), size):
            yield features[start : start + size]

    def _leaves(self, features: np.ndarray) -> np.ndarray:
        """What each tree answers [R, B]: all rows walk down all trees together."""
        rows, trees = len(features), len(self.roots)
        node = np.tile(self.roots, rows)  # (R · B)
        walking = np.flatnonzero(self.feature[node] >= 0)
        while walking.size:
            here = node[walking]
            goes_left = features[walking // trees, self.feature[here]] <= self.threshold[here]
            onward = np.where(goes_left, self.left[here], self.right[here])
            node[walking] = onward
            walking = walking[self.feature[onward] >= 0]
        return self.value[node].reshape(rows, trees)

    def save(self, path: Path) -> None:
        """Writes the arrays (npz)."""
        np.savez_compressed(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(**{field.name: stored[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class Growth:
    """How a forest is grown: so many ``trees``, each on a ``share`` of the rows, with leaves of at least ``leaf`` of them."""

    trees: int = 200
    share: float = 0.2
    leaf: int = 5
    columns: float = 0.33
    seed: int = 0

    def grow(self, features: np.ndarray, targets: np.ndarray) -> QuantileTrees:
        """A quantile random forest on features [R, K] and targets [R]."""
        return QuantileTrees.of(self.fitted(features, targets))

    def fitted(self, features: np.ndarray, targets: np.ndarray) -> RandomForestQuantileRegressor:
        """The library's own forest."""
        from quantile_forest import RandomForestQuantileRegressor

        return RandomForestQuantileRegressor(
            n_estimators=self.trees,
            min_samples_leaf=min(self.leaf, max(1, len(targets) // 20)),
            max_features=self.columns,
            max_samples=max(int(self.share * len(targets)), min(_LEAST_ROWS, len(targets))),
            max_samples_leaf=1,
            n_jobs=threads.EACH,
            random_state=self.seed,
        ).fit(features, targets)
