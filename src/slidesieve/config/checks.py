"""Every mistake of a config, found before the first job starts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slidesieve.cohort.sheet import Sheet
from slidesieve.config.paper_table_checks import paper_table_problems
from slidesieve.config.study import encoder_specs, read_dataset_sheet
from slidesieve.encoders.registry import check_encoder
from slidesieve.errors import ConfigError
from slidesieve.parsing.schema import schema_problems
from slidesieve.parsing.suggestions import did_you_mean
from slidesieve.tissue.params import TissueParams
from slidesieve.training.settings import TrainingSettings

RESERVED_NAMES = frozenset(
    [
        "all",
        "audit",
        "cohort",
        "cost",
        "curves",
        "demo_slide",
        "evaluation",
        "feature_index",
        "features",
        "folds",
        "heatmap",
        "k_sweep",
        "model_plot",
        "predictions",
        "selector_diagnostics",
        "selector_figure",
        "selectors",
        "side_by_side",
        "paper_table",
        "report_pages",
        "tile_images",
        "tiles",
        "tissue",
        "tissue_montage",
        "token_pages",
        "tokens",
        "train",
    ]
)
"""Names of rules. A dataset is the target of a rule called like it, so its name must be another."""


@dataclass(frozen=True)
class CheckedConfig:
    """Outcome of the checks: all problems, and the sheets that were read on the way."""

    problems: tuple[str, ...]
    sheets: Mapping[str, Sheet] = field(default_factory=dict)


def check_config(config: Mapping, config_schema: Mapping, row_schema: Mapping) -> CheckedConfig:
    """Check a config against its schema, and its parts against one another.

    Args:
        config: The config as the user wrote it; defaults need not be filled in.
        config_schema: JSON schema of the config.
        row_schema: JSON schema of a sample sheet's row.
    """
    problems = schema_problems(config, config_schema)
    sheets = {}
    for name, settings in _mappings(config.get("datasets")):
        problems += _source_problems(name, settings)
        if name in RESERVED_NAMES:
            problems.append(f"datasets.{name}: this is the name of a rule; choose another")
        sheet = _sheet(settings, row_schema)
        if sheet is None:
            continue
        sheets[name] = sheet
        problems += sheet.problems
        problems += _tissue_problems(sheet, settings, f"datasets.{name}")
        problems += _fold_problems(sheet, settings, f"datasets.{name}", config_schema)
    problems += _reference_problems(config)
    problems += _like_problems(config)
    problems += paper_table_problems(config)
    problems += _encoder_problems(config)
    if isinstance(config.get("training"), Mapping):
        problems += _refusals(TrainingSettings.from_config, config["training"], "")
    return CheckedConfig(tuple(problems), sheets)


def _mappings(value: object) -> Iterator[tuple[str, Mapping]]:
    if isinstance(value, Mapping):
        yield from ((name, item) for name, item in value.items() if isinstance(item, Mapping))


def _source_problems(name: str, settings: Mapping) -> Iterator[str]:
    sources = [key for key in ("slides", "features") if key in settings]
    if len(sources) != 1:
        yield (
            f"datasets.{name}: needs either `slides` (a sample sheet of slides) or `features` "
            "(a folder of ready-made features) with `labels`; "
            f"found {' and '.join(sources) or 'none'}"
        )
    if "features" in settings and "labels" not in settings:
        yield f"datasets.{name}: labels is missing (the sample sheet of the ready-made features)"
    if "slides" in settings and "labels" in settings:
        yield f"datasets.{name}: labels goes with features; slides name their labels in the sheet"
    truth = settings.get("truth")
    # What lies in results/ may still have to be made.
    if (
        isinstance(truth, str)
        and not Path(truth).is_dir()
        and Path(truth).parts[:1] != ("results",)
    ):
        yield f"datasets.{name}.truth: {truth!r} is not a folder"
    if isinstance(settings.get("features"), str) and not Path(settings["features"]).is_dir():
        yield f"datasets.{name}.features: {settings['features']!r} is not a folder"


def _sheet(settings: Mapping, row_schema: Mapping) -> Sheet | None:
    """The dataset's sheet, unless the config is too broken to say which and with what classes."""
    key = "labels" if "features" in settings else "slides"
    classes = settings.get("classes")
    if not isinstance(settings.get(key), str) or not isinstance(classes, list) or not classes:
        return None
    return read_dataset_sheet(settings, row_schema)


def _tissue_problems(sheet: Sheet, settings: Mapping, where: str) -> Iterator[str]:
    tissue = settings.get("tissue", {})
    if isinstance(tissue, Mapping):
        yield from _refusals(TissueParams.from_mapping, tissue, where)
    for slide in sheet.slides:
        if slide.tissue:
            place = f"{where}, slide {slide.slide_id}"
            yield from _refusals(TissueParams.from_mapping, slide.tissue, place)


def _refusals(parse: Callable[[Any], object], value: object, where: str) -> Iterator[str]:
    """What a parser of our own has to say against a value."""
    try:
        parse(value)
    except ConfigError as error:
        yield from (f"{where}: {problem}" if where else problem for problem in error.problems)


def _fold_problems(
    sheet: Sheet, settings: Mapping, where: str, config_schema: Mapping
) -> Iterator[str]:
    folds = settings.get("folds", {})
    default_k = config_schema["$defs"]["folds"]["properties"]["k"]["default"]
    k = folds.get("k", default_k) if isinstance(folds, Mapping) else default_k
    if not isinstance(k, int) or not sheet.slides:
        return
    patients = defaultdict(set)
    for slide in sheet.slides:
        patients[slide.label].add(slide.patient_id)
    for label in settings["classes"]:
        n_patients = len(patients[label])
        if n_patients < k:
            yield (
                f"{where}: class {label!r} has {n_patients} patients, fewer than folds.k = {k}; "
                "lower folds.k, or merge or drop the class"
            )


def _reference_problems(config: Mapping) -> Iterator[str]:
    models = config.get("models")
    if not isinstance(models, Mapping):
        return
    keys = (("evaluation", "compare_to"), ("report", "heatmap_model"), ("report", "token_models"))
    for section, key in keys:
        settings = config.get(section)
        value = settings.get(key) if isinstance(settings, Mapping) else None
        for named in value if isinstance(value, list) else [value]:
            if named is not None and named not in models:
                meant = did_you_mean(str(named), list(models))
                yield f"{section}.{key}: no model {named!r}; {meant}"


def _like_problems(config: Mapping) -> Iterator[str]:
    models = dict(_mappings(config.get("models")))
    whole = [name for name, spec in models.items() if "like" not in spec]
    for name, spec in models.items():
        if "like" in spec:
            base = str(spec["like"])
            yield (
                f"models.{name}.like: no model {base!r} with a spec of its own; "
                f"{did_you_mean(base, whole)}"
            )


def _encoder_problems(config: Mapping) -> Iterator[str]:
    entries = config.get("encoders")
    if not isinstance(entries, list):
        return
    specs = []
    for entry in entries:
        if isinstance(entry, str) or (isinstance(entry, Mapping) and "name" in entry):
            specs.append(next(iter(encoder_specs([entry]).items())))
    for _, spec in specs:
        yield from _refusals(check_encoder, spec, "encoders")
    for encoder_id, count in Counter(encoder_id for encoder_id, _ in specs).items():
        if count > 1:
            yield (
                f"encoders: {count} entries have the id {encoder_id!r}; "
                "give each an `id` of its own"
            )
