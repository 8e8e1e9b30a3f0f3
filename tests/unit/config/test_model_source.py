"""A dataset whose models come from another dataset, or from a bundle."""

from __future__ import annotations

import pytest

from helpers.bundle_folder import bundle_folder
from helpers.small_study import small_dataset, small_sheet, small_study
from slidesieve.errors import ConfigError, ContractError
from slidesieve.models.bundle import read_bundle
from slidesieve.plan import layout
from slidesieve.plan.inputs import Inputs
from slidesieve.plan.model_files import fit_files, fit_names, fits_params
from slidesieve.plan.shard import feature_shards
from slidesieve.plan.targets import targets


@pytest.fixture
def trained(tmp_path) -> dict:
    sheet = small_sheet(tmp_path / "trained.csv")
    return small_dataset(sheet, tile_px=128, tissue={"otsu_floor": 9, "median_um": 30.0})


@pytest.fixture
def unlabelled(tmp_path) -> str:
    path = tmp_path / "new.csv"
    path.write_text("slide_id,path\nn1,new/n1.svs\nn2,new/n2.svs\n")
    return str(path)


@pytest.fixture
def bundle(tmp_path):
    return bundle_folder(tmp_path / "bundle")


def test_it_takes_over_classes_tiles_and_tissue_and_keeps_what_it_says_itself(trained, unlabelled):
    other = {"slides": unlabelled, "models_from": "old", "tissue": {"median_um": 5.0}}
    study = small_study({"old": trained, "new": {**other, "min_tissue_fraction": 0.1}})
    new = study.datasets["new"]
    assert new.classes == ("benign", "tumour")
    assert (new.settings["tile_px"], new.settings["min_tissue_fraction"]) == (128, 0.1)
    tissue = new.settings["tissue"]
    assert (tissue["otsu_floor"], tissue["median_um"]) == (9, 5.0)
    assert (new.fold_count, new.is_labelled) == (2, False)
    assert [slide.patient_id for slide in new.slides] == ["n1", "n2"]


def test_its_models_are_files_of_the_other_dataset(trained, unlabelled):
    study = small_study({"old": trained, "new": {"slides": unlabelled, "models_from": "old"}})
    files = fit_files(study.datasets["new"], "colour_texture", "abmil", layout.WEIGHTS)
    folder = "results/old/models/colour_texture/abmil"
    assert files == [f"{folder}/fold_{fold}/weights.safetensors" for fold in (0, 1)]
    assert fits_params(study, study.datasets["new"]) == {
        "names": ["fold_0", "fold_1"],
        "tiles": {"tile_px": 128, "target_mpp": 0.5},
        "bundle": None,
    }


def test_a_bundle_brings_its_encoder_its_model_and_its_folds(bundle, unlabelled):
    study = small_study({"new": {"slides": unlabelled, "models_from": str(bundle)}})
    new = study.datasets["new"]
    assert study.encoders_of("new") == ["tiny"]
    assert study.encoder_entry("new", "tiny") == {"name": "colour_texture"}
    assert study.models_of("new") == ["abmil"]
    assert fit_names(new) == ["fold_0", "fold_2", "fold_10"]
    assert fit_files(new, "tiny", "abmil", layout.MODEL)[2] == str(bundle / "fold_10/model.json")
    assert fits_params(study, new)["tiles"] == {"tile_px": 128, "target_mpp": 0.25}
    assert new.settings["tissue"]["otsu_floor"] == 9
    assert {shard.encoder for shard in feature_shards(study)} == {"tiny"}
    inputs = Inputs(study)
    assert inputs.model_pairs({"dataset": "new"}) == [("tiny", "abmil")]


def test_it_is_predicted_and_neither_split_nor_fitted(bundle, unlabelled):
    study = small_study({"new": {"slides": unlabelled, "models_from": str(bundle)}})
    made = targets(study, "new")
    for path in ("cohort.csv", "predictions/tiny/abmil.csv", "features/tiny/n2.h5"):
        assert f"results/new/{path}" in made
    assert "results/new/figures/tiny/heatmap" in made
    assert not [path for path in made if "folds.csv" in path or "/models/" in path]


def test_the_config_may_give_the_bundles_encoder_its_weights(tmp_path, unlabelled):
    entry = {"name": "timm:resnet18"}
    folder = bundle_folder(tmp_path / "b", entry=entry, local_weights="r18.safetensors")
    dataset = {"new": {"slides": unlabelled, "models_from": str(folder)}}
    with pytest.raises(ConfigError, match=r"needs the encoder's own weights \(r18.safetensors\)"):
        small_study(dataset)
    (tmp_path / "r18.safetensors").touch()
    own = {**entry, "id": "tiny", "weights": str(tmp_path / "r18.safetensors")}
    study = small_study(dataset, encoders=[own])
    assert study.encoder_entry("new", "tiny")["weights"] == own["weights"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"models_from": "odl"},
            "'odl' is no dataset and no folder of a bundle; did you mean 'old'",
        ),
        ({"target_mpp": 1.0}, "target_mpp is 1.0, but the models of old are for 0.5"),
        ({"tile_px": 256}, "tile_px is 256, but the models of old are for 128"),
        ({"classes": ["tumour", "benign"]}, "classes is .* but the models of old are for"),
        ({"folds": {"k": 3}}, "a dataset with models_from has no folds"),
        ({"models_from": "new"}, "'new' has no models of its own"),
    ],
)
def test_mistakes_are_told_before_any_job(trained, unlabelled, changes, words):
    new = {"slides": unlabelled, "models_from": "old"} | changes
    with pytest.raises(ConfigError, match=words):
        small_study({"old": trained, "new": new})


def test_classes_may_be_missing_only_with_models_from(trained):
    trained.pop("classes")
    with pytest.raises(ConfigError, match=r"datasets\.old: classes is missing"):
        small_study({"old": trained})


def test_a_sheet_without_labels_trains_nothing(trained, unlabelled):
    with pytest.raises(ConfigError, match="column 'label' is missing"):
        small_study({"old": {**trained, "slides": unlabelled}})


def test_a_bundle_that_is_not_sound_is_told(bundle, unlabelled):
    text = (bundle / "bundle.json").read_text()
    (bundle / "bundle.json").write_text(text.replace('"width": 164', '"width": "wide"'))
    with pytest.raises(ContractError, match=r"encoder.width: 'wide' must be a whole number"):
        read_bundle(bundle)
    with pytest.raises(ConfigError, match=r"datasets.new.models_from: .*encoder.width"):
        small_study({"new": {"slides": unlabelled, "models_from": str(bundle)}})


def test_patients_of_both_datasets_are_refused_with_labels_and_told_without(trained, tmp_path):
    labelled = tmp_path / "labelled.csv"
    labelled.write_text("slide_id,patient_id,label,path\nn1,Ps0,benign,new/n1.svs\n")
    both = {"old": trained, "new": {"slides": str(labelled), "models_from": "old"}}
    with pytest.raises(ConfigError, match=r"datasets.new: 1 patient\(s\) are in old too"):
        small_study(both)
    labelled.write_text("slide_id,patient_id,path\nn1,Ps0,new/n1.svs\n")
    (warning,) = small_study(both).datasets["new"].warnings
    assert "1 patient(s) are in old too" in warning


def test_a_dataset_with_labels_is_scored_beside_the_cohort_of_the_models(trained, tmp_path):
    sheet = small_sheet(tmp_path / "new.csv", slide_ids=("n1", "n2"))
    study = small_study({"old": trained, "new": {"slides": sheet, "models_from": "old"}})
    made = targets(study, "new")
    for path in ("external.csv", "summary.csv", "comparisons.csv", "figures/external.html"):
        assert f"results/new/{path}" in made
    assert "results/new/figures/colour_texture/roc/abmil.png" in made
    assert "results/new/cost.csv" not in made


def test_the_final_fit_predicts_beside_the_folds(trained, unlabelled):
    new = {"slides": unlabelled, "models_from": "old"}
    study = small_study({"old": trained, "new": new}, training={"final_model": True})
    files = fit_files(study.datasets["new"], "colour_texture", "abmil", layout.WEIGHTS)
    assert fit_names(study.datasets["new"]) == ["fold_0", "fold_1", "final"]
    assert files[2] == "results/old/models/colour_texture/abmil/final/weights.safetensors"
    assert files[2] in targets(study, "old")
    assert "final_model" not in study.training
