"""Settings of SparseLearn; without torch, so that a config is checked cheaply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

from slidesieve.parsing.presets import PresetSettings
from slidesieve.parsing.settings import STRICT
from slidesieve.reduction.guided_settings import GuidedSettings


@dataclass(frozen=True, config=STRICT)
class SparseLearnSettings(PresetSettings, GuidedSettings):
    """The method's switches; defaults are those of docs/explanation/sparselearn.md, section 4."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "default": {},
        # The paper, and where it is silent DiffPrune, whose equations it uses.
        "as_written": {
            "token_norm": "layer",
            "budget_start": 0.0,
            "budget_end": 0.0,
            "scorer": "transformer",
            "scorer_layers": 2,
            "scorer_dim": 512,
            "denoiser_zero_init": False,
            "tau_start": 2.0,
            "tau_end": 0.1,
            "anneal_share": 0.75,
            "hard_mix_prob": 0.0,
            "guided_share": 0.0,
            "guidance_weight": 0.0,
        },
    }

    k: StrictInt = Field(default=32, ge=1, description="Tokens kept of each slide.")
    budget_start: StrictFloat = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Share of all steps after which the budget begins to fall from all "
        "tokens. Until then what follows the selector is trained on whole bags.",
    )
    budget_end: StrictFloat = Field(
        default=0.6,
        ge=0,
        le=1,
        description="Share of all steps from which on it is k; it falls by equal factors.",
    )
    encoder: Literal["none", "transformer", "longnet"] = Field(
        default="none",
        description='Slide encoder before the selector: "none", "transformer" (global '
        'attention) or "longnet" (dilated attention, for long bags).',
    )
    encoder_layers: StrictInt = Field(default=2, ge=1, description="Its blocks.")
    token_norm: Literal["scale", "layer"] = Field(
        default="scale",
        description='How tokens come to unit variance before scorer and gate: "scale" (all '
        'by one number, so that what lies far out stays far out) or "layer" '
        "(each by itself).",
    )
    scorer: Literal["mlp", "transformer"] = Field(
        default="mlp",
        description='"mlp" (each token on its own) or "transformer" (tokens see each other).',
    )
    scorer_layers: StrictInt = Field(default=1, ge=1, description="Hidden layers, or blocks.")
    scorer_dim: StrictInt = Field(default=128, ge=1, description="Their width.")
    heads: StrictInt = Field(
        default=8, ge=1, description="Attention heads of encoder, scorer and global denoiser."
    )
    score_norm: Literal["zscore", "none"] = Field(
        default="zscore", description='"zscore" over each slide\'s tokens, or "none".'
    )
    operator: Literal["lapsum", "sigmoid", "sinkhorn", "gumbel_ste", "softmax_k"] = Field(
        default="lapsum", description="Soft top-k, see `slidesieve.reduction.soft_topk`."
    )
    gate: Literal["vp", "scale", "hard_st"] = Field(
        default="vp",
        description='"vp" (noise, variance preserved), "scale" (α x) or '
        '"hard_st" (straight through).',
    )
    denoiser: Literal["diagonal", "global", "none"] = Field(
        default="diagonal",
        description='"diagonal" (each token sees itself), "global" or "none"; in training only.',
    )
    denoiser_zero_init: StrictBool = Field(
        default=True, description="Whether it starts as the identity."
    )
    tau_start: StrictFloat = Field(
        default=1.0, gt=0, description="Temperature of the soft top-k at the first step."
    )
    tau_end: StrictFloat = Field(
        default=0.5, gt=0, description="Temperature from the end of the annealing on."
    )
    anneal_share: StrictFloat = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of all steps over which the temperature falls, on a cosine.",
    )
    hard_mix_prob: StrictFloat = Field(
        default=0.75,
        ge=0,
        le=1,
        description="Share of training passes that see k tokens as they are, as in evaluation.",
    )
    hard_mix_start: StrictFloat = Field(
        default=0.0, ge=0, le=1, description="Share of all steps after which such passes begin."
    )
    hard_mix_drawn: StrictBool = Field(
        default=False,
        description="Whether such passes see k tokens drawn anew each time, with "
        "probabilities ∝ exp(s / τ), in place of the k best.",
    )
