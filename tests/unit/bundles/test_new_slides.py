"""The study that `slidesieve predict` writes on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from helpers.bundle_folder import bundle_folder
from slidesieve.bundles.new_slides import DATASET, NewSlides, write_study
from slidesieve.config.load import load_study_files
from slidesieve.errors import ConfigError


@pytest.fixture
def slides(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a/one.svs", "a/b/two.tiff", "three.svs", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def new(bundle: Path, *slides: str, **options) -> NewSlides:
    return NewSlides(bundle, [Path(slide) for slide in slides], Path("out"), **options)


def test_folders_and_files_become_a_sheet_and_a_sound_study(slides):
    bundle = bundle_folder(slides / "bundle")
    study = load_study_files([write_study(new(bundle, "a", "three.svs"))])
    dataset = study.datasets[DATASET]
    assert sorted(dataset.slide_ids) == ["one", "three", "two"]
    assert all(slide.path.is_absolute() for slide in dataset.slides)
    assert not dataset.is_labelled
    assert dataset.settings["max_failed_fraction"] == 1
    assert study.token_slides(DATASET) == []


def test_pictures_of_every_slide_are_made_on_request(slides):
    bundle = bundle_folder(slides / "bundle")
    asked = new(bundle, "a", heatmaps=True, tokens=True, mpp=0.4)
    study = load_study_files([write_study(asked)])
    assert study.token_slides(DATASET) == study.datasets[DATASET].slide_ids
    assert study.token_models_of(DATASET) == ["abmil"]
    assert study.datasets[DATASET].settings["assume_mpp"] == 0.4


def test_a_sheet_is_taken_as_it_is(slides):
    bundle = bundle_folder(slides / "bundle")
    Path("own.csv").write_text("slide_id,patient_id,path,mpp\nx,P1,a/one.svs,0.3\n")
    study = load_study_files([write_study(new(bundle, "own.csv"))])
    (slide,) = study.datasets[DATASET].slides
    assert (slide.slide_id, slide.patient_id, slide.mpp) == ("x", "P1", 0.3)
    assert slide.path == slides / "a/one.svs"


def test_local_weights_of_the_encoder_are_given_by_hand(slides):
    entry = {"name": "timm:resnet18"}
    bundle = bundle_folder(slides / "bundle", entry=entry, local_weights="r18.pth")
    with pytest.raises(ConfigError, match="needs the encoder's own weights"):
        load_study_files([write_study(new(bundle, "a"))])
    weights = Path("elsewhere.pth")
    weights.touch()
    config = write_study(new(bundle, "a", encoder_weights=weights))
    assert load_study_files([config]).encoders["tiny"]["weights"] == str(slides / weights)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["absent.svs"], "absent.svs: no such slide"),
        (["empty"], "empty: the folder holds no slide"),
        (["a", "own.csv"], "give one sample sheet, or slides"),
        (["own.csv"], "own.csv: no such sample sheet"),
    ],
)
def test_what_is_not_there_is_named(slides, given, words):
    (slides / "empty").mkdir()
    with pytest.raises(ConfigError, match=words):
        write_study(new(bundle_folder(slides / "bundle"), *given))


def test_a_folder_with_other_things_is_left_alone(slides):
    bundle = bundle_folder(slides / "bundle")
    (slides / "out").mkdir()
    (slides / "out/mine.txt").touch()
    with pytest.raises(ConfigError, match="out holds something else already"):
        write_study(new(bundle, "a"))
    assert [path.name for path in (slides / "out").iterdir()] == ["mine.txt"]


def test_the_study_may_be_written_anew(slides):
    bundle = bundle_folder(slides / "bundle")
    write_study(new(bundle, "three.svs"))
    config = write_study(new(bundle, "a"))
    assert len(yaml.safe_load(config.read_text())["datasets"]) == 1
    assert sorted(load_study_files([config]).datasets[DATASET].slide_ids) == ["one", "two"]
