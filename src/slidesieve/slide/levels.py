"""How many level-0 px one px of each pyramid level spans: the file's word, checked.

OpenSlide divides sizes: it takes the mean of width and height of level 0 over those of the level.
That is right to a rounding error for levels that hold the whole slide and nothing else. It is wrong
where a level is padded, to whole stored tiles for example, and meaningless where it shows another
thing, such as a macro photograph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from slidesieve.slide.base import SlideReader
from slidesieve.slide.bounds import Bounds
from slidesieve.slide.same_picture import shows_the_same

Size = tuple[int, int]

_LEAST_PADDING_UNIT_PX = 16
_ROUNDING_PX = 1.0
"""Scanners round the sizes of levels up or down."""

NOT_USED = math.inf
"""Downsample of a level that shows something else: it is never chosen."""


@dataclass(frozen=True)
class JudgedLevel:
    """One pyramid level after the check.

    Attributes:
        downsample: Level-0 px per px of the level; `NOT_USED` where it does not fit level 0.
        note: What is wrong with the level, a clause for cohort.csv; "" where nothing is.
    """

    downsample: float
    note: str = ""


class Shows(Protocol):
    """Looks whether a level, taken at a downsample, shows what a finer level shows."""

    def __call__(self, level: int, downsample: float, finer: int, finer_downsample: float) -> bool:
        """Return False only where the pictures surely differ."""
        ...


def judge_levels(
    sizes: Sequence[Size], tile_sizes: Sequence[Size], stated: Sequence[float], shows: Shows
) -> list[JudgedLevel]:
    """Check each level's downsample against its width and its height.

    A level agrees if one downsample explains both sides to within a px of the level. One that does
    not is taken at a downsample, whole and in step with the levels before it where possible, at
    which padding (to whole stored tiles, or to a power of two) explains both sides and the pictures
    are the same. If there is none, it is not used.

    Args:
        sizes: (width, height) of each level in px, the finest first.
        tile_sizes: (width, height) of its stored tiles in px; (1, 1) where unknown.
        stated: Downsamples as OpenSlide gives them.
        shows: Compares pixels; asked only of levels whose sizes do not agree.
    """
    judged = [JudgedLevel(1.0)]
    for level in range(1, len(sizes)):
        finer = max(known for known in range(level) if judged[known].downsample < NOT_USED)
        fits = partial(shows, level, finer=finer, finer_downsample=judged[finer].downsample)
        sides = [
            _Side(sizes[0][axis], sizes[level][axis], tile_sizes[0][axis], tile_sizes[level][axis])
            for axis in (0, 1)
        ]
        candidates = list(dict.fromkeys(_candidates(sides, judged)))
        judged.append(_judge(level, sides, stated[level], candidates, fits))
    return judged


def take_levels(reader: SlideReader, sizes: Sequence[Size], tile_sizes: Sequence[Size]) -> None:
    """Give an open slide its levels, checked, where its file states no downsamples and no bounds.

    Args:
        reader: The slide, whose levels can be read.
        sizes: (width, height) of each level in px, the finest first.
        tile_sizes: (width, height) of each level's stored tiles in px.
    """
    reader.level_dimensions = tuple(sizes)
    reader.bounds = Bounds(0, 0, *sizes[0])
    reader.stated_downsamples = tuple(
        (sizes[0][0] / width + sizes[0][1] / height) / 2 for width, height in sizes
    )
    levels = judge_levels(
        sizes, tile_sizes, reader.stated_downsamples, partial(shows_the_same, reader)
    )
    reader.level_downsamples = reader.stated_downsamples = tuple(
        level.downsample for level in levels
    )
    reader.level_notes = tuple(level.note for level in levels if level.note)


@dataclass(frozen=True)
class _Side:
    """Width or height of a level and of level 0, and of their stored tiles, px."""

    full: int
    stored: int
    full_tile: int
    tile: int

    @property
    def ratio(self) -> float:
        return self.full / self.stored

    def agrees(self, downsample: float) -> bool:
        return abs(self.full / downsample - self.stored) <= _ROUNDING_PX

    def is_padded(self, downsample: float) -> bool:
        """Whether padding explains the side: of the level, or of level 0 and not of the level."""
        surplus = self.stored - self.full / downsample
        if abs(surplus) <= _ROUNDING_PX:
            return True
        if surplus > 0:
            return surplus < _padding_px(self.stored, self.tile) + _ROUNDING_PX
        return -surplus * downsample < _padding_px(self.full, self.full_tile)


def _padding_px(length: int, tile: int) -> int:
    """Return the most px that padding may have added: to whole tiles, or to a power of two."""
    power = length & -length
    unit = power if power >= _LEAST_PADDING_UNIT_PX else 0
    return max(unit, tile) if length % tile == 0 else unit


def _judge(
    level: int,
    sides: Sequence[_Side],
    stated: float,
    candidates: Sequence[float],
    fits: Callable[[float], bool],
) -> JudgedLevel:
    whole = [step for step in candidates if all(side.agrees(step) for side in sides)]
    padded = [step for step in candidates if all(side.is_padded(step) for side in sides)]
    stated_agrees = all(side.agrees(stated) for side in sides)
    if whole:
        # Sizes are rounded and so is their ratio: the farther from the corner, the more it is off.
        drift_px = max(abs(side.full / stated - side.full / whole[0]) for side in sides)
        return JudgedLevel(stated if drift_px <= _ROUNDING_PX else whole[0])
    if stated_agrees and not padded:
        return JudgedLevel(stated)
    name = f"level {level} ({sides[0].stored}×{sides[1].stored} px)"
    for step in padded:
        if fits(step):
            note = f"{name} is padded: it is {step:g} times as coarse as level 0, not {stated:.4g}"
            return JudgedLevel(step, note)
    if stated_agrees:
        return JudgedLevel(stated)
    ratios = " × ".join(f"{side.ratio:.4g}" for side in sides)
    return JudgedLevel(
        NOT_USED, f"{name} is not used: it does not show what level 0 shows (ratios {ratios})"
    )


def _candidates(sides: Sequence[_Side], before: Sequence[JudgedLevel]) -> Iterator[float]:
    """Yield downsamples that a level may truly have, the most likely first."""
    used = [level.downsample for level in before if level.downsample < NOT_USED]
    if len(used) > 1:
        yield float(round(used[-1] * round(used[-1] / used[-2])))
    # Padding adds px, so the larger ratio comes closer to the truth.
    nearest = max(side.ratio for side in sides)
    exponents = range(1, math.ceil(math.log2(max(nearest, 2))) + 3)
    yield from sorted((2.0**exponent for exponent in exponents), key=_distance_to(nearest))
    whole = range(2, math.ceil(nearest) + 3)
    yield from sorted((float(step) for step in whole), key=_distance_to(nearest))[:8]


def _distance_to(ratio: float) -> Callable[[float], float]:
    return lambda step: abs(math.log(step / ratio))
