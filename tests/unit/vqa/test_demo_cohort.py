"""The slides of the demo, painted and encoded."""

from __future__ import annotations

import pytest

from slidesieve.bags import load_bags
from slidesieve.store.tables import read_csv
from slidesieve.vqa.demo_cohort import make_cohort
from slidesieve.vqa.table import read_questions


@pytest.mark.slow
def test_features_and_questions_are_of_the_same_slides_and_made_once(tmp_path):
    make_cohort(tmp_path, patients=1)
    sheet = read_csv(tmp_path / "slides.csv")
    path = tmp_path / "features" / "painted_000.h5"
    [bag] = load_bags(sheet, {"painted_000": path}, ["acinar", "solid", "benign"])
    assert len(bag.features) > 100
    asked = {slide for q in read_questions(tmp_path / "questions.csv") for slide in q.slide_ids}
    assert asked == {bag.slide_id}
    assert not list(tmp_path.glob("*.svs"))
    made = path.stat().st_mtime_ns
    make_cohort(tmp_path, patients=1)
    assert path.stat().st_mtime_ns == made
