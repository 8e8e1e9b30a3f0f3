from __future__ import annotations

import pytest

from slidesieve.vqa.answers import option_meant

OPTIONS = ("Left breast", "right breast", "none", "")


@pytest.mark.parametrize(
    ("answer", "form", "place", "check"),
    [
        ("B", "letter", 1, ""),
        ("b.", "letter", 1, ""),
        ("D", "letter", None, "letter_without_option"),
        ("F", "letter", None, "letter_without_option"),
        ("right breast", "letter", 1, ""),
        ("2", "number", 1, ""),
        ("4", "number", None, "answer_not_among_options"),
        ("0", "number", None, "answer_not_among_options"),
        ("none", "number", 2, ""),
        ("right breast", "text", 1, ""),
        ("left  Breast.", "text", 0, "answer_spelt_otherwise"),
        ("The correct option is b(right breast)", "text", 1, "answer_in_words"),
        ("The correct option is d", "text", None, "answer_not_among_options"),
        ("both breasts", "text", None, "answer_not_among_options"),
        ("breast", "text", None, "answer_not_among_options"),
    ],
)
def test_the_option_that_an_answer_means(answer, form, place, check):
    meant = option_meant(answer, OPTIONS, form)
    assert (meant.place, meant.check) == (place, check)


@pytest.mark.parametrize(
    ("answer", "form"), [("A", "letter"), ("2", "number"), ("G1", "text"), ("g1.", "text")]
)
def test_an_answer_that_two_options_give_is_ambiguous(answer, form):
    assert option_meant(answer, ("G1", "g1", "G2"), form).check == "ambiguous_answer"


def test_doubled_options_beside_the_answer_do_no_harm():
    assert option_meant("C", ("G1", "G1", "G2"), "letter").place == 2
