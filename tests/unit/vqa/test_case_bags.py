"""The tokens of a question's slides."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.bag_factory import random_bags
from helpers.token_factory import features_of
from helpers.vqa_questions import closed
from slidesieve.store.features import write_features
from slidesieve.vqa.case_bags import CaseBags, evenly, joined


@pytest.fixture
def path_of(tmp_path):
    paths = {name: tmp_path / f"{name}.h5" for name in ("s1", "s2")}
    for seed, path in enumerate(paths.values()):
        write_features(path, features_of(9 + seed, seed))
    return paths


def bags(path_of, max_tokens=100, memory=1e9):
    return CaseBags(path_of, max_tokens, memory)


def test_slides_of_a_case_follow_one_another(path_of):
    both = bags(path_of).bag(("s2", "s1"))
    assert np.array_equal(both.features[:10], features_of(10, 1).features)
    assert np.array_equal(both.features[10:], features_of(9, 0).features)
    assert len(both.coords) == 19


def test_a_slide_without_features_is_passed_over(path_of):
    assert len(bags(path_of).bag(("lost", "s1")).features) == 9
    with pytest.raises(KeyError):
        bags(path_of).bag(("lost",))


def test_questions_about_lost_slides_are_counted(path_of, caplog):
    asked = [closed(0, slide_ids=("s1",)), closed(1, slide_ids=("lost",))]
    assert bags(path_of).answerable(asked) == asked[:1]
    assert "1 of 2 questions have no slide with tokens" in caplog.text


def test_a_bag_that_fits_is_read_once(path_of):
    kept, read_again = bags(path_of), bags(path_of, memory=10)
    assert kept.bag(("s1",)) is kept.bag(("s1",))
    assert read_again.bag(("s1",)) is not read_again.bag(("s1",))


def test_of_too_many_tokens_every_so_many_are_taken():
    [bag] = random_bags([10])
    assert np.array_equal(evenly(bag, 4).coords, bag.coords[[0, 3, 6, 9]])
    assert evenly(bag, 10) is bag
    assert joined([bag]) is bag
