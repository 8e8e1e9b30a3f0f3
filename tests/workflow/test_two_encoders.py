"""Two encoders on one cohort, side by side."""

from __future__ import annotations

import json
import shutil

import h5py
import pytest
from safetensors.torch import save

from helpers.faults import faults_of
from helpers.loopback_hub import COMMIT, TOKEN, running_hub
from helpers.runner import Study
from helpers.toy_cohort import make_toy
from slidesieve.audit.sites import audit_encoders
from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.errors import ContractError
from slidesieve.extraction.index import index_features
from slidesieve.store.features import read_features
from slidesieve.store.tables import read_csv, write_csv

import_torchvision()

import timm  # noqa: E402

pytestmark = pytest.mark.slow

SECOND = {"name": "timm:test_vit", "pretrained": False, "id": "tiny_vit"}
# One job a shard of slides, one a fold and model, and pictures of its own.
ITS_OWN = {
    "features": 2,
    "feature_index": 1,
    "train": 2,
    "predictions": 2,
    "curves": 2,
}
# What shows all encoders of the dataset side by side, or follows its cohort table.
OF_ALL = {
    "cohort": 1,
    "cohort_page": 1,
    "evaluation": 1,
    "encoder_comparisons": 1,
    "encoder_differences_plot": 1,
    "fits": 1,
    "cost": 1,
    "report_pages": 1,
    "model_plot": 2,
    "heatmaps": 2,
    "headline": 1,
    "slide_pages": 2,
    "tissue_montage": 1,
}


@pytest.fixture(scope="module")
def both(finished_toy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("both") / "toy"
    shutil.copytree(finished_toy.folder, folder, symlinks=True)
    study = Study(folder)
    config = study.config
    config["encoders"].append(SECOND)
    study.write_config(config)
    return study, study.snakemake()


def test_the_second_encoder_runs_its_own_jobs_and_no_others(both):
    _, outcome = both
    ran = {rule: n for rule, n in outcome.rules.items() if rule not in ("all", "toy")}
    assert ran == ITS_OWN | OF_ALL
    for rule, wildcards in outcome.jobs:
        if rule in ITS_OWN:
            assert "tiny_vit" in wildcards, (rule, wildcards)


def test_both_encoders_see_the_same_tiles_and_stand_in_every_table(both):
    study, _ = both
    for slide in range(6):
        first, second = (
            read_features(study.result(f"toy/features/{encoder}/s{slide}.h5"))
            for encoder in ("colour_texture", "tiny_vit")
        )
        assert (first.coords == second.coords).all()
        assert (first.features.shape[1], second.features.shape[1]) == (164, 64)
        assert second.encoder_revision.startswith("test_vit@random-seed0-")
        assert second.encoder_source == "random weights, seed 0"
    compared = read_csv(study.result("toy/encoder_comparisons.csv"))
    assert set(compared["model"]) == {"abmil", "mean"}
    assert set(compared["encoder_a"]) == {"tiny_vit"}
    assert set(compared["encoder_b"]) == {"colour_texture"}
    for table in ("metrics", "summary", "cost"):
        assert set(read_csv(study.result(f"toy/{table}.csv"))["encoder"]) == {
            "colour_texture",
            "tiny_vit",
        }


def test_the_audit_finds_nothing_against_either(both):
    study, _ = both
    assert "0 faults" in study.snakemake("audit").text
    path = study.result("toy/encoder_comparisons.csv")
    sound = path.read_bytes()
    table = read_csv(path)
    table.loc[0, "difference"] += 0.1
    write_csv(path, table)
    (fault,) = faults_of(study, "toy", audit_encoders)
    path.write_bytes(sound)
    assert "difference of abmil slide tiny_vit colour_texture" in fault.problem


def test_features_of_two_encoders_in_one_folder_are_refused(both, tmp_path):
    study, _ = both
    paths = {
        "s0": study.result("toy/features/colour_texture/s0.h5"),
        "s1": study.result("toy/features/tiny_vit/s1.h5"),
    }
    with pytest.raises(ContractError, match="differ in width"):
        index_features(["s0", "s1"], paths)


def test_features_of_other_weights_in_one_folder_stop_the_run(both):
    study, _ = both
    path = study.result("toy/features/tiny_vit/s1.h5")
    with h5py.File(path, "a") as file:
        file["features"].attrs["encoder_revision"] = "test_vit@of-other-weights"
    outcome = study.snakemake("results/toy/features/tiny_vit.csv", check=False)
    assert outcome.code != 0
    assert "differ in encoder_revision" in outcome.text


def test_tiles_of_another_size_than_the_encoders_are_noted_once_and_not_refused(toy):
    config = toy.config
    config["encoders"].append("conch_v1")
    toy.write_config(config)
    outcome = toy.snakemake("-n")
    words = "encoder conch_v1 is meant for tiles of 512 px at 0.5 µm per px, dataset toy has 128"
    assert outcome.text.count(words) == 1
    assert outcome.rules["features"] == 2


def test_a_gated_encoder_of_the_hub_works_in_a_run_and_its_token_stays_out_of_it(
    tmp_path, monkeypatch
):
    toy = Study(tmp_path / "toy")
    toy.folder.mkdir()
    make_toy(toy)
    model = timm.create_model("test_vit", pretrained=False, num_classes=0)
    trained = {"input_size": [3, 160, 160], "mean": [0.5] * 3, "std": [0.5] * 3}
    config = {"architecture": "test_vit", "pretrained_cfg": trained}
    with running_hub() as hub:
        hub.files["lab/gated", "config.json"] = json.dumps(config).encode()
        hub.files["lab/gated", "model.safetensors"] = save(model.state_dict())
        hub.gated.add("lab/gated")
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        study = toy.config
        study["encoders"] = [{"name": "hf-hub:lab/gated", "id": "gated"}]
        toy.write_config(study)
        target = "results/toy/features/gated/s0.h5"
        monkeypatch.delenv("HF_TOKEN", raising=False)
        refused = toy.snakemake(target, check=False)
        assert refused.code != 0
        assert "is gated and no token is set: request access at" in refused.text
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        said = toy.snakemake(target).text
    features = read_features(toy.folder / target)
    assert features.encoder_source == f"lab/gated@{COMMIT}/model.safetensors"
    assert features.features.shape[1] == 64
    assert TOKEN not in said
    for path in toy.folder.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path
