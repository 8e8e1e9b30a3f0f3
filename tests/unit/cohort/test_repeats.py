"""The same content under two slide ids is refused across patients and told within one."""

from __future__ import annotations

import logging

import pandas as pd
import pytest

from slidesieve.cohort.repeats import refuse_repeats, slide_contents
from slidesieve.errors import SlideError
from slidesieve.slide.open import slide_fingerprint
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import write_tiles


def cohort(*rows):
    return pd.DataFrame(rows, columns=["slide_id", "patient_id", "label"])


@pytest.mark.parametrize("other", [("s2", "P2", "a"), ("s2", "P1", "b"), ("s2", "P2", "b")])
def test_across_patients_or_labels_it_is_refused_by_name(other):
    slides = cohort(("s1", "P1", "a"), other, ("s3", "P3", "a"))
    with pytest.raises(SlideError) as error:
        refuse_repeats(slides, {"s1": "x", "s2": "x", "s3": "y"}, "slide files")
    assert f"s1 (patient P1, a), s2 (patient {other[1]}, {other[2]}) hold the same" in str(error)
    assert "s3" not in str(error)


def test_all_are_listed_at_once():
    slides = cohort(*((f"s{i}", f"P{i}", "a") for i in range(4)))
    with pytest.raises(SlideError) as error:
        refuse_repeats(slides, {"s0": "x", "s1": "y", "s2": "y", "s3": "x"}, "slide files")
    assert str(error.value).count("\n") == 1


def test_within_a_patient_it_is_a_warning(caplog):
    slides = cohort(("s1", "P1", "a"), ("s2", "P1", "a"))
    with caplog.at_level(logging.WARNING):
        refuse_repeats(slides, {"s1": "x", "s2": "x"}, "slide files")
    assert "s1 (patient P1, a), s2 (patient P1, a) hold the same" in caplog.text


def test_slides_without_content_are_not_alike():
    refuse_repeats(cohort(("s1", "P1", "a"), ("s2", "P2", "b")), {"s1": "", "s2": ""}, "files")


def test_equal_ends_do_not_make_two_slides_one(tmp_path):
    """Size, first and last MiB agree for all three; only two hold the same."""
    middle = {"s1": b"x", "s2": b"y", "s3": b"x", "s4": b"z" * 9}
    rows, tiles = [], []
    for slide, content in middle.items():
        path = tmp_path / f"{slide}.svs"
        path.write_bytes(bytes(1 << 20) + content + bytes(1 << 20))
        rows.append((slide, f"P{slide}", "a", str(path), "ok"))
        tiles.append(tmp_path / f"{slide}.h5")
        write_tiles(tiles[-1], TileSet(slide, fingerprint=slide_fingerprint(path)))
    slides = pd.DataFrame(rows, columns=["slide_id", "patient_id", "label", "path", "status"])
    contents = slide_contents(slides, tiles)
    assert set(contents) == {"s1", "s2", "s3"}
    assert contents["s1"] == contents["s3"] != contents["s2"]
