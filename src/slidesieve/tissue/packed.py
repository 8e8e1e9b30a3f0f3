"""Compressed outlines, as QuPath offers to export them, beside a slide's tissue file.

Apart from `edits`, for the plan looks for them and does without the libraries of polygons.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from slidesieve.store.atomic import atomic_path

log = logging.getLogger(__name__)


def packed_outlines(path: Path) -> list[Path]:
    """Return the files "<name>.geojson.gz" and ".zip" that lie beside a tissue file."""
    packed = (path.with_name(path.name + ending) for ending in (".gz", ".zip"))
    return [file for file in packed if file.is_file()]


def take_packed_outline(path: Path) -> None:
    """Put the newest compressed export into the place of a tissue file that is older."""
    newest = max(packed_outlines(path), key=lambda file: file.stat().st_mtime, default=None)
    if newest is None or (path.exists() and path.stat().st_mtime >= newest.stat().st_mtime):
        return
    # It stays compressed: its first bytes say so to who reads it.
    with atomic_path(path) as partial:
        shutil.copyfile(newest, partial)
    log.info("%s is taken from %s", path, newest.name)
