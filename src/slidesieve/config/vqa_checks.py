"""Mistakes in the `vqa` section that a schema cannot see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from slidesieve.parsing.suggestions import did_you_mean


def vqa_problems(config: Mapping) -> Iterator[str]:
    """One sentence for every mistake in the `vqa` section, by its key."""
    section = config.get("vqa")
    if isinstance(section, Mapping):
        yield from _file_problems(section.get("questions"))
        yield from _reference_problems(section)


def _reference_problems(section: Mapping) -> Iterator[str]:
    named, models = section.get("compare_to"), section.get("models")
    known = [str(name) for name in models] if isinstance(models, Mapping) else []
    if isinstance(named, str) and named not in known:
        yield f"vqa.compare_to: no model {named!r}; {did_you_mean(named, known)}"


def _file_problems(sources: object) -> Iterator[str]:
    for number, source in enumerate(sources if isinstance(sources, list) else []):
        path = source.get("path") if isinstance(source, Mapping) else None
        if not isinstance(path, str):
            continue
        # Files in results/ may still have to be made.
        if not Path(path).is_file() and Path(path).parts[:1] != ("results",):
            yield f"vqa.questions.{number}.path: {path!r} is not a file"
