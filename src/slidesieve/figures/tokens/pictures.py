"""The slide's overview painted with what became of its tiles."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from slidesieve.figures.tile_colours import pale_grey
from slidesieve.figures.tile_raster import edges, tile_raster
from slidesieve.figures.tokens.group_colours import group_colours
from slidesieve.figures.tokens.tile_outcomes import (
    KEPT,
    MERGED,
    OUTCOME_COLOURS,
    PRUNED,
    TileOutcomes,
    outcomes_in_stage,
)
from slidesieve.slide.overview import Overview
from slidesieve.store.tile_records import TileSpec
from slidesieve.store.tokens import TokenSet

GROUP_OPACITY, PRUNED_OPACITY, STAGE_OPACITY = 0.6, 0.7, 0.6
BORDER = (0.1, 0.1, 0.1)


class TokenPainter:
    """Paints the tokens of one slide onto its overview.

    Where tiles overlap, the later one is seen.

    Args:
        overview: The slide's picture.
        spec: Of its tiles.
        tokens: What became of them.
        outcomes: See `outcomes_of`.

    Attributes:
        coords: (N, 2) corners of the tiles, level-0 px from the overview's corner.
        group_of_tile: (N,) number of the merge group that is left of each tile, from 0; else −1.
        colour_of_group: (G, 3) RGB.
    """

    def __init__(
        self, overview: Overview, spec: TileSpec, tokens: TokenSet, outcomes: TileOutcomes
    ) -> None:
        self.overview, self.tokens, self.outcomes = overview, tokens, outcomes
        self.coords = overview.from_corner(tokens.coords)
        self._tile = tile_raster(
            overview.rgb.shape[:2], overview.downsample, self.coords, spec.size_level0
        )
        self.group_of_tile = merge_groups(tokens, outcomes)
        self.colour_of_group = group_colours(self.group_of_tile, tokens.coords, spec.step_level0)
        # Lines of a sixteenth of a tile, so that they stay lines on large slides.
        self._line_px = max(1, round(spec.size_level0 / overview.downsample / 16))

    def tokens_left(self) -> NDArray[np.uint8]:
        """Paint what is left: merge groups in their colours, kept tiles as they are, in green.

        Pruned tiles are grey, hatched in vermilion.
        """
        picture = pale_grey(self.overview.rgb)
        kept, merged, pruned = (self._of_outcome(outcome) for outcome in (KEPT, MERGED, PRUNED))
        picture[kept] = self.overview.rgb[kept] / 255
        _tint(picture, pruned & self._hatch(), to_rgb(OUTCOME_COLOURS[PRUNED]), PRUNED_OPACITY)
        colours = self.colour_of_group[self.group_of_tile[self._tile[merged]]] / 255
        _tint(picture, merged, colours, GROUP_OPACITY)
        own_token = np.append(self.tokens.final, -1)[self._tile]
        outline = edges(own_token, self._line_px)
        picture[outline & merged] = BORDER
        picture[outline & kept] = to_rgb(OUTCOME_COLOURS[KEPT])
        return _to_bytes(picture)

    def stage(self, stage: int) -> NDArray[np.uint8]:
        """Paint what one stage, counted from 0, did: kept, merged, pruned; gone before is grey."""
        outcome = np.append(outcomes_in_stage(self.tokens, stage), -1)[self._tile]
        picture = pale_grey(self.overview.rgb)
        for value, colour in OUTCOME_COLOURS.items():
            _tint(picture, outcome == value, to_rgb(colour), STAGE_OPACITY)
        group = np.append(self.tokens.group[:, stage], -1)[self._tile]
        picture[edges(group, self._line_px) & (outcome == MERGED)] = BORDER
        return _to_bytes(picture)

    def _hatch(self) -> NDArray[np.bool_]:
        """Return diagonal lines, about five to a tile."""
        height, width = self._tile.shape
        place = np.arange(height)[:, None] + np.arange(width)
        return place % (5 * self._line_px) < self._line_px

    def _of_outcome(self, outcome: int) -> NDArray[np.bool_]:
        return np.append(self.outcomes.outcome == outcome, False)[self._tile]


def merge_groups(tokens: TokenSet, outcomes: TileOutcomes) -> NDArray[np.int64]:
    """Return (N,) the number, from 0, of the merged token each tile ended in; −1 if in none."""
    merged = outcomes.outcome == MERGED
    numbers = np.full(len(merged), -1)
    numbers[merged] = np.unique(tokens.final[merged], return_inverse=True)[1]
    return numbers


def _tint(
    picture: NDArray[np.float64],
    where: NDArray[np.bool_],
    colour: NDArray[np.float64] | tuple[float, ...],
    opacity: float,
) -> None:
    picture[where] = (1 - opacity) * picture[where] + opacity * np.asarray(colour)


def _to_bytes(picture: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.round(picture * 255).astype(np.uint8)
