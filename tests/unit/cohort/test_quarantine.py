"""A run stops above the share of unusable slides that the config allows, and not at it."""

from __future__ import annotations

import pandas as pd
import pytest

from slidesieve.cohort.quarantine import refuse_any_failed, refuse_too_many_failed
from slidesieve.errors import SlideError


def cohort(n_slides, n_failed, status="failed"):
    statuses = [status] * n_failed + ["ok"] * (n_slides - n_failed)
    names = [f"s{i}" for i in range(n_slides)]
    return pd.DataFrame({"slide_id": names, "status": statuses, "reason": "no such file"})


@pytest.mark.parametrize(
    ("n_slides", "n_failed", "share"),
    [(100, 7, 0.07), (100, 29, 0.29), (3, 1, 1 / 3), (5, 1, 0.2), (1000, 57, 0.057), (9, 0, 0.0)],
)
def test_exactly_the_limit_passes_and_one_more_does_not(n_slides, n_failed, share):
    refuse_too_many_failed(cohort(n_slides, n_failed), share)
    with pytest.raises(SlideError, match=rf"{n_failed + 1} of {n_slides} slides"):
        refuse_too_many_failed(cohort(n_slides, n_failed + 1), share)


def test_all_failed_slides_are_named_where_none_is_borne():
    refuse_any_failed(cohort(3, 2), "quarantine")
    refuse_any_failed(cohort(3, 2, status="empty"), "fail")
    with pytest.raises(SlideError, match=r"2 slides cannot be used:\n  s0: .*\n  s1: "):
        refuse_any_failed(cohort(3, 2), "fail")
