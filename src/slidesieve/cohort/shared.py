"""Patients and slides that two cohorts share: a leak, if one is to test the other's models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from slidesieve.cohort.barcodes import tcga_patient_of
from slidesieve.cohort.slides import Slide

_NAMED = 5


def shared_slides(tested: Iterable[Slide], trained: Iterable[Slide], source: str) -> Iterator[str]:
    """Yield a sentence on shared patients, and one on shared files.

    Patients are the same if their ids are, or their TCGA barcodes.

    Args:
        tested: Slides to be predicted.
        trained: Slides of the cohort whose models are to predict them.
        source: Name of that cohort.
    """
    tested, trained = list(tested), list(trained)
    known = {key for slide in trained for key in _patient_keys(slide)}
    shared: dict[str, list[str]] = defaultdict(list)
    for slide in tested:
        if not known.isdisjoint(_patient_keys(slide)):
            shared[slide.patient_id].append(slide.slide_id)
    if shared:
        listed = _some(f"{patient} ({', '.join(slides)})" for patient, slides in shared.items())
        yield (
            f"{len(shared)} patient(s) are in {source} too, whose models were trained on them: "
            f"{listed}. Take them out, or give patients of another hospital ids of their own"
        )
    paths = {slide.path for slide in trained if slide.path is not None}
    same = [slide.slide_id for slide in tested if slide.path in paths]
    if same:
        yield f"{len(same)} slide(s) are files of {source} too: {_some(same)}. Take them out"


def _patient_keys(slide: Slide) -> set[str]:
    barcodes = map(tcga_patient_of, (slide.patient_id, slide.slide_id))
    return {slide.patient_id, *filter(None, barcodes)}


def _some(items: Iterable[str]) -> str:
    """Return the first few items, and how many more there are."""
    items = list(items)
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more
