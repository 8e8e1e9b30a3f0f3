"""The record of one slide of a cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NO_LABEL = ""
"""Label of a slide that is only to be predicted."""


@dataclass(frozen=True)
class Slide:
    """One row of the sample sheet.

    Attributes:
        slide_id: Unique name within the dataset, safe as a file name.
        patient_id: Folds never separate the slides of a patient.
        label: One of the dataset's classes, or `NO_LABEL`.
        path: The slide, or None in a sheet of ready-made features.
        mpp: µm per level-0 px as the sheet states it, or None.
        tissue: Segmentation parameters this slide overrides.
        site: Where it was made, as the sheet or its TCGA barcode says; "" if neither does.
    """

    slide_id: str
    patient_id: str
    label: str
    path: Path | None = None
    mpp: float | None = None
    tissue: Mapping[str, object] = field(default_factory=dict)
    site: str = ""
