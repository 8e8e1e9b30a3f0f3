"""Predictions of all fits of a model, one by one and together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.bag_factory import planted_bags
from slidesieve.errors import ContractError
from slidesieve.inference.attention import mean_attention
from slidesieve.inference.compatibility import TileKind
from slidesieve.inference.ensemble import ensemble_table, predict_by_fit
from slidesieve.store.features import FeatureSet
from slidesieve.training.loop import fit_fold
from slidesieve.training.prediction import predict
from slidesieve.training.settings import TrainingSettings

CPU = torch.device("cpu")


def by_fit(rows) -> pd.DataFrame:
    columns = ["slide_id", "fit", "prediction", "prob_a", "prob_b", "tokens_in", "tokens_kept"]
    return pd.DataFrame(
        [
            (slide, fit, "a" if a >= 0.5 else "b", a, 1 - a, 10, kept)
            for slide, fit, a, kept in rows
        ],
        columns=columns,
    )


def test_the_ensemble_is_the_mean_of_the_folds_fits():
    table = ensemble_table(
        by_fit(
            [
                *[("s2", "fold_0", 0.9, 4), ("s2", "fold_1", 0.8, 6), ("s2", "fold_2", 0.4, 8)],
                *[("s1", "fold_0", 0.2, 4), ("s1", "fold_1", 0.1, 4), ("s1", "fold_2", 0.3, 4)],
            ]
        ),
        ("a", "b"),
    ).set_index("slide_id")
    assert list(table.index) == ["s2", "s1"]
    assert table["prediction"].tolist() == ["a", "b"]
    assert table["prob_a"].tolist() == pytest.approx([0.7, 0.2])
    assert table["spread"].tolist() == pytest.approx([np.std([0.9, 0.8, 0.4], ddof=1), 0.1])
    assert table["agreement"].tolist() == pytest.approx([2 / 3, 1])
    assert table["n_fits"].tolist() == [3, 3]
    assert table["tokens_kept"].tolist() == [6, 4]
    assert "prediction_final" not in table


def test_the_final_fit_stands_beside_the_mean_and_not_in_it():
    table = ensemble_table(
        by_fit([("s1", "fold_0", 0.6, 1), ("s1", "fold_1", 0.8, 1), ("s1", "final", 0.1, 1)]),
        ("a", "b"),
    )
    row = table.iloc[0]
    assert (row["prediction"], row["prediction_final"], row["n_fits"]) == ("a", "b", 2)
    assert row["prob_a"] == pytest.approx(0.7)


def test_a_single_fit_has_no_spread():
    row = ensemble_table(by_fit([("s1", "fold_0", 0.6, 1)]), ("a", "b")).iloc[0]
    assert np.isnan(row["spread"])
    assert row["agreement"] == 1


def test_no_slide_gives_a_table_without_rows():
    empty = ensemble_table(by_fit([]), ("a", "b"))
    assert empty.empty
    assert {"slide_id", "prediction", "prob_b", "spread"} <= set(empty.columns)


def test_attention_of_fits_is_their_mean_and_nan_where_all_dropped():
    one, two = np.array([0.5, 0.5, np.nan]), np.array([1.0, np.nan, np.nan])
    found = mean_attention([one, two])
    assert found[:2].tolist() == [0.75, 0.25]
    assert np.isnan(found[2])


def as_features(bag, **changes) -> FeatureSet:
    return FeatureSet(bag.slide_id, bag.features, bag.coords, **changes)


@pytest.fixture(scope="module")
def fits():
    bags, settings = planted_bags(8, 0), TrainingSettings(epochs=2, patience=1, min_epochs=1)
    spec = {"aggregator": {"name": "abmil", "hidden_dim": 8, "attention_dim": 4}}
    halves = {"fold_0": bags[:4], "fold_1": bags[4:]}
    return {n: fit_fold(spec, part, [], ("a", "b"), settings, CPU) for n, part in halves.items()}


def test_each_fit_predicts_as_it_does_by_itself(fits):
    bags = planted_bags(3, 1)
    empty = as_features(bags[0])
    empty = FeatureSet("nothing", empty.features[:0], empty.coords[:0], status="empty")
    table = predict_by_fit(fits, [empty, *map(as_features, bags)], TileKind(), CPU)
    assert table["slide_id"].tolist() == [bag.slide_id for bag in bags for _ in fits]
    for name, fitted in fits.items():
        alone = predict(fitted, bags, TrainingSettings(), CPU)
        own = table[table["fit"] == name]
        for column in ("prob_a", "prob_b", "tokens_in", "tokens_kept"):
            assert own[column].tolist() == pytest.approx(alone[column].tolist(), abs=1e-6)
        assert own["prediction"].tolist() == alone["prediction"].tolist()


def test_features_of_another_width_are_refused_before_they_are_predicted(fits):
    bag = planted_bags(1, 1)[0]
    wide = FeatureSet("wide", np.ones((3, 9), np.float32), bag.coords[:3])
    with pytest.raises(ContractError, match=r"slide wide: .*width 9 in place of 8"):
        predict_by_fit(fits, [wide], TileKind(), CPU)


def test_features_with_nan_are_refused(fits):
    bag = planted_bags(1, 1)[0]
    bag.features[2, 3] = np.nan
    with pytest.raises(ContractError, match="1 of 40 tokens hold NaN"):
        predict_by_fit(fits, [as_features(bag)], TileKind(), CPU)
