"""The default profile's terminal, and `features` as one stage on the command line."""

from __future__ import annotations

import re

import pytest

from helpers.runner import Study
from helpers.toy_cohort import make_toy

pytestmark = pytest.mark.slow

FEATURES = "results/toy/features/colour_texture/s1.h5"


def forced(plan):
    """Shards that a dry run would compute."""
    return {shard for rule, shard in plan.jobs if rule == "features"}


def test_the_default_profile_prints_two_lines_per_job_and_the_time_left(tmp_path, repo):
    fresh = Study(tmp_path)
    make_toy(fresh)
    profile = ("--workflow-profile", str(repo / "profiles/default"))
    lines = fresh.snakemake(*profile, FEATURES).text.splitlines()
    assert "14 jobs: tissue 6, tiles 6, tile_index 1, features 1" in lines
    started = [line for line in lines if line.startswith("start ")]
    done = [line for line in lines if line.startswith("done ")]
    assert len(started) == len(done) == 14
    assert "start  tissue toy, s3" in started
    assert re.fullmatch(r"done .+, \d:\d\d:\d\d  \[1 of 14, 7%, about \d:\d\d:\d\d left\]", done[0])
    assert started[-1] == "start  features toy_colour_texture, shard 1"
    assert done[-1].endswith("[14 of 14, 100%]")
    # The rest is a line on the study or two, and where the log lies.
    assert len(lines) - len(started) - len(done) <= 4, lines


def test_a_failed_job_is_named_with_its_log_and_others_go_on(toy, repo):
    toy.result("toy/tiles/s1.h5").write_bytes(b"no HDF5 at all")
    toy.result("toy/features/colour_texture/s1.h5").unlink()
    toy.result("toy/folds.csv").unlink()
    profile = ("--workflow-profile", str(repo / "profiles/default"))
    failed = toy.snakemake(*profile, FEATURES, "results/toy/folds.csv", check=False)
    assert failed.code != 0
    assert re.search(r"^FAILED \S+ toy", failed.text, re.MULTILINE), failed.text
    assert re.search(r"^       log: results/toy/logs/", failed.text, re.MULTILINE)
    assert re.search(r"^       \| .*s1", failed.text, re.MULTILINE)
    assert re.search(r"^done   folds toy", failed.text, re.MULTILINE)


def test_forcerun_features_computes_all_shards_and_what_follows(toy):
    plan = toy.snakemake("-n", "--forcerun", "features")
    assert forced(plan) == {"toy_colour_texture_0", "toy_colour_texture_1"}
    assert plan.rules["train"] == 2
    assert not {"tissue", "tiles"} & {*plan.rules}


def test_a_dataset_as_target_forces_its_own_shards_alone(toy):
    config = toy.config
    config["datasets"]["other"] = config["datasets"]["toy"]
    toy.write_config(config)
    toys, others = ({f"{name}_colour_texture_{bit}" for bit in "01"} for name in ("toy", "other"))
    assert forced(toy.snakemake("toy", "-n", "--forcerun", "features")) == toys
    assert forced(toy.snakemake("other", "-n", "--forcerun", "features")) == others
    assert forced(toy.snakemake("-n", "--forcerun", "features")) == toys | others
    # Without the word, only the features that are missing.
    assert forced(toy.snakemake("-n")) == others


def test_until_features_stops_before_the_features_are_listed(toy):
    toy.result("toy/features/colour_texture/s4.h5").unlink()
    toy.result("toy/features/colour_texture.csv").unlink()
    plan = toy.snakemake("-n", "--until", "features")
    assert {*plan.rules} == {"features"}
    assert forced(plan) == {"toy_colour_texture_0"}


def test_omit_from_train_leaves_training_and_what_follows_out(toy):
    config = toy.config
    config["models"]["max"] = {"aggregator": "max"}
    toy.write_config(config)
    toy.result("toy/features/colour_texture.csv").unlink()
    assert toy.snakemake("-n").rules["train"]
    plan = toy.snakemake("-n", "--omit-from", "train")
    assert plan.rules["feature_index"] == 1
    assert not {"train", "predictions", "evaluation", "curves", "model_plot"} & {*plan.rules}
