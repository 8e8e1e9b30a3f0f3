"""The switches of DTC-WSI: what the paper leaves open or says twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from slidesieve.errors import ConfigError

CHOICES: dict[str, tuple[str, ...]] = {
    "retention_semantics": ("final", "per_stage"),
    "pair_budget": ("needed", "all"),
    "matching": ("aligned", "window", "tome", "random"),
    "utility_importance": ("relative", "gate", "raw"),
    "merged_importance": ("recompute", "sum", "max", "mean"),
    "order": ("spatial", "merged_first"),
    "scan": ("given", "serpentine", "hilbert"),
    "position": ("none", "raster", "xy", "sincos"),
    "gate_input": ("relative", "quantile", "raw", "none"),
    "gate_normalise": ("max", "mean", "none"),
    "prune_mode": ("topn", "threshold"),
    "prune_by": ("importance", "random"),
    "sparsity": ("entropy", "gate_l1", "hoyer", "l1_softmax", "none"),
}


@dataclass(frozen=True)
class DTCSettings:
    """Every switch; defaults are the preset "default". Sections: docs/explanation/dtc-wsi.md.

    Attributes:
        retention: r, share of the tokens that is left (section 3.1).
        retention_semantics: r is left after all stages ("final") or after each ("per_stage").
        stages: T, number of stages.
        stage_ratios: ρ_t of each stage, in place of `retention` and `stages`.
        merge_fraction: φ, share of a stage's reduction done by merging; pruning does the rest
            (section 3.2).
        pair_budget: Pairs merged in a stage: as many as are "needed", or "all" of them
            (section 3.3).
        matching: Who may merge with whom: "aligned" neighbours (2k−1, 2k), the best partner
            within a "window" or on the whole slide ("tome"), or a "random" one (section 3.12).
        window: Reach of matching "window", in tokens.
        similarity_weight: λ of the merge utility.
        utility_importance: What |α_i − α_j| compares: relative importance N·α, the "gate", or
            "raw" α (section 3.7).
        merged_importance: Importance of a merged token (section 3.10).
        order: Tokens keep the place of their first member ("spatial"), or merged tokens come
            first (section 3.11).
        scan: Order in which a slide's tokens are read (section 3.12).
        position: Positional code (section 3.13).
        hidden_dim: Hidden width of the importance network.
        per_stage_scorer: Whether each stage has an importance network of its own (section 3.14).
        gate_input: What the gate compares with its threshold: relative importance N·α, the same
            with the threshold at the last token to be kept ("quantile"), "raw" α, or "none" for
            no gate (section 3.6).
        gate_steepness: γ.
        gate_threshold: τ; not used by "quantile".
        gate_normalise: What the gate is divided by: its "max" or "mean" over the slide, or "none"
            (section 3.9).
        gate_feeds_back: Whether later stages see gated tokens. Otherwise they see the tokens as
            they were, and the gates scale what leaves the last stage (section 3.9).
        gate_at_inference: Whether evaluation scales tokens as training does (section 3.9).
        train_hard_prune: Whether training, too, removes the pruned tokens, with the gate's
            gradient passed straight through (section 3.9).
        prune_mode: Keep as many tokens as planned ("topn"), or those whose gate is at least ½
            ("threshold", section 3.5).
        prune_by: Prune by "importance", or at "random" (Table 4 of the paper).
        sparsity: Sparsity term of the loss (section 3.5).
        sparsity_weight: β.
        guided_share: Share of the training passes in which nothing is compressed and importance
            learns from the aggregator's attention.
        guided_end: Share of all steps from which on no pass is guided.
        spread_share: Share of those in which only tokens that cover the bag are handed on.
        spread_tokens: How many these are.
        guidance_weight: Weight of the loss by which importance follows that attention.
        compression_start: Share of all steps after which the retention of training begins to fall
            from 1; until then all passes are guided, unless guided_share is 0.
        compression_end: Share of all steps from which on it is r.
    """

    retention: float = 0.4
    retention_semantics: str = "final"
    stages: int = 3
    stage_ratios: Sequence[float] | None = None
    merge_fraction: float = 0.5
    pair_budget: str = "needed"
    matching: str = "aligned"
    window: int = 8
    similarity_weight: float = 0.5
    utility_importance: str = "relative"
    merged_importance: str = "recompute"
    order: str = "spatial"
    scan: str = "given"
    position: str = "none"
    hidden_dim: int = 256
    per_stage_scorer: bool = False
    gate_input: str = "none"
    gate_steepness: float = 10.0
    gate_threshold: float = 0.5
    gate_normalise: str = "max"
    gate_feeds_back: bool = False
    gate_at_inference: bool = True
    train_hard_prune: bool = True
    prune_mode: str = "topn"
    prune_by: str = "importance"
    sparsity: str = "entropy"
    sparsity_weight: float = 1e-3
    guided_share: float = 0.5
    guided_end: float = 0.7
    spread_share: float = 0.5
    spread_tokens: int = 32
    guidance_weight: float = 1.0
    compression_start: float = 0.1
    compression_end: float = 0.4

    def __post_init__(self) -> None:
        if self.stage_ratios is not None:
            object.__setattr__(self, "stage_ratios", tuple(self.stage_ratios))
        problems = [
            f"reducer dtc: {problem}"
            for check in (_choice_problems, _ratio_problems, _range_problems, _gate_problems)
            for problem in check(self)
        ]
        if problems:
            raise ConfigError(problems)

    @property
    def n_stages(self) -> int:
        """Number of stages T."""
        return self.stages if self.stage_ratios is None else len(self.stage_ratios)

    def at(self, progress: float) -> DTCSettings:
        """Return the settings with every ratio ρ taken to the power of a progress in [0, 1]."""
        ratios = self.stage_ratios
        if ratios is not None:
            ratios = [ratio**progress for ratio in ratios]
        return replace(self, retention=self.retention**progress, stage_ratios=ratios)


def _choice_problems(settings: DTCSettings) -> Iterator[str]:
    for name, allowed in CHOICES.items():
        value = getattr(settings, name)
        if value not in allowed:
            yield f"{name} is {value!r}; allowed: {', '.join(allowed)}"


def _ratio_problems(settings: DTCSettings) -> Iterator[str]:
    if not 0 < settings.retention <= 1:
        yield f"retention is {settings.retention}; it must be in (0, 1]"
    ratios = settings.stage_ratios
    if ratios is not None and not (ratios and all(_is_ratio(ratio) for ratio in ratios)):
        yield f"stage_ratios is {list(ratios)}; it must be a list of numbers in (0, 1]"


def _is_ratio(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1


def _range_problems(settings: DTCSettings) -> Iterator[str]:
    for name in ("stages", "window", "hidden_dim", "spread_tokens"):
        if getattr(settings, name) < 1:
            yield f"{name} is {getattr(settings, name)}; it must be at least 1"
    shares = ("guided_share", "guided_end", "spread_share", "compression_start", "compression_end")
    for name in ("merge_fraction", "similarity_weight", *shares):
        if not 0 <= getattr(settings, name) <= 1:
            yield f"{name} is {getattr(settings, name)}; it must be in [0, 1]"
    for name in ("gate_steepness", "sparsity_weight", "guidance_weight"):
        if not getattr(settings, name) >= 0:
            yield f"{name} is {getattr(settings, name)}; it must not be below 0"


def _gate_problems(settings: DTCSettings) -> Iterator[str]:
    if settings.gate_input != "none":
        return
    needs_gate = {"prune_mode": "threshold", "utility_importance": "gate", "sparsity": "gate_l1"}
    for name, value in needs_gate.items():
        if getattr(settings, name) == value:
            yield f"{name} is {value}, which needs a gate; set gate_input"
    untaught = settings.guidance_weight == 0 or settings.guided_share == 0
    if settings.merge_fraction == 0 and settings.prune_by == "importance" and untaught:
        yield (
            "merge_fraction is 0: without merging, a gate or guidance nothing teaches the network "
            "which tokens to keep; set gate_input, or guided_share and guidance_weight"
        )
