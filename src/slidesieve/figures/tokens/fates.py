"""What became of each tile in the end: the three fates that all token pictures tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slidesieve.figures.style import PALETTE
from slidesieve.store.tokens import TokenSet

KEPT, MERGED, PRUNED = range(3)
FATES = ("kept", "merged", "pruned")
# Blue, vermilion and bluish green of the palette; DTC-WSI's Figure 3 uses the same hues.
FATE_COLORS = {KEPT: PALETTE[2], MERGED: PALETTE[0], PRUNED: PALETTE[1]}


@dataclass(frozen=True)
class Fates:
    """The fate of N tiles.

    Attributes:
        fate: (N,) KEPT (a token of its own to the end), MERGED (shares a token that is left) or
            PRUNED.
        stage: (N,) from 1: the stage that pruned the tile or merged it last; 0 for kept ones.
        n_stages: Stages of the reducer.
        weight: (N,) what tiles are ranked by in pictures, NaN where there is none: importance in
            the first stage; the attention of what is left if the reducer ranks nothing.
        weight_name: What `weight` is.
    """

    fate: NDArray[np.int64]
    stage: NDArray[np.int64]
    n_stages: int
    weight: NDArray[np.float64]
    weight_name: str

    def tiles(self, fate: int) -> NDArray[np.int64]:
        """Return the tiles of a fate, those of greatest weight first, else in reading order."""
        chosen = np.flatnonzero(self.fate == fate)
        weight = np.nan_to_num(self.weight[chosen], nan=-np.inf)
        return chosen[np.argsort(-weight, kind="stable")]


def fates_of(tokens: TokenSet) -> Fates:
    """Tell what became of each tile of a slide."""
    is_kept = tokens.final >= 0
    sizes = np.bincount(tokens.final[is_kept], minlength=1)
    shared = is_kept & (sizes[np.maximum(tokens.final, 0)] > 1)
    fate = np.select([~is_kept, shared], [PRUNED, MERGED], KEPT)
    numbers = np.arange(1, tokens.n_stages + 1)
    stage_of = [np.max(flags * numbers, axis=1) for flags in (tokens.pruned, tokens.merged)]
    weight, name = tokens.importance[:, 0], "importance"
    if not np.isfinite(weight).any():
        weight, name = tokens.attention, "attention"
    return Fates(
        fate=fate,
        stage=np.select([fate == PRUNED, fate == MERGED], stage_of, 0),
        n_stages=tokens.n_stages,
        weight=weight.astype(np.float64),
        weight_name=name,
    )


def fates_in_stage(tokens: TokenSet, stage: int) -> NDArray[np.int64]:
    """Return (N,) what one stage, counted from 0, did to each tile; −1 where it was gone."""
    return np.select(
        [tokens.entered[:, stage] < 0, tokens.pruned[:, stage], tokens.merged[:, stage]],
        [-1, PRUNED, MERGED],
        KEPT,
    )
