"""The settings of folds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictFloat, StrictInt, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.parsing.settings import STRICT


@dataclass(frozen=True, config=STRICT)
class FoldSettings:
    """How a cohort is split into training, validation and test parts."""

    k: StrictInt = Field(
        default=5,
        ge=2,
        le=50,
        description="Number of folds; each patient is tested once per repeat.",
    )
    repeats: StrictInt = Field(
        default=1,
        ge=1,
        le=50,
        description="Repetitions of the whole cross-validation, each shuffled anew.",
    )
    seed: StrictInt = Field(default=0, ge=0, description="Another seed draws other folds.")
    val_fraction: StrictFloat = Field(
        default=0.2,
        ge=0,
        le=0.5,
        description="Share of the training patients of each class kept for early stopping. With 0 "
        "there is no validation part, and models train to the last epoch.",
    )
    group_also: Literal["site"] | None = Field(
        default=None,
        description="site keeps the slides of a site (column `site` of the sheet, or the TCGA "
        "barcode's) on one side of train and test.",
    )
    file: StrictStr | None = Field(
        default=None,
        description="Your own folds in place of drawn ones: a table of slide_id, patient_id, label "
        "and fold_0, fold_1, … with train, val, test or unused in each cell; one CSV of CLAM's, "
        "with the columns train, val and test; or a folder of such files, or of train.csv, val.csv "
        "and test.csv. It decides the number of folds; one is enough.",
    )
