"""The stand-in is asked as the real service is: the same methods, parameters and results, or page tests would prove nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
import stand_in
import stand_in_buying
import stand_in_ladder
import stand_in_launches

from forecasting import workflows
from forecasting.new_products.launch_service import LaunchService
from forecasting.service.background_jobs import CommandJob
from forecasting.service.catalog_forecasts import CatalogForecasts
from forecasting.service.item_service import ItemService
from forecasting.service.planning_service import PlanningService
from forecasting.service.purchase_service import PurchaseService

PAIRS = {
    "service": (stand_in.PlanningService, PlanningService),
    "items": (stand_in.Items, ItemService),
    "forecasts": (stand_in.Forecasts, CatalogForecasts),
    "purchases": (stand_in.Purchases, PurchaseService),
    "launches": (stand_in_launches.LaunchService, LaunchService),
    "training": (stand_in_ladder.Training, CommandJob),
    "ladder": (stand_in_ladder.LadderRun, CommandJob),
    "monitoring": (stand_in_buying.LookBackRun, CommandJob),
    "batch": (stand_in_buying.BatchRun, CommandJob),
    "workflows": (stand_in, workflows),
}

#: What pages never ask of it: page tests do without.
NOT_ASKED = {
    "service": {"close"},
    "items": {"history"},
    "forecasts": {"summary", "forecast", "forecast_all", "monitor"},
    "purchases": {"branch_errors"},
    "launches": {"of"},
}

#: Results that are imitations themselves, and what of.
IMITATED = {
    "stand_in_ladder.Training": "CommandJob",
    "stand_in_ladder.LadderRun": "CommandJob",
    "stand_in_buying.LookBackRun": "CommandJob",
    "stand_in_buying.BatchRun": "CommandJob",
    "stand_in_launches.LaunchService | None": "LaunchService | None",
}

#: The stand-in's own parts, beside the functions of the workflows.
_OWN = {
    "about", "facts", "install", "level", "plan_inputs", "search",
}  # fmt: skip


def public(thing: object) -> Iterator[tuple[str, object]]:
    """Functions of a class or a module, by name."""
    for name, value in vars(thing).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, (property, staticmethod, classmethod))):
            yield name, value


def asked(value: object) -> tuple[list[tuple[str, str, object]], str]:
    """Parameters, by name, kind and default, and the annotation of the result."""
    function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    signature = inspect.signature(function)
    parameters = [
        (one.name, str(one.kind), "a function" if inspect.isfunction(one.default) else one.default)
        for one in signature.parameters.values()
        if one.name != "self"
    ]
    return parameters, IMITATED.get(str(signature.return_annotation), str(signature.return_annotation))


@pytest.mark.parametrize("name", PAIRS)
def test_every_method_of_the_stand_in_is_one_of_the_service(name: str) -> None:
    imitation, real = PAIRS[name]
    methods = {
        name: value for base in (inspect.getmro(real) if inspect.isclass(real) else (real,)) for name, value in public(base)
    }
    wrong = []
    for method, value in public(imitation):
        if name == "workflows" and (method in _OWN or getattr(value, "__module__", "") != stand_in.__name__):
            continue
        if method not in methods:
            wrong.append(f"{method} is no method of {real.__name__}")
        elif asked(value) != asked(methods[method]):
            wrong.append(f"{method}: {asked(value)} in the stand-in, {asked(methods[method])} in {real.__name__}")
    assert wrong == []


@pytest.mark.parametrize("name", NOT_ASKED)
def test_every_method_of_the_service_is_in_the_stand_in(name: str) -> None:
    imitation, real = PAIRS[name]
    there = {method for base in inspect.getmro(imitation) for method, _ in public(base)} | set(vars(imitation))
    there |= {"window", "record", "recent", "horizon"}  # plain attributes
    assert {method for method, _ in public(real)} - there - NOT_ASKED[name] == set()
