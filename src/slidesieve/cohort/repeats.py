"""The same content under several slide ids: a leak between folds, unless one patient owns it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from slidesieve.cohort.slides import NO_LABEL
from slidesieve.errors import SlideError
from slidesieve.store.checksums import slide_sha256
from slidesieve.store.hdf5 import read_fingerprint

log = logging.getLogger(__name__)


def refuse_repeats(slides: pd.DataFrame, content_of: Mapping[str, str], things: str) -> None:
    """Refuse content that stands in the cohort twice; within one patient and label, warn of it.

    Args:
        slides: slide_id, patient_id, label.
        content_of: Checksum of the content of each slide_id; "" is passed over.
        things: What has the content, for the sentences ("slide files").

    Raises:
        SlideError: Names all slides whose content belongs to several patients or labels.
    """
    problems, warnings = find_repeats(slides, content_of, things)
    for warning in warnings:
        log.warning(warning)
    if problems:
        raise SlideError("\n".join(problems))


def find_repeats(
    slides: pd.DataFrame, content_of: Mapping[str, str], things: str
) -> tuple[list[str], list[str]]:
    """Return problems and warnings of content that stands in the cohort twice, one per content.

    Arguments are those of `refuse_repeats`.
    """
    same: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    rows = zip(slides["slide_id"], slides["patient_id"], slides["label"], strict=True)
    for slide_id, patient, label in rows:
        if content := content_of.get(slide_id):
            same[content].append((slide_id, patient, label))
    problems, warnings = [], []
    for group in same.values():
        if len(group) == 1:
            continue
        listed = ", ".join(
            f"{slide} (patient {patient}, {label})" for slide, patient, label in group
        )
        if group[0][2] == NO_LABEL:
            names = ", ".join(slide for slide, _, _ in group)
            warnings.append(f"the {things} of {names} hold the same")
        elif len({(patient, label) for _, patient, label in group}) > 1:
            problems.append(
                f"the {things} of {listed} hold the same: the same slide twice would leak between "
                "folds; take all but one out of the sheet, or give them the patient they are of"
            )
        else:
            warnings.append(f"the {things} of {listed} hold the same, which counts twice")
    return problems, warnings


def slide_contents(slides: pd.DataFrame, tiles: Sequence[Path]) -> dict[str, str]:
    """Return the checksum of each slide whose file may be another's, by their tiles files.

    Only files of the same size, first and last MiB are read whole.

    Args:
        slides: slide_id, path, status, row for row with `tiles`.
        tiles: Tiles file of each slide.
    """
    candidates: dict[str, list[tuple[str, str]]] = defaultdict(list)
    rows = zip(slides["slide_id"], slides["path"], slides["status"], tiles, strict=True)
    for slide_id, path, status, file in rows:
        if status == "ok":
            candidates[read_fingerprint(file)].append((slide_id, path))
    return {
        slide_id: slide_sha256(Path(path))
        for fingerprint, found in candidates.items()
        if fingerprint and len(found) > 1
        for slide_id, path in found
    }
