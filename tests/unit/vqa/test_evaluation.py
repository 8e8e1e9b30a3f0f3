"""scores.csv and comparisons.csv of answers whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.vqa_questions import answer, closed, task
from slidesieve.errors import ContractError
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.vqa.answers_table import read_answers, write_answers
from slidesieve.vqa.evaluation import comparisons_table, scores_table

FILES = {"bench": ("abc123", 80)}
DRAWS = {"resamples": 200, "seed": 0}
QUESTIONS = task(40)


def table(rows, folder):
    write_answers(folder / "answers.csv", rows)
    return read_answers(folder / "answers.csv")


def guesses(questions, share_right, seed, **changes):
    """Answers of which about a share is right."""
    rng = np.random.default_rng(seed)
    rows = []
    for question in questions:
        wrong = [letter for letter in question.letters if letter != question.answer]
        letter = question.answer if rng.random() < share_right else wrong[0]
        rows.append(answer(question, letter, **changes))
    return rows


@pytest.fixture
def answers(tmp_path):
    sieve = [
        *guesses(QUESTIONS, 0.9, 0),
        *guesses(QUESTIONS, 0.3, 1, path="blind_none", tokens_kept=0),
        *guesses(QUESTIONS, 0.35, 2, path="blind_donor"),
        *guesses(QUESTIONS, 0.9, 0, path="soft", tokens_kept=100),
    ]
    full = guesses(QUESTIONS, 0.85, 3, tokens_kept=100)
    return {("enc", "sieve"): table(sieve, tmp_path), ("enc", "full"): table(full, tmp_path)}


def row(found, **names):
    chosen = found
    for name, value in ({"category": "", "subcategory": "", "metric": "accuracy"} | names).items():
        chosen = chosen[chosen[name] == value]
    assert len(chosen) == 1, names
    return chosen.iloc[0]


def test_each_path_has_its_accuracy_with_an_interval_over_patients(answers):
    scores = scores_table(answers, QUESTIONS, FILES, **DRAWS)
    own = answers["enc", "sieve"].query("path == 'own'")
    found = row(scores, model="sieve", path="own")
    assert found["value"] == pytest.approx(own["correct"].mean())
    assert found["ci_low"] < found["value"] < found["ci_high"]
    assert (found["n"], found["n_cases"]) == (80, 40)
    assert (found["source_sha256"], found["source_rows"]) == ("abc123", 80)
    assert row(scores, model="sieve", path="blind_none")["value"] < 0.5
    assert row(scores, model="sieve", path="own", metric="tokens_kept")["value"] == 32
    assert row(scores, model="full", path="own", category="Grade", metric="f1_macro")["value"] > 0.7


def test_the_rules_that_see_no_image_stand_beside_the_models(answers):
    scores = scores_table(answers, QUESTIONS, FILES, **DRAWS)
    rules = scores[scores["path"] == "rule"]
    assert set(rules["model"]) == {"best_letter", "longest_option", "majority_answer", "chance"}
    assert row(scores, model="chance")["value"] == pytest.approx(1 / 3)
    letters = pd.Series([q.answer for q in QUESTIONS])
    assert row(scores, model="best_letter")["value"] == pytest.approx(
        letters.value_counts(normalize=True).max()
    )


def test_questions_of_one_patient_are_drawn_together(tmp_path):
    """Forty patients with ten equal answers each are forty observations, not four hundred."""
    questions = task(40, per_case=10)
    rows = [answer(q, q.answer if int(q.case_id[1:]) % 2 else "") for q in questions]
    scores = scores_table({("enc", "m"): table(rows, tmp_path)}, questions, FILES, **DRAWS)
    found = row(scores, model="m")
    width = found["ci_high"] - found["ci_low"]
    assert width == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 40), rel=0.2)


def test_contrasts(answers):
    found = comparisons_table(answers, QUESTIONS, FILES, reference="full", **DRAWS)
    blind = row(found, contrast="blind", path_b="blind_donor")
    assert blind["difference"] > 0.3
    assert blind["ci_low"] > 0
    assert blind["p"] <= blind["p_holm"] < 0.05
    soft = row(found, contrast="soft")
    assert (soft["path_a"], soft["path_b"], soft["difference"]) == ("soft", "own", 0)
    assert soft["p"] == 1
    model = row(found, contrast="model")
    assert (model["model_a"], model["model_b"]) == ("sieve", "full")
    values = [
        answers["enc", name].query("path == 'own'")["correct"].mean() for name in ("sieve", "full")
    ]
    assert model["difference"] == pytest.approx(values[0] - values[1])
    against = found[(found["contrast"] == "rule") & (found["model_a"] == "sieve")]
    assert set(against["model_b"]) == {"best_letter", "longest_option", "majority_answer", "chance"}


def test_pairs_are_compared_on_the_questions_both_answered(tmp_path):
    rows = {
        "a": [answer(q, q.answer) for q in QUESTIONS[:30]],
        "b": [answer(q, "") for q in QUESTIONS[20:][::-1]],
    }
    tables = {("enc", name): table(found, tmp_path) for name, found in rows.items()}
    found = comparisons_table(tables, QUESTIONS, FILES, reference="b", **DRAWS)
    pair = row(found, contrast="model")
    assert (pair["n"], pair["n_cases"], pair["difference"]) == (10, 5, 1)
    assert np.isnan(pair["p"])  # of five patients no test can tell anything


def test_tables_come_back_as_they_were_written(answers, tmp_path):
    scores = scores_table(answers, QUESTIONS, FILES, **DRAWS)
    write_csv(tmp_path / "scores.csv", scores)
    back = read_csv(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(back, scores.astype(back.dtypes.to_dict()), rtol=1e-6)


def test_equal_answers_give_equal_bytes(answers, tmp_path):
    for name in ("one", "two"):
        found = comparisons_table(answers, QUESTIONS, FILES, reference="full", **DRAWS)
        write_csv(tmp_path / f"{name}.csv", found)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_open_questions_are_not_marked(tmp_path):
    opened = replace(QUESTIONS[0], question_id="bench:open", options=(), answer="")
    rows = [*guesses(QUESTIONS, 1.0, 0), answer(opened, "", method="text", output="Pink.")]
    scores = scores_table(
        {("enc", "m"): table(rows, tmp_path)}, [*QUESTIONS, opened], FILES, **DRAWS
    )
    assert set(scores.loc[scores["path"] == "own", "method"]) == {"option"}


def test_probabilities_of_more_than_26_options_have_columns_of_their_own(tmp_path):
    many = closed(1, "d", [f"organ {i}" for i in range(30)])
    found = table([answer(many, "d", probabilities=[1 / 30] * 30)], tmp_path)
    assert {"p_a", "p_z", "p_aa", "p_dd"} <= {*found.columns}
    assert found.loc[0, "prediction"] == "d"


def test_written_answers_of_several_lines_stay_one_row(tmp_path):
    found = table([answer(QUESTIONS[0], "A", output="Pink.\r\nSo A.\rYes, A")], tmp_path)
    assert found["output"].tolist() == ["Pink.\nSo A.\nYes, A"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda q: answer(replace(q, question_id="bench:no"), "A"),
            "what is no question: bench:no",
        ),
        (lambda q: answer(q, "D"), "letters without an option: bench:0"),
        (lambda q: answer(q, q.answer, correct=False), "column correct is not that"),
    ],
)
def test_answers_that_do_not_fit_the_questions_are_refused(tmp_path, spoil, said):
    rows = [spoil(QUESTIONS[0]), *guesses(QUESTIONS[1:], 1.0, 0)]
    with pytest.raises(ContractError, match=said):
        scores_table({("enc", "m"): table(rows, tmp_path)}, QUESTIONS, FILES, **DRAWS)


def test_two_answers_on_one_path_are_refused(tmp_path):
    rows = [answer(QUESTIONS[0], "A"), answer(QUESTIONS[0], "B")]
    with pytest.raises(ContractError, match="answers twice on one path: bench:0"):
        scores_table({("enc", "m"): table(rows, tmp_path)}, QUESTIONS, FILES, **DRAWS)
