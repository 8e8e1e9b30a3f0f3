"""Score the answers of all models, beside what needs no image, and compare them."""

import json
from pathlib import Path

from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import write_csv
from slidesieve.vqa.answers_table import read_answers
from slidesieve.vqa.evaluation import comparisons_table, scores_table
from slidesieve.vqa.table import read_questions

log_to(snakemake.log[0])
params = snakemake.params
answers = {
    pair: read_answers(Path(path))
    for pair, path in zip(params.answerers, snakemake.input.answers, strict=True)
}
questions = read_questions(Path(snakemake.input.questions))
record = json.loads(Path(snakemake.input.sources).read_text())
files = {file["name"]: (file["sha256"], file["rows"]) for file in record["sources"]}
draws = {"resamples": params.evaluation["bootstrap"], "seed": params.evaluation["seed"]}
write_csv(Path(snakemake.output.scores), scores_table(answers, questions, files, **draws))
write_csv(
    Path(snakemake.output.comparisons),
    comparisons_table(answers, questions, files, params.reference, **draws),
)
