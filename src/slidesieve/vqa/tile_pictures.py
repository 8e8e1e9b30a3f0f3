"""Pictures of the tiles that a model looked at, for a page."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import SlideError
from slidesieve.figures.slide_view import view_slide
from slidesieve.figures.style import colour_of
from slidesieve.figures.tokens.mosaic import make_mosaic
from slidesieve.figures.tokens.samples import Sample
from slidesieve.store.tiles import known_spec_from_attributes

log = logging.getLogger(__name__)

_MOST, _CELL_PX, _WIDTH_PX, _QUALITY = 12, 96, 660, 80


def tile_pictures(
    slide: Path, slide_id: str, coords: NDArray[np.int64], attributes: Mapping[str, object]
) -> str:
    """Return an even choice of some tiles as one JPEG in markup; "" if the slide cannot be read.

    Args:
        slide: The slide's file.
        slide_id: Its name.
        coords: (M, 2) top-left corners of the tiles, level-0 px.
        attributes: Of the tiles, as the features file has them.
    """
    rows = np.unique(np.linspace(0, len(coords) - 1, min(_MOST, len(coords))).astype(int)).tolist()
    spec = known_spec_from_attributes(dict(attributes), slide_id)
    try:
        view = view_slide(slide, spec, coords, rows)
    except SlideError as error:
        log.warning("%s: no tiles on the page: %s", slide_id, error)
        return ""
    samples = [Sample((row,), "", colour_of(0)) for row in rows]
    picture = make_mosaic(samples, view.tiles, _WIDTH_PX, _CELL_PX).picture
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)
    data = base64.b64encode(jpeg.tobytes()).decode()
    words = f"{len(rows)} of {len(coords)} tiles looked at"
    return f'<img src="data:image/jpeg;base64,{data}" alt="{words}"><br><small>{words}</small>'
