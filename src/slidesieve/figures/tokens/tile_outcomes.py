"""The outcome of each tile: kept, merged or pruned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slidesieve.figures.style import PALETTE
from slidesieve.store.tokens import TokenSet

KEPT, MERGED, PRUNED = range(3)
OUTCOMES = ("kept", "merged", "pruned")
# Blue, vermilion and bluish green of the palette; DTC-WSI's Figure 3 uses the same hues.
OUTCOME_COLOURS = {KEPT: PALETTE[2], MERGED: PALETTE[0], PRUNED: PALETTE[1]}


@dataclass(frozen=True)
class TileOutcomes:
    """The outcome of N tiles.

    Attributes:
        outcome: (N,) KEPT (a token of its own to the end), MERGED (shares a token that is left) or
            PRUNED.
        stage: (N,) from 1: the stage that pruned the tile or merged it last; 0 for kept ones.
        n_stages: Stages of the reducer.
        weight: (N,) what tiles are ranked by in pictures, NaN where there is none: importance in
            the first stage; the attention of what is left if the reducer ranks nothing.
        weight_name: What `weight` is.
    """

    outcome: NDArray[np.int64]
    stage: NDArray[np.int64]
    n_stages: int
    weight: NDArray[np.float64]
    weight_name: str

    def tiles(self, outcome: int) -> NDArray[np.int64]:
        """Return the tiles of an outcome, those of greatest weight first, else in reading order."""
        chosen = np.flatnonzero(self.outcome == outcome)
        weight = np.nan_to_num(self.weight[chosen], nan=-np.inf)
        return chosen[np.argsort(-weight, kind="stable")]


def outcomes_of(tokens: TokenSet) -> TileOutcomes:
    """Tell what became of each tile of a slide."""
    is_kept = tokens.final >= 0
    sizes = np.bincount(tokens.final[is_kept], minlength=1)
    shared = is_kept & (sizes[np.maximum(tokens.final, 0)] > 1)
    outcome = np.select([~is_kept, shared], [PRUNED, MERGED], KEPT)
    numbers = np.arange(1, tokens.n_stages + 1)
    stage_of = [np.max(flags * numbers, axis=1) for flags in (tokens.pruned, tokens.merged)]
    weight, name = tokens.importance[:, 0], "importance"
    if not np.isfinite(weight).any():
        weight, name = tokens.attention, "attention"
    return TileOutcomes(
        outcome=outcome,
        stage=np.select([outcome == PRUNED, outcome == MERGED], stage_of, 0),
        n_stages=tokens.n_stages,
        weight=weight.astype(np.float64),
        weight_name=name,
    )


def outcomes_in_stage(tokens: TokenSet, stage: int) -> NDArray[np.int64]:
    """Return (N,) what one stage, counted from 0, did to each tile; −1 where it was gone."""
    return np.select(
        [tokens.entered[:, stage] < 0, tokens.pruned[:, stage], tokens.merged[:, stage]],
        [-1, PRUNED, MERGED],
        KEPT,
    )
