"""The files that a study makes of each dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from slidesieve.config.study import Study
from slidesieve.paper_tables.sweeps import k_sweeps
from slidesieve.plan import layout
from slidesieve.plan.layout import fill
from slidesieve.selector_diagnostics.auditable import auditable_models

_TABLES = (
    *(layout.COHORT, layout.METRICS, layout.SUMMARY, layout.COMPARISONS, layout.COST),
    layout.FITS,
)
_PAGES = (layout.COHORT_PAGE, layout.SUMMARY_PAGE, layout.COST_PAGE, layout.HEADLINE)
_COHORT = (layout.COHORT, layout.COHORT_PAGE)
_EXTERNAL = (
    *(layout.METRICS, layout.SUMMARY, layout.COMPARISONS),
    *(layout.EXTERNAL, layout.EXTERNAL_PAGE, layout.HEADLINE),
)
_PAPER_TABLE = (layout.PAPER_TABLE, layout.PAPER_TABLE_FIGURE, layout.PAPER_TABLE_PAGE)
_FOLD = (
    layout.WEIGHTS,
    layout.MODEL,
    layout.HISTORY,
    layout.FIT_SECONDS,
    layout.FOLD_PREDICTIONS,
    layout.VAL_PREDICTIONS,
)
_FINAL = (layout.FINAL_WEIGHTS, layout.FINAL_MODEL, layout.FINAL_HISTORY)
_TOKEN_PICTURES = (layout.TOKEN_MAP, layout.TOKEN_GEOJSON, layout.TOKEN_GALLERY)


def targets(study: Study, name: str) -> list[str]:
    """Everything that is made of one dataset: its paper tables, if the config has any."""
    if study.datasets[name].models_from is not None:
        return [*_slide_files(study, name), *applied_results(study, name)]
    results = paper_table_results if study.paper_tables else dataset_results
    return [*intermediates(study, name), *results(study, name), *vqa_results(study, name)]


def models_of_table(study: Study, table: str) -> dict[str, Mapping]:
    """Specs of the models in a paper table, by name."""
    return {model: study.models[model] for model in study.paper_tables[table]["rows"]}


def intermediates(study: Study, name: str) -> Iterator[str]:
    """Yield the files that results are made from, so that the loss of one is noticed.

    Snakemake records a failed job as done with its new params, deletes its outputs, and does not
    look for files between its inputs and an existing target: the old results would pass for new.
    """
    dataset = study.datasets[name]
    tables: list[Mapping] = [models_of_table(study, table) for table in study.paper_tables] or [
        study.models
    ]
    models: list[str] = sorted(set().union(*tables))
    yield fill(layout.FOLDS, dataset=name)
    yield from _slide_files(study, name)
    for encoder in study.encoders_of(name):
        here = {"dataset": [name], "encoder": [encoder]}
        yield from _each(layout.PREDICTIONS, model=models, **here)
        for pattern in _FOLD:
            yield from _each(pattern, model=models, fold=range(dataset.fold_count), **here)
        for pattern in _FINAL if study.final_model else ():
            yield from _each(pattern, model=models, **here)


def _slide_files(study: Study, name: str) -> Iterator[str]:
    """Yield what is made of each slide before any model sees it."""
    dataset = study.datasets[name]
    if dataset.features_dir is None:
        yield fill(layout.TILE_INDEX, dataset=name)
        for pattern in (layout.TISSUE, layout.OVERVIEW, layout.TILES):
            yield from _each(pattern, slide=dataset.slide_ids, dataset=[name])
    for encoder in study.encoders_of(name):
        here = {"dataset": [name], "encoder": [encoder]}
        yield from _each(layout.FEATURE_INDEX, **here)
        if dataset.features_dir is None:
            yield from _each(layout.FEATURES, slide=dataset.slide_ids, **here)


def applied_results(study: Study, name: str) -> Iterator[str]:
    """Yield what is made of a dataset whose models come from elsewhere."""
    models = study.models_of(name)
    is_labelled = study.datasets[name].is_labelled
    for pattern in (*_COHORT, *(_EXTERNAL if is_labelled else ())):
        yield fill(pattern, dataset=name)
    for encoder in study.encoders_of(name):
        here = {"dataset": [name], "encoder": [encoder]}
        for pattern in (layout.PREDICTIONS, layout.PREDICTIONS_BY_FIT):
            yield from _each(pattern, model=models, **here)
        if is_labelled:
            yield from _each(layout.EXTERNAL_PLOT, **here)
            for pattern in (layout.ROC, layout.CONFUSION):
                yield from _each(pattern, model=models, **here)
        yield from _heatmaps(study, name, encoder)
        yield from _slide_pages(study, name, encoder)
        yield from token_pictures(study, name, encoder)
    yield from _slide_pictures(study, name)


def dataset_results(study: Study, name: str) -> Iterator[str]:
    """Yield the tables and pictures of a dataset over all models of the config."""
    audited = auditable_models(study.models)
    for pattern in (*_TABLES, *_PAGES):
        yield fill(pattern, dataset=name)
    if study.evaluation["calibrate"]:
        yield fill(layout.CALIBRATION, dataset=name)
        yield fill(layout.CALIBRATION_PAGE, dataset=name)
    if study.datasets[name].settings["folds"]["group_also"] == "site":
        yield fill(layout.SITES, dataset=name)
    if len(study.encoders_of(name)) > 1:
        yield fill(layout.ENCODER_COMPARISONS, dataset=name)
        yield fill(layout.ENCODER_DIFFERENCES_PLOT, dataset=name)
    if audited:
        yield fill(layout.SELECTORS, dataset=name)
        yield fill(layout.SELECTORS_FIGURE, dataset=name)
    for encoder in study.encoders_of(name):
        here = {"dataset": [name], "encoder": [encoder]}
        yield from _each(layout.MODELS_PLOT, **here)
        yield from _each(layout.ROC, model=study.models, **here)
        yield from _each(layout.CONFUSION, model=study.models, **here)
        yield from _each(layout.SELECTOR_FIGURE, model=audited, **here)
        yield from _heatmaps(study, name, encoder)
        yield from _slide_pages(study, name, encoder)
        yield from token_pictures(study, name, encoder)
        if k_sweeps(study.models):
            yield from _each(layout.K_SWEEP, **here)
    yield from _slide_pictures(study, name)


def _heatmaps(study: Study, name: str, encoder: str) -> Iterator[str]:
    """Yield the folder of heat maps; its job chooses the slides, when it is known which are ok."""
    if study.datasets[name].features_dir is None and study.report["heatmaps_per_class"]:
        yield fill(layout.HEATMAPS, dataset=name, encoder=encoder)


def _slide_pages(study: Study, name: str, encoder: str) -> Iterator[str]:
    """Yield the folder of pages, whose job chooses the slides, and the page of errors."""
    if study.datasets[name].features_dir is None:
        for pattern in (layout.SLIDE_PAGES, layout.ERRORS_PAGE):
            yield fill(pattern, dataset=name, encoder=encoder)


def _slide_pictures(study: Study, name: str) -> Iterator[str]:
    dataset = study.datasets[name]
    if dataset.features_dir is None:
        yield fill(layout.TISSUE_MONTAGE, dataset=name)
        if dataset.settings["tile_images"]:
            yield from _each(layout.TILE_IMAGES, dataset=[name], slide=dataset.slide_ids)


def paper_table_results(study: Study, name: str) -> Iterator[str]:
    """Yield the paper tables of a dataset, with their figures and pages."""
    audited = set(auditable_models(study.models))
    for table in study.paper_tables:
        models = models_of_table(study, table)
        for pattern in _PAPER_TABLE:
            yield fill(pattern, dataset=name, paper_table=table)
        if audited & set(models):
            yield fill(layout.PAPER_SELECTORS, dataset=name, paper_table=table)
            yield fill(layout.PAPER_SELECTORS_FIGURE, dataset=name, paper_table=table)
        if k_sweeps(models):
            for encoder in study.encoders_of(name):
                yield fill(layout.PAPER_K_SWEEP, dataset=name, paper_table=table, encoder=encoder)
    for encoder in study.encoders_of(name):
        yield from token_pictures(study, name, encoder)


def vqa_results(study: Study, name: str) -> Iterator[str]:
    """Yield the tables and pages of slide question answering, if the config has any."""
    if study.vqa is None:
        return
    for pattern in (layout.VQA_QUESTIONS, layout.VQA_FINDINGS, layout.VQA_SOURCES):
        yield fill(pattern, dataset=name)
    if study.vqa.get("models"):
        for pattern in (layout.VQA_SCORES, layout.VQA_COMPARISONS, layout.VQA_SCORES_PAGE):
            yield fill(pattern, dataset=name)
        here = {"dataset": [name], "encoder": study.encoders_of(name)}
        yield from _each(layout.VQA_SCORES_PLOT, **here)
        yield from _each(layout.VQA_ANSWERS_PAGE, vqa_model=study.vqa["models"], **here)


def token_pictures(study: Study, name: str, encoder: str) -> Iterator[str]:
    """Yield the pictures that show what reducers do to the tiles of some slides."""
    models, slides = study.token_models_of(name), study.token_slides(name)
    here = {"dataset": [name], "encoder": [encoder]}
    for pattern in _TOKEN_PICTURES:
        yield from _each(pattern, model=models, slide=slides, **here)
    if len(models) > 1:
        yield from _each(layout.SIDE_BY_SIDE, slide=slides, **here)


def _each(pattern: str, **names: Iterable[object]) -> Iterator[str]:
    """Yield a pattern filled with every combination of names."""
    if not names:
        yield pattern
        return
    (name, values), *rest = names.items()
    for value in values:
        yield from _each(fill(pattern, **{name: value}), **dict(rest))
