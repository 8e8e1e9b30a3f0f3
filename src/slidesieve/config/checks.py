"""Every mistake of a config, found before the first job starts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slidesieve.cohort.shared import shared_slides
from slidesieve.cohort.sheet import Sheet
from slidesieve.cohort.slides import NO_LABEL
from slidesieve.config.encoder_entry import EncoderEntry
from slidesieve.config.model_source import bundle_encoder_problems, source_problems
from slidesieve.config.names import class_names
from slidesieve.config.own_folds_checks import own_folds_problems
from slidesieve.config.paper_table_checks import paper_table_problems
from slidesieve.config.rule_names import reserved_names
from slidesieve.config.study import encoder_specs, read_dataset_sheet
from slidesieve.config.study_settings import StudySettings
from slidesieve.config.vqa_checks import vqa_problems
from slidesieve.encoders.registry import check_encoder
from slidesieve.errors import ConfigError
from slidesieve.parsing.settings import settings_problems
from slidesieve.parsing.suggestions import did_you_mean
from slidesieve.sheets.regular_files import irregularity
from slidesieve.splits.own_folds import read_own_folds
from slidesieve.splits.settings import FoldSettings
from slidesieve.tissue.params import TissueParams

_MOST_PROBLEMS = 30
# Keys of earlier versions, and what to write now.
_RENAMED = {"studies": "it is called `paper_tables` now"}


@dataclass(frozen=True)
class CheckedConfig:
    """Outcome of the checks: all problems, and the sheets that were read on the way."""

    problems: tuple[str, ...]
    sheets: Mapping[str, Sheet] = field(default_factory=dict)


def check_config(config: Mapping) -> CheckedConfig:
    """Check the keys of a config, their values, the sheets, and its parts against one another.

    Args:
        config: The whole config, all layers laid over one another; defaults need not be filled in.
    """
    problems = [f"{key}: {advice}" for key, advice in _RENAMED.items() if key in config]
    known = {key: value for key, value in config.items() if key not in _RENAMED}
    problems += settings_problems(StudySettings, known)
    sheets = {}
    reserved = reserved_names()
    datasets = dict(_mappings(config.get("datasets")))
    for name, settings in datasets.items():
        where = f"datasets.{name}"
        problems += _source_problems(where, settings)
        problems += source_problems(where, settings, datasets)
        problems += bundle_encoder_problems(where, settings, datasets, _encoder_ids(config))
        if name in reserved:
            problems.append(f"{where}: this is the name of a rule; choose another")
        sheet = _sheet(settings)
        if settings.get("models_from") is None:
            problems += _fold_problems(sheet, settings, where)
        if sheet is not None:
            sheets[name] = sheet
            problems += sheet.problems
            problems += _tissue_problems(sheet, where)
    problems += _leaks_between(datasets, sheets)
    problems += _reference_problems(config)
    problems += _model_problems(config)
    problems += paper_table_problems(config)
    problems += _encoder_problems(config)
    problems += vqa_problems(config)
    return CheckedConfig(tuple(dict.fromkeys(problems)), sheets)


def _mappings(value: object) -> Iterator[tuple[str, Mapping]]:
    if isinstance(value, Mapping):
        yield from ((name, item) for name, item in value.items() if isinstance(item, Mapping))


def _source_problems(where: str, settings: Mapping) -> Iterator[str]:
    given = {key for key, value in settings.items() if value is not None}
    sources = [key for key in ("slides", "features") if key in given]
    if len(sources) != 1:
        yield (
            f"{where}: needs either `slides` (a sample sheet of slides) or `features` "
            "(a folder of ready-made features) with `labels`; "
            f"found {' and '.join(sources) or 'none'}"
        )
    if "features" in given and "labels" not in given:
        yield f"{where}: labels is missing (the sample sheet of the ready-made features)"
    if not {"classes", "models_from"} & given:
        yield f"{where}: classes is missing"
    if "slides" in given and "labels" in given:
        yield f"{where}: labels goes with features; slides name their labels in the sheet"
    truth, features = settings.get("truth"), settings.get("features")
    # Folders in results/ may still have to be made.
    if isinstance(truth, str) and not _is_folder(truth) and Path(truth).parts[:1] != ("results",):
        yield f"{where}.truth: {truth!r} is not a folder"
    if isinstance(features, str):
        # First of all, for a folder of a dead network drive would be waited for without a word.
        if problem := irregularity(Path(features)):
            yield f"{where}.features: {features!r} cannot be used: {problem}"
        elif not _is_folder(features):
            yield f"{where}.features: {features!r} is not a folder"


def _leaks_between(datasets: Mapping, sheets: Mapping[str, Sheet]) -> Iterator[str]:
    """Yield what datasets with labels share with those whose models they are to test."""
    for name, sheet in sheets.items():
        source = datasets[name].get("models_from")
        if source in sheets and any(slide.label != NO_LABEL for slide in sheet.slides):
            shared = shared_slides(sheet.slides, sheets[source].slides, source)
            yield from (f"datasets.{name}: {said}" for said in shared)


def _is_folder(path: str) -> bool:
    return Path(path).is_dir()


def _sheet(settings: Mapping) -> Sheet | None:
    """The dataset's sheet, unless the config is too broken to say which and with what classes."""
    key = "slides" if settings.get("features") is None else "labels"
    classes = class_names(settings.get("classes"))
    if not isinstance(settings.get(key), str) or not classes:
        return None
    return read_dataset_sheet({**settings, "classes": classes})


def _tissue_problems(sheet: Sheet, where: str) -> Iterator[str]:
    for slide in sheet.slides:
        if slide.tissue:
            place = f"{where}, slide {slide.slide_id}"
            yield from _refusals(TissueParams.from_mapping, slide.tissue, place)


def _refusals(parse: Callable[[Any], object], value: object, where: str) -> Iterator[str]:
    """The problems that a parser of ours finds in a value."""
    try:
        parse(value)
    except ConfigError as error:
        yield from (f"{where}: {problem}" if where else problem for problem in error.problems)


def _fold_problems(sheet: Sheet | None, settings: Mapping, where: str) -> Iterator[str]:
    folds = settings.get("folds") or {}
    if not isinstance(folds, Mapping):
        return
    if isinstance(folds.get("file"), str):
        yield from _own_folds_problems(folds, f"{where}.folds", sheet, settings.get("classes"))
    elif sheet is not None:
        k = folds.get("k", FoldSettings().k)
        if not isinstance(k, int) or not sheet.slides:
            return
        if folds.get("group_also") == "site":
            yield from _site_problems(sheet, k, where)
        else:
            yield from _small_classes(sheet, class_names(settings["classes"]), k, where)


def _own_folds_problems(
    folds: Mapping, where: str, sheet: Sheet | None, classes: object
) -> Iterator[str]:
    """A folds file decides the number of folds; keys that say it too must agree."""
    ids = [slide.slide_id for slide in sheet.slides] if sheet else []
    try:
        own = read_own_folds(Path(folds["file"]), ids)
    except ConfigError as error:
        yield from (f"{where}.file: {problem}" for problem in error.problems)
        return
    if "k" in folds and folds["k"] != own.n_folds:
        yield (
            f"{where}.k is {folds['k']}, but {folds['file']} has {own.n_folds} fold(s); "
            "leave k out: the file decides"
        )
    if folds.get("group_also") is not None:
        yield f"{where}.group_also: goes with drawn folds; leave it out"
    if folds.get("repeats", 1) != 1:
        yield f"{where}.repeats: goes with drawn folds; leave it out, for {folds['file']} decides"
    # Rows that could not be read would all be missed in the folds.
    if sheet is not None and not sheet.problems and isinstance(classes, list):
        problems = own_folds_problems(own, sheet.slides, class_names(classes))
        yield from (f"{where}.file: {problem}" for problem in problems[:_MOST_PROBLEMS])
        if len(problems) > _MOST_PROBLEMS:
            yield f"{where}.file: and {len(problems) - _MOST_PROBLEMS} more mistakes"


def _site_problems(sheet: Sheet, k: int, where: str) -> Iterator[str]:
    """Yield why a cohort cannot be split by site; unless rows that could not be read may help."""
    if sheet.n_unread:
        return
    # Only studies that are split by site pay for these imports in each process.
    import pandas as pd

    from slidesieve.splits.site_groups import too_few_sites

    rows = [(slide.slide_id, slide.patient_id, slide.site) for slide in sheet.slides]
    table = pd.DataFrame(rows, columns=["slide_id", "patient_id", "site"])
    yield from (f"{where}.{problem}" for problem in too_few_sites(table, k))


def _small_classes(sheet: Sheet, classes: Sequence[str], k: int, where: str) -> Iterator[str]:
    """Yield the classes with fewer patients than folds, whatever the unread rows may hold."""
    patients = defaultdict(set)
    for slide in sheet.slides:
        patients[slide.label].add(slide.patient_id)
    for label in classes:
        n_patients = len(patients[label])
        if n_patients + sheet.n_unread < k:
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
            if isinstance(named, str) and named not in models:
                meant = did_you_mean(named, map(str, models))
                yield f"{section}.{key}: no model {named!r}; {meant}"


def _model_problems(config: Mapping) -> Iterator[str]:
    models = dict(_mappings(config.get("models")))
    whole = [name for name, spec in models.items() if "like" not in spec]
    for name, spec in models.items():
        if "like" in spec:
            base = str(spec["like"])
            yield (
                f"models.{name}.like: no model {base!r} with a spec of its own; "
                f"{did_you_mean(base, whole)}"
            )
        elif spec.get("aggregator") is None:
            yield f"models.{name}: aggregator is missing"
        if "final_model" in dict(_mappings(spec)).get("training", {}):
            yield f"models.{name}.training: final_model is of all models; set it under training"


def _named_encoders(config: Mapping) -> list[str | Mapping]:
    """The entries of `encoders` that have a name."""
    entries = config.get("encoders")
    return [
        entry
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, str)
        or (isinstance(entry, Mapping) and isinstance(entry.get("name"), str))
    ]


def _encoder_ids(config: Mapping) -> list[str]:
    return [next(iter(encoder_specs([entry]))) for entry in _named_encoders(config)]


def _encoder_problems(config: Mapping) -> Iterator[str]:
    for entry in _named_encoders(config):
        options = {"name": entry} if isinstance(entry, str) else entry
        spec = {key: value for key, value in options.items() if key != "id"}
        yield from _refusals(check_encoder, spec, "encoders")
        if "id" in options:
            wrong = settings_problems(EncoderEntry, {"name": "any", "id": options["id"]})
            yield from (f"encoders: encoder {options['name']}: {problem}" for problem in wrong)
    ids = Counter(_encoder_ids(config))
    for encoder_id, count in ids.items():
        if count > 1:
            yield (
                f"encoders: {count} entries have the id {encoder_id!r}; "
                "give each an `id` of its own"
            )
