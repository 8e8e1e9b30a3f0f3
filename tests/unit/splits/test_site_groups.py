"""Folds that keep the slides of a site on one side of train and test."""

from __future__ import annotations

import pandas as pd
import pytest

from slidesieve.errors import ConfigError
from slidesieve.splits.folds import check_folds, fold_columns, make_folds
from slidesieve.splits.settings import FoldSettings
from slidesieve.splits.site_groups import deal_groups, site_groups


def cohort(n_sites: int = 9, per_site: int = 6) -> pd.DataFrame:
    """Sites of several sizes, each with both classes, two slides per patient."""
    rows = [
        (f"s{site}_{i}", f"p{site}_{i // 2}", "ab"[i // 2 % 2], f"site{site}")
        for site in range(n_sites)
        for i in range(per_site + site % 3 * 2)
    ]
    return pd.DataFrame(rows, columns=["slide_id", "patient_id", "label", "site"])


def folds_by_site(table: pd.DataFrame, **settings) -> pd.DataFrame:
    return make_folds(table, FoldSettings(group_also="site", **settings))


@pytest.mark.parametrize("seed", range(5))
def test_no_site_is_tested_and_trained_on_in_one_fold(seed):
    table = cohort()
    folds = folds_by_site(table, k=3, seed=seed, repeats=2)
    check_folds(folds, table, ("a", "b"))
    site = folds["slide_id"].map(table.set_index("slide_id")["site"])
    for name in fold_columns(folds):
        tested = set(site[folds[name] == "test"])
        assert tested.isdisjoint(site[folds[name] != "test"])
    for repeat in (["fold_0", "fold_1", "fold_2"], ["fold_3", "fold_4", "fold_5"]):
        assert (folds[repeat] == "test").sum(axis=1).eq(1).all()


def test_folds_are_about_equal_in_each_class():
    folds = folds_by_site(cohort(30), k=5)
    for label in "ab":
        counts = [
            int(((folds[name] == "test") & (folds["label"] == label)).sum())
            for name in fold_columns(folds)
        ]
        assert max(counts) - min(counts) <= 4, counts


def test_the_order_of_rows_does_not_matter_and_the_seed_does():
    table = cohort()
    folds = folds_by_site(table, k=3)
    assert folds.equals(folds_by_site(table.sample(frac=1, random_state=1), k=3))
    assert not folds.equals(folds_by_site(table, k=3, seed=1))


def test_a_patient_of_two_sites_ties_them_together():
    slides = pd.DataFrame(
        [("p1", "B"), ("p1", "A"), ("p2", "B"), ("p3", "C"), ("p4", "D"), ("p4", "C")],
        columns=["patient_id", "site"],
    )
    assert site_groups(slides) == {"p1": "A", "p2": "A", "p3": "C", "p4": "C"}


def test_each_group_goes_where_classes_stay_even():
    slides = pd.DataFrame(
        [("p1", "a"), ("p1", "a"), ("p2", "b"), ("p2", "b"), ("p3", "a"), ("p4", "b")],
        columns=["patient_id", "label"],
    )
    group_of = {patient: patient for patient in slides["patient_id"]}
    fold_of = deal_groups(slides, group_of, ["p1", "p2", "p3", "p4"], 2)
    assert fold_of["p1"] != fold_of["p3"]
    assert fold_of["p2"] != fold_of["p4"]


def test_missing_and_too_few_sites_are_told():
    table = cohort(2)
    with pytest.raises(ConfigError, match=r"2 site\(s\) for 3 folds"):
        folds_by_site(table, k=3)
    table.loc[table["slide_id"] == "s1_0", "site"] = ""
    with pytest.raises(ConfigError, match=r"1 slide\(s\) have no site \(s1_0\)"):
        folds_by_site(table, k=2)
