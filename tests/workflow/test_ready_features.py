"""Ready-made features enter at the folds: classic bags, other tools' files, stored folds."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import torch

from helpers.runner import Study
from helpers.toy_cohort import write_sheet
from slidesieve.store.tables import read_csv

pytestmark = pytest.mark.slow

# Published ABMIL accuracies on these folds, as the data's README gives them.
PUBLISHED = {"musk1": 0.892, "elephant": 0.868}
NOISE = 0.05
ABMIL = {"name": "abmil", "hidden_dim": 128, "attention_dim": 64}


def write_bags(folder, name: str, data) -> None:
    """The classic bags as files another tool would have left: HDF5 and .pt in turn."""
    features = folder / f"{name}_features"
    features.mkdir()
    bags = np.unique(data["bag"])
    rows = []
    for number, bag in enumerate(bags):
        values = data["X"][data["bag"] == bag].astype(np.float32)
        slide_id = f"{name}_{number}"
        if number % 2:
            torch.save(torch.from_numpy(values), features / f"{slide_id}.pt")
        else:
            with h5py.File(features / f"{slide_id}.h5", "w") as file:
                file["features"] = values[None]
        label = "positive" if data["y"][number] else "negative"
        parts = ["train" if fold[number] else "test" for fold in data["train_folds"][0]]
        folds = {f"fold_{k}": part for k, part in enumerate(parts)}
        rows.append({"slide_id": slide_id, "patient_id": slide_id, "label": label} | folds)
    write_sheet(folder / f"{name}_folds.csv", rows)
    labels = [{key: row[key] for key in ("slide_id", "patient_id", "label")} for row in rows]
    write_sheet(folder / f"{name}_labels.csv", labels)


def classic_dataset(name: str) -> dict:
    return {
        "features": f"{name}_features",
        "labels": f"{name}_labels.csv",
        "classes": ["negative", "positive"],
        "folds": {"k": 10, "file": f"{name}_folds.csv"},
    }


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_abmil_reaches_the_published_accuracy(shared_data, tmp_path, name):
    study = Study(tmp_path)
    with np.load(shared_data / f"mil/{name}.npz") as data:
        write_bags(tmp_path, name, data)
    study.write_config(
        {
            "datasets": {name: classic_dataset(name)},
            "encoders": ["colour_texture"],
            "models": {"abmil": {"aggregator": ABMIL}},
            # The stored folds have no validation part, so training goes to the last epoch.
            "training": {"epochs": 20, "weight_decay": 0.0001},
        }
    )
    study.snakemake(f"results/{name}/metrics.csv")
    keys = ["level", "fold", "metric"]
    metrics = read_csv(study.result(f"{name}/metrics.csv")).set_index(keys)["value"]
    assert metrics["slide", "pooled", "accuracy"] == pytest.approx(PUBLISHED[name], abs=NOISE)


@pytest.fixture
def small(tmp_path):
    """Eight bags of made-up features and a config that names them."""
    study = Study(tmp_path)
    (tmp_path / "h5").mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for number in range(8):
        label = "ab"[number % 2]
        with h5py.File(tmp_path / f"h5/s{number}.h5", "w") as file:
            file["features"] = rng.normal(number % 2, 1, size=(30, 8)).astype(np.float16)
        rows.append({"slide_id": f"s{number}", "patient_id": f"P{number}", "label": label})
    write_sheet(tmp_path / "labels.csv", rows)
    mine = {"features": "h5", "labels": "labels.csv", "classes": ["a", "b"], "encoder": "conch_v1"}
    study.write_config(
        {
            "datasets": {"mine": mine | {"folds": {"k": 2}}},
            "encoders": ["colour_texture"],
            "models": {"mean": {"aggregator": "mean"}},
            "training": {"epochs": 5},
            "evaluation": {"bootstrap": 100},
        }
    )
    return study


def test_a_whole_run_needs_no_slides(small):
    small.snakemake()
    metrics = read_csv(small.result("mine/metrics.csv"))
    assert set(metrics["encoder"]) == {"conch_v1"}
    assert small.result("mine/figures/cohort.html").exists()
    assert small.snakemake("audit").code == 0


def test_damaged_files_are_quarantined_by_name_and_the_others_go_on(small):
    with h5py.File(small.folder / "h5/s3.h5", "r+") as file:
        file["features"][4, 2] = np.nan
    small.snakemake("results/mine/cohort.csv")
    cohort = read_csv(small.result("mine/cohort.csv")).set_index("slide_id")
    assert cohort.loc["s3", "status"] == "failed"
    assert "h5/s3.h5: 1 of 30 tokens hold NaN or Inf" in cohort.loc["s3", "reason"]
    assert cohort["status"].eq("ok").sum() == 7


def test_all_damaged_files_are_named_at_once_where_none_is_borne(small):
    with h5py.File(small.folder / "h5/s3.h5", "r+") as file:
        file["features"][4, 2] = np.nan
    (small.folder / "h5/s1.h5").write_bytes(b"cut")
    config = small.config
    config["datasets"]["mine"] |= {"on_slide_error": "fail", "max_failed_fraction": 0.5}
    small.write_config(config)
    outcome = small.snakemake("results/mine/features/conch_v1.csv", check=False)
    assert outcome.code != 0
    assert "2 slides cannot be used" in outcome.text
    assert "h5/s3.h5: 1 of 30 tokens hold NaN or Inf" in outcome.text
    assert "h5/s1.h5: cannot be opened as HDF5" in outcome.text


def test_features_of_different_width_do_not_mix(small):
    with h5py.File(small.folder / "h5/s5.h5", "w") as file:
        file["features"] = np.zeros((4, 9), np.float32)
    outcome = small.snakemake("results/mine/features/conch_v1.csv", check=False)
    assert outcome.code != 0
    assert "differ in width (8 and 9; 7, 1 files)" in outcome.text


def test_a_missing_file_is_quarantined(small):
    (small.folder / "h5/s6.h5").unlink()
    small.snakemake("results/mine/cohort.csv")
    cohort = read_csv(small.result("mine/cohort.csv")).set_index("slide_id")
    assert cohort.loc["s6", "status"] == "failed"
    assert "holds no file named s6" in cohort.loc["s6", "reason"]


def test_repeated_cross_validation_tests_each_slide_once_a_repeat(small):
    config = small.config
    config["datasets"]["mine"]["folds"] = {"k": 2, "repeats": 3}
    small.write_config(config)
    small.snakemake("results/mine/summary.csv")
    folds = read_csv(small.result("mine/folds.csv")).filter(like="fold_")
    assert folds.shape == (8, 6)
    assert ((folds == "test").sum(axis=1) == 3).all()
    predictions = read_csv(small.result("mine/predictions/conch_v1/mean.csv"))
    assert predictions["slide_id"].value_counts().eq(3).all()
    summary = read_csv(small.result("mine/summary.csv"))
    assert summary["n_folds"].eq(6).all()
    # Intervals are over patients, not over predictions.
    assert summary["n"].eq(8).all()
