"""The catalogs of the gauntlet, each a family and a seed, made when it is asked for; nothing is stored."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from gauntlet import covariate_families, demand_families, desk_families, record_families
from gauntlet.drawing import STEPS, Case, Draw, Family

FAMILIES: tuple[Family, ...] = (
    *demand_families.FAMILIES,
    *record_families.FAMILIES,
    *covariate_families.FAMILIES,
    *desk_families.FAMILIES,
)


@dataclass(frozen=True)
class Catalog:
    """One catalog by its family and seed."""

    family: Family
    seed: int

    def __str__(self) -> str:
        return f"{self.family.name} {self.seed}"

    def made(self) -> Case:
        """The same each time."""
        own = zlib.crc32(self.family.name.encode())
        return self.family.make(Draw(self.seed, np.random.default_rng([own, self.seed]), STEPS[(own + self.seed) % len(STEPS)]))


CATALOGS: tuple[Catalog, ...] = tuple(Catalog(family, seed) for family in FAMILIES for seed in range(family.seeds))

#: A tenth of them, small ones, at least one of every kind of family.
TENTH_NAMES = (
    "all zero 0", "constant 1", "intermittent 2", "stopped 1", "launched last week 1", "bulk order 0", "side by side 1",
    "duplicates 0", "one item 1", "few periods 3", "horizon beyond history 1", "less than a year 0", "gaps 1",
    "sold out lately 1", "unseen attribute 1", "promotion rhythmic 1", "price of 0 1", "covariate explodes 1",
    "plan with holes 1", "branches 0", "launches all at once 0", "holiday only ahead 1",
)  # fmt: skip

TENTH: tuple[Catalog, ...] = tuple(one for one in CATALOGS if str(one) in TENTH_NAMES)
