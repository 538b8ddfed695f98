"""Small catalogs of every kind that we could think of, through every generation, the ladder and the desk."""

from __future__ import annotations

import numpy as np
import pytest
from gauntlet.families import CATALOGS, FAMILIES, TENTH, TENTH_NAMES, Catalog
from gauntlet.running import dealt, gauntlet, whole


def named(catalog: Catalog) -> str:
    return str(catalog)


def test_there_are_catalogs_of_every_kind_and_a_tenth_has_one_of_each() -> None:
    assert len(CATALOGS) >= 150
    assert len({str(one) for one in CATALOGS}) == len(CATALOGS)
    assert {str(one) for one in TENTH} == set(TENTH_NAMES)
    assert {one.family.kind for one in TENTH} == {family.kind for family in FAMILIES}
    assert {one.made().history.frequency.unit for one in TENTH} == {"day", "week", "month"}


def test_a_family_without_a_band_says_why() -> None:
    assert all((family.band is None) == bool(family.why) for family in FAMILIES)


def test_a_catalog_is_the_same_whenever_it_is_made() -> None:
    for catalog in TENTH:
        first, second = catalog.made().panel, catalog.made().panel
        np.testing.assert_array_equal(first.demand, second.demand)
        assert first.periods.equals(second.periods)


@pytest.mark.parametrize("catalog", TENTH, ids=named)
def test_a_tenth(catalog: Catalog) -> None:
    failures = gauntlet(catalog, dealt(TENTH.index(catalog)))
    assert not failures, "\n".join(map(str, failures))


@pytest.mark.gauntlet
@pytest.mark.parametrize("catalog", CATALOGS, ids=named)
def test_a_catalog(catalog: Catalog) -> None:
    failures = gauntlet(catalog, whole(catalog))
    assert not failures, "\n".join(map(str, failures))
