"""Tissue that a person has drawn is theirs: nothing overwrites it."""

from __future__ import annotations

import logging
from pathlib import Path

from slidesieve.errors import SlideError
from slidesieve.tissue.geojson import is_edited, read_objects
from slidesieve.tissue.result import TissueResult

log = logging.getLogger(__name__)


def holds_edit(path: Path) -> bool:
    """Whether a tissue file exists that SlideSieve did not leave as it is.

    A file that cannot be read counts as edited: ours are written whole, so a person broke it and
    will want to mend it.
    """
    if not path.exists():
        return False
    try:
        edited = is_edited(path)
    except SlideError as error:
        log.warning("%s; it is kept as it is", error)
        return True
    if edited:
        log.warning("%s was edited by hand and is kept; delete it to segment anew", path)
    return edited


def read_drawn_tissue(path: Path, slide_id: str, assumed_origin: str = "bounds") -> TissueResult:
    """Read a slide's tissue; a file that is no GeoJSON of areas fails the slide, with reason.

    Args:
        path: The tissue file.
        slide_id: The slide.
        assumed_origin: See `read_tissue`.
    """
    try:
        result, objects = read_objects(path, assumed_origin)
    except SlideError as error:
        return TissueResult(slide_id=slide_id, status="failed", reason=str(error), edited=True)
    if result.edited:
        log.info("%s: %s; coordinates start at %s", path, objects, result.origin.name)
    return result
