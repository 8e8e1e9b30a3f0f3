"""What can be set about SparseLearn; needs no torch, so that a config can be checked cheaply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from slidesieve.errors import ConfigError

ENCODERS = ("none", "transformer", "longnet")
TOKEN_NORMS = ("scale", "layer")
SCORERS = ("mlp", "transformer")
SCORE_NORMS = ("zscore", "none")
OPERATORS = ("lapsum", "sigmoid", "sinkhorn", "gumbel_ste", "softmax_k")
GATES = ("vp", "scale", "hard_st")
DENOISERS = ("diagonal", "global", "none")

_CHOICES = {
    "encoder": ENCODERS,
    "token_norm": TOKEN_NORMS,
    "scorer": SCORERS,
    "score_norm": SCORE_NORMS,
    "operator": OPERATORS,
    "gate": GATES,
    "denoiser": DENOISERS,
}
_AT_LEAST_ONE = ("k", "encoder_layers", "scorer_layers", "scorer_dim", "heads")
_ABOVE_ZERO = ("tau_start", "tau_end")
_AT_LEAST_ZERO = ("guidance_weight",)
_SHARES = (
    *("budget_start", "budget_end", "anneal_share", "hard_mix_prob", "hard_mix_start"),
    *("guided_share", "guided_end", "spread_share"),
)


@dataclass(frozen=True)
class SparseLearnSettings:
    """The method's switches; the defaults are those of docs/explanation/sparselearn.md, section 4.

    Attributes:
        k: Tokens kept of each slide.
        budget_start: Share of all steps after which the budget begins to fall from all tokens.
            Until then what follows the selector is trained on whole bags.
        budget_end: Share of all steps from which on it is k; it falls by equal factors.
        encoder: Slide encoder before the selector: "none", "transformer" (global attention) or
            "longnet" (dilated attention, for long bags).
        encoder_layers: Its blocks.
        token_norm: How tokens come to unit variance before scorer and gate: "scale" (all by one
            number, so that what lies far out stays far out) or "layer" (each by itself).
        scorer: "mlp" (each token on its own) or "transformer" (tokens see each other).
        scorer_layers: Hidden layers, or blocks.
        scorer_dim: Their width.
        heads: Attention heads of encoder, scorer and global denoiser.
        score_norm: "zscore" over each slide's tokens, or "none".
        operator: Soft top-k, see `slidesieve.reduction.soft_topk`.
        gate: "vp" (noise, variance preserved), "scale" (α x) or "hard_st" (straight through).
        denoiser: "diagonal" (each token sees itself), "global" or "none"; in training only.
        denoiser_zero_init: Whether it starts as the identity.
        tau_start: Temperature of the soft top-k at the first step.
        tau_end: Temperature from the end of the annealing on.
        anneal_share: Share of all steps over which the temperature falls, on a cosine.
        hard_mix_prob: Share of training passes that see k tokens as they are, as in evaluation.
        hard_mix_start: Share of all steps after which such passes begin.
        hard_mix_drawn: Whether such passes see k tokens drawn anew each time, with probabilities
            ∝ exp(s / τ), in place of the k best.
        guided_share: Share of the training passes in which nothing is selected and the scores
            learn from the attention; before the budget falls, all are.
        guided_end: Share of all steps from which on no pass is guided.
        spread_share: Share of those in which only k tokens that cover the bag are handed on.
        guidance_weight: Weight of the loss by which scores follow that attention.
    """

    k: int = 32
    budget_start: float = 0.25
    budget_end: float = 0.6
    encoder: str = "none"
    encoder_layers: int = 2
    token_norm: str = "scale"
    scorer: str = "mlp"
    scorer_layers: int = 1
    scorer_dim: int = 128
    heads: int = 8
    score_norm: str = "zscore"
    operator: str = "lapsum"
    gate: str = "vp"
    denoiser: str = "diagonal"
    denoiser_zero_init: bool = True
    tau_start: float = 1.0
    tau_end: float = 0.5
    anneal_share: float = 1.0
    hard_mix_prob: float = 0.75
    hard_mix_start: float = 0.0
    hard_mix_drawn: bool = False
    guided_share: float = 0.5
    guided_end: float = 0.7
    spread_share: float = 0.5
    guidance_weight: float = 1.0

    def __post_init__(self) -> None:
        problems = [
            f"sparselearn: {name} is {getattr(self, name)!r}; allowed: {', '.join(allowed)}"
            for name, allowed in _CHOICES.items()
            if getattr(self, name) not in allowed
        ]
        problems += [
            f"sparselearn: {name} is {getattr(self, name)}; it must be at least 1"
            for name in _AT_LEAST_ONE
            if getattr(self, name) < 1
        ]
        problems += [
            f"sparselearn: {name} is {getattr(self, name)}; it must be above 0"
            for name in _ABOVE_ZERO
            if not getattr(self, name) > 0
        ]
        problems += [
            f"sparselearn: {name} is {getattr(self, name)}; it must not be below 0"
            for name in _AT_LEAST_ZERO
            if not getattr(self, name) >= 0
        ]
        problems += [
            f"sparselearn: {name} is {getattr(self, name)}; it must be in [0, 1]"
            for name in _SHARES
            if not 0 <= getattr(self, name) <= 1
        ]
        if problems:
            raise ConfigError(problems)


PRESETS = {
    "default": SparseLearnSettings(),
    # The paper, and where it is silent DiffPrune, whose equations it uses.
    "as_written": SparseLearnSettings(
        token_norm="layer",
        budget_start=0.0,
        budget_end=0.0,
        scorer="transformer",
        scorer_layers=2,
        scorer_dim=512,
        denoiser_zero_init=False,
        tau_start=2.0,
        tau_end=0.1,
        anneal_share=0.75,
        hard_mix_prob=0.0,
        hard_mix_drawn=False,
        guided_share=0.0,
        guidance_weight=0.0,
    ),
}


def make_settings(preset: str, **overrides: object) -> SparseLearnSettings:
    """Return a preset with some of its settings changed; None leaves one as it is.

    Raises:
        ConfigError: The preset is unknown, or a setting out of range.
    """
    if preset not in PRESETS:
        raise ConfigError(
            [f"sparselearn: preset is {preset!r}; allowed: {', '.join(sorted(PRESETS))}"]
        )
    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    return replace(PRESETS[preset], **given)
