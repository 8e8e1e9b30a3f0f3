"""Slides that cannot be used are left out loudly; too many of them stop the run early."""

from __future__ import annotations

import pytest

from helpers.runner import Study
from helpers.toy_cohort import make_toy
from slidesieve.store.tables import read_csv

pytestmark = pytest.mark.slow

COHORT, PAGE = "results/toy/cohort.csv", "results/toy/figures/cohort.html"


@pytest.fixture
def fresh(tmp_path) -> Study:
    """A toy study of which nothing has run, and that bears the loss of one slide in six."""
    study = Study(tmp_path)
    make_toy(study)
    config = study.config
    config["datasets"]["toy"]["max_failed_fraction"] = 0.2
    study.write_config(config)
    return study


def lose(study, *slides):
    """Move slides to where the sheet does not find them."""
    (study.folder / "elsewhere").mkdir(exist_ok=True)
    for slide in slides:
        (study.folder / f"slides/{slide}.svs").rename(study.folder / f"elsewhere/{slide}.svs")


def put_back(study):
    for path in (study.folder / "elsewhere").iterdir():
        path.rename(study.folder / "slides" / path.name)


def statuses(study):
    return read_csv(study.folder / COHORT).set_index("slide_id")["status"].to_dict()


def test_a_missing_slide_is_left_out_and_the_run_says_so_at_its_end(fresh):
    lose(fresh, "s5")
    done = fresh.snakemake(COHORT, PAGE, "results/toy/metrics.csv")
    left_out = "toy: 1 of 6 slides were left out; see results/toy/cohort.csv"
    assert done.text.rindex(left_out) > done.text.rindex("Finished jobid")
    end = done.text[done.text.rindex(left_out) :]
    assert "  s5 (failed): " in end
    assert "slides/s5.svs" in end
    # Of three tumour slides one is lost: the validation part of a fold has none left.
    assert "no usable slide of class tumour is left in" in end
    assert {slide for slide, status in statuses(fresh).items() if status != "ok"} == {"s5"}
    assert "s5" in (fresh.folder / PAGE).read_text()


def test_a_class_without_training_slides_stops_the_run(fresh):
    """Fold 1 tests the other two tumours, and no model can learn what it never sees."""
    lose(fresh, "s1")
    failed = fresh.snakemake("results/toy/metrics.csv", check=False)
    assert failed.code != 0
    assert "fold_1: class tumour has no usable training slide left; mend s1" in failed.text


def test_too_many_missing_slides_stop_the_run_before_any_is_encoded(fresh):
    lose(fresh, "s1", "s3")
    failed = fresh.snakemake("toy", check=False)
    assert failed.code != 0
    assert "2 of 6 slides cannot be used, more than max_failed_fraction = 0.2" in failed.text
    assert not failed.rules["features"]
    assert not failed.rules["train"]
    # Table and page exist all the same, and the terminal ends with the slides.
    status = statuses(fresh)
    assert {slide for slide in status if status[slide] != "ok"} == {"s1", "s3"}
    page = (fresh.folder / PAGE).read_text()
    assert "slides/s1.svs" in page
    assert "slides/s3.svs" in page
    assert "toy: 2 of 6 slides were left out" in failed.text.split("Error in rule")[-1]

    put_back(fresh)
    mended = fresh.snakemake(COHORT, PAGE)
    assert mended.rules["features"] == 2
    assert set(statuses(fresh).values()) == {"ok"}
    assert "left out" not in mended.text
    assert "slides/s1.svs" not in (fresh.folder / PAGE).read_text()
