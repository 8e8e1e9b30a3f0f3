"""A model may be trained otherwise than the rest, and its table says so."""

from __future__ import annotations

import pytest

from helpers.small_study import MODELS, small_dataset, small_sheet, small_study
from slidesieve.errors import ConfigError


@pytest.fixture
def datasets(tmp_path):
    return {"mine": small_dataset(small_sheet(tmp_path / "slides.csv"))}


def test_a_models_own_keys_lie_over_the_section_and_its_spec_stays_as_it_was(datasets):
    own = {"aggregator": "dsmil", "training": {"lr": 0.0002}}
    models = {**MODELS, "dsmil": own, "slow": {"like": "dsmil", "training": {"epochs": 300}}}
    study = small_study(datasets, models=models, training={"epochs": 40})
    assert study.models["dsmil"] == study.models["slow"] == {"aggregator": "dsmil"}
    assert study.training_of("mean") == study.training
    assert study.training_of("dsmil") == {**study.training, "lr": 0.0002}
    # `training` of a model that is like another takes the place of the other's.
    assert study.training_of("slow") == {**study.training, "epochs": 300}
    assert study.training["epochs"] == 40


def test_mistakes_in_it_are_told_like_those_of_the_section(datasets):
    own = {"aggregator": "mean", "training": {"epoch": 3, "lr": -1.0, "final_model": True}}
    with pytest.raises(ConfigError) as error:
        small_study(datasets, models={"mean": own})
    told = "\n".join(error.value.problems)
    assert "models.mean.training: unknown key 'epoch'; did you mean 'epochs'?" in told
    assert "models.mean.training.lr: -1.0 must be a number above 0" in told
    assert "models.mean.training: final_model is of all models; set it under training" in told
