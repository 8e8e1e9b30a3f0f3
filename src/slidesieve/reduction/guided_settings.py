"""Settings of guided passes, which DTC-WSI and SparseLearn share; without torch."""

from __future__ import annotations

from pydantic import Field, StrictFloat
from pydantic.dataclasses import dataclass

from slidesieve.parsing.settings import STRICT


@dataclass(frozen=True, config=STRICT)
class GuidedSettings:
    """How scores learn from the aggregator's attention, see `slidesieve.reduction.guidance`."""

    guided_share: StrictFloat = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of the training passes in which nothing is reduced and the scores learn "
        "from the aggregator's attention. Until the reduction begins, all are, unless this is 0.",
    )
    guided_end: StrictFloat = Field(
        default=0.7, ge=0, le=1, description="Share of all steps from which on no pass is guided."
    )
    spread_share: StrictFloat = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of the guided passes in which only a cover of the bag is handed on: "
        "half its best tokens (SparseLearn: drawn by their scores), half drawn far from each "
        "other.",
    )
    guidance_weight: StrictFloat = Field(
        default=1.0, ge=0, description="Weight of the loss by which scores follow that attention."
    )
