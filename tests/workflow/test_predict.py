"""New slides without labels are predicted in an empty folder from a bundle."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import slidesieve
from helpers.runner import CORES, Study
from helpers.toy_cohort import finished_once, paint_toy_slide
from slidesieve.cli.main import main
from slidesieve.errors import ContractError
from slidesieve.inference.attention import mean_attention, slide_attention
from slidesieve.inference.fits import load_fits
from slidesieve.store.features import read_features
from slidesieve.store.tables import read_csv
from slidesieve.training.fitted import load_model

pytestmark = pytest.mark.slow

ASKED = ("bundle", "slides", "--output", "out", "--heatmaps", "--cores", CORES)


def predict(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slidesieve.cli.main", "predict", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def predicted(toy_bundle, tmp_path_factory) -> Path:
    """An empty folder with a bundle and two slides, one of them broken, after the command."""

    def make(study: Study) -> None:
        shutil.copytree(toy_bundle, study.folder / "bundle")
        (study.folder / "slides").mkdir()
        paint_toy_slide(study.folder / "slides/wild.svs", 101, is_tumour=True)
        (study.folder / "slides/torn.svs").write_bytes(b"no slide")

    return finished_once(tmp_path_factory, "elsewhere", make, run=predict_slides).folder


def predict_slides(study: Study) -> None:
    done = predict(study.folder, *ASKED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "predicted: 1 of 2 slides (1 tumour)" in done.stdout


def test_every_slide_that_was_asked_for_has_a_row(predicted):
    table = read_csv(predicted / "out/predictions.csv").set_index("slide_id")
    assert table["prediction"].to_dict() == {"torn": "", "wild": "tumour"}
    assert table["status"].to_dict() == {"torn": "failed", "wild": "ok"}
    assert "torn.svs is in no format" in table.loc["torn", "reason"]
    wild = table.loc["wild"]
    assert (wild["n_fits"], wild["agreement"]) == (2, 1)
    assert 0 < wild["spread"] < 0.5
    assert wild["prob_benign"] + wild["prob_tumour"] == pytest.approx(1)
    assert wild["in_training"] in (False, "False")
    assert "label" not in table


def test_the_mean_is_that_of_the_fits_in_the_bundle(predicted):
    results = predicted / "out/results/new_slides"
    by_fit = read_csv(results / "predictions/colour_texture/abmil/by_fit.csv")
    assert by_fit["fit"].tolist() == ["fold_0", "fold_1"]
    table = read_csv(predicted / "out/predictions.csv").set_index("slide_id")
    mean = by_fit["prob_tumour"].mean()
    assert table.loc["wild", "prob_tumour"] == pytest.approx(mean, rel=1e-5)


def test_heat_maps_are_of_every_usable_slide_and_look_at_the_lesion(predicted):
    results = predicted / "out/results/new_slides"
    maps = results / "figures/colour_texture/heatmap"
    assert [path.name for path in maps.glob("*.jpg")] == ["wild.jpg"]
    features = read_features(results / "features/colour_texture/wild.h5")
    fits = load_fits(predicted / "bundle").values()
    attention = mean_attention([slide_attention(fit.model, features) for fit in fits])
    x, y = features.coords[attention.argmax()]
    # The spots lie at 300 to 620; a tile of 128 px may begin before them.
    assert 172 < x < 620
    assert 172 < y < 620


def test_the_audit_passes_and_finds_a_changed_prediction(predicted, tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(predicted, tmp_path / "copy")
    config = folder / "out/study.yaml"
    config.write_text(config.read_text().replace(str(predicted), str(folder)))
    monkeypatch.chdir(folder / "out")
    assert main(["audit", "--configfile", "study.yaml"]) == 0, capsys.readouterr().err
    path = folder / "out/results/new_slides/predictions/colour_texture/abmil.csv"
    table = read_csv(path)
    table["prediction"] = "benign"
    table.to_csv(path, index=False)
    assert main(["audit", "--configfile", "study.yaml"]) == 1
    assert "prediction of slide wild does not follow from by_fit.csv" in capsys.readouterr().err


def test_a_models_folder_of_a_study_is_taken_as_well(finished_toy, tmp_path, monkeypatch):
    monkeypatch.chdir(finished_toy.folder)
    model, out = "results/toy/models/colour_texture/abmil", tmp_path / "out"
    assert main(["predict", model, "slides", "--output", str(out), "--", "-n", "--quiet"]) == 0
    own = load_model(finished_toy.folder / model / "fold_1").best_epoch
    assert load_fits(tmp_path / "out_model")["fold_1"].best_epoch == own


def test_what_is_no_model_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.svs").touch()
    assert main(["predict", ".", "x.svs", "--output", "out"]) == 2
    assert "neither a bundle" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_python_gives_the_table_of_the_command(predicted):
    results = predicted / "out/results/new_slides"
    model = slidesieve.load_ensemble(predicted / "bundle")
    features = slidesieve.load_features(results / "features/colour_texture")
    table = slidesieve.predict(model, features)
    stored = read_csv(results / "predictions/colour_texture/abmil.csv")
    assert table["slide_id"].tolist() == ["wild"]
    for column in ("prob_benign", "prob_tumour", "spread", "agreement"):
        assert table[column].tolist() == pytest.approx(stored[column].tolist(), rel=1e-4)


def test_python_takes_a_model_in_its_study_and_nothing_else(finished_toy):
    models = finished_toy.result("toy/models/colour_texture")
    assert list(slidesieve.load_ensemble(models / "abmil").fits) == ["fold_0", "fold_1"]
    with pytest.raises(ContractError, match="neither a bundle nor a folder"):
        slidesieve.load_ensemble(models)
    with pytest.raises(ContractError, match="holds no file of features"):
        next(slidesieve.load_features(models))
