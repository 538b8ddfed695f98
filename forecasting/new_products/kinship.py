"""Which launches are of the same kind as a product, as a planner would say: by the words of its name, then by its attributes.

The learned metric finds launches that *went* alike, which need not *be* alike: shampoo may launch like lighter fluid. A planner
who sees that disbelieves the forecast, so the nearest of its own kind come first among the analogs.

Axis letters: N products, K launches, V words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from forecasting.new_products.launch_history import GroupHistory, Launches, Products
from forecasting.new_products.similarity_network import words_of

#: Kin that come first, and what of all weight they share where they are surely of the kind.
_FIRST, _SHARE = 8, 0.15

#: Likeness of names below which they share nothing that tells, and over which it rises to certainty.
_UNLIKE, _TO_ALIKE = 0.2, 0.5

#: What a shared attribute counts beside words, where as few as one launch in so many have it.
_ATTRIBUTE, _RARE = 0.4, 200.0

#: Likeness below which a launch is no kin, and periods after which one counts 1/e: between likes the newer comes first.
_LEAST, _MEMORY = 0.05, 208.0

#: How much of the order among likes the learned metric decides.
_METRIC, _FLATTENED = 0.2, 0.3


def with_kin_first(shares: np.ndarray, products: Products, known: Launches, shelf: GroupHistory) -> np.ndarray:
    """The ``shares`` [N, K] with a part given to the nearest of the same kind, each of which then weighs more than any other.

    Where no launch is of a product's kind its shares stay as they are.
    """
    alike = kinship(products, known, shelf)
    age = np.maximum(products.start[:, None] - known.products.start[None], 0)  # (N, K)
    near = shares / np.maximum(shares.max(axis=1, keepdims=True), 1e-300)
    rank = np.where(alike > _LEAST, alike * np.exp(-age / _MEMORY) * (1 - _METRIC + _METRIC * near**_FLATTENED), 0.0)
    rank = _largest(rank, _FIRST)
    kin, total = rank > 0, rank.sum(axis=1, keepdims=True)
    given = _SHARE * (alike * kin).sum(axis=1, keepdims=True) / _FIRST  # (N, 1)
    mixed = (1 - given) * shares + given * rank / np.maximum(total, 1e-300)
    least = np.where(kin, mixed, np.inf).min(axis=1, keepdims=True)
    mixed = np.where(kin, mixed, np.minimum(mixed, least))  # nobody else stands before them
    return mixed / mixed.sum(axis=1, keepdims=True)


def kinship(products: Products, known: Launches, shelf: GroupHistory) -> np.ndarray:
    """How surely [N, K], 0 … 1, a launch is of a product's kind: by the words of the names or, less, by a rare attribute."""
    words = np.clip((_alike_in_words(products.names.tolist(), known.products.names.tolist()) - _UNLIKE) / _TO_ALIKE, 0, 1)
    shared = np.zeros_like(words)
    for column in filter(None, shelf.columns):
        same = shelf.shared(column, products, known.products)
        rare = np.clip(-np.log(np.maximum(same.mean(axis=1), 1e-12)) / np.log(_RARE), 0, 1)
        shared = np.maximum(shared, same * rare[:, None])
    return np.maximum(words, _ATTRIBUTE * shared)


def _alike_in_words(mine: Sequence[str], theirs: Sequence[str]) -> np.ndarray:
    """The cosine [N, K] of two names' words, each weighed by log(launches / launches that have it); numbers tell no kind."""
    told = [telling_words(name) for name in theirs]
    count = Counter(word for words in told for word in words)
    place = {word: number for number, word in enumerate(count)}
    weight = np.log(max(len(told), 2) / np.array([*count.values(), 1.0]))  # the last is of a word that no launch has
    tables = []
    for names in ([telling_words(name) for name in mine], told):
        table = np.zeros((len(names), len(place) + 1), np.float32)  # (·, V + 1)
        for row, words in enumerate(names):
            for word in words:
                table[row, place.get(word, -1)] = weight[place.get(word, -1)]
        tables.append(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6))
    return np.asarray(tables[0] @ tables[1].T, np.float64)


def telling_words(name: str) -> frozenset[str]:
    """The words that tell what a product is: no numbers, and nothing as short as a unit."""
    return frozenset(word for word in words_of(str(name)) if len(word) > 2 and not word[0].isdigit())


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """The values [N, K] with all but the ``count`` largest of each row, the first of equals, set to 0."""
    if values.shape[1] <= count:
        return values
    answer, best = np.zeros_like(values), np.argsort(-values, axis=1, kind="stable")[:, :count]
    np.put_along_axis(answer, best, np.take_along_axis(values, best, axis=1), axis=1)
    return answer
