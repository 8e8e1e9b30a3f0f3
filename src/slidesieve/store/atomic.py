"""Files that are either whole or absent, because jobs get killed."""

from __future__ import annotations

import glob
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary sibling of `path` to write to, and move it there when all went well.

    The sibling keeps the file's ending, since libraries choose formats by it. After an error
    it is removed and what stood at `path` before is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem}.", suffix=f".partial{path.suffix}"
    )
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def sweep_partials(path: Path) -> None:
    """Delete what killed writers of a file left behind; only the file's next writer may."""
    for partial in path.parent.glob(f".{glob.escape(path.stem)}.*.partial{path.suffix}"):
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write indented JSON with a final newline, atomically."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def _umask() -> int:
    # mkstemp makes private files; results are for the group, as far as its umask says so.
    mask = os.umask(0)
    os.umask(mask)
    return mask
