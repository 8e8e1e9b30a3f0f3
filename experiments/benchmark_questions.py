"""Files of questions about slides: what they hold, what is wrong with them, what they give away.

    python experiments/benchmark_questions.py FORMAT:PART:FILE [FORMAT:PART:FILE …]

FORMAT is one of `vqa.questions.source` (docs/reference/config.md), PART is train, val or test.
Prints Markdown tables: the files with their findings, cases that parts share, and accuracy, with
95 % intervals over patients, of rules that see neither image nor model.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from slidesieve.statistics.bootstrap import cluster_weights, percentile_interval
from slidesieve.vqa.answer_metrics import ACCURACY, metric_cells
from slidesieve.vqa.findings import CHECKS
from slidesieve.vqa.gather import Gathered, gather_questions
from slidesieve.vqa.marked import Marked, rule_answers
from slidesieve.vqa.question_settings import QuestionSource
from slidesieve.vqa.table import Question

_RESAMPLES, _SEED = 1000, 0


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FORMAT:PART:FILE")
    gathered = gather_questions([_source(text) for text in parser.parse_args().files])
    _print(
        ("file", "SHA-256", "rows", "questions kept", "closed", "cases", "findings"),
        _files(gathered),
    )
    _print(("part", "shares cases with", "cases", "questions", "of the other"), _shared(gathered))
    _print(
        ("file", "n", "best letter", "longest option", "majority answer", "chance"),
        _rules(gathered),
    )


def _source(text: str) -> QuestionSource:
    kind, part, path = text.split(":", 2)
    return QuestionSource(kind, path, part, name=Path(path).stem)  # type: ignore[arg-type]


def _files(gathered: Gathered) -> Iterator[Sequence[object]]:
    for file in gathered.sources:
        questions = _of(gathered, file.name)
        counts = gathered.tally.counts(file.name)
        found = "; ".join(f"{counts[check]} {check}" for check in CHECKS if counts[check])
        cases = len({question.case_id for question in questions})
        closed = sum(question.is_closed for question in questions)
        yield file.name, file.sha256[:12], file.rows, len(questions), closed, cases, found or "none"


def _shared(gathered: Gathered) -> Iterator[Sequence[object]]:
    for pair in gathered.shared:
        yield (
            f"{pair.source} ({pair.part})",
            f"{pair.other} ({pair.other_part})",
            *(len(pair.cases), pair.questions, pair.other_questions),
        )


def _rules(gathered: Gathered) -> Iterator[Sequence[object]]:
    for file in gathered.sources:
        closed = tuple(q for q in _of(gathered, file.name) if q.is_closed and q.split != "train")
        if closed:
            yield file.name, len(closed), *map(_accuracy, rule_answers(closed))


def _accuracy(marked: Marked) -> str:
    blocks = [
        metric_cells(marked, weights)["", "", ACCURACY]
        for weights in cluster_weights(marked.cases, _RESAMPLES, _SEED)
    ]
    low, high = percentile_interval(np.concatenate(blocks))
    return f"{marked.right.mean():.4f} ({low:.3f} to {high:.3f})"


def _of(gathered: Gathered, name: str) -> list[Question]:
    return [question for question in gathered.questions if question.source == name]


def _print(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    print()


if __name__ == "__main__":
    main()
