"""Which tiles galleries show: of each outcome some, by rules that hide nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slidesieve.figures.tokens.tile_outcomes import (
    KEPT,
    MERGED,
    OUTCOME_COLOURS,
    OUTCOMES,
    PRUNED,
    TileOutcomes,
)


@dataclass(frozen=True)
class Sample:
    """Tiles that are shown side by side in one frame.

    Attributes:
        rows: Which tiles.
        label: Stands above them.
        colour: Of the frame, as matplotlib takes it.
        group: Number of the merge group, −1 if it is none.
    """

    rows: tuple[int, ...]
    label: str
    colour: str
    group: int = -1


def kept_samples(outcomes: TileOutcomes, limit: int) -> list[Sample]:
    """Return the tiles kept as they are, greatest weight first, numbered from 1."""
    rows = outcomes.tiles(KEPT)[:limit].tolist()
    return [
        Sample((row,), str(number), OUTCOME_COLOURS[KEPT])
        for number, row in enumerate(rows, start=1)
    ]


def merged_samples(
    outcomes: TileOutcomes, group_of_tile: NDArray[np.int64], limit: int, most_tiles: int
) -> list[Sample]:
    """Return merged tokens, those of most tiles first, of equal size the weightier.

    Args:
        outcomes: Of N tiles.
        group_of_tile: (N,) merge group of each, −1 if in none.
        limit: Most tokens.
        most_tiles: Most tiles of a token to show; of more, an even choice.
    """
    by_weight = outcomes.tiles(MERGED)
    members: dict[int, list[int]] = {}
    for row in by_weight.tolist():
        members.setdefault(int(group_of_tile[row]), []).append(row)
    largest = sorted(members, key=lambda group: -len(members[group]))[:limit]
    samples = []
    for group in largest:
        rows = sorted(members[group])
        shown = tuple(_even_choice(rows, most_tiles))
        label = f"{len(rows)} tiles" + (f", {len(shown)} shown" if len(shown) < len(rows) else "")
        samples.append(Sample(shown, label, OUTCOME_COLOURS[MERGED], group))
    return samples


def pruned_samples(outcomes: TileOutcomes, limit: int) -> list[Sample]:
    """Return pruned tiles, an even choice from the least to the greatest weight."""
    rows = _even_choice(outcomes.tiles(PRUNED)[::-1].tolist(), limit)
    labels = [f"stage {outcomes.stage[row]}" if outcomes.n_stages > 1 else "" for row in rows]
    return [
        Sample((row,), label, OUTCOME_COLOURS[PRUNED])
        for row, label in zip(rows, labels, strict=True)
    ]


def heading(outcomes: TileOutcomes, outcome: int, n_shown: int) -> str:
    """Return the heading of an outcome's samples: how many there are and how some were chosen.

    Args:
        outcomes: Of N tiles.
        outcome: Which.
        n_shown: Samples shown, tokens if merged and else tiles.
    """
    n_tiles = int((outcomes.outcome == outcome).sum())
    name = OUTCOMES[outcome].capitalize()
    if n_tiles == 0:
        return f"{name}: none"
    if outcome == MERGED:
        return f"{name}: {n_tiles} tiles; the {n_shown} tokens of most tiles, each in one frame"
    ranked = np.isfinite(outcomes.weight[outcomes.outcome == outcome]).all()
    if outcome == KEPT:
        order = f"greatest {outcomes.weight_name} first" if ranked else "in reading order"
        return f"{name} as they are: {n_tiles} tiles; {n_shown} shown, {order}"
    order = f"from least to greatest {outcomes.weight_name}" if ranked else "in reading order"
    return f"{name}: {n_tiles} tiles; {n_shown} shown, an even choice {order}"


def _even_choice(items: list[int], limit: int) -> list[int]:
    if len(items) <= limit:
        return items
    return [items[i] for i in np.linspace(0, len(items) - 1, limit).round().astype(int)]
