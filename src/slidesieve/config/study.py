"""The config of a study as records, once it is known to be sound."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from slidesieve.cohort.shared import shared_slides
from slidesieve.cohort.sheet import Sheet, read_sheet
from slidesieve.cohort.slides import NO_LABEL, Slide
from slidesieve.config.model_source import ModelSource, find_source
from slidesieve.config.study_settings import StudySettings
from slidesieve.parsing.settings import parse_settings, plain
from slidesieve.reduction.registry import reducer_entry
from slidesieve.splits.own_folds import OwnFolds, read_own_folds
from slidesieve.store.feature_endings import FEATURE_ENDINGS


@dataclass(frozen=True)
class Dataset:
    """One dataset of the config with its slides.

    Attributes:
        name: Key in the config and folder in results/.
        slides: Rows of the sample sheet.
        classes: Labels in their order.
        settings: All keys of `DatasetSettings` as plain values.
        features_dir: Folder of ready-made features, or None if the dataset starts from slides.
        fold_count: Number of folds: K times the repeats, or as many as the user's own file has. Of
            a dataset that takes its models from elsewhere, those of the models' own dataset.
        tested: Slides that some fold tests; others have no out-of-fold prediction.
        warnings: What the sheet may say and may be a trap all the same, one sentence each.
        models_from: Where its models come from; None for a dataset that trains its own.
    """

    name: str
    slides: tuple[Slide, ...]
    classes: tuple[str, ...]
    settings: Mapping
    features_dir: Path | None
    fold_count: int
    tested: frozenset[str]
    warnings: tuple[str, ...] = ()
    models_from: ModelSource | None = None
    _by_id: Mapping[str, Slide] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def slide_ids(self) -> list[str]:
        """Slides in the order of the sheet."""
        return [slide.slide_id for slide in self.slides]

    @property
    def is_labelled(self) -> bool:
        """Whether its slides have labels, so that predictions can be scored."""
        return all(slide.label != NO_LABEL for slide in self.slides)

    def slide(self, slide_id: str) -> Slide:
        """The slide of that name."""
        return self._by_id[slide_id]

    def ready_features(self, slide_id: str) -> Path | None:
        """The ready-made features file of a slide, or None if the folder holds none."""
        if self.features_dir is None:
            return None
        for ending in FEATURE_ENDINGS:
            path = self.features_dir / f"{slide_id}{ending}"
            # A link to nothing is there, too; whoever opens it says what is wrong.
            if os.path.lexists(path):
                return path
        return None

    def __post_init__(self) -> None:
        by_id = {slide.slide_id: slide for slide in self.slides}
        object.__setattr__(self, "_by_id", by_id)


@dataclass(frozen=True)
class Study:
    """A whole config: datasets, encoders, models, tables of papers, and the settings they share."""

    datasets: Mapping[str, Dataset]
    encoders: Mapping[str, Mapping]
    models: Mapping[str, Mapping]
    paper_tables: Mapping[str, Mapping]
    training: Mapping
    evaluation: Mapping
    report: Mapping
    resources: Mapping
    final_model: bool
    own_training: Mapping[str, Mapping] = field(default_factory=dict)
    vqa: Mapping | None = None

    def encoders_of(self, dataset: str) -> list[str]:
        """Ids of the encoders whose features a dataset has."""
        found = self.datasets[dataset]
        if found.models_from is not None and found.models_from.bundle is not None:
            return [found.models_from.bundle.encoder.id]
        return [found.settings["encoder"]] if found.features_dir else list(self.encoders)

    def encoder_entry(self, dataset: str, encoder: str) -> Mapping:
        """Entry of an encoder: that of the config, or else that of the dataset's bundle."""
        source = self.datasets[dataset].models_from
        if encoder not in self.encoders and source is not None and source.bundle is not None:
            return source.bundle.encoder.entry
        return self.encoders[encoder]

    def models_of(self, dataset: str) -> list[str]:
        """Names of the models that predict a dataset."""
        source = self.datasets[dataset].models_from
        if source is not None and source.bundle is not None:
            return [source.bundle.model]
        return list(dict.fromkeys(name for names in self.tables.values() for name in names))

    def reference_model_of(self, dataset: str) -> str:
        """The model that others are compared to on a dataset."""
        models = self.models_of(dataset)
        return self.reference_model if self.reference_model in models else models[0]

    def heatmap_model_of(self, dataset: str) -> str:
        """The model whose attention is drawn on a dataset."""
        models = self.models_of(dataset)
        return self.heatmap_model if self.heatmap_model in models else models[0]

    def token_models_of(self, dataset: str) -> list[str]:
        """The models of which it is shown on a dataset what they keep, merge and prune."""
        models = self.models_of(dataset)
        return [model for model in self.token_models if model in models]

    @property
    def all_model_names(self) -> list[str]:
        """Names of all models: those of the config and those of bundles."""
        of_datasets = chain.from_iterable(map(self.models_of, self.datasets))
        return list(dict.fromkeys([*self.models, *of_datasets]))

    @property
    def tables(self) -> dict[str | None, list[str]]:
        """Models of each table that is made, by name.

        The config's own table of all models (None), or its paper tables in place of that one.
        """
        if not self.paper_tables:
            return {None: list(self.models)}
        return {name: list(table["rows"]) for name, table in self.paper_tables.items()}

    @property
    def reference_model(self) -> str:
        """The model that others are compared to."""
        return self.evaluation["compare_to"] or next(iter(self.models))

    def training_of(self, model: str) -> Mapping:
        """How a model is fitted: the section `training`, and what the model has otherwise."""
        return {**self.training, **self.own_training.get(model, {})}

    @property
    def vqa_reference(self) -> str | None:
        """The model that others which answer questions are compared to; None if there are none."""
        if self.vqa is None:
            return None
        return self.vqa["compare_to"] or next(iter(self.vqa.get("models", ())), None)

    @property
    def heatmap_model(self) -> str:
        """The model whose attention is drawn."""
        return self.report["heatmap_model"] or self.reference_model

    @property
    def token_models(self) -> list[str]:
        """The models of which it is shown what they keep, merge and prune."""
        named = self.report["token_models"]
        if named is not None:
            return list(named)
        return [] if self.paper_tables else [*filter(self._reduces_by_learning, self.models)]

    def shown_slides(self, dataset: str, per_class: int) -> list[str]:
        """The first tested slides of each class, as many as asked for; none without pixels."""
        found = self.datasets[dataset]
        if found.features_dir is not None:
            return []
        of_class: dict[str, list[str]] = {label: [] for label in (*found.classes, NO_LABEL)}
        for slide in found.slides:
            if slide.slide_id in found.tested:
                of_class[slide.label].append(slide.slide_id)
        return [slide_id for ids in of_class.values() for slide_id in ids[:per_class]]

    def token_slides(self, dataset: str) -> list[str]:
        """The slides of a dataset on which the tokens of `token_models` are shown."""
        return self.shown_slides(dataset, self.report["tokens_per_class"])

    def _reduces_by_learning(self, model: str) -> bool:
        return reducer_entry(self.models[model]).learned


def encoder_specs(entries: Sequence[str | Mapping]) -> dict[str, dict]:
    """Encoders of the config by id: the name made fit for a path, unless `id` is given."""
    specs = {}
    for entry in entries:
        spec = {"name": entry} if isinstance(entry, str) else dict(entry)
        encoder_id = spec.pop("id", None) or re.sub(r"[^A-Za-z0-9_.-]+", "_", spec["name"])
        specs[encoder_id] = spec
    return specs


def read_dataset_sheet(settings: Mapping) -> Sheet:
    """Read the sheet that a dataset names, of slides or of ready-made features."""
    slides_dir = settings.get("slides_dir")
    has_features = settings.get("features") is not None
    return read_sheet(
        Path(settings["labels"] if has_features else settings["slides"]),
        settings["classes"],
        needs_path=not has_features,
        slides_dir=Path(slides_dir) if slides_dir else None,
        needs_label=settings.get("models_from") is None,
    )


def build_study(config: Mapping, sheets: Mapping[str, Sheet]) -> Study:
    """Fill in the defaults of a config that has passed all checks, and make its records.

    Models keep their specs as they stand, for fitted models are compared to them.

    Args:
        config: The config.
        sheets: The sheet of each dataset.
    """
    settings = plain(parse_settings(StudySettings, config))
    # Fits of folds do not depend on it, and it is no reason to make them anew.
    final_model = settings["training"].pop("final_model")
    own = {
        name: _dataset(name, dataset, sheets[name])
        for name, dataset in settings["datasets"].items()
    }
    return Study(
        datasets={name: _with_source(dataset, own, final_model) for name, dataset in own.items()},
        encoders=encoder_specs(settings["encoders"]),
        models={name: _without_training(spec) for name, spec in config["models"].items()},
        own_training={
            name: spec["training"]
            for name, spec in config["models"].items()
            if spec.get("training")
        },
        paper_tables={name: _given(table) for name, table in settings["paper_tables"].items()},
        training=settings["training"],
        evaluation=settings["evaluation"],
        report=settings["report"],
        resources={stage: _given(wanted) for stage, wanted in settings["resources"].items()},
        final_model=final_model,
        vqa=settings["vqa"],
    )


def _without_training(spec: Mapping) -> Mapping:
    return {key: value for key, value in spec.items() if key != "training"}


def _dataset(name: str, settings: Mapping, sheet: Sheet) -> Dataset:
    folds, features = settings["folds"], settings["features"]
    ids = [slide.slide_id for slide in sheet.slides]
    own = None if folds["file"] is None else read_own_folds(Path(folds["file"]), ids)
    return Dataset(
        name=name,
        slides=sheet.slides,
        classes=tuple(settings["classes"]),
        settings=settings,
        features_dir=None if features is None else Path(features),
        fold_count=own.n_folds if own else folds["k"] * folds["repeats"],
        tested=own.tested if own else frozenset(ids),
        warnings=(*sheet.warnings, *(_unused(own) if own else ())),
    )


def _with_source(dataset: Dataset, datasets: Mapping[str, Dataset], final_model: bool) -> Dataset:
    """Tell a dataset that trains no models of its own where they come from."""
    named = dataset.settings["models_from"]
    if named is None:
        return dataset
    source = find_source(named, datasets)
    if source.bundle is not None:
        return replace(dataset, models_from=source, fold_count=len(source.bundle.folds))
    trained, source = datasets[named], replace(source, has_final=final_model)
    # With labels they are mistakes, see the checks.
    shared = () if dataset.is_labelled else shared_slides(dataset.slides, trained.slides, named)
    warnings = (*dataset.warnings, *(f"datasets.{dataset.name}: {said}" for said in shared))
    return replace(dataset, models_from=source, fold_count=trained.fold_count, warnings=warnings)


def _unused(own: OwnFolds) -> Iterator[str]:
    for fold, slides in own.unused.items():
        shown = ", ".join(slides[:5]) + (", …" if len(slides) > 5 else "")
        yield f"{fold} of the own folds does not use {len(slides)} slide(s): {shown}"


def _given(settings: Mapping) -> dict[str, object]:
    """Settings without those that are left open."""
    return {key: value for key, value in settings.items() if value is not None}
