"""Questions of several files: identity of the files, leaks between parts, all mistakes at once."""

from __future__ import annotations

import hashlib
import json

import pytest

from slidesieve.errors import ConfigError, ContractError
from slidesieve.vqa.cases import slide_index
from slidesieve.vqa.gather import gather_questions
from slidesieve.vqa.question_settings import QuestionSource

BENCH = """\
ID,Slide,Question,A,B,C,Answer
1,TCGA-AA-0001-01Z-00-DX1,Which type?,ductal,lobular,ductal in situ,A
2,TCGA-AA-0002-01Z-00-DX1,Which type?,ductal,lobular,mucinous,B
3,TCGA-AA-0002-01Z-00-DX1,Which grade?,1,2,3,C
"""
CAPTIONS = """\
ID,Slide,Question,Caption
1,TCGA-AA-0002-01Z-00-DX1,Describe.,"A Lobular carcinoma, of grade 12."
2,TCGA-AA-0009-01Z-00-DX1,Describe.,A ductal carcinoma.
"""


def case(number):
    return {"Id": f"TCGA-AA-000{number}", "Question": "side?", "Answer": "left"}


@pytest.fixture
def source(tmp_path):
    """Write a file and give its entry of the config."""

    def write(name, kind, part, content):
        text = content if isinstance(content, str) else json.dumps(content)
        path = tmp_path / f"{name}.txt"
        path.write_text(text, encoding="utf-8")
        return QuestionSource(source=kind, path=str(path), part=part, name=name)

    return write


def test_training_questions_about_tested_cases_are_dropped_and_counted(source):
    gathered = gather_questions(
        [
            source("bench", "slidebench", "test", BENCH),
            source("train", "wsi_vqa", "train", [case(1), case(5), case(6)]),
            source("val", "wsi_vqa", "val", [case(6), case(2)]),
        ]
    )
    kept = [q.case_id[-1] for q in gathered.questions if q.split == "train"]
    assert kept == ["5"]
    assert gathered.tally.rows("train", "training_case_is_tested") == [1, 3]
    assert gathered.tally.rows("val", "case_in_val_and_test") == [2]
    assert gathered.tally.rows("bench", "case_in_val_and_test") == [3, 4]
    assert {
        (p.source, p.other, len(p.cases), p.questions, p.other_questions) for p in gathered.shared
    } == {
        ("train", "bench", 1, 1, 1),
        ("train", "val", 1, 1, 1),
        ("val", "bench", 1, 1, 2),
    }


def test_captions_are_training_questions_too_and_may_tell_the_answer(source):
    gathered = gather_questions(
        [
            source("bench", "slidebench", "test", BENCH),
            source("captions", "slidebench_captions", "train", CAPTIONS),
        ]
    )
    assert gathered.tally.rows("captions", "training_case_is_tested") == [2]
    # "12" is no "1" and no "2"; grade 3 does not stand there.
    assert gathered.tally.rows("bench", "caption_tells_answer") == [3]


def test_a_caption_that_names_a_second_option_tells_nothing(source):
    caption = (
        "ID,Slide,Question,Caption\n1,TCGA-AA-0001-01Z-00-DX1,Describe.,Ductal in situ; ductal.\n"
    )
    gathered = gather_questions(
        [
            source("bench", "slidebench", "test", BENCH),
            source("captions", "slidebench_captions", "train", caption),
        ]
    )
    assert gathered.tally.rows("bench", "caption_tells_answer") == []


def test_leaks_are_refused_by_name_if_they_are_not_to_be_dropped(source):
    sources = [
        source("bench", "slidebench", "test", BENCH),
        source("train", "wsi_vqa", "train", [case(1), case(5)]),
    ]
    with pytest.raises(ContractError, match="train has 1 train questions about 1 cases that bench"):
        gather_questions(sources, leakage="fail")
    without = [sources[0], source("train", "wsi_vqa", "train", [case(5)])]
    assert len(gather_questions(without, leakage="fail").questions) == 4


def test_results_say_which_version_of_each_file_they_are_of(source):
    entry = source("bench", "slidebench", "test", "\ufeff" + BENCH + "3,S,Again?,a,b,,A\n")
    gathered = gather_questions([entry])
    record = json.loads(json.dumps(gathered.record()))
    (file,) = record["sources"]
    content = ("\ufeff" + BENCH + "3,S,Again?,a,b,,A\n").encode()
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert (file["bytes"], file["rows"], file["questions"]) == (len(content), 4, 3)
    assert record["findings"]["bench"] == {"byte_order_mark": 1, "duplicate_id": 1}
    assert record["questions"] == {"test": 3}


def test_slides_of_the_dataset_decide_which_questions_stay(source):
    slides = slide_index([("TCGA-AA-0002-01Z-00-DX1.uuid", "TCGA-AA-0002")])
    gathered = gather_questions([source("bench", "slidebench", "test", BENCH)], slides)
    assert {q.slide_ids for q in gathered.questions} == {("TCGA-AA-0002-01Z-00-DX1.uuid",)}
    assert gathered.tally.rows("bench", "unknown_slide") == [2]


def test_mistakes_of_all_files_are_told_at_once(source, tmp_path):
    latin = tmp_path / "latin.csv"
    latin.write_bytes("ID,Slide\n1,é\n".encode("latin-1"))
    with pytest.raises(ConfigError) as refused:
        gather_questions(
            [
                source("one", "slidebench", "test", "ID,Slide\n"),
                source("two", "wsi_vqa", "test", "{}"),
                QuestionSource("wsi_vqa", str(tmp_path / "no.json"), "test"),
                QuestionSource("slidebench", str(latin), "test"),
            ]
        )
    said = "\n".join(refused.value.problems)
    for part in ("column 'Answer'", "must be a JSON list", "No such file", "is no UTF-8 text"):
        assert part in said
