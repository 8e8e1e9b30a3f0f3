"""Files laid over one another mean one config."""

from __future__ import annotations

import copy

import pytest

from slidesieve.config.layers import layered, read_layers
from slidesieve.errors import ConfigError

ABMIL = {"aggregator": {"name": "abmil", "hidden_dim": 128}}
DTC = {"reducer": {"name": "dtc", "retention": 0.4, "stages": 2}, **ABMIL}


SHIPPED = {
    "datasets": {"demo": {"slides": "demo.csv"}},
    "encoders": ["colour_texture"],
    "models": {"abmil": ABMIL, "dtc": DTC, "mean": {"aggregator": "mean"}},
    "training": {"epochs": 100, "lr": 0.001},
    "evaluation": {"compare_to": "mean"},
    "report": {"heatmap_model": "dtc"},
}


def settled(**models: object) -> dict:
    return layered({}, {"models": {"abmil": ABMIL, "dtc": DTC, **models}})["models"]


def test_nothing_of_the_users_own_is_the_shipped_config():
    assert layered(SHIPPED, {}) == SHIPPED | {"paper_tables": {}}


def test_datasets_and_models_of_the_user_take_the_place_of_the_shipped():
    config = layered(SHIPPED, {"datasets": {"mine": {}}, "models": {"max": {"aggregator": "max"}}})
    assert list(config["datasets"]) == ["mine"]
    assert list(config["models"]) == ["max"]
    assert config["encoders"] == ["colour_texture"]


def test_a_dataset_alone_leaves_the_shipped_models_and_the_reverse():
    assert list(layered(SHIPPED, {"datasets": {"mine": {}}})["models"]) == ["abmil", "dtc", "mean"]
    assert list(layered(SHIPPED, {"models": {"a": ABMIL}})["datasets"]) == ["demo"]


def test_encoders_are_replaced_and_settings_merged_key_by_key():
    config = layered(SHIPPED, {"encoders": ["conch_v1"], "training": {"epochs": 3}})
    assert config["encoders"] == ["conch_v1"]
    assert config["training"] == {"epochs": 3, "lr": 0.001}


def test_a_shipped_model_is_reached_by_like():
    models = layered(
        SHIPPED, {"models": {"wide": {"like": "dtc", "aggregator": {"hidden_dim": 9}}}}
    )
    assert models["models"] == {
        "wide": {**DTC, "aggregator": {"name": "abmil", "hidden_dim": 9}},
    }


def test_a_model_like_its_own_name_changes_the_shipped_one():
    models = layered(SHIPPED, {"models": {"dtc": {"like": "dtc", "reducer": {"stages": 3}}}})
    assert models["models"]["dtc"]["reducer"] == {"name": "dtc", "retention": 0.4, "stages": 3}


def test_rows_of_paper_tables_bring_shipped_models_back_and_no_others():
    table = {"rows": {"abmil": {}, "new": {}, "unknown": {}}}
    own = {"models": {"new": {"like": "dtc"}}, "paper_tables": {"t": table}}
    assert layered(SHIPPED, own)["models"] == {"new": DTC, "abmil": ABMIL}


def test_shipped_keys_that_name_a_dropped_model_fall_back():
    config = layered(SHIPPED, {"models": {"abmil": ABMIL, "x": DTC}})
    assert config["evaluation"]["compare_to"] == "abmil"
    assert config["report"]["heatmap_model"] == "abmil"
    config = layered(SHIPPED, {"models": {"x": DTC}})
    assert config["evaluation"]["compare_to"] is None
    own = {"models": {"x": DTC}, "evaluation": {"compare_to": "mean"}}
    assert layered(SHIPPED, own)["evaluation"]["compare_to"] == "mean"  # a mistake, to be told


def test_an_empty_section_is_no_section():
    assert layered(SHIPPED, {"training": None, "models": None}) == layered(SHIPPED, {})


def test_the_layers_themselves_stay_as_they_are():
    shipped, own = copy.deepcopy(SHIPPED), {"models": {"x": {"like": "dtc"}}}
    layered(shipped, own)["models"]["x"]["reducer"]["name"] = "changed"
    assert (shipped, own) == (SHIPPED, {"models": {"x": {"like": "dtc"}}})


def test_files_lie_over_one_another_as_snakemake_lays_them(tmp_path):
    (tmp_path / "a.yaml").write_text("x: {y: 1, z: [1, 2]}\nw: 3\n")
    (tmp_path / "b.yaml").write_text("x: {z: [3]}\n")
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    files = [tmp_path / name for name in ("a.yaml", "b.yaml", "empty.yaml")]
    assert read_layers(files) == {"x": {"y": 1, "z": [3]}, "w": 3}


def test_files_that_are_no_mappings_are_all_named(tmp_path):
    (tmp_path / "list.yaml").write_text("- a\n")
    (tmp_path / "broken.yaml").write_text("a: [\n")
    files = [tmp_path / name for name in ("list.yaml", "broken.yaml", "none.yaml")]
    with pytest.raises(ConfigError) as refusal:
        read_layers(files)
    assert len(refusal.value.problems) == 3


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ({"like": "abmil"}, ABMIL),
        (
            {"like": "dtc", "reducer": {"retention": 0.7}},
            {"reducer": {"name": "dtc", "retention": 0.7, "stages": 2}, **ABMIL},
        ),
        (
            {"like": "dtc", "reducer": {"name": "random", "k": 8}},
            {"reducer": {"name": "random", "k": 8}, **ABMIL},
        ),
        ({"like": "dtc", "reducer": "none"}, {"reducer": "none", **ABMIL}),
        ({"like": "dtc", "aggregator": "mean"}, {**DTC, "aggregator": "mean"}),
        ({"like": "abmil", "standardise": False}, {**ABMIL, "standardise": False}),
        (
            {"like": "abmil", "reducer": {"name": "tome", "k": 8}},
            {"reducer": {"name": "tome", "k": 8}, **ABMIL},
        ),
    ],
)
def test_a_model_like_another_is_that_model_but_for_what_it_says(spec, meant):
    models = settled(new=spec)
    assert models["new"] == meant
    assert (models["abmil"], models["dtc"]) == (ABMIL, DTC)


def test_a_part_given_by_name_alone_can_be_changed_too():
    models = settled(plain={"aggregator": "abmil"}, wide={"like": "plain", "aggregator": {"a": 1}})
    assert models["wide"] == {"aggregator": {"name": "abmil", "a": 1}}


@pytest.mark.parametrize("base", ["abmill", "gone", "again", 3])
def test_a_like_that_leads_nowhere_is_left_for_the_checks(base):
    spec = {"like": base}
    models = settled(gone=None, again={"like": "abmil"}, new=copy.deepcopy(spec))
    assert models["new"] == spec


def test_null_takes_an_entry_back():
    own = {"models": {"mean": None}, "paper_tables": {"retention": None, "t": {"title": "t"}}}
    config = layered(SHIPPED | {"paper_tables": {"retention": {}}}, own)
    assert list(config["models"]) == ["abmil", "dtc"]
    assert list(config["paper_tables"]) == ["t"]


@pytest.mark.parametrize("models", [3, [1], {"a": 3}])
def test_broken_shapes_are_left_for_the_checks(models):
    assert layered(SHIPPED, {"models": models})["models"] == models
