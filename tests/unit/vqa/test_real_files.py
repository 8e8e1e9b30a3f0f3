"""The benchmarks' own files; counts are those of slide_vqa_facts.md and of the published papers."""

from __future__ import annotations

from pathlib import Path

import pytest

from slidesieve.vqa.gather import Gathered, gather_questions
from slidesieve.vqa.question_settings import QuestionSource
from slidesieve.vqa.table import read_questions, write_questions


@pytest.fixture(scope="module")
def gathered(shared_data: Path) -> Gathered:
    folder = shared_data / "vqa"
    return gather_questions(
        [
            QuestionSource("slidebench", str(folder / "SlideBench-VQA-TCGA.csv"), "test", "tcga"),
            QuestionSource("wsi_vqa", str(folder / "WsiVQA_val.json"), "val", "wsi_val"),
            QuestionSource("wsi_vqa", str(folder / "WsiVQA_test.json"), "test", "wsi_test"),
            QuestionSource(
                "slidebench_captions",
                str(folder / "SlideBench-Caption-TCGA.csv"),
                "train",
                "captions",
            ),
        ]
    )


def test_the_files_are_read_whole(gathered):
    assert [(s.name, s.sha256[:12], s.rows) for s in gathered.sources] == [
        ("tcga", "668d063d81ee", 1494),
        ("wsi_val", "5cab5408815c", 798),
        ("wsi_test", "d19a4ad1e90f", 735),
        ("captions", "db442a404638", 734),
    ]
    of = {s.name: [q for q in gathered.questions if q.source == s.name] for s in gathered.sources}
    assert [len(of[name]) for name in ("tcga", "wsi_val", "wsi_test")] == [1494, 798, 735]
    assert len({q.case_id for q in of["tcga"]}) == 591
    assert [len({q.case_id for q in of[name]}) for name in ("wsi_val", "wsi_test")] == [87, 86]
    assert [sum(q.is_closed for q in of[name]) for name in ("wsi_val", "wsi_test")] == [421, 390]


def test_what_is_wrong_with_them_is_found(gathered):
    counts = {name: gathered.record()["findings"][name] for name in ("tcga", "wsi_val", "captions")}
    assert counts["tcga"]["outer_blanks"] == 2
    assert counts["wsi_val"]["doubled_options"] == 2
    assert counts["captions"]["damaged_characters"] == 734


def test_captions_cover_the_tested_slides_and_tell_answers(gathered):
    pairs = {(p.source, p.other): p for p in gathered.shared}
    assert len(pairs["captions", "tcga"].cases) == 591
    assert pairs["captions", "tcga"].other_questions == 1494
    assert pairs["wsi_val", "wsi_test"].cases == ("TCGA-D8-A73U",)
    assert len(pairs["wsi_val", "tcga"].cases) == 9
    # By whole words; a plain search for substrings finds 606, for "I" then stands in "II".
    assert len(gathered.tally.rows("tcga", "caption_tells_answer")) == 623
    assert not {q.case_id for q in gathered.questions if q.split == "train"} & {
        q.case_id for q in gathered.questions if q.split != "train"
    }


def test_the_table_of_them_comes_back_as_it_was_written(gathered, tmp_path):
    write_questions(tmp_path / "questions.csv", gathered.questions)
    assert read_questions(tmp_path / "questions.csv") == gathered.questions
