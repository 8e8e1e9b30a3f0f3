"""The house plan: a module imports from its own room and from lower floors, and from nowhere else.

The table below is the one of docs/explanation/architecture.md.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import slidesieve

FLOORS = (
    ("tokens", "errors", "stages"),
    ("nn", "slide", "store", "evaluation", "runtime", "parsing", "sheets"),
    ("aggregators", "encoders", "tissue", "splits", "statistics", "synthetic", "bags"),
    ("reduction", "tiling", "cohort", "paper_tables"),
    ("models", "extraction", "figures"),
    ("training",),
    ("inference", "selector_diagnostics", "vqa"),
    ("config",),
    ("plan",),
    ("audit", "bundles", "viewer"),
    ("cli",),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS, start=1) for room in rooms}
# The version lives in the package itself; its lazy public names are for users, and for no room.
FLOOR_OF["slidesieve"] = 0
FLOOR_OF |= dict.fromkeys(slidesieve.__all__, len(FLOORS) + 1)


def room_of(module: str) -> str:
    """The room of a dotted module; the package itself for names of its `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOOR_OF else "slidesieve"


def imported(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports anywhere, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("slidesieve"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slidesieve"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def misplaced(source: Path) -> list[str]:
    """Imports that leave a room upwards or sideways, as `file: room -> room`."""
    found = []
    for path in sorted(set(source.rglob("*.py")) - {source / "__init__.py"}):
        module = ".".join(path.relative_to(source.parent).with_suffix("").parts)
        room = room_of(module.removesuffix(".__init__"))
        found += [
            f"{path.relative_to(source)}: {room} (floor {FLOOR_OF[room]}) imports {name}"
            for name in imported(path)
            if room_of(name) != room and FLOOR_OF[room_of(name)] >= FLOOR_OF[room]
        ]
    return found


def test_no_import_runs_upwards_or_sideways(repo):
    assert misplaced(repo / "src" / "slidesieve") == []


def test_every_module_has_a_room(repo):
    package = repo / "src" / "slidesieve"
    names = {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert names - {"__init__", "py", "__pycache__", "_workflow"} <= set(FLOOR_OF)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("tokens.py", "from slidesieve.reduction.base import TokenReducer"),
        ("models/classifier.py", "from slidesieve.training import loop"),
        ("models/classifier.py", "def later():\n    import slidesieve.cli.main"),
        ("models/classifier.py", "from slidesieve import load_model"),
        ("figures/style.py", "from slidesieve.models.classifier import build_model"),
    ],
)
def test_an_import_turned_upwards_is_found(tmp_path, place, line):
    path = tmp_path / "slidesieve" / place
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert len(misplaced(tmp_path / "slidesieve")) == 1


def test_an_import_of_a_lower_floor_is_allowed(tmp_path):
    path = tmp_path / "slidesieve" / "models" / "classifier.py"
    path.parent.mkdir(parents=True)
    path.write_text("from slidesieve.reduction.base import TokenReducer\nimport torch")
    assert misplaced(tmp_path / "slidesieve") == []
