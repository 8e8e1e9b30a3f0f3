"""Questions and answers made for tests."""

from __future__ import annotations

import numpy as np

from slidesieve.vqa.answers_table import AnswerRow
from slidesieve.vqa.table import LETTERS, Question


def closed(number, answer="A", options=("left", "right"), case=None, **changes):
    """A closed question of the source `bench`."""
    parts = {
        "question_id": f"bench:{number}",
        "source": "bench",
        "split": "test",
        "case_id": case or f"P{number}",
        "slide_ids": (f"S{case or number}",),
        "category": "Side",
        "subcategory": "",
        "question": "Which side?",
        "options": tuple(options),
        "answer": answer,
        "answer_text": options[LETTERS.index(answer)],
    }
    return Question(**parts | changes)


def answer(question, letter, path="own", method="option", **changes):
    """An answer to a question."""
    parts = {
        "question_id": question.question_id,
        "case_id": question.case_id,
        "slide_ids": question.slide_ids,
        "path": path,
        "method": method,
        "prediction": letter,
        "correct": letter == question.answer,
        "tokens_in": 100,
        "tokens_kept": 32,
    }
    return AnswerRow(**parts | changes)


def task(n_cases, per_case=2, options=("low", "mid", "high"), seed=0):
    """Questions of one task whose options are shuffled, as those of BCNB."""
    rng = np.random.default_rng(seed)
    questions = []
    for number in range(n_cases * per_case):
        shown = tuple(rng.permutation(options).tolist())
        letter = LETTERS[int(rng.integers(len(shown)))]
        questions.append(
            closed(number, letter, shown, case=f"P{number // per_case}", category="Grade")
        )
    return questions
