import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SOURCE = str(Path(workflow.basedir) / "src")

# Rules may run in conda environments of their own, into which the package is not installed.
sys.path.insert(0, SOURCE)
os.environ.update(PYTHONPATH=SOURCE)

from slidesieve.config.load import load_study
from slidesieve.extraction.shards import shards_of
from slidesieve.encoders.tiling_notes import tiling_notes
from slidesieve.errors import ConfigError
from slidesieve.selector_diagnostics.auditable import auditable_models
from slidesieve.stages import STAGES
from slidesieve.paper_tables.sweeps import k_sweeps


def model_problems_once(config):
    """Mistakes in the model specs; looked for by the main process alone, for it takes torch."""
    if not workflow.is_main_process or not isinstance(config.get("models"), dict):
        return []
    from slidesieve.config.model_checks import model_problems

    return model_problems(config["models"])


try:
    study = load_study(config, further_checks=model_problems_once)
except ConfigError as error:
    count = len(error.problems)
    raise WorkflowError(f"{count} mistake(s) in the config or its sample sheets:", *error.problems)
audited_models = auditable_models(study.models)

if workflow.is_main_process:
    tilings = {
        name: (dataset.settings["tile_px"], dataset.settings["target_mpp"])
        for name, dataset in study.datasets.items()
        if dataset.features_dir is None
    }
    for note in tiling_notes(study.encoders, tilings):
        logger.warning(note)


wildcard_constraints:
    dataset="|".join(study.datasets),
    slide=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    encoder=r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    model="|".join(study.models),
    paper_table="|".join(study.paper_tables) or "(?!)",
    fold=r"\d+",


def dataset_of(wildcards):
    return study.datasets[wildcards.dataset]


def settings_of(wildcards):
    return dataset_of(wildcards).settings


def slide_of(wildcards):
    return dataset_of(wildcards).slide(wildcards.slide)


def slide_file(wildcards):
    """The slide as an input, unless it is missing: that is a finding about it, not a broken DAG."""
    path = slide_of(wildcards).path
    return [path] if path.exists() or path.parent == DEMO_SLIDES else []


def per_slide(pattern):
    """Input function: a file for each slide of the dataset."""

    def paths(wildcards):
        return [
            pattern.format(slide=slide_id, **wildcards)
            for slide_id in dataset_of(wildcards).slide_ids
        ]

    return paths


def per_own_slide(pattern):
    """Input function: a file for each slide, none where the dataset starts from features."""

    def paths(wildcards):
        return [] if dataset_of(wildcards).features_dir else per_slide(pattern)(wildcards)

    return paths


def resource(stage, name, default):
    """A stage's resource: what the config says, or the default; some grow by attempt."""
    value = study.resources[stage].get(name, default)
    if name in ("mem_mb", "runtime"):
        return lambda wildcards, attempt: value * attempt
    return value


def as_rule(name, known_as):
    """Let `set-resources` and `set-threads` of a profile reach a rule by another name."""
    resources, settings = workflow.get_rule(name).resources, workflow.resource_settings
    resources.update(settings._parsed_overwrite_resources.get(known_as, {}))
    threads = settings._parsed_overwrite_threads.get(known_as)
    if threads is not None:
        resources["_cores"] = threads


def feature_files(wildcards):
    """The features of all slides: made here, or those the user's folder holds."""
    dataset = dataset_of(wildcards)
    if dataset.features_dir is None:
        return per_slide("results/{dataset}/features/{encoder}/{slide}.h5")(wildcards)
    return [path for path in map(dataset.ready_features, dataset.slide_ids) if path]


def per_encoder(pattern):
    """Input function: a file for each encoder of the dataset."""

    def paths(wildcards):
        return [
            pattern.format(encoder=encoder, **wildcards)
            for encoder in study.encoders_of(wildcards.dataset)
        ]

    return paths


def per_model(pattern, models=tuple(study.models)):
    """Input function: a file for each encoder and model of the dataset."""

    def paths(wildcards):
        encoders = [wildcards.encoder] if "encoder" in wildcards.keys() else None
        return [
            pattern.format(dataset=wildcards.dataset, encoder=encoder, model=model)
            for encoder in encoders or study.encoders_of(wildcards.dataset)
            for model in models
        ]

    return paths


def per_row(pattern, among=tuple(study.models)):
    """Input function: a file for each encoder of the dataset and row of a study's table."""

    def paths(wildcards):
        return [
            pattern.format(dataset=wildcards.dataset, encoder=encoder, model=model)
            for encoder in study.encoders_of(wildcards.dataset)
            for model in study.paper_tables[wildcards.paper_table]["rows"]
            if model in among
        ]

    return paths


def truth_files(wildcards):
    """Truth masks of the dataset's slides, as far as there are any; for the audit alone."""
    folder = settings_of(wildcards)["truth"]
    if folder is None:
        return []
    masks = [Path(folder) / f"{slide_id}.png" for slide_id in dataset_of(wildcards).slide_ids]
    return [mask for mask in masks if mask.exists() or mask.parent == DEMO_TRUTH]


def per_fold(pattern, model=None):
    """Input function: a file for each fold of a model (of the wildcard's, unless one is named)."""

    def paths(wildcards):
        fields = dict(wildcards) | ({"model": model} if model else {})
        return [
            pattern.format(fold=fold, **fields) for fold in range(dataset_of(wildcards).fold_count)
        ]

    return paths


def cohort_rows(wildcards):
    """(slide_id, patient_id, label) of each slide: what folds depend on."""
    return [
        (slide.slide_id, slide.patient_id, slide.label) for slide in dataset_of(wildcards).slides
    ]


def slide_path(wildcards):
    return str(slide_of(wildcards).path)


# One params function a rule: each is called several times a job, which large cohorts feel.


def scale_of(wildcards):
    """What the slide is and how its µm per px is found."""
    slide, settings = slide_of(wildcards), settings_of(wildcards)
    return {
        "path": str(slide.path),
        "on_slide_error": settings["on_slide_error"],
        "scale": {
            "sheet_mpp": slide.mpp,
            "config_mpp": settings["assume_mpp"],
            "use_objective": settings["mpp_from_objective"],
            "reader": settings["reader"],
        },
    }


def segmentation_of(wildcards):
    """All that the tissue of a slide depends on, besides the slide."""
    tissue = settings_of(wildcards)["tissue"] | slide_of(wildcards).tissue
    return scale_of(wildcards) | {"tissue": tissue}


def tiling_of(wildcards):
    """All that the tiles of a slide depend on, besides slide and tissue."""
    settings = settings_of(wildcards)
    names = ("tile_px", "target_mpp", "min_tissue_fraction", "max_upsampling")
    tiles = {name: settings[name] for name in names}
    return scale_of(wildcards) | {
        "tiles": tiles | {"step_px": settings["step_px"] or tiles["tile_px"]}
    }


class Shard:
    """Slides of a dataset that one job encodes, and what their features depend on."""

    def __init__(self, dataset, encoder, name, slide_ids):
        self.rule_name = f"features_{dataset}_{encoder}_{name}"
        self.slide_ids = slide_ids
        self._names = {"dataset": dataset, "encoder": encoder, "shard": name}
        self.dataset = study.datasets[dataset]
        self.encoder = study.encoders[encoder]

    def file(self, pattern):
        """A file of the shard."""
        return pattern.format(**self._names)

    def files(self, pattern):
        """A file for each of its slides."""
        return [pattern.format(slide=slide_id, **self._names) for slide_id in self.slide_ids]

    def slide_files(self, wildcards):
        """Slides that are there; that one is missing is a finding about it, no broken DAG."""
        paths = [self.dataset.slide(slide_id).path for slide_id in self.slide_ids]
        return [path for path in paths if path.exists() or path.parent == DEMO_SLIDES]

    def encoding(self, wildcards):
        return {
            "slides": {slide: str(self.dataset.slide(slide).path) for slide in self.slide_ids},
            "on_slide_error": self.dataset.settings["on_slide_error"],
            "encoder": self.encoder,
        }


def feature_shards():
    """Shards of every dataset that starts from slides, for every encoder."""
    for name, dataset in study.datasets.items():
        if dataset.features_dir is None:
            shards = shards_of(dataset.slide_ids, study.resources["features"]["slides_per_job"])
            for encoder in study.encoders:
                for shard, slide_ids in shards.items():
                    yield Shard(name, encoder, shard, slide_ids)


def models_of(table):
    """Specs of the models in a study's table."""
    return {model: study.models[model] for model in study.paper_tables[table]["rows"]}


def token_figures(name, folder):
    """Pictures of what reducers do to the slides of a dataset, all in one folder."""
    models, slides = study.token_models, study.token_slides(name)
    made = [
        f"{folder}/{file}/{model}/{slide}{ending}"
        for model in models
        for slide in slides
        for file, ending in (("tokens", ".jpg"), ("tokens", ".geojson"), ("gallery", ".jpg"))
    ]
    if len(models) > 1:
        made += [f"{folder}/side_by_side/{slide}.jpg" for slide in slides]
    return made


def targets(name):
    """Everything that is made of one dataset: its studies, if the config has any."""
    return intermediates(name) + results(name)


def intermediates(name):
    """What results are made from, named as targets so that its loss is noticed.

    Snakemake records a failed job as done with its new params, deletes its outputs, and does not
    look for files between its inputs and an existing target: the old results would pass for new.
    """
    dataset = study.datasets[name]
    tables = [models_of(table) for table in study.paper_tables] or [study.models]
    models = sorted(set().union(*tables))
    made = [f"results/{name}/folds.csv"]
    if dataset.features_dir is None:
        made += [f"results/{name}/tiles/{slide}.h5" for slide in dataset.slide_ids]
    for encoder in study.encoders_of(name):
        features = f"results/{name}/features/{encoder}"
        made.append(f"{features}.csv")
        if dataset.features_dir is None:
            made += [f"{features}/{slide}.h5" for slide in dataset.slide_ids]
        for model in models:
            made.append(f"results/{name}/predictions/{encoder}/{model}.csv")
            made += [
                f"results/{name}/models/{encoder}/{model}/fold_{fold}/model.json"
                for fold in range(dataset.fold_count)
            ]
    return made


def results(name):
    """The tables and pictures of a dataset, or of its studies."""
    if study.paper_tables:
        made = [
            f"results/{name}/paper_tables/{table}.{kind}"
            for table in study.paper_tables
            for kind in ("csv", "png", "html")
        ]
        made += [
            f"results/{name}/paper_tables/{table}/selectors.{kind}"
            for table, wanted in study.paper_tables.items()
            if set(wanted["rows"]) & set(audited_models)
            for kind in ("csv", "png")
        ]
        for encoder in study.encoders_of(name):
            made += token_figures(name, f"results/{name}/figures/{encoder}")
            made += [
                f"results/{name}/paper_tables/{table}/k_sweep/{encoder}.png"
                for table in study.paper_tables
                if k_sweeps(models_of(table))
            ]
        return made
    dataset = study.datasets[name]
    made = [
        f"results/{name}/{file}"
        for file in ("cohort.csv", "metrics.csv", "summary.csv", "comparisons.csv", "cost.csv")
    ]
    made += [f"results/{name}/figures/{table}.html" for table in ("cohort", "summary", "cost")]
    if audited_models:
        made += [f"results/{name}/selectors.csv", f"results/{name}/figures/selectors.png"]
    for encoder in study.encoders_of(name):
        figures = f"results/{name}/figures/{encoder}"
        made.append(f"{figures}/models.png")
        made += [
            f"{figures}/{kind}/{model}.png"
            for kind in ("roc", "confusion")
            for model in study.models
        ]
        made += [f"{figures}/selector/{model}.png" for model in audited_models]
        shown = study.shown_slides(name, study.report["heatmaps_per_class"])
        made += [f"{figures}/heatmap/{slide}.png" for slide in shown]
        made += token_figures(name, figures)
        if k_sweeps(study.models):
            made.append(f"{figures}/k_sweep.png")
    if dataset.features_dir is None:
        made.append(f"results/{name}/figures/tissue.png")
        if dataset.settings["tile_images"]:
            made += [f"results/{name}/tile_images/{slide}.zip" for slide in dataset.slide_ids]
    return made
