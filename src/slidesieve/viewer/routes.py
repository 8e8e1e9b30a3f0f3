"""What the viewer serves: a fixed list of addresses, each made from the study's own tables."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image

from slidesieve.errors import SlideError, SlideSieveError
from slidesieve.plan import layout
from slidesieve.slide.bounds import Bounds
from slidesieve.store.tiles import read_tiles
from slidesieve.tissue.geojson import read_tissue
from slidesieve.viewer import library, overlays
from slidesieve.viewer.deepzoom import OVERLAP_PX, TILE_PX, DeepZoomSlide, OpenSlides
from slidesieve.viewer.study import ViewedModel, ViewedStudy
from slidesieve.viewer.tokens import tokens_of

_PAGE_TYPES = {
    "index.html": "text/html; charset=utf-8",
    "viewer.css": "text/css; charset=utf-8",
    "panes.js": "text/javascript; charset=utf-8",
    "overlays.js": "text/javascript; charset=utf-8",
    "slides.js": "text/javascript; charset=utf-8",
    "main.js": "text/javascript; charset=utf-8",
}
_LIBRARY = "openseadragon.js"
_JPEG_QUALITY = 88
_THUMBNAIL_PX = 128
_KEPT_OVERLAYS = 32


class NotFoundError(SlideSieveError):
    """Nothing has this address."""


@dataclass(frozen=True)
class Response:
    """A body and its media type.

    Attributes:
        body: Bytes.
        media_type: Of the body.
        kept: Whether the browser may keep it while the viewer runs.
    """

    body: bytes
    media_type: str
    kept: bool = False


class Routes:
    """Answers to addresses.

    Args:
        study: The dataset to be shown.
    """

    def __init__(self, study: ViewedStudy) -> None:
        self._study = study
        self._slides = OpenSlides(study.slide_path)
        # Of a slide and a model; a trace takes up to a second.
        self._tokens = lru_cache(_KEPT_OVERLAYS)(self._tokens_json)

    def answer(self, parts: Sequence[str]) -> Response:
        """Answer an address.

        Args:
            parts: The address behind the token, cut at its slashes and decoded.

        Raises:
            NotFoundError: Nothing has it: no such page, slide, model or tile.
            SlideSieveError: It cannot be made; the message says why.
        """
        match list(parts):
            case [""]:
                return _page("index.html")
            case ["page", name] if name in _PAGE_TYPES:
                return _page(name)
            case ["page", name] if name == _LIBRARY:
                return Response(library.read_script(), "text/javascript; charset=utf-8", kept=True)
            case ["study.json"]:
                return _json(self._overview())
            case ["slides", slide_id, *rest] if slide_id in self._study.cohort:
                return self._of_slide(slide_id, rest)
        raise NotFoundError("nothing has this address")

    def close(self) -> None:
        """Close the slides."""
        self._slides.close()

    def _of_slide(self, slide_id: str, parts: list[str]) -> Response:
        match parts:
            case ["info.json"]:
                return _json(self._info(slide_id))
            case ["thumbnail.jpg"]:
                return self._thumbnail(slide_id)
            case ["tiles", level, name] if name.endswith(".jpg"):
                return self._tile(slide_id, level, name.removesuffix(".jpg"))
            case ["tissue.json"]:
                tissue = read_tissue(self._study.file(layout.TISSUE, slide=slide_id))
                return _json(overlays.tissue_overlay(tissue, self._bounds(slide_id)))
            case ["tiles.json"]:
                tiles = read_tiles(self._study.file(layout.TILES, slide=slide_id))
                return _json(overlays.tiles_overlay(tiles, self._bounds(slide_id)))
            case ["truth.png"] if (mask := self._truth(slide_id)) is not None:
                return Response(overlays.truth_overlay(mask), "image/png", kept=True)
            case ["tokens", encoder, name] if name.endswith(".json"):
                model = name.removesuffix(".json")
                if f"{encoder}/{model}" in self._study.models:
                    return Response(self._tokens(slide_id, encoder, model), "application/json")
        raise NotFoundError(f"slide {slide_id} has nothing of this address")

    def _overview(self) -> dict[str, object]:
        return {
            "name": self._study.name,
            "slides": [
                {name: row[name] for name in ("slide_id", "label", "status", "reason")}
                for row in self._study.cohort.values()
            ],
            "models": [_verdicts(model) for model in self._study.models.values()],
            "legend": overlays.legend(),
        }

    def _info(self, slide_id: str) -> dict[str, object]:
        """Describe a slide: its size and levels, its scale, and which overlays there are."""
        described = self._slides.read(
            slide_id,
            lambda slide: {
                "width": slide.width,
                "height": slide.height,
                "left": slide.left,
                "top": slide.top,
                "max_level": slide.level_count - 1,
            },
        )
        row = self._study.cohort[slide_id]
        return described | {
            "tile_px": TILE_PX,
            "overlap_px": OVERLAP_PX,
            "mpp": _plain(row.get("mpp")),
            "level0": [_plain(row.get("width")), _plain(row.get("height"))],
            "has_truth": self._truth(slide_id) is not None,
        }

    def _thumbnail(self, slide_id: str) -> Response:
        picture = self._slides.read(slide_id, lambda slide: slide.thumbnail(_THUMBNAIL_PX))
        if picture is None:
            raise NotFoundError(f"slide {slide_id} has no small level")
        return _jpeg(picture)

    def _tile(self, slide_id: str, level: str, place: str) -> Response:
        try:
            column, row = map(int, place.split("_"))
            number = int(level)
            picture = self._slides.read(slide_id, lambda slide: slide.tile(number, column, row))
        except ValueError as error:
            raise NotFoundError(f"slide {slide_id} has no such tile") from error
        return _jpeg(picture)

    def _tokens_json(self, slide_id: str, encoder: str, model: str) -> bytes:
        tokens = tokens_of(self._study, slide_id, encoder, model)
        if tokens.status != "ok":
            raise SlideError(f"slide {slide_id} is {tokens.status}: {tokens.reason}")
        return _json(overlays.tokens_overlay(tokens, self._bounds(slide_id))).body

    def _bounds(self, slide_id: str) -> Bounds:
        def ask(slide: DeepZoomSlide) -> Bounds:
            return Bounds(slide.left, slide.top, slide.width, slide.height)

        return self._slides.read(slide_id, ask)

    def _truth(self, slide_id: str) -> Path | None:
        path = self._study.truth / f"{slide_id}.png" if self._study.truth else None
        return path if path is not None and path.is_file() else None


def _verdicts(model: ViewedModel) -> dict[str, object]:
    columns = ["slide_id", "label", "prediction", "confidence", "spread", "n_fits", "is_error"]
    rows = model.verdicts.to_dict("records")
    return {
        "encoder": model.encoder,
        "model": model.model,
        "classes": model.classes,
        "verdicts": [
            {name: _plain(row[name]) for name in columns}
            | {"probabilities": [round(row[f"prob_{name}"], 4) for name in model.classes]}
            for row in rows
        ],
    }


def _plain(value: Any) -> object:  # noqa: ANN401 -- a cell of a table
    """Return a cell as JSON has it: None for NaN, which JSON does not know."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value


def _page(name: str) -> Response:
    page = files("slidesieve.viewer") / "page" / name
    return Response(page.read_bytes(), _PAGE_TYPES[name])


def _json(content: object) -> Response:
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Response(text.encode(), "application/json")


def _jpeg(picture: Image.Image) -> Response:
    packed = io.BytesIO()
    # Colour at full size: stain is told by it.
    picture.save(packed, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return Response(packed.getvalue(), "image/jpeg", kept=True)
