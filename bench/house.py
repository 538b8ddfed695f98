"""How the code is laid out: folders, sizes, circles, how far a question travels, and lines; against an earlier commit.

``python bench/house.py [--before COMMIT] [--out FILE]``

The last line is one JSON object. ``largest_folder`` counts Python files of one folder of forecasting/, pages/ui/ and
data/sources/; ``longest_file`` and ``longest_function`` are lines within forecasting/, pages/ and data/, and ``circles``
counts groups of modules that import one another, also under TYPE_CHECKING. ``files_to_fan`` counts the files of ours that are
entered by a call between ``pages/item.py`` and the drawn fan of one item, on a small simulated catalog with a small model,
both open already; what runs while a module is read does not count. ``lines`` are those of forecasting/ and pages/. The same
is measured of ``--before``, in a worktree of its own.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: The commit before the rooms.
BEFORE = "1380771"

_CODE, _ROOMS = ("forecasting", "pages", "data"), ("forecasting", "pages/ui", "data/sources")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default=BEFORE, help="the commit that it is measured against")
    parser.add_argument("--out", type=Path, help="keeps the figures as JSON, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tideline-house-") as folder:
        home = Path(folder) / "home"
        worktree = Path(folder) / "before"
        subprocess.run(
            ["git", "worktree", "add", "--detach", str(worktree), options.before], cwd=ROOT, check=True, capture_output=True
        )
        try:
            figures = sizes(ROOT) | {
                "files_to_fan": entered(ROOT, home),
                "files_to_fan_before": entered(worktree, home.with_name("home-before")),
                "lines": lines(ROOT),
                "lines_before": lines(worktree),
                "before": options.before,
            }
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(worktree)], cwd=ROOT, check=True, capture_output=True)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures))


def sizes(root: Path) -> dict[str, int]:
    """The largest folder, the longest file and function, and the circles."""
    files = [path for top in _CODE for path in (root / top).rglob("*.py")]
    folders: dict[Path, int] = {}
    for path in (path for room in _ROOMS for path in (root / room).rglob("*.py")):
        folders[path.parent] = folders.get(path.parent, 0) + (path.name != "__init__.py")
    functions = [
        node.end_lineno - node.lineno + 1
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno
    ]
    return {
        "largest_folder": max(folders.values()),
        "longest_file": max(_count(path) for path in files),
        "longest_function": max(functions),
        "circles": circles({_module(root, path): set(_imports(root, path)) for path in files}),
    }


def lines(root: Path) -> int:
    """Lines of forecasting/ and pages/."""
    return sum(_count(path) for top in ("forecasting", "pages") for path in (root / top).rglob("*.py"))


def _count(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _module(root: Path, path: Path) -> str:
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    return name.removesuffix(".__init__")


def _imports(root: Path, path: Path) -> Iterator[str]:
    """Modules of ours that a file names in an import, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{one.name}" for one in node.names]
            names = [name if _is_file(root, name) else node.module for name in names]
        yield from (name for name in names if name.split(".")[0] in _CODE)


def _is_file(root: Path, module: str) -> bool:
    return root.joinpath(*module.split(".")).with_suffix(".py").is_file()


def circles(imports: dict[str, set[str]]) -> int:
    """How many groups of modules import one another: strongly connected components of more than one module (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = 0

    def visit(module: str) -> None:
        nonlocal found
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in imports[module] & imports.keys():
            if other not in order:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], order[other])
        if low[module] == order[module]:
            members = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            found += len(members) > 1

    for module in imports:
        if module not in order:
            visit(module)
    return found


def entered(root: Path, home: Path) -> int:
    """Files of ours that a call enters while ``pages/item.py`` of ``root`` draws one item's fan."""
    environment = os.environ | {"TIDELINE_HOME": str(home), "PYTHONPATH": str(root)}
    program = [sys.executable, "-c", _TRACE]
    ran = subprocess.run(program, cwd=root, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"The item page of {root} could not be traced.\n{ran.stderr}")
    return int(ran.stdout.splitlines()[-1])


#: Loads a small simulated catalog, trains for a moment, opens an item so that catalog and model are open and everything is
#: imported, then counts from the page's script to the chart of another item.
_TRACE = r"""
import sys
import threading
from pathlib import Path

from streamlit.testing.v1 import AppTest

from forecasting import workflows

try:
    from forecasting.models.mqtransformer.settings import TrainingSettings
except ImportError:
    from forecasting.runs import TrainingSettings

workflows.load_simulated(24, 70, 1, lambda progress: None)
workflows.train(lambda progress: None, TrainingSettings(members=1, scale_lives=(0.5,), most_steps=4, look_every=2, patience=1))
root, files, drawn = Path.cwd(), set(), []


def count(frame, event, arg):
    name = frame.f_code.co_filename
    if event == "return" and frame.f_code.co_name == "item_fan":
        drawn.append(name)
    if event == "call" and not drawn and name.startswith(str(root)) and "site-packages" not in name:
        if frame.f_code.co_name != "<module>" or name.endswith("pages/item.py"):
            files.add(name)


def opened(item, watch):
    app = AppTest.from_file(str(root / "pages" / "item.py"), default_timeout=120)
    app.query_params["item"] = item
    threading.setprofile(count if watch else None)
    app.run()
    threading.setprofile(None)
    assert not app.exception, app.exception
    assert app.get("plotly_chart")


opens = workflows.__dict__.get("open_service", workflows.__dict__.get("open_desk"))
one, other = (row.item_id for row in opens().search("", 2).rows)
opened(one, False)
opened(other, True)
assert drawn
print("\n".join(sorted(name.removeprefix(str(root)) for name in files)), file=sys.stderr)
print(len(files))
"""


if __name__ == "__main__":
    main()
