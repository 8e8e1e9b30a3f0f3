"""How many tokens each stage merges and leaves, from a slide's own N, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from operator import mul

from slidesieve.reduction.dtc.settings import DTCSettings

# Bags of fewer tokens have nothing to spare and are left as they are.
_SMALLEST_BAG = 3


@dataclass(frozen=True)
class StagePlan:
    """The counts of one stage for one slide.

    Attributes:
        merges: Tokens that merge into another one.
        left: Tokens that are left when pruning is done.
    """

    merges: int
    left: int


def plan_slide(n_tokens: int, settings: DTCSettings) -> tuple[StagePlan, ...]:
    """Plan all stages of one slide.

    N⁽ᵗ⁾ = max(1, ⌈N ∏_{s≤t} ρ_s⌉), always of the slide's own N, so that rounding does not add
    up. Of the K = N⁽ᵗ⁻¹⁾ − N⁽ᵗ⁾ tokens a stage has to lose, ⌊φK + ½⌋ merge, at most
    half of the tokens, and the rest is pruned.

    Args:
        n_tokens: N, tokens of the slide.
        settings: Retention, merge fraction φ and pair budget are looked at.
    """
    if n_tokens < _SMALLEST_BAG:
        return (StagePlan(merges=0, left=n_tokens),) * settings.n_stages
    stages = []
    left = n_tokens
    for target in target_counts(n_tokens, settings):
        merges = _merges(left, max(0, left - target), settings)
        left = min(target, left - merges)
        stages.append(StagePlan(merges, left))
    return tuple(stages)


def target_counts(n_tokens: int, settings: DTCSettings) -> tuple[int, ...]:
    """Return N⁽¹⁾ … N⁽ᵀ⁾, the tokens that should be left after each stage.

    Ratios are the decimal fractions a config says, so 0.1 of 30 is 3. With retention r after T
    stages, ρ_t = r^(1/T).
    """
    if n_tokens < _SMALLEST_BAG:
        return (n_tokens,) * settings.n_stages
    if settings.stage_ratios is not None:
        shares = accumulate(map(_decimal, settings.stage_ratios), mul)
        return tuple(_ceil_of_root(n_tokens, share, 1) for share in shares)
    retention, stages = _decimal(settings.retention), settings.stages
    root = stages if settings.retention_semantics == "final" else 1
    return tuple(_ceil_of_root(n_tokens, retention**t, root) for t in range(1, stages + 1))


def _merges(n_tokens: int, needed: int, settings: DTCSettings) -> int:
    pairs = n_tokens // 2
    if settings.pair_budget == "all":
        return pairs
    return min(pairs, int(_decimal(settings.merge_fraction) * needed + Fraction(1, 2)))


def _decimal(value: float) -> Fraction:
    """Return the fraction a float was written as: 0.4 is 2/5."""
    return Fraction(repr(float(value)))


def _ceil_of_root(n_tokens: int, share: Fraction, root: int) -> int:
    """Return ⌈N share^(1/root)⌉ for a share in (0, 1]: the least m with m^root ≥ N^root share."""
    goal = share.numerator * n_tokens**root
    low, high = 0, n_tokens
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle**root * share.denominator >= goal else (middle, high)
    return high
