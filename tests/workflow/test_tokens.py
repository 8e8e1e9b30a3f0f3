"""What reducers kept, merged and pruned, from the config to the pictures and QuPath."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from helpers.runner import Study
from slidesieve.cli.main import main
from slidesieve.store.features import read_features
from slidesieve.store.tables import read_csv
from slidesieve.store.tokens import read_tokens, write_tokens

pytestmark = pytest.mark.slow

SHOWN = ("s0", "s1")


@pytest.fixture(scope="module")
def reduced(finished_toy, tmp_path_factory):
    """The toy study with two reducing models more, to the end."""
    folder = tmp_path_factory.mktemp("tokens") / "toy"
    shutil.copytree(finished_toy.folder, folder, symlinks=True)
    study = Study(folder)
    config = study.config
    dtc = {"name": "dtc", "hidden_dim": 8}
    config["models"] = {
        "mean": {"aggregator": "mean"},
        "abmil": config["models"]["abmil"],
        "dtc": {"reducer": dtc, "aggregator": "mean"},
        "k4": {"reducer": {"name": "random", "k": 4}, "aggregator": "mean"},
        "k16": {"reducer": {"name": "random", "k": 16}, "aggregator": "mean"},
    }
    config["report"]["token_models"] = ["dtc", "k4"]
    study.write_config(config)
    study.snakemake()
    return study


def tokens_of(study, model: str, slide: str):
    return read_tokens(study.result(f"toy/tokens/colour_texture/{model}/{slide}.h5"))


def test_every_picture_is_there(reduced):
    figures = [f"side_by_side/{slide}.jpg" for slide in SHOWN] + ["k_sweep.png"]
    for model in ("dtc", "k4"):
        for slide in SHOWN:
            figures += [f"{kind}/{model}/{slide}.jpg" for kind in ("tokens", "gallery")]
    for figure in figures:
        assert reduced.result(f"toy/figures/colour_texture/{figure}").stat().st_size > 5000, figure


def test_the_record_is_of_the_model_that_never_saw_the_patient(reduced):
    folds = read_csv(reduced.result("toy/folds.csv")).set_index("slide_id")
    for slide in SHOWN:
        tokens = tokens_of(reduced, "dtc", slide)
        assert folds.loc[slide, f"fold_{tokens.fold}"] == "test"
        features = read_features(reduced.result(f"toy/features/colour_texture/{slide}.h5"))
        np.testing.assert_array_equal(tokens.coords, features.coords)
        assert len(tokens.token_size) == -(-4 * len(features.coords) // 10)


def test_qupath_gets_the_numbers_of_the_tokens_file(reduced):
    tokens = tokens_of(reduced, "dtc", "s1")
    path = reduced.result("toy/figures/colour_texture/tokens/dtc/s1.geojson")
    tiles = json.loads(path.read_text())["features"]
    assert len(tiles) == len(tokens.coords)
    pruned = [tile["properties"]["classification"]["name"] == "Pruned" for tile in tiles]
    np.testing.assert_array_equal(pruned, tokens.final < 0)


def test_the_audit_passes_and_finds_a_record_that_was_changed(
    reduced, tmp_path, monkeypatch, capsys
):
    shutil.copytree(reduced.folder, tmp_path / "toy", symlinks=True)
    monkeypatch.chdir(tmp_path / "toy")
    assert main(["audit"]) == 0
    path = tmp_path / "toy/results/toy/tokens/colour_texture/dtc/s0.h5"
    tokens = read_tokens(path)
    tokens.token_size[0] += 1
    tokens.coords[0] += 1
    write_tokens(path, tokens)
    (path.parent / "s1.h5").unlink()
    capsys.readouterr()
    assert main(["audit"]) == 1
    err = capsys.readouterr().err
    assert "dtc/s0.h5: coords are not those of the features file" in err
    assert "dtc/s0.h5: sizes sum to" in err
    assert "missing: results/toy/tokens/colour_texture/dtc/s1.h5" in err


def test_one_models_spec_redraws_that_model_alone(reduced):
    assert not reduced.snakemake("-n").jobs
    config = reduced.config
    try:
        changed = reduced.config
        changed["models"]["dtc"]["reducer"]["retention"] = 0.5
        reduced.write_config(changed)
        jobs = reduced.snakemake("-n").jobs
    finally:
        reduced.write_config(config)
    redone = {wildcards for rule, wildcards in jobs if rule in ("tokens", "token_pages")}
    assert redone == {
        f"dataset=toy, encoder=colour_texture, model=dtc, slide={slide}" for slide in SHOWN
    }


def test_any_slide_and_model_can_be_asked_for(reduced):
    plan = reduced.snakemake("-n", "results/toy/figures/colour_texture/tokens/k16/s4.geojson")
    assert dict(plan.rules) == {"tokens": 1, "token_pages": 1}
