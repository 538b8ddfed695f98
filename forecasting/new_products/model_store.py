"""What was learned from a catalog's launches, kept on disk: the first visit after a start of the server need not learn it anew.

One npz file beside the catalog. Its name is a digest of catalog, model and of the code that learns, so what another catalog,
model or version of the code learned is never taken up. It is written under another name and moved into place; a file that
cannot be read is as if it were not there. Nothing in it is pickled: arrays, and one text that says how they belong together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from forecasting.core import metrics
from forecasting.core.atomic_write import UNREADABLE, written
from forecasting.new_products.analog_forecast import LaunchModel, LaunchRecord, ViewRecord
from forecasting.new_products.holdout_trial import Trial
from forecasting.new_products.launch_history import GroupHistory, Launches, Products
from forecasting.new_products.similarity_network import EmbeddingNetwork, LaunchMetric

#: The modules that learn: another text of theirs learns another thing.
_LEARNING = (
    "launch_history",
    "similarity_network",
    "kinship",
    "analog_forecast",
    "holdout_trial",
    "launch_service",
    "model_store",
)

_TREE = "tree"


@dataclass(frozen=True, eq=False)
class Learned:
    """The model of the launches that are over, the launches under way, and the trial; its network is not kept."""

    model: LaunchModel
    under_way: Launches
    trial: Trial | None


_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Learned,
        LaunchModel,
        LaunchMetric,
        Launches,
        Products,
        GroupHistory,
        Trial,
        LaunchRecord,
        ViewRecord,
        metrics.Difference,
    )
}


class LaunchStore:
    """Where what was learned for ``key``, a catalog and a model, is kept in a directory."""

    def __init__(self, directory: Path, key: str) -> None:
        digest = hashlib.sha256(f"{key}/{_code()}".encode()).hexdigest()[:12]
        self.path = directory / f"launches-{digest}.npz"

    def load(self) -> Learned | None:
        """What was learned, None where nothing was or the file cannot be read."""
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                found = _built(json.loads(held[_TREE].tobytes()), held)
        except UNREADABLE:
            return None
        return found if isinstance(found, Learned) else None

    def save(self, learned: Learned) -> None:
        """Keeps it, and removes what was learned for another catalog or by other code."""
        if learned.trial is not None:
            learned = replace(learned, trial=replace(learned.trial, network=None))
        arrays: dict[str, np.ndarray] = {}
        arrays[_TREE] = np.frombuffer(json.dumps(_taken_apart(learned, arrays)).encode(), np.uint8)
        written(self.path, lambda fresh: np.savez_compressed(fresh, allow_pickle=False, **arrays))
        for old in self.path.parent.glob("launches-*.npz"):
            if old != self.path:
                old.unlink(missing_ok=True)


@cache
def _code() -> str:
    """A digest of the code that learns."""
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / f"{name}.py").read_bytes() for name in _LEARNING)).hexdigest()


def _taken_apart(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """``value`` as text for JSON; its arrays go into ``arrays`` under names that the text refers to."""
    if isinstance(value, np.ndarray):
        words = value.dtype == object
        name = f"array{len(arrays)}"
        arrays[name] = value.astype(str) if words else value
        return {"array": name, "words": words}
    if isinstance(value, EmbeddingNetwork):
        labels = [table.num_embeddings - 1 for table in value.labels if isinstance(table, torch.nn.Embedding)]
        state = {name: weights.numpy() for name, weights in value.state_dict().items()}
        return {"network": [value.read.in_features, labels], "state": _taken_apart(state, arrays)}
    if isinstance(value, pd.Timestamp):
        return {"stamp": value.isoformat()}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: _taken_apart(getattr(value, one.name), arrays) for one in fields(value)}
        return {"kind": type(value).__name__, "parts": parts}
    if isinstance(value, Mapping):
        return {"map": {name: _taken_apart(one, arrays) for name, one in value.items()}}
    if isinstance(value, tuple):
        return [_taken_apart(one, arrays) for one in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be kept.")


def _built(tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The reverse of ``_taken_apart``."""
    if isinstance(tree, list):
        return tuple(_built(one, arrays) for one in tree)
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        array = arrays[tree["array"]]
        return array.astype(object) if tree["words"] else array
    if "network" in tree:
        channels, labels = tree["network"]
        network = EmbeddingNetwork(channels, tuple(labels))
        network.load_state_dict({name: torch.from_numpy(one) for name, one in _built(tree["state"], arrays).items()})
        return network.eval().requires_grad_(False)
    if "stamp" in tree:
        return pd.Timestamp(tree["stamp"])
    if "kind" in tree:
        return _KINDS[tree["kind"]](**{name: _built(one, arrays) for name, one in tree["parts"].items()})
    return {name: _built(one, arrays) for name, one in tree["map"].items()}
