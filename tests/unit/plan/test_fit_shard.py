"""Folds of small cohorts share a job; those of large cohorts have one each."""

from __future__ import annotations

import pytest

from helpers.small_study import SLIDES, small_dataset, small_study
from slidesieve.plan import layout
from slidesieve.plan.fit_shard import fit_shards


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (3 * len(SLIDES), ["0-2"]),
        (3 * len(SLIDES) - 1, ["0", "1-2"]),
        (len(SLIDES), ["0", "1", "2"]),
        (1, ["0", "1", "2"]),
    ],
)
def test_every_fold_is_fitted_once_in_jobs_of_equal_size(sheet, most, expected):
    dataset = small_dataset(sheet, folds={"k": 3})
    study = small_study({"toy": dataset}, resources={"train": {"slides_per_job": most}})
    assert [shard.name for shard in fit_shards(study)] == expected


def test_a_shard_names_its_rule_and_leaves_model_and_encoder_open(study):
    (shard,) = fit_shards(study)
    assert shard.rule_name == "train_0-1"
    assert shard.datasets == ("toy",)
    assert shard.files(layout.MODEL) == [
        f"results/{{dataset}}/models/{{encoder}}/{{model}}/fold_{fold}/model.json"
        for fold in (0, 1)
    ]
