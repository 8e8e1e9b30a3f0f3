"""Files that come with SlideSieve: the workflow, its config, and ready-made studies."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def shipped_root() -> Path:
    """The folder of Snakefile and config.yaml: in an installed wheel, or the checkout."""
    in_wheel = _PACKAGE / "_workflow"
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parents[1]


def shipped_config_file() -> Path:
    """The config of the demo, whose settings are the defaults of every study."""
    return shipped_root() / "config.yaml"


def find_file(path: Path) -> Path:
    """Return a file of the user's, or else the shipped one of that name."""
    shipped = shipped_root() / path
    return shipped if not path.exists() and shipped.exists() else path
