"""A fold whose training lost a class is refused, with the slides to mend."""

from __future__ import annotations

import pandas as pd
import pytest

from slidesieve.errors import ContractError
from slidesieve.splits.lost_classes import refuse_lost_classes

FOLDS = pd.DataFrame(
    {
        "slide_id": ["a0", "a1", "b0", "b1"],
        "label": ["a", "a", "b", "b"],
        "fold_0": ["train", "test", "train", "test"],
        "fold_1": ["test", "train", "test", "train"],
    }
)


def test_a_lost_training_class_is_named_with_its_slides():
    with pytest.raises(ContractError) as error:
        refuse_lost_classes(FOLDS, {"a0", "a1", "b1"}, ["a", "b"])
    assert str(error.value).startswith(
        "fold_0: class b has no usable training slide left; mend b0 (cohort.csv"
    )
    assert "fold_1" not in str(error.value)


def test_a_class_that_keeps_a_training_slide_is_not_lost():
    refuse_lost_classes(FOLDS, {"a0", "a1", "b0", "b1"}, ["a", "b"])
