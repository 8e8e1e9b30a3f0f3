"""Train one model that answers questions."""

from pathlib import Path

from slidesieve.runtime.devices import pick_device, set_threads
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.vqa.case_bags import CaseBags
from slidesieve.vqa.fitting import FittingSettings, fit_answerer
from slidesieve.vqa.model import save_answerer
from slidesieve.vqa.table import read_questions

log_to(snakemake.log[0])
set_threads(snakemake.threads)
settings = FittingSettings.from_params(snakemake.params.settings)
state = Path(snakemake.params.state.format(**snakemake.wildcards))
index = read_csv(Path(snakemake.input.index), required=["slide_id", "path", "status"])
bags = CaseBags(
    {row.slide_id: Path(row.path) for row in index.itertuples() if row.status == "ok"},
    settings.model.max_tokens,
    memory_budget_bytes=snakemake.params.preload_mb * 1e6,
)
questions = [q for q in read_questions(Path(snakemake.input.questions)) if q.split == "train"]
built = next(iter(snakemake.input.language), None)
answerer, history = fit_answerer(
    settings, bags.answerable(questions), bags.bag, built, pick_device(), state
)
save_answerer(Path(snakemake.output.model), answerer)
write_csv(Path(snakemake.output.history), history)
state.unlink(missing_ok=True)
