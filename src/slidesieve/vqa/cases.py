"""Slides and cases: the slide that a file means, the case it is of, and the slides of a case."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

SlidesPerCase = Literal["first", "all"]

_TCGA_SLIDE = re.compile(r"TCGA-\w{2}-\w{4}-\d{2}[A-Z]-\d{2}-[A-Z]{2}[A-Z0-9]*")
# TCGA-05-4244-01Z-00-DX1 is of TCGA-05-4244, C3N-00432-22 (CPTAC) of C3N-00432,
# GTEX-OIZH-0626 of GTEX-OIZH.
_CASES = (
    re.compile(r"TCGA-\w{2}-\w{4}"),
    re.compile(r"C3[LN]-\d{5}"),
    re.compile(r"GTEX-[A-Z0-9]+"),
)
_ENDING = re.compile(
    r"\.(h5|hdf5|pth?|csv|npy|svs|tiff?|ndpi|mrxs|scn|bif|vms|vmu|czi|dcm|zarr|jpe?g|png)$",
    re.IGNORECASE,
)
_DIAGNOSTIC = re.compile(r"-DX\w*")


def bare_slide(name: str) -> str:
    """Return the slide that a name or a path means: a TCGA barcode, or the file without ending."""
    if barcode := _TCGA_SLIDE.search(name):
        return barcode[0]
    return _ENDING.sub("", re.split(r"[/\\]", name)[-1])


def barcode_case(name: str) -> str:
    """Return the case in the barcode of TCGA, CPTAC or GTEx that begins a name, or ""."""
    return next((found[0] for barcode in _CASES if (found := barcode.match(name))), "")


@dataclass(frozen=True)
class SlideIndex:
    """The slides of a dataset, found by name and by case.

    Attributes:
        case_of: Case of each slide.
    """

    case_of: Mapping[str, str]
    _by_name: Mapping[str, str]
    _of_case: Mapping[str, tuple[str, ...]]

    def find(self, name: str) -> str | None:
        """Return the slide that a name means, or None if the dataset has no such slide."""
        return self._by_name.get(name) or self._by_name.get(bare_slide(name))

    def of_case(self, case: str, policy: SlidesPerCase) -> tuple[str, ...]:
        """Return the slides of a case: its first, or all in the order of their names.

        Diagnostic slides of TCGA (DX1, DX2, …) come before others, which are frozen sections.
        """
        slides = self._of_case.get(case, ())
        return slides[:1] if policy == "first" else slides


def slide_index(slides: Iterable[tuple[str, str]]) -> SlideIndex:
    """Index slides.

    Args:
        slides: (slide_id, patient_id) of each. A barcode in the slide's name says its case; of
            other slides it is the patient.
    """
    pairs = list(slides)
    case_of = {slide: barcode_case(slide) or patient for slide, patient in pairs}
    by_name: dict[str, str] = {}
    of_case: dict[str, list[str]] = defaultdict(list)
    for slide, patient in sorted(pairs, key=lambda pair: (not _is_diagnostic(pair[0]), pair)):
        by_name.setdefault(bare_slide(slide), slide)
        for case in dict.fromkeys((case_of[slide], patient)):
            of_case[case].append(slide)
    by_name |= {slide: slide for slide, _ in pairs}
    return SlideIndex(case_of, by_name, {case: tuple(found) for case, found in of_case.items()})


def _is_diagnostic(slide: str) -> bool:
    return _DIAGNOSTIC.search(slide) is not None
