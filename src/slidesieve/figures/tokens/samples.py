"""Which tiles galleries show: of each fate some, by rules that hide nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slidesieve.figures.tokens.fates import FATE_COLORS, FATES, KEPT, MERGED, PRUNED, Fates


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


def kept_samples(fates: Fates, limit: int) -> list[Sample]:
    """Return the tiles kept as they are, greatest weight first, numbered from 1."""
    rows = fates.tiles(KEPT)[:limit].tolist()
    return [
        Sample((row,), str(number), FATE_COLORS[KEPT]) for number, row in enumerate(rows, start=1)
    ]


def merged_samples(
    fates: Fates, group_of_tile: NDArray[np.int64], limit: int, most_tiles: int
) -> list[Sample]:
    """Return merged tokens, those of most tiles first, of equal size the weightier.

    Args:
        fates: Of N tiles.
        group_of_tile: (N,) merge group of each, −1 if in none.
        limit: Most tokens.
        most_tiles: Most tiles of a token to show; of more, an even choice.
    """
    by_weight = fates.tiles(MERGED)
    members: dict[int, list[int]] = {}
    for row in by_weight.tolist():
        members.setdefault(int(group_of_tile[row]), []).append(row)
    largest = sorted(members, key=lambda group: -len(members[group]))[:limit]
    samples = []
    for group in largest:
        rows = sorted(members[group])
        shown = tuple(_even_choice(rows, most_tiles))
        label = f"{len(rows)} tiles" + (f", {len(shown)} shown" if len(shown) < len(rows) else "")
        samples.append(Sample(shown, label, FATE_COLORS[MERGED], group))
    return samples


def pruned_samples(fates: Fates, limit: int) -> list[Sample]:
    """Return pruned tiles, an even choice from the least to the greatest weight."""
    rows = _even_choice(fates.tiles(PRUNED)[::-1].tolist(), limit)
    labels = [f"stage {fates.stage[row]}" if fates.n_stages > 1 else "" for row in rows]
    return [
        Sample((row,), label, FATE_COLORS[PRUNED]) for row, label in zip(rows, labels, strict=True)
    ]


def heading(fates: Fates, fate: int, n_shown: int) -> str:
    """Return what stands above the samples of a fate: how many there are and how some were chosen.

    Args:
        fates: Of N tiles.
        fate: Which.
        n_shown: Samples shown, tokens if merged and else tiles.
    """
    n_tiles = int((fates.fate == fate).sum())
    name = FATES[fate].capitalize()
    if n_tiles == 0:
        return f"{name}: none"
    if fate == MERGED:
        return f"{name}: {n_tiles} tiles; the {n_shown} tokens of most tiles, each in one frame"
    ranked = np.isfinite(fates.weight[fates.fate == fate]).all()
    if fate == KEPT:
        order = f"greatest {fates.weight_name} first" if ranked else "in reading order"
        return f"{name} as they are: {n_tiles} tiles; {n_shown} shown, {order}"
    order = f"from least to greatest {fates.weight_name}" if ranked else "in reading order"
    return f"{name}: {n_tiles} tiles; {n_shown} shown, an even choice {order}"


def _even_choice(items: list[int], limit: int) -> list[int]:
    if len(items) <= limit:
        return items
    return [items[i] for i in np.linspace(0, len(items) - 1, limit).round().astype(int)]
