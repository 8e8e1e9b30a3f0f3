"""Read all files of questions into one table, with what was found wrong with them."""

from pathlib import Path

from slidesieve.runtime.logs import log_to
from slidesieve.store.atomic import write_json, write_text
from slidesieve.store.tables import write_csv
from slidesieve.vqa.cases import slide_index
from slidesieve.vqa.gather import gather_section
from slidesieve.vqa.table import write_questions

log_to(snakemake.log[0])
output, params = snakemake.output, snakemake.params
gathered = gather_section(params.settings, slide_index(params.slides))
write_questions(Path(output.questions), gathered.questions)
write_csv(Path(output.findings), gathered.findings)
write_json(Path(output.sources), gathered.record() | {"stage": params.stage})
write_text(Path(output.learnt_from), gathered.learnt_from + "\n")
