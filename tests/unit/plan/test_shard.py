"""Shards cover the slides of a study, and targets choose whose rules a shared name means."""

from __future__ import annotations

import pytest

from helpers.small_study import SLIDES, small_dataset, small_sheet, small_study
from slidesieve.plan import layout
from slidesieve.plan.shard import feature_shards, shard_rules

OTHERS = tuple(f"t{number}" for number in range(6))


@pytest.fixture
def two(sheet, tmp_path):
    """Datasets `toy` and `toy2`, two encoders, at most four slides per job."""
    other = small_sheet(tmp_path / "others.csv", slide_ids=OTHERS)
    return small_study(
        {"toy": small_dataset(sheet), "toy2": small_dataset(other, on_slide_error="fail")},
        encoders=["colour_texture", {"name": "colour_texture", "id": "again", "precision": "fp16"}],
        resources={"features": {"slides_per_job": 4}},
    )


def test_every_slide_is_encoded_once_by_every_encoder(two):
    shards = list(feature_shards(two))
    done = [(s.dataset.name, s.encoder, slide) for s in shards for slide in s.slide_ids]
    assert sorted(done) == sorted(
        (dataset, encoder, slide)
        for dataset, slides in (("toy", SLIDES), ("toy2", OTHERS))
        for encoder in ("colour_texture", "again")
        for slide in slides
    )
    assert all(len(shard.slide_ids) <= 4 for shard in shards)


def test_a_dataset_of_ready_made_features_has_no_shards(ready):
    assert list(feature_shards(ready)) == []


def test_a_shard_names_its_rule_and_its_files(study):
    (shard,) = feature_shards(study)
    assert shard.rule_name == "features_toy_colour_texture_all"
    assert shard.file(layout.TILE_INDEX) == "results/toy/tiles.csv"
    log = shard.file(layout.log("features", "encoder", "shard"))
    assert log == "results/toy/logs/features/colour_texture/all.log"
    assert shard.files(layout.FEATURES) == [
        f"results/toy/features/colour_texture/{slide}.h5" for slide in SLIDES
    ]


def test_only_slides_that_exist_are_inputs_of_a_shard(study, tmp_path):
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "s2.svs").touch()
    (shard,) = feature_shards(study)
    assert shard.slide_files() == ["slides/s2.svs"]


def test_the_params_of_a_shard_are_what_its_features_depend_on(two):
    shard = next(s for s in feature_shards(two) if s.rule_name.startswith("features_toy2_again_"))
    assert shard.params() == {
        "on_slide_error": "fail",
        "encoder": {"name": "colour_texture", "precision": "fp16"},
        "weights": {},
    }
    assert shard.slides().paths == {slide: f"slides/{slide}.svs" for slide in shard.slide_ids}


def test_features_depend_on_the_inputs_of_their_own_slide(study, tmp_path):
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "s2.svs").touch()
    (shard,) = feature_shards(study)
    inputs = shard.inputs_by_output()
    assert inputs["results/toy/features/colour_texture/s2.h5"] == {
        *("results/toy/tiles.csv", "results/toy/tiles/s2.h5", "slides/s2.svs")
    }
    assert set(inputs) == set(shard.files(layout.FEATURES))


@pytest.mark.parametrize(
    ("targets", "datasets"),
    [
        ([], {"toy", "toy2"}),
        (["all"], {"toy", "toy2"}),
        (["toy"], {"toy"}),
        (["toy2"], {"toy2"}),
        (["results/toy/features/again/s1.h5"], {"toy"}),
        (["results/toy2/cohort.csv", "toy"], {"toy", "toy2"}),
        (["audit"], set()),
    ],
)
def test_targets_choose_the_datasets_whose_rules_are_meant(two, targets, datasets):
    shards = list(feature_shards(two))
    wanted = [shard.rule_name for shard in shards if shard.dataset.name in datasets]
    assert shard_rules(shards, targets) == wanted
