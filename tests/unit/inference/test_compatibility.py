"""A model refuses features that are not of its kind, and says what is different."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from slidesieve.errors import ContractError
from slidesieve.inference.compatibility import TileKind, refuse_foreign_features
from slidesieve.models.classifier import build_model
from slidesieve.store.features import FeatureSet
from slidesieve.training.fitted import FittedModel

TILES = TileKind(tile_px=256, target_mpp=0.5)


def features(**changes) -> FeatureSet:
    own = FeatureSet(
        "s1",
        np.ones((3, 4), np.float32),
        np.zeros((3, 2), np.int64),
        encoder="conch_v1",
        encoder_revision="conch_v1:cls@abc",
        tile_attributes={"patch_size": 256, "target_mpp": 0.5},
    )
    return replace(own, **changes)


def fitted(**changes) -> FittedModel:
    spec = {"aggregator": "mean"}
    own = FittedModel(
        model=build_model(spec, 4, 2),
        spec=spec,
        classes=("a", "b"),
        dim=4,
        encoder="conch_v1",
        encoder_revision="conch_v1:cls@abc",
        seed=0,
        best_epoch=1,
        signs=(),
        restarts=0,
        history=pd.DataFrame(),
    )
    return replace(own, **changes)


def test_its_own_features_pass():
    refuse_foreign_features(features(), fitted(), TILES)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoder": "uni"}, "encoder uni in place of conch_v1"),
        ({"encoder": ""}, "encoder not named in place of conch_v1"),
        ({"encoder_revision": "conch_v1:cls@def"}, "revision conch_v1:cls@def in place of"),
        ({"features": np.ones((3, 5), np.float32)}, "width 5 in place of 4"),
        ({"tile_attributes": {"patch_size": 224}}, r"tile size \(px\) 224 in place of 256"),
        ({"tile_attributes": {"target_mpp": 0.25}}, "µm per px 0.25 in place of 0.5"),
    ],
)
def test_others_are_refused_with_the_slide_and_the_difference(changes, words):
    with pytest.raises(ContractError, match=f"slide s1: .*{words}"):
        refuse_foreign_features(features(**changes), fitted(), TILES)


def test_all_differences_are_told_at_once():
    other = {"patch_size": 256, "target_mpp": 1.0}
    wrong = features(encoder="uni", encoder_revision="2", tile_attributes=other)
    with pytest.raises(ContractError, match=r"encoder uni .*, encoder revision 2 .*, µm per px 1"):
        refuse_foreign_features(wrong, fitted(), TILES)


def test_what_a_file_or_a_model_does_not_say_is_not_held_against_it():
    refuse_foreign_features(features(tile_attributes={}), fitted(), TILES)
    refuse_foreign_features(features(), fitted(encoder="", encoder_revision=""), TileKind())
    rounded = {"patch_size": 256, "target_mpp": 0.50001}
    refuse_foreign_features(features(tile_attributes=rounded), fitted(), TILES)
