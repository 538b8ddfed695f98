"""The rooms of the house: app.py, pages → forecasting → data, and who may hold which library.

The imports are read from the source, those inside functions too. Every rule is shown to work on a planted wrong import.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from bench.house import circles, sizes

ROOT = Path(__file__).resolve().parents[1]

MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_FILES = 400, 60, 12

#: Which rooms a room may import from.
ROOMS: dict[str, set[str]] = {
    "app": {"pages", "forecasting", "data"},
    "pages": {"pages", "forecasting", "data"},
    "forecasting": {"forecasting", "data"},
    "data": {"data"},
}

#: The rooms of forecasting by their floor: a room may import from lower floors, and from those beside it that ``BESIDE`` names.
FLOORS: dict[str, int] = {
    "core": 0, "features": 1, "models": 2, "inventory": 2, "training": 3, "purchasing": 4, "new_products": 4, "explain": 4,
    "evaluation": 4, "batch": 4, "service": 5, "": 6,
}  # fmt: skip
BESIDE: dict[str, set[str]] = {"purchasing": {"batch"}, "batch": {"explain"}}

#: Names that say nothing about what is inside.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


@dataclass(frozen=True)
class Import:
    """One imported name: ``module`` (whole, as in forecasting.core.types) and the ``name`` taken from it, "" for the module.

    ``for_types`` is true under ``if TYPE_CHECKING``, where nothing can be called; ``inside``, within a function.
    """

    line: int
    module: str
    name: str
    for_types: bool
    inside: bool

    @property
    def target(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module

    @property
    def top(self) -> str:
        return self.module.split(".")[0]

    def within(self, module: str) -> bool:
        """Whether it is ``module``, or something inside it."""
        return f"{self.target}.".startswith(f"{module}.")


@dataclass(frozen=True)
class Source:
    """One file of the house: its place, its dotted ``module`` and what it imports."""

    path: Path
    module: str
    imports: tuple[Import, ...]
    lines: int

    @property
    def room(self) -> str:
        return self.module.split(".")[0]

    @property
    def is_page(self) -> bool:
        """Whether it is the script of a page, and not part of pages/ui."""
        return self.room == "pages" and not self.module.startswith("pages.ui") and self.module != "pages"


def sources(root: Path) -> Iterator[Source]:
    """Every Python file of the four rooms under ``root``."""
    files = [*root.glob("app.py"), *(path for room in ROOMS for path in sorted((root / room).rglob("*.py")))]
    for path in files:
        text = path.read_text(encoding="utf-8")
        parts = path.relative_to(root).with_suffix("").parts
        package = parts if path.name == "__init__.py" else parts[:-1]
        module = ".".join(parts[:-1] if path.name == "__init__.py" else parts)
        found = tuple(imports(ast.parse(text), [part for part in package if part != "__init__"]))
        yield Source(path.relative_to(root), module, found, text.count("\n"))


def imports(tree: ast.AST, package: list[str]) -> Iterator[Import]:
    """What ``tree``, a module of ``package``, imports; relative imports are made whole."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    types_only = {inner.lineno for block in blocks for inner in block.body}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = {inner.lineno for function in functions for inner in ast.walk(function) if isinstance(inner, ast.stmt)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            where = (node.lineno in types_only, node.lineno in inside)
            yield from (Import(node.lineno, alias.name, "", *where) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            where = (node.lineno in types_only, node.lineno in inside)
            yield from (Import(node.lineno, module, alias.name, *where) for alias in node.names)


def frozen_types(path: Path) -> set[str]:
    """Names of the frozen dataclasses and type aliases that a module declares: what may cross rooms."""
    if not path.is_file():
        return set()
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and any("frozen=True" in ast.unparse(d) for d in node.decorator_list):
            names.add(node.name)
        elif isinstance(node, ast.Assign) and "Literal[" in ast.unparse(node.value):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("forecasting", "data")):
            names.update(alias.name for alias in node.names if alias.name[0].isupper())  # passed on; judged at its own
    return names


def faults(root: Path) -> list[str]:
    """Every breach of the rules under ``root``, as "path:line what is wrong"."""
    return [fault for source in sources(root) for fault in (*_own_faults(source), *_import_faults(source, root))]


def _own_faults(source: Source) -> Iterator[str]:
    if source.lines > MOST_LINES:
        yield f"{source.path}: {source.lines} lines; a file has one subject and at most {MOST_LINES}"
    if source.path.name == "__init__.py" and source.lines:
        yield f"{source.path}: a package's __init__ stays empty, so that importing a part does not import the whole"
    if source.path.stem in EMPTY_NAMES:
        yield f"{source.path}: the name says nothing about what is inside"


def _import_faults(source: Source, root: Path) -> Iterator[str]:
    for found in source.imports:
        checks = (_direction(source, found), _floor(source, found), _library(source, found), _door(source, found, root))
        for wrong in filter(None, checks):
            yield f"{source.path}:{found.line} imports {found.target}: {wrong}"


def _direction(source: Source, found: Import) -> str:
    """app.py, pages → forecasting → data, and no page from another page."""
    if found.top in ROOMS and found.top not in ROOMS[source.room]:
        return f"{source.room} may import from {', '.join(sorted(ROOMS[source.room]))} alone"
    if found.top == "tests":
        return "tests import the house, never the other way round"
    if source.room == "pages" and found.top == "pages" and not found.within("pages.ui"):
        return "pages share what is in pages/ui, not each other"
    return ""


def _room_in(module: str) -> str:
    """The room of forecasting that a module lies in; "" for one beside the rooms."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""


def _floor(source: Source, found: Import) -> str:
    """Inside forecasting, down and never up; what trains is imported inside a fit only."""
    if source.room != "forecasting" or found.top != "forecasting":
        return ""
    here, there = _room_in(source.module), _room_in(found.target)
    if here == there or there in BESIDE.get(here, set()) or FLOORS[there] < FLOORS[here]:
        return ""
    if there == "training" and here == "models" and found.inside:
        return ""
    return f"{here or 'forecasting'} stands below or beside {there or 'forecasting'}"


def _library(source: Source, found: Import) -> str:
    """Which room may hold which library."""
    where = source.path.as_posix()
    if found.top == "streamlit":
        plain = where in [f"pages/ui/display/{name}.py" for name in ("charts", "chart_sheet", "formats", "exports")]
        if plain or source.room not in ("app", "pages"):
            return "Streamlit lives in app.py and pages/, and charts, formats and exports do without it"
    if found.top in ("duckdb", "sqlite3") and source.room != "data":
        return "only data/ touches a database"
    if found.top == "ray" and where != "forecasting/distributed.py":
        return "Ray lives in forecasting/distributed.py"
    if found.top in ("torch", "lightgbm") and source.room != "forecasting":
        return "models live in forecasting/"
    if source.is_page and found.top in ("pandas", "sklearn", "plotly"):
        return "a page shows one typed result; tables and charts are made in pages/ui"
    return ""


def _door(source: Source, found: Import, root: Path) -> str:
    """Who may open the catalog, and who may call the workflows; frozen types and annotations go everywhere."""
    if found.for_types:
        return ""
    for door in ("data.catalog", "data.corrected_catalog", "data.catalog_writer"):
        if found.within(door):
            opened = found.name not in frozen_types(root / f"{door.replace('.', '/')}.py")
            doorkeepers = ("forecasting.workflows", "forecasting.__main__")
            if opened and source.room != "data" and source.module not in doorkeepers:
                return "only forecasting/workflows.py and __main__ open the catalog"
    if found.within("forecasting.workflows") and source.room in ("app", "pages"):
        called = found.name not in frozen_types(root / "forecasting" / "workflows.py")
        if called and not source.module.startswith(("pages.ui.resources.", "pages.ui.loading.")):
            return "only ui/resources and ui/loading call workflows"
    return ""


def test_the_house_keeps_its_rules() -> None:
    assert not faults(ROOT), "\n" + "\n".join(faults(ROOT))


def test_the_house_is_there_to_be_read() -> None:
    read = {source.room for source in sources(ROOT)}
    assert read == set(ROOMS), "the rules were run on an empty house"


def test_tests_and_benches_are_files_of_one_subject_too() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for room in ("tests", "bench")
        for path in (ROOT / room).rglob("*.py")
        if (lines := path.read_text(encoding="utf-8").count("\n")) > MOST_LINES
    }
    assert not long


def test_no_room_is_crowded_no_function_long_and_nothing_goes_in_circles() -> None:
    found = sizes(ROOT)
    assert found["largest_folder"] <= MOST_FILES
    assert found["longest_function"] <= MOST_LINES_OF_A_FUNCTION
    assert found["circles"] == 0, "modules import one another, perhaps under TYPE_CHECKING"


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": {"f"}, "f": {"e"}, "g": {"g"}}) == 2


def test_every_library_that_is_imported_is_pinned() -> None:
    files = ("requirements.txt", "requirements-postgres.txt")  # the second is an extra
    lines = [line for name in files for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    pinned = {canonical(line.split("==")[0]) for line in lines if "==" in line}
    assert all("==" in line or not line.strip() or line.startswith("#") for line in lines)
    owners = packages_distributions()
    missing = {
        f"{source.path} imports {found.top}"
        for source in sources(ROOT)
        for found in source.imports
        if found.top not in {*ROOMS, *sys.stdlib_module_names}
        and not any(canonical(owner) in pinned for owner in owners.get(found.top, (found.top,)))
    }
    assert not missing


def canonical(distribution: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower().strip()


PLANTED = [
    ("data/catalog.py", "from forecasting.core.types import QuantileForecast", "data may import from data alone"),
    ("data/sources/upload/load.py", "import streamlit as st", "Streamlit lives in app.py and pages/"),
    ("data/events.py", "def f():\n    import torch", "models live in forecasting/"),
    ("forecasting/features/inputs.py", "from pages.ui import charts", "forecasting may import from data, forecasting alone"),
    ("forecasting/evaluation/backtest.py", "import app", "forecasting may import from data, forecasting alone"),
    ("forecasting/training/hyperparameter_search.py", "def f():\n    import streamlit", "Streamlit lives in app.py and pages/"),
    ("forecasting/service/what_if.py", "import duckdb", "only data/ touches a database"),
    ("forecasting/service/what_if.py", "from data.catalog import Catalog", "open the catalog"),
    ("forecasting/service/what_if.py", "from data import catalog", "open the catalog"),
    ("forecasting/service/what_if.py", "import data.catalog_writer", "open the catalog"),
    ("forecasting/service/what_if.py", "from data.corrected_catalog import CorrectedCatalog", "open the catalog"),
    ("forecasting/models/forest.py", "from ...pages import item", "forecasting may import from data"),
    ("forecasting/training/hyperparameter_search.py", "import ray.data", "Ray lives in forecasting/distributed.py"),
    ("pages/ui/display/charts.py", "import streamlit.components.v1", "charts, formats and exports do without it"),
    ("pages/ui/shell/frame.py", "import duckdb", "only data/ touches a database"),
    ("pages/item.py", "from pages.today import ranking", "not each other"),
    ("pages/item.py", "import pandas as pd", "a page shows one typed result"),
    ("pages/item.py", "from forecasting.workflows import Desk", "only ui/resources and ui/loading call workflows"),
    ("pages/ui/shell/frame.py", "from forecasting import workflows", "only ui/resources and ui/loading call workflows"),
    ("pages/item.py", "from data.catalog import Catalog", "open the catalog"),
    ("app.py", "from forecasting.workflows import Desk", "only ui/resources and ui/loading call workflows"),
    ("data/schema.py", "from tests.factories import make_panel", "never the other way round"),
    ("forecasting/__init__.py", "import os\n", "stays empty"),
    ("forecasting/core/types.py", "from forecasting.service.what_if import planned", "core stands below or beside service"),
    ("forecasting/batch/parallel.py", "from forecasting.purchasing import alerts", "batch stands below or beside purchasing"),
    (
        "forecasting/models/registry.py",
        "from forecasting.training import worker_pool",
        "models stands below or beside training",
    ),
    ("forecasting/explain/x.py", "def f():\n    from forecasting import workflows", "stands below or beside forecasting"),
    ("pages/ui/helpers.py", "", "the name says nothing"),
    ("data/schema.py", "\n" * 451, "a file has one subject"),
]


@pytest.mark.parametrize(("path", "text", "complaint"), PLANTED)
def test_a_planted_breach_is_found(tmp_path: Path, path: str, text: str, complaint: str) -> None:
    plant(tmp_path, path, text)
    found = faults(tmp_path)
    assert len(found) == 1
    assert path in found[0]
    assert complaint in found[0]


ALLOWED = [
    ("app.py", "import streamlit as st\nfrom pages.ui.shell.frame import frame"),
    (
        "pages/item.py",
        "import streamlit as st\nfrom pages.ui import charts, resources\nfrom data.errors import DataError",
    ),
    ("pages/item.py", "from forecasting.workflows import ItemView\nfrom data.catalog import About"),
    ("pages/ui/resources/catalog.py", "from forecasting import workflows\nfrom forecasting.workflows import open_service"),
    ("forecasting/workflows.py", "from data.catalog import Catalog\nfrom data.catalog_writer import CatalogWriter"),
    ("forecasting/distributed.py", "def f():\n    import ray"),
    ("forecasting/models/x.py", "def fit():\n    from forecasting.training import worker_pool"),
    (
        "forecasting/purchasing/x.py",
        "from forecasting.batch.forecast_summary import Summary\nfrom forecasting.core import types",
    ),
    ("forecasting/service/view_models.py", "from data.catalog import About"),
    ("forecasting/service/view_models.py", "if TYPE_CHECKING:\n    from data.catalog import Catalog"),
    ("data/catalog.py", "import duckdb\nfrom . import schema"),
]


@pytest.mark.parametrize(("path", "text"), ALLOWED)
def test_what_is_allowed_is_not_complained_of(tmp_path: Path, path: str, text: str) -> None:
    plant(tmp_path, "forecasting/workflows.py", "class Desk: ...\n@dataclass(frozen=True)\nclass ItemView: ...")
    plant(tmp_path, "data/catalog.py", "class Catalog: ...\n@dataclass(frozen=True)\nclass About: ...")
    plant(tmp_path, path, text)
    assert faults(tmp_path) == []


def plant(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")
