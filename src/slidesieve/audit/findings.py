"""Findings of an audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slidesieve.errors import ConfigError, ContractError, SlideError
from slidesieve.stages import STAGES
from slidesieve.store.checksums import is_as_recorded
from slidesieve.store.hdf5 import is_intact

PathOf = Callable[..., Path]
"""Gives a dataset's file: a pattern of `plan.layout` in, its names as keywords."""

OK, BROKEN, MISSING = "ok", "broken", "missing"


@dataclass(frozen=True)
class Finding:
    """One artifact and what is wrong with it.

    Attributes:
        path: The artifact.
        status: "ok", "broken" or "missing".
        problem: What is wrong; empty if ok.
    """

    path: Path
    status: str
    problem: str = ""


def examine(path: Path, problems: Callable[[], Iterable[str]]) -> Iterator[Finding]:
    """Look at one artifact: a finding per problem, or one that says ok.

    Args:
        path: The artifact.
        problems: Reads it and yields what is wrong. What it raises is a finding, too.
    """
    if not path.exists():
        yield Finding(path, MISSING, "was not made; run snakemake again")
        return
    found: list[str] = []
    try:
        found.extend(problems())
    except (ConfigError, ContractError, SlideError) as error:
        found.extend(str(error).splitlines())
    except Exception as error:  # damage has every form; an audit that dies of one finds no other
        found.append(f"cannot be checked, so it is damaged ({type(error).__name__}: {error})")
    if not found:
        yield Finding(path, OK)
    for problem in found:
        yield Finding(path, BROKEN, problem)


def version_problems(stage: str, version: int | None) -> Iterator[str]:
    """Problems with the version of the stage that made an artifact."""
    if version != STAGES[stage]:
        yield f"was made by stage version {version}, now {STAGES[stage]}"


def intact_problems(path: Path) -> Iterator[str]:
    """Problems of an HDF5 file of ours with its own checksum."""
    if not is_intact(path):
        yield "does not hold what was written (its checksum differs); delete it and run again"


def recorded_problems(path: Path) -> Iterator[str]:
    """Problems of a file whose checksum its job put on record."""
    if not is_as_recorded(path):
        yield "does not hold what was written (its checksum differs); delete it and run again"
