"""The tiles of a slide with what became of them, as objects that QuPath opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from slidesieve.errors import SlideError
from slidesieve.figures.tokens.group_colours import group_colours
from slidesieve.figures.tokens.pictures import merge_groups
from slidesieve.figures.tokens.tile_outcomes import (
    MERGED,
    OUTCOME_COLOURS,
    OUTCOMES,
    TileOutcomes,
    outcomes_of,
)
from slidesieve.slide.open import open_slide
from slidesieve.store.geojson import Origin, origin_at, stable_id, write_features
from slidesieve.store.tiles import known_spec_from_attributes
from slidesieve.store.tokens import TokenSet

_LEVEL0 = Origin()
_HEADER = ("slide_id", "encoder", "model", "fold", "status", "reason", "fingerprint")


def write_token_geojson(path: Path, tokens: TokenSet, origin: Origin = _LEVEL0) -> None:
    """Write one tile object per tile; of an unusable slide, a file without any.

    Its class is Kept, Merged or Pruned, with the colours of our figures; merged tiles have their
    token's colour besides. Measurements, all of them numbers as QuPath wants them and absent
    where undefined: kept, merged, pruned (1 or 0), stage (that pruned it or merged it last, from
    1; 0 if kept), token (row of the tokens file) and token size (tiles in it), attention, and the
    importance in each stage.

    Args:
        path: The file.
        tokens: What became of the tiles.
        origin: Where coordinates start; they are level-0 px.
    """
    header = {name: getattr(tokens, name) for name in _HEADER}
    features = _features(tokens, origin) if len(tokens.coords) else []
    write_features(path, features, header, origin)


def origin_of_slide(slide: Path, name: str) -> Origin:
    """Return where coordinates for QuPath start; level 0 of a slide that cannot be opened."""
    if name == "level0":
        return Origin()
    try:
        with open_slide(slide) as reader:
            return origin_at(name, reader.bounds[:2])
    except SlideError:
        return Origin()


def _features(tokens: TokenSet, origin: Origin) -> Iterator[dict]:
    outcomes = outcomes_of(tokens)
    spec = known_spec_from_attributes(tokens.tile_attributes, tokens.slide_id)
    group = merge_groups(tokens, outcomes)
    colours = group_colours(group, tokens.coords, spec.step_level0)
    measured = _measurements(tokens, outcomes)
    classes = [
        {"name": name.capitalize(), "color": [round(255 * part) for part in to_rgb(colour)]}
        for name, colour in zip(OUTCOMES, OUTCOME_COLOURS.values(), strict=True)
    ]
    made_by = (tokens.slide_id, tokens.encoder, tokens.model, tokens.fold)
    for row, (x, y) in enumerate((tokens.coords - np.array(origin.corner)).tolist()):
        properties = {
            "objectType": "tile",
            "classification": classes[outcomes.outcome[row]],
            "measurements": {
                name: float(values[row])
                for name, values in measured.items()
                if np.isfinite(values[row])
            },
        }
        if outcomes.outcome[row] == MERGED:
            properties["color"] = colours[group[row]].tolist()
        yield {
            "type": "Feature",
            "id": stable_id(*made_by, x, y),
            "geometry": {"type": "Polygon", "coordinates": [_square(x, y, spec.size_level0)]},
            "properties": properties,
        }


def _measurements(tokens: TokenSet, outcomes: TileOutcomes) -> dict[str, NDArray[np.floating]]:
    """Return each measurement of all tiles, (N,), NaN where undefined."""
    is_left = tokens.final >= 0
    sizes = np.append(tokens.token_size, np.nan)
    measured = {name: outcomes.outcome == number for number, name in enumerate(OUTCOMES)}
    measured |= {
        "stage": outcomes.stage,
        "token": np.where(is_left, tokens.final, np.nan),
        "token size": sizes[tokens.final],
        "attention": tokens.attention,
    }
    for stage in range(tokens.n_stages):
        measured[f"importance, stage {stage + 1}"] = tokens.importance[:, stage]
    return measured


def _square(x: int, y: int, side: int) -> list[list[int]]:
    return [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
