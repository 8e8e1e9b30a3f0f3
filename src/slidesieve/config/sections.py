"""Keys of the sections that all datasets share; `training` has a home of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.parsing.settings import STRICT, UNIQUE


@dataclass(frozen=True, config=STRICT)
class EvaluationSettings:
    """The `evaluation` section."""

    bootstrap: StrictInt = Field(
        default=1000, ge=100, description="Resamples of patients behind every interval."
    )
    seed: StrictInt = Field(default=0, ge=0, description="Of the resamples.")
    calibrate: StrictBool = Field(
        default=False,
        description="Whether to calibrate on the validation parts too (a temperature, and "
        "thresholds of the classes) and to show metrics before and after, in calibration.csv.",
    )
    compare_to: StrictStr | None = Field(
        default=None, description="Model that all others are tested against; null means the first."
    )


@dataclass(frozen=True, config=STRICT)
class ReportSettings:
    """The `report` section."""

    heatmap_model: StrictStr | None = Field(
        default=None,
        description="Model whose attention is drawn; null means evaluation.compare_to.",
    )
    heatmaps_per_class: StrictInt = Field(
        default=2, ge=0, description="Usable slides per class with a heat map."
    )
    heatmap_scale: Literal["share", "percentile"] = Field(
        default="share",
        description="What colours of heat maps mean: the share of the attention as a multiple of "
        "even attention, or the percentile among the tiles of the slide.",
    )
    token_models: Annotated[list[StrictStr], UNIQUE] | None = Field(
        default=None,
        json_schema_extra={"uniqueItems": True},
        description="Models whose kept, merged and pruned tiles are shown; null means those that "
        "whose choice of tokens is learned (dtc, sparselearn, slots, attention_topk).",
    )
    tokens_per_class: StrictInt = Field(
        default=1, ge=0, description="Slides per class on which those are shown."
    )


@dataclass(frozen=True, config=STRICT)
class StageResources:
    """Resources of a stage's jobs. A stage has defaults of its own for what is not given."""

    threads: StrictInt | None = Field(default=None, ge=1, le=256, description="Threads per job.")
    mem_mb: StrictInt | None = Field(default=None, ge=100, description="Memory per job in MB.")
    runtime: StrictInt | None = Field(
        default=None, ge=1, description="Time limit per job in minutes."
    )
    gpu: StrictInt | None = Field(default=None, ge=0, le=8, description="GPUs per job.")


@dataclass(frozen=True, config=STRICT)
class FeaturesResources(StageResources):
    """Resources of the jobs that make features."""

    slides_per_job: StrictInt = Field(
        default=8, ge=1, description="Most slides that one job encodes with a model it loads once."
    )


@dataclass(frozen=True, config=STRICT)
class TrainResources(StageResources):
    """Resources of the jobs that fit models."""

    slides_per_job: StrictInt = Field(
        default=400,
        ge=1,
        description="Most slides that one job fits a model to, its folds together. Folds of small "
        "cohorts share a job, which reads the features once; large cohorts have a job per fold.",
    )


@dataclass(frozen=True, config=STRICT)
class Resources:
    """Resources that a site tunes without touching rules."""

    slide: StageResources = Field(
        default_factory=StageResources, description="Tissue and tiles of a slide."
    )
    features: FeaturesResources = Field(
        default_factory=FeaturesResources, description="Features of some slides."
    )
    train: TrainResources = Field(
        default_factory=TrainResources, description="Fitting a model to its folds."
    )
    report: StageResources = Field(
        default_factory=StageResources, description="Tables and pictures."
    )
    vqa: StageResources = Field(
        default_factory=StageResources,
        description="Training a model that answers questions, and asking it.",
    )
