"""After a change, an incremental run ends with the bytes of a run from scratch.

Everything runs in this process, on six small slides; the tables are compared byte for byte.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from helpers.one_process import Run, run_here
from helpers.runner import Study
from helpers.toy_cohort import toy_config, write_sheet
from slidesieve.synthetic.painter.pyramid import array_picture, write_aperio

pytestmark = pytest.mark.slow

SIDE_PX, N_SLIDES = 640, 6
TABLES = ("cohort", "metrics", "summary", "comparisons")
TARGETS = tuple(f"results/toy/{table}.csv" for table in TABLES)
ENCODER = "colour_texture"
MAX, MEAN = {"aggregator": "max"}, {"aggregator": "mean"}


def paint(path: Path, seed: int, is_tumour: bool) -> None:
    """A square of pink tissue, with dark spots in tumours."""
    rng = np.random.default_rng(seed)
    rgb = np.full((SIDE_PX, SIDE_PX, 3), 243, np.uint8)
    side = SIDE_PX - 120
    rgb[60:-60, 60:-60] = np.clip(rng.normal((225, 150, 190), 12, (side, side, 3)), 0, 255)
    if is_tumour:
        rgb[128:256, 128:256] = np.clip(rng.normal((110, 60, 140), 25, (128, 128, 3)), 0, 255)
    write_aperio(path, array_picture(rgb, (1, 4)), (1, 4), 0.5)


def make_small(study: Study) -> None:
    (study.folder / "slides").mkdir(parents=True)
    rows = []
    for number in range(N_SLIDES):
        path = f"slides/s{number}.svs"
        paint(study.folder / path, number, bool(number % 2))
        label = ("benign", "tumour")[number % 2]
        rows.append({"slide_id": f"s{number}", "patient_id": f"P{number}", "label": label})
        rows[-1] |= {"path": path, "mpp": "", "tissue.closing_um": "", "meta.age": ""}
    write_sheet(study.folder / "slides.csv", rows)
    config = toy_config() | {
        "models": {"max": {"aggregator": "max"}, "mean": {"aggregator": "mean"}}
    }
    config["datasets"]["toy"]["max_failed_fraction"] = 0.5
    config["training"] = {"epochs": 3, "patience": 2, "min_epochs": 1}
    config["evaluation"] = {"bootstrap": 100, "compare_to": "mean"}
    config["report"] = {"heatmap_model": "mean"}
    study.write_config(config)


def finish(study: Study) -> Run:
    run = run_here(study.folder, *TARGETS)
    assert run.succeeded, run.text
    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Study:
    """The small study, run once for all test processes; copies are changed."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if base.name.startswith("popen-") else base
    study, done = Study(root / "small"), root / "small.done"
    with FileLock(root / "small.lock"):
        if not done.exists():
            make_small(study)
            finish(study)
            done.touch()
    return study


@pytest.fixture
def study(finished, tmp_path) -> Study:
    shutil.copytree(finished.folder, tmp_path / "study", symlinks=True)
    return Study(tmp_path / "study")


def from_scratch(study: Study, outlines: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Tables of a study with the same config, sheets, slides and drawn outlines, and no past."""
    fresh = Study(study.folder.parent / "fresh")
    without = shutil.ignore_patterns("results", ".snakemake")
    shutil.copytree(study.folder, fresh.folder, ignore=without, symlinks=True)
    for slide in outlines:
        outline = f"toy/tissue/{slide}.geojson"
        fresh.result(outline).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(study.result(outline), fresh.result(outline))
    finish(fresh)
    return fresh.csvs()


def compare(study: Study, outlines: tuple[str, ...] = ()) -> None:
    """The tables of a study are those of a run from scratch; models that were taken out aside."""
    fresh, found = from_scratch(study, outlines), study.csvs()
    differing = [path for path in fresh if found.get(path) != fresh[path]]
    assert differing == []


# --- Changes of the config


@dataclass(frozen=True)
class ConfigChange:
    """A change of some keys; `reruns` names rules that must run, `spares` rules that must not."""

    keys: dict[str, object]
    reruns: frozenset[str] = frozenset()
    spares: frozenset[str] = frozenset()


SLIDE_RULES = frozenset({"tissue", "tiles", "features"})
CONFIG = {
    "classes reversed": ConfigChange(
        {"datasets.toy.classes": ["tumour", "benign"]}, {"train"}, SLIDE_RULES
    ),
    "fold seed": ConfigChange({"datasets.toy.folds.seed": 5}, {"folds"}, SLIDE_RULES),
    "k": ConfigChange({"datasets.toy.folds.k": 3}, {"folds"}, SLIDE_RULES),
    "repeats": ConfigChange({"datasets.toy.folds.repeats": 2}, {"folds"}, SLIDE_RULES),
    "val_fraction": ConfigChange({"datasets.toy.folds.val_fraction": 0.0}, {"folds"}, SLIDE_RULES),
    "target_mpp": ConfigChange({"datasets.toy.target_mpp": 0.7}, {"tiles", "features"}, {"tissue"}),
    "tile_px": ConfigChange({"datasets.toy.tile_px": 96}, {"tiles", "features"}, {"tissue"}),
    "step_px": ConfigChange({"datasets.toy.step_px": 100}, {"tiles", "features"}, {"tissue"}),
    "min_tissue_fraction": ConfigChange(
        {"datasets.toy.min_tissue_fraction": 0.95}, {"tiles"}, {"tissue"}
    ),
    "max_upsampling": ConfigChange({"datasets.toy.max_upsampling": 1.9}, {"tiles"}, {"tissue"}),
    "closing_um": ConfigChange({"datasets.toy.tissue": {"closing_um": 150}}, {"tissue"}),
    "reader": ConfigChange({"datasets.toy.reader": "openslide"}, {"tissue"}),
    "a model's spec": ConfigChange(
        {"models.max": {"aggregator": {"name": "max", "hidden_dim": 8}}}, {"train"}, SLIDE_RULES
    ),
    "model added": ConfigChange({"models.abmil": {"aggregator": "abmil"}}, {"train"}, SLIDE_RULES),
    "model removed": ConfigChange({"models": {"mean": MEAN}}, {"evaluation"}, {"train"}),
    "models reordered": ConfigChange(
        {"models": {"mean": MEAN, "max": MAX}}, {"evaluation"}, {"train"}
    ),
    "epochs": ConfigChange({"training.epochs": 4}, {"train"}, SLIDE_RULES),
    "training seed": ConfigChange({"training.seed": 1}, {"train"}, SLIDE_RULES),
    "bootstrap": ConfigChange({"evaluation.bootstrap": 120}, {"evaluation"}, {"train"}),
    "evaluation seed": ConfigChange({"evaluation.seed": 3}, {"evaluation"}, {"train"}),
    "compare_to": ConfigChange({"evaluation.compare_to": "max"}, {"evaluation"}, {"train"}),
    "slides_per_job": ConfigChange(
        {"resources.features.slides_per_job": 2}, frozenset(), {"features", "train", "evaluation"}
    ),
    "second encoder": ConfigChange(
        {"encoders": [ENCODER, {"name": ENCODER, "id": "half", "precision": "fp16"}]},
        {"features", "train"},
        {"tissue", "tiles"},
    ),
}


def set_keys(study: Study, keys: dict[str, object]) -> None:
    config = study.config
    for dotted, value in keys.items():
        *sections, last = dotted.split(".")
        section = config
        for name in sections:
            section = section.setdefault(name, {})
        section[last] = value
    study.write_config(config)


@pytest.mark.parametrize("name", CONFIG)
def test_a_change_of_the_config(study, name):
    change = CONFIG[name]
    set_keys(study, change.keys)
    rules = finish(study).rules
    assert set(change.reruns) <= rules
    assert not set(change.spares) & rules
    compare(study)
    assert finish(study).jobs == []


# --- Changes of the sheet


def edit_sheet(study: Study, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = study.folder / "slides.csv"
    edit(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)


def set_cell(slide: str, column: str, value: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def edit(sheet: pd.DataFrame) -> pd.DataFrame:
        sheet.loc[sheet["slide_id"] == slide, column] = value
        return sheet

    return edit


def swap_labels(sheet: pd.DataFrame) -> pd.DataFrame:
    return set_cell("s1", "label", "benign")(set_cell("s0", "label", "tumour")(sheet))


SHEET: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], set[str]]] = {
    "labels of two patients swapped": (swap_labels, set(SLIDE_RULES)),
    "patient of a slide": (set_cell("s2", "patient_id", "P0"), set(SLIDE_RULES)),
    "rows reordered": (lambda sheet: sheet.iloc[::-1], set(SLIDE_RULES)),
    "slide renamed": (set_cell("s3", "slide_id", "renamed"), set()),
    "slide removed": (lambda sheet: sheet.iloc[:-1], {"tissue", "tiles", "features"}),
    "meta cell": (
        set_cell("s0", "meta.age", "61"),
        {*SLIDE_RULES, "tile_index", "folds", "train", "evaluation", "cohort"},
    ),
}


@pytest.mark.parametrize("name", SHEET)
def test_a_change_of_the_sheet(study, name):
    edit, spares = SHEET[name]
    edit_sheet(study, edit)
    rules = finish(study).rules
    assert not spares & rules
    compare(study)
    assert finish(study).jobs == []


def test_a_slide_joins_and_no_other_is_encoded(study):
    paint(study.folder / "slides/s6.svs", 6, is_tumour=False)
    row = {"slide_id": "s6", "patient_id": "P6", "label": "benign", "path": "slides/s6.svs"}
    edit_sheet(study, lambda sheet: pd.concat([sheet, pd.DataFrame([row])]).fillna(""))
    before = study.result(f"toy/features/{ENCODER}/s1.h5").stat().st_ino
    jobs = finish(study).jobs
    assert [job for job in jobs if job[0] in ("tissue", "tiles")] == [
        ("tissue", "toy,s6"),
        ("tiles", "toy,s6"),
    ]
    assert study.result(f"toy/features/{ENCODER}/s1.h5").stat().st_ino == before
    compare(study)


# --- Changes of files; each of its own slide, so that one run has them all


def replace_slide(study: Study, slide: str, seed: int, age_s: float) -> None:
    path = study.folder / f"slides/{slide}.svs"
    time = path.stat().st_mtime - age_s
    paint(path, seed, is_tumour=True)
    if age_s:
        os.utime(path, (time, time))


def draw_outline(study: Study, slide: str) -> None:
    corners = [[100, 100], [500, 100], [500, 400], [100, 400], [100, 100]]
    area = {
        "type": "Feature",
        "properties": {"objectType": "annotation"},
        "geometry": {"type": "Polygon", "coordinates": [corners]},
    }
    outline = study.result(f"toy/tissue/{slide}.geojson")
    outline.write_text(json.dumps({"type": "FeatureCollection", "features": [area]}))


def flip_middle(study: Study, slide: str) -> bytes:
    """Damage the middle of a slide at equal size; returns the whole slide as it was."""
    path = study.folder / f"slides/{slide}.svs"
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes(3000) + content[middle + 3000 :])
    return content


def test_changes_of_slides_cells_and_outlines_at_once(study):
    replace_slide(study, "s0", 100, age_s=0)
    replace_slide(study, "s1", 101, age_s=86_400)
    mended = flip_middle(study, "s2")
    draw_outline(study, "s3")
    edit_sheet(study, set_cell("s4", "mpp", "0.45"))
    edit_sheet(study, set_cell("s5", "tissue.closing_um", "150"))
    finish(study)
    compare(study, outlines=("s3",))
    shutil.rmtree(study.folder.parent / "fresh")
    # And back: the slide is mended, the outline deleted, a path spelled otherwise, a slide gone.
    (study.folder / "slides/s2.svs").write_bytes(mended)
    study.result("toy/tissue/s3.geojson").unlink()
    edit_sheet(study, set_cell("s4", "path", "slides/../slides/s4.svs"))
    (study.folder / "slides/s5.svs").rename(study.folder / "s5.svs")
    run = run_here(study.folder, *TARGETS, "results/toy/tissue/s3.geojson")
    assert run.succeeded, run.text
    compare(study)
    shutil.rmtree(study.folder.parent / "fresh")
    (study.folder / "s5.svs").rename(study.folder / "slides/s5.svs")
    finish(study)
    compare(study)
    assert finish(study).jobs == []


def test_an_outlines_edit_that_is_taken_back(study):
    outline = study.result("toy/tissue/s0.geojson")
    before = outline.read_bytes()
    draw_outline(study, "s0")
    finish(study)
    outline.write_bytes(before)
    finish(study)
    compare(study)


def test_a_deleted_outline_is_segmented_anew(study):
    before = study.csvs()
    outline = study.result("toy/tissue/s0.geojson")
    drawn = outline.read_bytes()
    outline.unlink()
    jobs = run_here(study.folder, "toy", "--until", "tissue").jobs
    assert jobs == [("tissue", "toy,s0")]
    assert outline.read_bytes() == drawn
    finish(study)
    assert study.csvs() == before


def test_own_folds_that_change_for_older_ones(study):
    rows = [{"slide_id": f"s{n}", "fold_0": "test" if n < 2 else "train"} for n in range(N_SLIDES)]
    path = study.folder / "own.csv"
    write_sheet(path, rows)
    set_keys(study, {"datasets.toy.folds": {"file": "own.csv"}})
    finish(study)
    compare(study)
    shutil.rmtree(study.folder.parent / "fresh")
    time = path.stat().st_mtime - 3600
    write_sheet(
        path, [row | {"fold_0": "train" if n < 2 else "test"} for n, row in enumerate(rows)]
    )
    os.utime(path, (time, time))
    finish(study)
    compare(study)


# --- Outputs that are lost or damaged

FOLD = f"models/{ENCODER}/mean/fold_1"
OUTPUTS = (
    *("cohort.csv", "tiles.csv", "folds.csv", "metrics.csv", "summary.csv", "comparisons.csv"),
    *("tissue/s1.geojson", "tissue/s1.jpg", "tiles/s2.h5"),
    *(f"features/{ENCODER}.csv", f"features/{ENCODER}/s3.h5", f"predictions/{ENCODER}/mean.csv"),
    *(f"{FOLD}/weights.safetensors", f"{FOLD}/model.json", f"{FOLD}/history.csv"),
    f"{FOLD}/predictions.csv",
)


def test_each_output_that_is_deleted_comes_back_with_its_bytes(study, finished):
    asked = (*TARGETS, *(f"results/toy/{output}" for output in OUTPUTS))
    for output in OUTPUTS:
        lost = study.result(f"toy/{output}")
        lost.unlink()
        # The dataset asks for it, and for all that is made of it.
        plan = run_here(study.folder, "toy", "-n", "--quiet", "host")
        assert str(lost.relative_to(study.folder)) in plan.text, output
        run = run_here(study.folder, *asked)
        assert run.succeeded, run.text
        if lost.suffix != ".h5":
            assert lost.read_bytes() == finished.result(f"toy/{output}").read_bytes(), output
    assert study.csvs() == finished.csvs()


def test_a_damaged_features_file_is_healed_by_deleting_it(study, finished):
    path = study.result(f"toy/features/{ENCODER}/s3.h5")
    with h5py.File(path, "r+") as file:
        right = file["features"][()]
        file["features"][:] = 0
    path.unlink()
    # As the dataset does, for Snakemake passes over what lies between inputs and a table.
    assert run_here(study.folder, *TARGETS, str(path.relative_to(study.folder))).succeeded
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["features"][()], right)
    assert study.csvs() == finished.csvs()


def test_a_change_that_was_stopped_half_way_and_taken_back(study, finished):
    config = study.config
    set_keys(study, {"datasets.toy.tile_px": 96, "training.epochs": 4})
    half = run_here(study.folder, *TARGETS, "--until", "features")
    assert "features" in half.rules
    study.write_config(config)
    finish(study)
    assert study.csvs() == finished.csvs()


# --- Paths that mean something to Snakemake, or nothing to the file system


def test_odd_paths_are_read_or_quarantined_by_name(study):
    slides = study.folder / "slides"
    odd = {"s0": "{s}.svs", "s1": "<x> y.svs", "s3": "{{a}}/ü{b}*?.svs"}
    (slides / "{{a}}").mkdir()
    for slide, name in odd.items():
        (slides / f"{slide}.svs").rename(slides / name)
        edit_sheet(study, set_cell(slide, "path", f"slides/{name}"))
    edit_sheet(study, set_cell("s2", "path", f"slides/{'x' * 300}.svs"))
    finish(study)
    cohort = pd.read_csv(study.result("toy/cohort.csv"), index_col="slide_id")
    assert cohort["status"].to_dict() == {
        f"s{n}": "failed" if n == 2 else "ok" for n in range(N_SLIDES)
    }
    assert "File name too long" in cohort.loc["s2", "reason"]
    # Changes of slides that are no inputs are noticed all the same.
    replace_slide(study, "{s}", 100, age_s=0)
    assert ("tissue", "toy,s0") in finish(study).jobs
    compare(study)


def test_a_patient_of_two_classes_goes_through_to_the_pictures(study):
    edit_sheet(study, set_cell("s1", "patient_id", "P0"))
    pictures = [
        f"results/toy/figures/{path}"
        for path in (f"{ENCODER}/models.png", f"{ENCODER}/roc/max.png", "summary.html")
    ]
    run = run_here(study.folder, *TARGETS, *pictures)
    assert run.succeeded, run.text
    assert "1 patient(s) have slides of several classes: 'P0' (benign, tumour)" in run.text
    for table in ("metrics", "summary", "comparisons"):
        assert set(pd.read_csv(study.result(f"toy/{table}.csv"))["level"]) == {"slide"}
    folds = pd.read_csv(study.result("toy/folds.csv"), index_col="slide_id")
    assert folds.loc["s0", "fold_0"] == folds.loc["s1", "fold_0"]
