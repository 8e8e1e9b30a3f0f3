"""Shards are small enough, whole, and stay as they are when slides come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slidesieve.extraction.shards import shards_of

cohorts = st.sets(st.integers(0, 10**6), max_size=300).map(
    lambda numbers: [f"slide-{number}" for number in sorted(numbers)]
)
sizes = st.integers(1, 20)


@given(cohorts, sizes)
def test_every_slide_is_in_one_shard_that_is_not_too_large(slides, most):
    shards = shards_of(slides, most)
    assert sorted(slide for shard in shards.values() for slide in shard) == sorted(slides)
    assert all(1 <= len(shard) <= most for shard in shards.values())


@given(cohorts, sizes, st.randoms())
def test_the_order_of_the_sheet_does_not_matter(slides, most, random):
    shuffled = random.sample(slides, len(slides))
    as_sets = [
        {name: frozenset(shard) for name, shard in shards_of(order, most).items()}
        for order in (slides, shuffled)
    ]
    assert as_sets[0] == as_sets[1]


@given(cohorts, sizes)
def test_a_new_slide_changes_only_the_shard_it_falls_into(slides, most):
    before = {frozenset(shard) for shard in shards_of(slides, most).values()}
    after = {frozenset(shard) for shard in shards_of([*slides, "new"], most).values()}
    gone = before - after
    assert len(gone) <= 1
    # What was together with it may have been divided, and nothing else has changed.
    assert frozenset().union(*(after - before)) == frozenset().union(*gone) | {"new"}


def test_one_slide_a_job():
    assert sorted(shards_of(["a", "b", "c"], 1).values()) == [["a"], ["b"], ["c"]]


def test_shards_are_those_of_the_last_release():
    # Another division would queue a job for every shard of every finished cohort.
    assert shards_of([f"s{number}" for number in range(7)], 3) == {
        "00": ["s5"],
        "01": ["s3", "s4", "s6"],
        "1": ["s0", "s1", "s2"],
    }
