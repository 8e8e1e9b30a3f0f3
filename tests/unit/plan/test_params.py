"""Inputs and params of the rules follow from the study, and from which files exist."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers.small_study import SLIDES, small_dataset, small_sheet, small_study
from slidesieve.plan import params

DEMO_TRUTH = "results/demo/truth"


@pytest.fixture
def toy(study):
    return study.datasets["toy"]


@pytest.fixture
def painted(tmp_path):
    """The dataset that a demo's sheet names: slides that the workflow paints itself."""
    sheet = small_sheet(tmp_path / "demo.csv", slides_dir="results/demo/slides")
    return small_study({"demo": small_dataset(sheet, truth=DEMO_TRUTH)}).datasets["demo"]


def test_a_missing_slide_is_no_input_so_that_the_run_can_say_it_is_missing(toy, tmp_path):
    assert params.slide_inputs(toy.slide("s0").path) == []
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides/s0.svs").touch()
    assert params.slide_inputs(toy.slide("s0").path) == ["slides/s0.svs"]
    assert params.slide_inputs(None) == []


def test_slides_of_the_demo_are_inputs_before_they_are_painted(painted):
    assert params.slide_inputs(painted.slide("s0").path) == ["results/demo/slides/s0.svs"]
    assert params.demo_slides(painted) == list(SLIDES)


def test_only_the_demos_slides_are_ever_painted(sheet, tmp_path):
    near = small_sheet(tmp_path / "near.csv", slides_dir="results/mine/slides")
    study = small_study({"toy": small_dataset(sheet), "demo": small_dataset(near)})
    assert params.demo_slides(study.datasets["toy"]) == []
    # A dataset of the user's own that is called demo, too.
    assert params.demo_slides(study.datasets["demo"]) == []


def test_truth_of_the_demo_is_painted_with_its_slides(painted):
    assert params.truth_masks(painted) == {slide: f"{DEMO_TRUTH}/{slide}.png" for slide in SLIDES}


def test_truth_in_the_demos_folder_never_makes_the_users_slides_be_painted(sheet, tmp_path):
    mine = small_study({"mine": small_dataset(sheet, truth=DEMO_TRUTH)}).datasets["mine"]
    assert params.truth_masks(mine) == {}
    (tmp_path / DEMO_TRUTH).mkdir(parents=True)
    (tmp_path / DEMO_TRUTH / "s3.png").touch()
    assert params.truth_masks(mine) == {"s3": f"{DEMO_TRUTH}/s3.png"}


def test_truth_masks_are_those_that_exist(sheet, toy, tmp_path):
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/s1.png").touch()
    mine = small_study({"mine": small_dataset(sheet, truth="masks")}).datasets["mine"]
    assert params.truth_masks(mine) == {"s1": "masks/s1.png"}
    assert params.truth_masks(toy) == {}


def test_features_are_made_by_the_workflow_or_found_in_the_users_folder(toy, sheet, tmp_path):
    assert params.feature_files(toy, "uni") == {
        slide: f"results/toy/features/uni/{slide}.h5" for slide in SLIDES
    }
    folder = tmp_path / "uni"
    folder.mkdir()
    for slide in SLIDES[1:]:
        (folder / f"{slide}.pt").touch()
    ready = {
        "features": "uni",
        "labels": sheet,
        "encoder": "uni",
        "classes": ["benign", "tumour"],
        "folds": {"k": 2},
    }
    found = small_study({"ready": ready}).datasets["ready"]
    assert params.feature_files(found, "uni") == {slide: f"uni/{slide}.pt" for slide in SLIDES[1:]}


def test_tissue_depends_on_tissue_settings_and_tiles_on_tile_settings(sheet):
    def stages_of(**settings: object) -> tuple[dict, dict]:
        toy = small_study({"toy": small_dataset(sheet, **settings)}).datasets["toy"]
        return params.segmentation(toy, toy.slides[0]), params.tiling(toy, toy.slides[0])

    tissue, tiles = stages_of()
    other_tissue, same_tiles = stages_of(tissue={"closing_um": 91})
    assert other_tissue != tissue
    assert same_tiles == tiles
    same_tissue, other_tiles = stages_of(tile_px=128)
    assert same_tissue == tissue
    assert other_tiles != tiles


def test_tiles_lie_side_by_side_unless_a_step_is_given(sheet):
    def step_of(**settings: object) -> object:
        toy = small_study({"toy": small_dataset(sheet, **settings)}).datasets["toy"]
        return params.tiling(toy, toy.slides[0])["tiles"]["step_px"]

    assert step_of(tile_px=128) == 128
    assert step_of(tile_px=128, step_px=64) == 64


def test_a_slides_own_cells_beat_the_dataset(tmp_path):
    sheet = Path(small_sheet(tmp_path / "slides.csv"))
    head, first, *rest = sheet.read_text().splitlines()
    lines = [f"{head},mpp,tissue.closing_um", f"{first},0.31,77", *(f"{row},," for row in rest)]
    sheet.write_text("\n".join(lines) + "\n")
    dataset = small_dataset(str(sheet), tissue={"closing_um": 55}, assume_mpp=0.5)
    toy = small_study({"toy": dataset}).datasets["toy"]
    own, common = (params.segmentation(toy, toy.slide(slide)) for slide in ("s0", "s1"))
    assert (own["tissue"]["closing_um"], common["tissue"]["closing_um"]) == (77, 55)
    assert (own["scale"]["sheet_mpp"], common["scale"]["sheet_mpp"]) == (0.31, None)
    assert own["scale"]["config_mpp"] == common["scale"]["config_mpp"] == 0.5


def test_folds_know_no_paths_and_the_cohort_table_does(toy):
    assert params.sheet_rows(toy)[0] == ("s0", "Ps0", "benign")
    assert params.cohort_rows(toy)[0] == ("s0", "Ps0", "benign", "slides/s0.svs")


def test_tilings_are_of_the_datasets_that_start_from_slides(study):
    settings = study.datasets["toy"].settings
    assert params.tilings(study) == {"toy": (settings["tile_px"], settings["target_mpp"])}


def test_only_what_snakemake_takes_as_it_stands_is_an_input(tmp_path):
    names = ["a.svs", "{b}.svs", "<c>.svs", "d e.svs", "f\ng.svs"]
    for name in names:
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe.svs")
    paths = [*(tmp_path / name for name in names), tmp_path / "pipe.svs", tmp_path / ("x" * 300)]
    assert [Path(path).name for path in params.as_inputs(paths)] == ["a.svs", "d e.svs"]
    # Their changes are noticed by size and time.
    assert params.file_stamp(tmp_path / "{b}.svs") is not None


def test_weights_that_are_replaced_are_noticed_in_a_file_and_in_a_folder(tmp_path):
    file = tmp_path / "hub" / "weights.safetensors"
    file.parent.mkdir()
    for weights in (file, file.parent):
        file.write_bytes(b"a")
        before = params.weights_stamps({"name": "x", "weights": str(weights)})
        file.write_bytes(b"bc")
        assert params.weights_stamps({"name": "x", "weights": str(weights)}) != before
    assert params.weights_stamps({"name": "colour_texture"}) == {}
    assert params.weights_stamps({"weights": "absent"}) == {"absent": None}


def test_files_of_questions_are_inputs_and_so_are_those_still_to_be_made(tmp_path):
    (tmp_path / "there.csv").write_text("a")
    vqa = {
        "questions": [
            {"source": "slidebench", "path": path, "part": "test"}
            for path in ("there.csv", "results/demo/questions.csv", "gone.csv")
        ],
        "leakage": "drop",
        "slides_per_case": "first",
        "compare_to": "sieve",
    }
    assert params.question_files(vqa) == ["results/demo/questions.csv", "there.csv"]
    assert {path: stamp and stamp[0] for path, stamp in params.question_stamps(vqa).items()} == {
        "there.csv": 1,
        "gone.csv": None,
    }
    # A key that only the scores depend on does not make the questions again.
    assert "compare_to" not in params.question_settings(vqa)
    assert (params.question_files(None), params.question_settings(None)) == ([], {})
