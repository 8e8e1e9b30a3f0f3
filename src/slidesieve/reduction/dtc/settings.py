"""The switches of DTC-WSI: what the paper leaves open or says twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

from slidesieve.parsing.presets import PresetSettings
from slidesieve.parsing.settings import STRICT
from slidesieve.reduction.guided_settings import GuidedSettings

Ratio = Annotated[StrictFloat, Field(gt=0, le=1)]


@dataclass(frozen=True, config=STRICT)
class DTCSettings(PresetSettings, GuidedSettings):
    """Every switch; defaults are the preset "default". Sections: docs/explanation/dtc-wsi.md."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "default": {},
        # The paper to the letter.
        "as_written": {
            "merge_fraction": 1.0,
            "utility_importance": "raw",
            "merged_importance": "mean",
            "order": "merged_first",
            "gate_input": "raw",
            # The paper gives no τ. Any τ that tokens with α near 1/N do not reach makes features
            # vanish; 0 at least leaves them a constant factor of about ½ per stage.
            "gate_threshold": 0.0,
            "gate_normalise": "none",
            "gate_feeds_back": True,
            "gate_at_inference": False,
            "train_hard_prune": False,
            "sparsity": "l1_softmax",
            "guided_share": 0.0,
            "guidance_weight": 0.0,
            "compression_start": 0.0,
            "compression_end": 0.0,
        },
    }

    retention: StrictFloat = Field(
        default=0.4, gt=0, le=1, description="r, share of the tokens that is left (section 3.1)."
    )
    retention_semantics: Literal["final", "per_stage"] = Field(
        default="final",
        description='r is left after all stages ("final") or after each ("per_stage").',
    )
    stages: StrictInt = Field(default=3, ge=1, description="T, number of stages.")
    stage_ratios: Annotated[tuple[Ratio, ...], Field(min_length=1)] | None = Field(
        default=None, description="ρ_t of each stage, in place of `retention` and `stages`."
    )
    merge_fraction: StrictFloat = Field(
        default=0.5,
        ge=0,
        le=1,
        description="φ, share of a stage's reduction done by merging; pruning does the rest "
        "(section 3.2).",
    )
    pair_budget: Literal["needed", "all"] = Field(
        default="needed",
        description='Pairs merged in a stage: as many as are "needed", or "all" of them '
        "(section 3.3).",
    )
    matching: Literal["aligned", "window", "tome", "random"] = Field(
        default="aligned",
        description='Who may merge with whom: "aligned" neighbours (2k−1, 2k), the best '
        'partner within a "window" or on the whole slide ("tome"), or a '
        '"random" one (section 3.12).',
    )
    window: StrictInt = Field(default=8, ge=1, description='Reach of matching "window", in tokens.')
    similarity_weight: StrictFloat = Field(
        default=0.5, ge=0, le=1, description="λ of the merge utility."
    )
    utility_importance: Literal["relative", "gate", "raw"] = Field(
        default="relative",
        description='What |α_i − α_j| compares: relative importance N·α, the "gate", or '
        '"raw" α (section 3.7).',
    )
    merged_importance: Literal["recompute", "sum", "max", "mean"] = Field(
        default="recompute", description="Importance of a merged token (section 3.10)."
    )
    order: Literal["spatial", "merged_first"] = Field(
        default="spatial",
        description='Tokens keep the place of their first member ("spatial"), or merged '
        "tokens come first (section 3.11).",
    )
    scan: Literal["given", "serpentine", "hilbert"] = Field(
        default="given", description="Order in which a slide's tokens are read (section 3.12)."
    )
    position: Literal["none", "raster", "xy", "sincos"] = Field(
        default="none", description="Positional code (section 3.13)."
    )
    hidden_dim: StrictInt = Field(
        default=256, ge=1, description="Hidden width of the importance network."
    )
    per_stage_scorer: StrictBool = Field(
        default=False,
        description="Whether each stage has an importance network of its own (section 3.14).",
    )
    gate_input: Literal["relative", "quantile", "raw", "none"] = Field(
        default="none",
        description="What the gate compares with its threshold: relative importance N·α, "
        'the same with the threshold at the last token to be kept ("quantile"), '
        '"raw" α, or "none" for no gate (section 3.6).',
    )
    gate_steepness: StrictFloat = Field(default=10.0, ge=0, description="γ.")
    gate_threshold: StrictFloat = Field(default=0.5, description='τ; not used by "quantile".')
    gate_normalise: Literal["max", "mean", "none"] = Field(
        default="max",
        description='What the gate is divided by: its "max" or "mean" over the slide, or '
        '"none" (section 3.9).',
    )
    gate_feeds_back: StrictBool = Field(
        default=False,
        description="Whether later stages see gated tokens. Otherwise they see the tokens "
        "as they were, and the gates scale what leaves the last stage (section "
        "3.9).",
    )
    gate_at_inference: StrictBool = Field(
        default=True,
        description="Whether evaluation scales tokens as training does (section 3.9).",
    )
    train_hard_prune: StrictBool = Field(
        default=True,
        description="Whether training, too, removes the pruned tokens, with the gate's "
        "gradient passed straight through (section 3.9).",
    )
    prune_mode: Literal["topn", "threshold"] = Field(
        default="topn",
        description='Keep as many tokens as planned ("topn"), or those whose gate is at '
        'least ½ ("threshold", section 3.5).',
    )
    prune_by: Literal["importance", "random"] = Field(
        default="importance",
        description='Prune by "importance", or at "random" (Table 4 of the paper).',
    )
    sparsity: Literal["entropy", "gate_l1", "hoyer", "l1_softmax", "none"] = Field(
        default="entropy", description="Sparsity term of the loss (section 3.5)."
    )
    sparsity_weight: StrictFloat = Field(default=1e-3, ge=0, description="β.")
    spread_tokens: StrictInt = Field(default=32, ge=1, description="Most tokens of a cover.")
    compression_start: StrictFloat = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of all steps after which the retention of training begins to "
        "fall from 1.",
    )
    compression_end: StrictFloat = Field(
        default=0.4, ge=0, le=1, description="Share of all steps from which on it is r."
    )

    def __post_init__(self) -> None:
        if problems := list(_gate_problems(self)):
            raise ValueError("; ".join(problems))

    @property
    def n_stages(self) -> int:
        """Number of stages T."""
        return self.stages if self.stage_ratios is None else len(self.stage_ratios)

    def at(self, progress: float) -> DTCSettings:
        """Return the settings with every ratio ρ taken to the power of a progress in [0, 1]."""
        ratios = self.stage_ratios
        if ratios is not None:
            ratios = tuple(ratio**progress for ratio in ratios)
        return replace(self, retention=self.retention**progress, stage_ratios=ratios)


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
