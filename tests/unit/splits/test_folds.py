"""Folds keep patients together, classes balanced, and refuse whatever leaks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from slidesieve.errors import ConfigError
from slidesieve.splits import folds as drawing
from slidesieve.splits.folds import (
    check_folds,
    fold_columns,
    folds_table,
    too_few_patients,
)
from slidesieve.splits.own_folds import read_own_folds
from slidesieve.splits.settings import FoldSettings
from slidesieve.store.tables import read_csv

CLASSES = ("acinar", "solid")


def make_folds(cohort, k, seed, repeats=1, val_fraction=0.2):
    settings = FoldSettings(k=k, seed=seed, repeats=repeats, val_fraction=float(val_fraction))
    return drawing.make_folds(cohort, settings)


def cohort_of(slides_of_patients: dict[str, list[int]]) -> pd.DataFrame:
    """A cohort whose classes have patients with the given numbers of slides."""
    rows = [
        (f"{label}{patient}_{slide}", f"{label}{patient}", label)
        for label, counts in slides_of_patients.items()
        for patient, count in enumerate(counts)
        for slide in range(count)
    ]
    return pd.DataFrame(rows, columns=["slide_id", "patient_id", "label"])


slide_counts = st.lists(st.integers(1, 6), min_size=5, max_size=15)
cohorts = st.fixed_dictionaries(dict.fromkeys(CLASSES, slide_counts)).map(cohort_of)


@settings(max_examples=40, deadline=None)
@given(cohorts, st.integers(2, 5), st.integers(0, 9), st.integers(1, 2), st.sampled_from([0, 0.2]))
def test_drawn_folds_pass_the_check_and_test_every_slide_once_a_repeat(
    cohort, k, seed, repeats, val_fraction
):
    folds = make_folds(cohort, k, seed, repeats, val_fraction)
    names = fold_columns(folds)
    assert names == [f"fold_{i}" for i in range(k * repeats)]
    for repeat in range(repeats):
        of_repeat = folds[names[repeat * k : (repeat + 1) * k]]
        assert ((of_repeat == "test").sum(axis=1) == 1).all()
    if val_fraction == 0:
        assert not (folds[names] == "val").any(axis=None)
    if val_fraction == 0 or k > 2:
        check_folds(folds, cohort, CLASSES)
    for name in names:
        assert folds.groupby("patient_id")[name].nunique().max() == 1
        for part in ("train", "test"):
            assert set(folds.loc[folds[name] == part, "label"]) == set(CLASSES)


@settings(max_examples=15, deadline=None)
@given(cohorts, st.integers(0, 1000))
def test_order_of_rows_and_index_do_not_matter(cohort, shuffle_seed):
    shuffled = cohort.sample(frac=1, random_state=shuffle_seed)
    pd.testing.assert_frame_equal(make_folds(cohort, 5, 3), make_folds(shuffled, 5, 3))


def test_folds_of_a_small_cohort_are_these_for_ever():
    folds = make_folds(cohort_of({"a": [2, 1, 1, 1], "b": [1, 1, 1]}), k=3, seed=0)
    written = folds.to_csv(index=False, lineterminator="\n").splitlines()
    assert written == [
        "slide_id,patient_id,label,fold_0,fold_1,fold_2",
        "a0_0,a0,a,test,val,train",
        "a0_1,a0,a,test,val,train",
        "a1_0,a1,a,train,test,val",
        "a2_0,a2,a,val,test,train",
        "a3_0,a3,a,train,train,test",
        "b0_0,b0,b,train,test,train",
        "b1_0,b1,b,test,train,val",
        "b2_0,b2,b,val,val,test",
    ]


def test_seeds_and_repeats_give_different_folds():
    cohort = cohort_of({"a": [1] * 20, "b": [1] * 20})
    folds = make_folds(cohort, 5, seed=0, repeats=2)
    assert not folds["fold_0"].equals(folds["fold_5"])
    assert not folds["fold_0"].equals(make_folds(cohort, 5, seed=1)["fold_0"])
    assert folds["fold_0"].equals(make_folds(cohort, 5, seed=0)["fold_0"])


def test_stratification_is_as_even_as_sklearns():
    rng = np.random.default_rng(1)
    cohort = cohort_of({"a": rng.integers(1, 5, 40).tolist(), "b": rng.integers(1, 5, 15).tolist()})
    folds = make_folds(cohort, 5, seed=0)

    def spread(tested: list[pd.Series]) -> int:
        counts = [Counter(labels) for labels in tested]
        return max(max(c[x] for c in counts) - min(c[x] for c in counts) for x in "ab")

    ours = [folds.loc[folds[f"fold_{i}"] == "test", "label"] for i in range(5)]
    splitter = StratifiedGroupKFold(5)
    parts = splitter.split(cohort, cohort["label"], cohort["patient_id"])
    theirs = [cohort["label"].iloc[test] for _, test in parts]
    assert spread(ours) <= spread(theirs)


def test_validation_share_is_taken_from_untested_patients_of_each_class():
    cohort = cohort_of({"a": [1] * 50, "b": [2] * 25})
    folds = make_folds(cohort, 5, seed=0, val_fraction=0.25)
    for name in fold_columns(folds):
        val = folds[folds[name] == "val"].groupby("label")["patient_id"].nunique()
        assert val["a"] == 10
        assert val["b"] == 5


def test_small_classes_are_all_named():
    cohort = cohort_of({"a": [2, 1, 1], "b": [1, 1]})
    # A patient with slides of two classes is one of both.
    cohort.loc[0, "label"] = "b"
    with pytest.raises(ConfigError) as refusal:
        make_folds(cohort, 4, seed=0)
    text = str(refusal.value)
    assert "class a has 3 patients for 4 folds (a0, a1, a2)" in text
    assert "class b has 3 patients for 4 folds (a0, b0, b1)" in text
    assert len(refusal.value.problems) == 2
    assert too_few_patients(cohort_of({"a": [1, 1]}), 2) == []


FIELD_FOLDS = "field_cases/folds"


@pytest.mark.parametrize(("name", "n_folds"), [("case", 2), ("fewer", 1), ("four", 4)])
def test_folds_that_people_have_are_read(shared_data, name, n_folds):
    path = shared_data / f"{FIELD_FOLDS}/{name}.csv"
    own, written = read_own_folds(path), read_csv(path)
    folds = folds_table(own, read_csv(shared_data / f"{FIELD_FOLDS}/labels.csv"))
    names = fold_columns(folds)
    assert own.n_folds == len(names) == n_folds
    is_tested = (folds[names] == "test").any(axis=1)
    assert own.tested == set(folds.loc[is_tested, "slide_id"])
    assert list(folds["slide_id"]) == list(written["slide_id"])
    for name in names:
        assert list(folds[name]) == list(written[name].str.strip().str.lower())


def test_one_fold_in_clams_form_takes_patients_and_labels_from_the_cohort(shared_data):
    own = read_own_folds(shared_data / f"{FIELD_FOLDS}/splits_0.csv")
    cohort = pd.DataFrame(
        [(f"s{i}", f"p{i}", "AB"[i % 2]) for i in range(8)],
        columns=["slide_id", "patient_id", "label"],
    )
    folds = folds_table(own, cohort)
    check_folds(folds, cohort, ["A", "B"])
    assert own.tested == {"s0", "s1"}
    assert dict(zip(folds["slide_id"], folds["fold_0"], strict=True)) == {
        **dict.fromkeys(("s2", "s3", "s6", "s7"), "train"),
        **dict.fromkeys(("s4", "s5"), "val"),
        **dict.fromkeys(("s0", "s1"), "test"),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("slide_id,label\ns0,A\n", "has no column fold_0"),
        ("slide_id,fold_1\ns0,test\n", "must be fold_0, fold_1, …; found fold_1"),
        ("fold_0\ntest\n", "column slide_id is missing"),
        ("train,test\n,\n", "names no slide"),
    ],
)
def test_a_file_without_folds_says_what_is_missing(tmp_path, text, words):
    path = tmp_path / "folds.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_own_folds(path)


@pytest.fixture
def cohort() -> pd.DataFrame:
    return cohort_of({"acinar": [2, 1, 1, 1, 1], "solid": [1, 2, 1, 1, 1]})


@pytest.fixture
def folds(cohort) -> pd.DataFrame:
    return make_folds(cohort, 3, seed=0)


def problems_of(folds: pd.DataFrame, cohort: pd.DataFrame) -> str:
    with pytest.raises(ConfigError) as refusal:
        check_folds(folds, cohort, CLASSES)
    return "\n".join(refusal.value.problems)


def test_shared_patient_is_named_with_both_parts(folds, cohort):
    folds.loc[folds["slide_id"] == "acinar0_0", "fold_1"] = "test"
    folds.loc[folds["slide_id"] == "acinar0_1", "fold_1"] = "train"
    assert problems_of(folds, cohort) == (
        "fold_1: patient acinar0 is in test (acinar0_0) and train (acinar0_1)"
    )


def test_cell_outside_the_three_parts_is_named(folds, cohort):
    folds.loc[folds["slide_id"] == "solid2_0", "fold_2"] = "training"
    assert "fold_2: slide solid2_0 is 'training'; allowed: train, val, test" in problems_of(
        folds, cohort
    )


def test_slides_missing_extra_and_repeated_are_named(folds, cohort):
    extra = folds.iloc[[3, 4]].copy()
    extra["slide_id"] = ["unknown", folds["slide_id"].iloc[4]]
    extra["patient_id"] = ["unknown", folds["patient_id"].iloc[4]]
    missing = folds["slide_id"].iloc[0]
    repeated = folds["slide_id"].iloc[4]
    text = problems_of(pd.concat([folds.iloc[1:], extra]), cohort)
    assert f"slide {missing} of the cohort is missing" in text
    assert "slide unknown is not in the cohort" in text
    assert f"slide {repeated} has more than one row" in text


def test_label_and_patient_that_disagree_with_the_cohort_are_named(folds, cohort):
    cohort = cohort.replace({"label": {"solid": "Solid"}}).replace("acinar3", "P3")
    text = problems_of(folds, cohort)
    assert "slide solid0_0 has label solid, the cohort says Solid" in text
    assert "slide acinar3_0 has patient_id acinar3, the cohort says P3" in text


def test_empty_part_and_class_absent_from_train_are_named(folds, cohort):
    folds["fold_0"] = folds["fold_0"].replace("test", "train")
    folds["fold_1"] = folds["fold_1"].replace("val", "train")
    folds.loc[(folds["fold_2"] == "train") & (folds["label"] == "solid"), "fold_2"] = "test"
    text = problems_of(folds, cohort)
    assert "fold_0: no slide is in test" in text
    assert "fold_1: no slide is in val" in text
    assert "fold_2: no slide of class solid is in train" in text


def test_folds_without_any_validation_part_are_allowed(folds, cohort):
    check_folds(folds.replace("val", "train"), cohort, CLASSES)


def test_missing_columns_are_named(folds, cohort):
    assert "column patient_id, fold_0 is missing" in problems_of(
        folds[["slide_id", "label"]], cohort
    )


def test_fold_columns_come_in_order_of_their_numbers():
    table = pd.DataFrame(columns=["fold_10", "slide_id", "fold_2", "fold_x"])
    assert fold_columns(table) == ["fold_2", "fold_10"]


MIXED = pd.DataFrame(
    [
        *((f"a{i}", f"A{i}", "acinar") for i in range(9)),
        *((f"s{i}", f"S{i}", "solid") for i in range(2)),
        ("x0", "X", "acinar"),
        ("x1", "X", "acinar"),
        ("x2", "X", "solid"),
    ],
    columns=["slide_id", "patient_id", "label"],
)


@pytest.mark.parametrize("seed", range(10))
def test_a_patient_with_slides_of_two_classes_stays_in_one_part(seed):
    folds = make_folds(MIXED, 3, seed)
    check_folds(folds, MIXED, CLASSES)
    for name in fold_columns(folds):
        parts = folds.set_index("slide_id")[name]
        assert parts["x0"] == parts["x1"] == parts["x2"]
        # The patient counts for the rarer class, which every fold tests for that.
        tested = folds[parts.to_numpy() == "test"]
        assert "solid" in set(tested["label"])


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("sizes", [(2, 3), (2, 2), (3, 3), (2, 9)])
def test_folds_that_are_drawn_pass_their_own_check(seed, sizes):
    rows = [
        (f"{label}{i}", f"P{label}{i}", label)
        for label, size in zip(CLASSES, sizes, strict=True)
        for i in range(size)
    ]
    cohort = pd.DataFrame(rows, columns=["slide_id", "patient_id", "label"])
    folds = make_folds(cohort, 2, seed)
    check_folds(folds, cohort, CLASSES)
