import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)

# Rules may run in conda environments of their own, into which the package is not installed.
if (ROOT / "src").is_dir():
    sys.path.insert(0, str(ROOT / "src"))
    os.environ.update(PYTHONPATH=str(ROOT / "src"))

from slidesieve.config.load import config_in_force, study_of
from slidesieve.encoders.tiling_notes import tiling_notes
from slidesieve.errors import ConfigError
from slidesieve.extraction.kept import set_aside
from slidesieve.plan import layout, params
from slidesieve.plan.layout import benchmark, fill, log
from slidesieve.plan.left_out import left_out
from slidesieve.plan.shard import FEATURES_RULE, feature_shards, shard_rules
from slidesieve.plan.targets import models_of_table, targets
from slidesieve.selector_diagnostics.auditable import auditable_models
from slidesieve.stages import STAGES

SLIDES_ENV = str(ROOT / "envs" / "slides.yaml")
MODELS_ENV = str(ROOT / "envs" / "models.yaml")


def model_problems_once(config):
    """Mistakes in the model specs; looked for by the main process alone, for it takes torch."""
    if not workflow.is_main_process or not isinstance(config.get("models"), dict):
        return []
    from slidesieve.config.model_checks import model_problems

    return model_problems(config["models"])


try:
    # Captions of the report read the same config.
    config.update(config_in_force(config))
    study = study_of(config, further_checks=model_problems_once)
except ConfigError as error:
    count = len(error.problems)
    raise WorkflowError(f"{count} mistake(s) in the config or its sample sheets:", *error.problems)
audited_models = auditable_models(study.models)
# All that an interval depends on; the other keys of the section change no interval.
intervals = {name: study.evaluation[name] for name in ("bootstrap", "seed")}

if workflow.is_main_process:
    for note in tiling_notes(study.encoders, params.tilings(study)):
        logger.warning(note)
    for dataset in study.datasets.values():
        for warning in dataset.warnings:
            logger.warning(warning)


wildcard_constraints:
    dataset="|".join(study.datasets),
    slide=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    encoder=r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    model="|".join(study.models),
    paper_table="|".join(study.paper_tables) or "(?!)",
    fold=r"\d+",


def dataset_of(wildcards):
    return study.datasets[wildcards.dataset]


def slide_of(wildcards):
    return dataset_of(wildcards).slide(wildcards.slide)


def of_dataset(function):
    """Input or params function: a function of the plan, asked of the wildcard's dataset."""
    return lambda wildcards: function(dataset_of(wildcards))


def of_slide(function):
    """Params function: a function of the plan, asked of the wildcard's dataset and slide."""
    return lambda wildcards: function(dataset_of(wildcards), slide_of(wildcards))


def slide_file(wildcards):
    return params.slide_inputs(slide_of(wildcards).path)


def packed_outline(wildcards):
    return params.packed_outlines(fill(layout.TISSUE, **wildcards))


def slide_path(wildcards):
    return str(slide_of(wildcards).path)


def feature_files(wildcards):
    return params.feature_inputs(dataset_of(wildcards), wildcards.encoder)


def per_slide(pattern):
    """Input function: a file per slide; none where the dataset starts from features."""

    def paths(wildcards):
        dataset = dataset_of(wildcards)
        slides = [] if dataset.features_dir else dataset.slide_ids
        return [fill(pattern, slide=slide_id, **wildcards) for slide_id in slides]

    return paths


def per_encoder(pattern):
    """Input function: a file per encoder of the dataset."""
    return lambda wildcards: [
        fill(pattern, encoder=encoder, **wildcards)
        for encoder in study.encoders_of(wildcards.dataset)
    ]


def per_fold(pattern, **names):
    """Input function: a file per fold of a model: the wildcard's, unless `names` has another."""
    return lambda wildcards: [
        fill(pattern, fold=fold, **(dict(wildcards) | names))
        for fold in range(dataset_of(wildcards).fold_count)
    ]


def model_pairs(wildcards, among=tuple(study.models)):
    """(encoder, model) of every row in the tables of a dataset, or in one of its paper tables."""
    table = wildcards.get("paper_table")
    rows = study.models if table is None else models_of_table(study, table)
    return [
        (encoder, model)
        for encoder in study.encoders_of(wildcards.dataset)
        for model in rows
        if model in among
    ]


def per_model(pattern, among=tuple(study.models)):
    """Input function: a file per (encoder, model) of `model_pairs`."""
    return lambda wildcards: [
        fill(pattern, encoder=encoder, model=model, **wildcards)
        for encoder, model in model_pairs(wildcards, among)
    ]


def fits(wildcards):
    """((encoder, model), fold) of each file of `per_fit`."""
    return [
        (pair, fold)
        for pair in model_pairs(wildcards)
        for fold in range(dataset_of(wildcards).fold_count)
    ]


def per_fit(pattern):
    """Input function: a file per (encoder, model) of `model_pairs` and fold."""
    return lambda wildcards: [
        fill(pattern, encoder=encoder, model=model, fold=fold, **wildcards)
        for (encoder, model), fold in fits(wildcards)
    ]


def threads_of(stage, default=1):
    """A stage's threads: those of the config, or the default."""
    return study.resources[stage].get("threads", default)


def resources_of(stage, **defaults):
    """A stage's resources: those of the config, or the defaults; memory and time grow by attempt."""
    chosen = defaults | {k: v for k, v in study.resources[stage].items() if k in defaults}
    grow = {
        name: lambda wildcards, attempt, value=value: value * attempt
        for name, value in chosen.items()
        if name in ("mem_mb", "runtime")
    }
    return chosen | grow
