"""What two cohorts share is named before one tests the models of the other."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from slidesieve.cohort.seen import refuse_seen, seen_in_training
from slidesieve.cohort.shared import shared_slides
from slidesieve.cohort.slides import Slide
from slidesieve.errors import SlideError


def slide(name: str, patient: str, path: str | None = None) -> Slide:
    return Slide(name, patient, "a", Path(path) if path else None)


TRAINED = [slide("t1", "P1", "x/t1.svs"), slide("t2", "TCGA-05-4244", "x/t2.svs")]


def shared(*tested: Slide) -> list[str]:
    return list(shared_slides(tested, TRAINED, "old"))


def test_cohorts_that_share_nothing_give_no_sentence():
    assert shared(slide("n1", "Q1", "x/n1.svs"), slide("n2", "TCGA-05-4245")) == []


def test_a_patient_of_both_is_named_with_the_slides():
    (said,) = shared(slide("n1", "P1"), slide("n2", "P1"), slide("n3", "Q"))
    assert said.startswith("1 patient(s) are in old too")
    assert "P1 (n1, n2)" in said


def test_a_barcode_tells_the_patient_whatever_the_id():
    (said,) = shared(slide("TCGA-05-4244-01Z-00-DX1", "own name"))
    assert "own name (TCGA-05-4244-01Z-00-DX1)" in said


def test_a_file_of_both_is_named():
    (said,) = shared(slide("n1", "Q1", "x/t1.svs"))
    assert said == "1 slide(s) are files of old too: n1. Take them out"


def test_slides_with_the_content_of_training_slides_are_known_again():
    index = pd.DataFrame({"slide_id": ["a", "b", "c"], "features_sha256": ["1", "2", ""]})
    trained_on = pd.DataFrame({"features_sha256": ["2", "9", ""]})
    assert seen_in_training(index, trained_on) == ["b"]
    with pytest.raises(SlideError, match=r"1 slide\(s\) have the features of slides of old.*: b\."):
        refuse_seen(["b"], "old")
    refuse_seen([], "old")
