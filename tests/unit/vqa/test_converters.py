"""Each format of question files, read from small texts of our own."""

from __future__ import annotations

import json

import pytest

from slidesieve.errors import ConfigError
from slidesieve.vqa.converters import CONVERTERS

SLIDEBENCH = """\
ID,Slide,Tumor,Broad Category,Narrow Category,Question,A,B,C,D,Answer
7,TCGA-AA-0001-01Z-00-DX1,BRCA,Diagnosis,Grading,Which grade?,low,high,,,B
"""


def read(source, content):
    text = content if isinstance(content, str) else json.dumps(content)
    return CONVERTERS[source](text)


def test_slidebench_tcga():
    (raw,) = read("slidebench", SLIDEBENCH)
    assert (raw.row, raw.original_id, raw.slide) == (2, "7", "TCGA-AA-0001-01Z-00-DX1")
    assert (raw.category, raw.subcategory) == ("Diagnosis", "Grading")
    assert (raw.options, raw.answer, raw.answer_form) == (("low", "high", "", ""), "B", "letter")


def test_slidebench_plus_has_a_column_without_a_name():
    plus = "".join(f"{i},{line}" for i, line in enumerate(SLIDEBENCH.splitlines(keepends=True)))
    plus = plus.replace("0,ID", ",ID")
    assert read("slidebench", plus) == read("slidebench", SLIDEBENCH)


def test_bcnb_is_grouped_by_task():
    (raw,) = read("slidebench", "ID,Slide,Task,Question,A,B,C,D,Answer\n0,12,ER,ER?,yes,no,,,A\n")
    assert (raw.slide, raw.category, raw.subcategory) == ("12", "ER", "")


def test_cptac_has_no_category_but_a_models_output():
    (raw,) = read(
        "slidebench",
        "ID,Slide,Tumor,Task,Broad Category,Narrow Category,Question,A,B,C,D,Answer,Output\n"
        "0,C3N-00001-21,CM,,,,Which?,one,two,three,four,B,D. four\n",
    )
    assert (raw.category, raw.model_output) == ("CM", "D. four")


def test_captions_are_open_questions():
    (raw,) = read(
        "slidebench_captions", "ID,Slide,Tumor,Question,Caption\n1,S1,LUAD,Describe.,A b.\n"
    )
    assert (raw.category, raw.options, raw.answer) == ("caption", (), "A b.")


def test_wsi_vqa_closed_and_open():
    closed, opened = read(
        "wsi_vqa",
        [
            {
                "Id": "TCGA-AA-0001",
                "Question": "side?",
                "Choice": ["left", "right"],
                "Answer": "left",
            },
            {"Id": "TCGA-AA-0002", "Question": "size?", "Answer": "2 cm"},
        ],
    )
    assert (closed.row, closed.case, closed.slide) == (1, "TCGA-AA-0001", "")
    assert (closed.options, closed.answer_form) == (("left", "right"), "text")
    assert (opened.options, opened.category, opened.answer) == ((), "open", "2 cm")


def conversation(*turns, image=("./BRCA/TCGA-AA-0001-01Z-00-DX1.csv",)):
    speakers = ("human", "gpt") * len(turns)
    said = [{"from": who, "value": text} for who, text in zip(speakers, turns, strict=False)]
    return {"id": "train::0", "image": list(image), "conversations": said}


def test_turns_of_a_conversation_are_questions_without_the_image_mark():
    first, second = read(
        "slideinstruct", [conversation("What is it?\n<image>", "A tumour.", "Which?", "Ductal.")]
    )
    assert (first.original_id, first.question, first.answer) == (
        "train::0:0",
        "What is it?",
        "A tumour.",
    )
    assert (second.original_id, second.row, second.question) == ("train::0:1", 1, "Which?")
    assert second.slide == "./BRCA/TCGA-AA-0001-01Z-00-DX1.csv"


def test_options_in_the_text_of_a_conversation_are_options():
    (raw,) = read("slideinstruct", [conversation("<image>\nWhich?\nA. left\nB) right", "B. right")])
    assert (raw.question, raw.options, raw.answer) == ("Which?", ("left", "right"), "B")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Which?\nA. left\nB. right", "It is the right one."),  # names no letter
        ("Which?\nA. left\nB. right", "C. both"),  # names a letter without an option
        ("Which?\nA. left", "A. left"),  # one option
        ("Which?\nA. left\nSay why.\nB. right", "A. left"),  # text between the options
        ("Which?\nA. left\nC. right", "A. left"),  # letters with a gap
    ],
)
def test_text_that_only_looks_like_options_stays_text(asked, said):
    (raw,) = read("slideinstruct", [conversation(asked, said)])
    assert (raw.question, raw.options, raw.answer) == (asked, (), said)


def test_captions_in_conversations():
    (raw,) = read("slideinstruct_captions", [conversation("<image>\nDescribe.", "A. Pink.")])
    assert (raw.category, raw.question, raw.answer) == ("caption", "Describe.", "A. Pink.")


MULTI_HEADER = "benchmark_name,benchmark_id,image_path,answer,options,prompt\n"


def multi(*rows):
    return read("multipathqa", MULTI_HEADER + "".join(f"{row}\n" for row in rows))


def test_a_number_in_multipathqa_is_a_place_also_among_numbers():
    (raw,) = multi("bench,1,S1.svs,3,\"['2', '3', '4', '5']\",Which pattern?")
    assert (raw.answer, raw.answer_form, raw.options[2]) == ("3", "number", "4")


def test_multipathqa_answers_may_be_texts_and_prompts_ask_for_an_option():
    organs = [f"organ {i}" for i in range(20)]
    prompt = 'Which organ?\n\nSelect from the following options:\n{options}\n""answer"": X'
    (raw,) = multi(f'gtex,G1,GTEX-AB1-1.tiff,organ 19,"{organs}","{prompt}"')
    assert (raw.question, raw.answer_form, len(raw.options)) == ("Which organ?", "text", 20)


def test_multipathqa_without_options_is_open():
    (raw,) = multi('panda,1,abc.tiff,4,,"Grade? {{""g"": N}}"')
    assert (raw.options, raw.question, raw.answer) == ((), 'Grade? {"g": N}', "4")


def test_an_own_table_says_its_parts():
    header = (
        "split,case_id,slide_ids,category,subcategory,question,"
        "option_a,option_b,option_c,option_d,answer,answer_text\n"
    )
    closed, opened = read(
        "table",
        header + "val,P1,s1,Size,,How big?,small,large,,,B,large\ntest,P2,,c,,Say.,,,,,,It.\n",
    )
    assert (closed.split, closed.slide, closed.answer) == ("val", "s1", "B")
    assert (opened.split, opened.case, opened.answer, any(opened.options)) == (
        "test",
        "P2",
        "It.",
        False,
    )


@pytest.mark.parametrize(
    ("source", "text", "said"),
    [
        ("slidebench", "ID,Slide,Question,A,B\n", "column 'Answer' is missing"),
        ("slidebench", SLIDEBENCH + "8,S,T,B,N,Q,a,b,c,d,A,more\n", "row 3: more cells"),
        ("slidebench_captions", "ID,Slide,Question\n", "column 'Caption' is missing"),
        ("wsi_vqa", "{}", "must be a JSON list"),
        ("wsi_vqa", "[", "is no JSON file"),
        ("wsi_vqa", '[{"Id": "a", "Question": "b"}]', "record 1: 'Answer' is missing"),
        ("slideinstruct", json.dumps([conversation("Which?")]), "record 1: turns must alternate"),
        (
            "multipathqa",
            MULTI_HEADER + "b,1,s,1,left,Q\n",
            "row 2: options 'left': is no Python list",
        ),
        ("table", "split\n", "column 'category' is missing"),
    ],
)
def test_a_file_of_another_format_is_refused(source, text, said):
    with pytest.raises(ConfigError) as refused:
        read(source, text)
    assert said in str(refused.value)
