"""Overlays of a slide as the browser draws them: level-0 px from the scanned area's corner."""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from slidesieve.errors import ContractError
from slidesieve.figures.attention_scale import SHARE, share_of_even
from slidesieve.figures.tokens.group_colours import group_colours
from slidesieve.figures.tokens.pictures import merge_groups
from slidesieve.figures.tokens.tile_outcomes import (
    MERGED,
    OUTCOME_COLOURS,
    OUTCOMES,
    outcomes_of,
)
from slidesieve.slide.bounds import Bounds
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import known_spec_from_attributes
from slidesieve.store.tokens import TokenSet
from slidesieve.tissue.result import TissueResult

_TRUTH_COLOUR = (213, 40, 160)
_TRUTH_OPACITY = 110
_LARGEST_MASK_PX = 4096


def tissue_overlay(tissue: TissueResult, bounds: Bounds) -> dict[str, object]:
    """Return the outlines of the tissue and of its holes, one closed line each.

    Args:
        tissue: From segmentation or edited.
        bounds: The slide's scanned area.
    """
    corner = np.array(bounds[:2])
    rings = shapely.get_rings(shapely.get_parts(tissue.on_level0(bounds).tissue))
    lines = [np.rint(shapely.get_coordinates(ring) - corner).astype(int) for ring in rings]
    return {"rings": [line.tolist() for line in lines]}


def tiles_overlay(tiles: TileSet, bounds: Bounds) -> dict[str, object]:
    """Return the squares of the tiles: their corners and the one side they share.

    Args:
        tiles: Of the slide.
        bounds: The slide's scanned area.
    """
    side = tiles.spec.size_level0 if tiles.spec else 0
    return {"corners": _from_corner(tiles.coords, bounds), "side": side}


def tokens_overlay(tokens: TokenSet, bounds: Bounds) -> dict[str, object]:
    """Return what became of each tile in a model.

    Args:
        tokens: Of the slide.
        bounds: The slide's scanned area.

    Returns:
        corners and side of the tiles; per tile `attention`, relative to an even share among the
        tiles that are left (1 is even, None for dropped ones), `outcome` (0 kept, 1 merged, 2
        pruned) and `colour` (of its merged token, None for others); the number of tokens, and the
        fold whose model it was.
    """
    spec = known_spec_from_attributes(tokens.tile_attributes, tokens.slide_id)
    outcomes = outcomes_of(tokens)
    group = merge_groups(tokens, outcomes)
    colours = group_colours(group, tokens.coords, spec.step_level0)
    names = [to_hex(colour / 255) for colour in colours]
    shares = share_of_even(tokens.attention.astype(np.float64))
    return {
        "corners": _from_corner(tokens.coords, bounds),
        "side": spec.size_level0,
        "attention": [None if np.isnan(v) else round(v, 4) for v in shares.tolist()],
        "outcome": outcomes.outcome.tolist(),
        "colour": [
            names[number] if outcome == MERGED else None
            for number, outcome in zip(group.tolist(), outcomes.outcome.tolist(), strict=True)
        ],
        "n_tokens": len(tokens.token_size),
        "fold": tokens.fold,
    }


def truth_overlay(path: Path) -> bytes:
    """Return a truth mask as a PNG that is coloured on lesions and else transparent.

    Raises:
        ContractError: The file is no picture.
    """
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise ContractError(f"{path}: cannot be read as a picture")
    scale = min(1.0, _LARGEST_MASK_PX / max(mask.shape))
    size = [max(1, round(side * scale)) for side in mask.shape[::-1]]
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
    red, green, blue = _TRUTH_COLOUR
    picture = np.zeros((*mask.shape, 4), np.uint8)
    picture[mask > 0] = (blue, green, red, _TRUTH_OPACITY)
    return cv2.imencode(".png", picture)[1].tobytes()


def legend() -> dict[str, object]:
    """Return the colours of the overlays, those of the figures.

    Returns:
        Of attention 256 colours, evenly over the octaves from `lowest` to `highest` times an even
        share, and the words of these ends; a colour per outcome; that of truth.
    """
    colours = mpl.colormaps[SHARE.colours](np.linspace(0, 1, 256))
    ends = min(SHARE.ticks), max(SHARE.ticks)
    return {
        "attention": [to_hex(colour) for colour in colours],
        "lowest": ends[0],
        "highest": ends[1],
        "ends": [SHARE.ticks[end] for end in ends],
        "outcomes": [
            {"name": name, "colour": OUTCOME_COLOURS[number]}
            for number, name in enumerate(OUTCOMES)
        ],
        "truth": "#" + bytes(_TRUTH_COLOUR).hex(),
    }


def _from_corner(coords: NDArray[np.int64], bounds: Bounds) -> list[list[int]]:
    return (coords - np.array(bounds[:2])).tolist()
