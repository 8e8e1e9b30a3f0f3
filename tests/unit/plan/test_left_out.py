"""The end of a run says which slides were left out, why, and which folds lost a class."""

from __future__ import annotations

import pandas as pd
import pytest

from slidesieve.plan.left_out import left_out
from slidesieve.store.tables import write_csv

CLASSES = ("benign", "tumour")
FOLDS = {
    "slide_id": ["s0", "s1", "s2", "s3", "s4", "s5"],
    "patient_id": ["P0", "P1", "P2", "P3", "P4", "P5"],
    "label": ["benign", "tumour", "benign", "tumour", "benign", "tumour"],
    "fold_0": ["test", "test", "val", "val", "train", "train"],
    "fold_1": ["train", "train", "test", "test", "val", "val"],
}


@pytest.fixture
def cohort(tmp_path):
    """Write cohort.csv with reasons for the slides that could not be used."""

    def write(**reasons: str) -> None:
        slides = FOLDS["slide_id"]
        table = pd.DataFrame(
            {
                "slide_id": slides,
                "status": ["failed" if slide in reasons else "ok" for slide in slides],
                "reason": [reasons.get(slide, "") for slide in slides],
            }
        )
        write_csv(tmp_path / "toy/cohort.csv", table)

    return write


def test_nothing_is_said_before_there_is_a_cohort_table_and_when_all_is_well(cohort, tmp_path):
    assert left_out("toy", CLASSES, tmp_path) == []
    cohort()
    assert left_out("toy", CLASSES, tmp_path) == []


def test_slides_are_counted_and_their_reasons_told(cohort, tmp_path):
    cohort(s1="file not found")
    assert left_out("toy", CLASSES, tmp_path) == [
        f"toy: 1 of 6 slides were left out; see {tmp_path}/toy/cohort.csv",
        "  s1 (failed): file not found",
    ]


def test_many_reasons_are_cut_short(cohort, tmp_path):
    cohort(**dict.fromkeys(FOLDS["slide_id"][:5], "file not found"))
    lines = left_out("toy", CLASSES, tmp_path)
    assert len(lines) == 5
    assert lines[-1] == "  and 2 more"


def test_a_class_that_a_fold_lost_is_named_with_its_part(cohort, tmp_path):
    write_csv(tmp_path / "toy/folds.csv", pd.DataFrame(FOLDS))
    cohort(s1="file not found")
    assert left_out("toy", CLASSES, tmp_path)[2:] == [
        "  fold 0: no usable slide of class tumour is left in test",
        "  fold 1: no usable slide of class tumour is left in train",
    ]


def test_a_class_that_keeps_a_slide_in_each_part_is_not_lost(cohort, tmp_path):
    folds = FOLDS | {"fold_0": ["test"] * 2 + ["train"] * 4, "fold_1": ["train"] * 4 + ["test"] * 2}
    write_csv(tmp_path / "toy/folds.csv", pd.DataFrame(folds))
    cohort(s3="file not found")
    assert len(left_out("toy", CLASSES, tmp_path)) == 2
