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
from slidesieve.config.yaml_traps import yaml_traps
from slidesieve.encoders.tiling_notes import tiling_notes
from slidesieve.errors import ConfigError
from slidesieve.extraction.kept import set_aside
from slidesieve.plan import layout, params
from slidesieve.plan.fit_shard import TRAIN_RULE, fit_shards
from slidesieve.plan.inputs import Inputs
from slidesieve.plan.layout import benchmark, fill, log
from slidesieve.plan.left_out import left_out
from slidesieve.plan.shard import FEATURES_RULE, feature_shards, shard_rules
from slidesieve.plan.targets import models_of_table, targets
from slidesieve.selector_diagnostics.auditable import auditable_models
from slidesieve.stages import STAGES

SLIDES_ENV = str(ROOT / "envs" / "slides.yaml")
MODELS_ENV = str(ROOT / "envs" / "models.yaml")


def further_problems(config):
    """Mistakes in the model specs and traps of YAML; the main process alone looks for them."""
    if not workflow.is_main_process:
        return []
    problems = yaml_traps([Path(file) for file in workflow.configfiles])
    if isinstance(config.get("models"), dict):
        # It takes torch.
        from slidesieve.config.model_checks import model_problems, vqa_model_problems

        problems += model_problems(config["models"])
        problems += vqa_model_problems(config.get("vqa"))
    return problems


try:
    # Captions of the report read the same config.
    config.update(config_in_force(config))
    study = study_of(config, further_checks=further_problems)
except ConfigError as error:
    count = len(error.problems)
    raise WorkflowError(f"{count} mistake(s) in the config or its sample sheets:", *error.problems)
audited_models = auditable_models(study.models)
inputs = Inputs(study)
shards_of_fits = fit_shards(study)
dataset_of, slide_of = inputs.dataset_of, inputs.slide_of
# All that an interval depends on; the other keys of the section change no interval.
intervals = {name: study.evaluation[name] for name in ("bootstrap", "seed")}

# Datasets that train models of their own; rules/applied.smk has the others.
TRAINED = "|".join(n for n, found in study.datasets.items() if found.models_from is None) or "(?!)"

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
    model="|".join(study.all_model_names),
    paper_table="|".join(study.paper_tables) or "(?!)",
    vqa_model=r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    fold=r"\d+",


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
