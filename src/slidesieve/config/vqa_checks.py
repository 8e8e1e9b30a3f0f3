"""Mistakes in the `vqa` section that a schema cannot see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path


def vqa_problems(config: Mapping) -> Iterator[str]:
    """One sentence for every mistake in the `vqa` section, by its key."""
    section = config.get("vqa")
    if isinstance(section, Mapping):
        yield from _file_problems(section.get("questions"))


def _file_problems(sources: object) -> Iterator[str]:
    for number, source in enumerate(sources if isinstance(sources, list) else []):
        path = source.get("path") if isinstance(source, Mapping) else None
        if not isinstance(path, str):
            continue
        # Files in results/ may still have to be made.
        if not Path(path).is_file() and Path(path).parts[:1] != ("results",):
            yield f"vqa.questions.{number}.path: {path!r} is not a file"
