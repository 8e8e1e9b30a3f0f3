"""Read all files of questions into one table, with what was found wrong with them."""

from pathlib import Path

from slidesieve.runtime.logs import log_to
from slidesieve.store.atomic import write_json, write_text
from slidesieve.vqa.cases import slide_index
from slidesieve.vqa.findings import write_findings
from slidesieve.vqa.gather import gather_questions
from slidesieve.vqa.question_settings import QuestionSource
from slidesieve.vqa.table import questions_sha256, write_questions

log_to(snakemake.log[0])
output, settings = snakemake.output, snakemake.params.settings
gathered = gather_questions(
    [QuestionSource(**source) for source in settings["questions"]],
    slide_index(snakemake.params.slides),
    settings["slides_per_case"],
    settings["leakage"],
)
write_questions(Path(output.questions), gathered.questions)
write_findings(Path(output.findings), gathered.tally, [file.name for file in gathered.sources])
write_json(
    Path(output.sources),
    gathered.record() | {"settings": settings, "stage": snakemake.params.stage},
)
write_text(
    Path(output.learnt_from), questions_sha256(q for q in gathered.questions if q.split != "test")
)
