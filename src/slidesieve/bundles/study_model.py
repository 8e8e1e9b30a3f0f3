"""One model of a study on disk: where its files lie, and the tables that speak of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from slidesieve.cohort.table import cohort_table, slides_so_far
from slidesieve.config.study import Dataset, Study
from slidesieve.errors import ConfigError
from slidesieve.models.bundle import FINAL
from slidesieve.parsing.suggestions import did_you_mean
from slidesieve.plan import layout
from slidesieve.plan.params import cohort_rows
from slidesieve.statistics.summary import summary_table
from slidesieve.store.features import FeatureSet, read_features
from slidesieve.store.tables import read_csv


@dataclass(frozen=True)
class StudyModel:
    """A model of a study whose results are there.

    Attributes:
        study: The config.
        dataset: The dataset that the model was trained on.
        encoder: Id of the encoder.
        model: The model's name.
        results: Folder of all results.
    """

    study: Study
    dataset: Dataset
    encoder: str
    model: str
    results: Path

    @property
    def spec(self) -> Mapping:
        """The model's spec in the config."""
        return self.study.models[self.model]

    @property
    def encoder_entry(self) -> Mapping:
        """The encoder's entry in the config."""
        return self.study.encoders[self.encoder]

    def at(self, pattern: str, **names: object) -> Path:
        """The file of a pattern, in the folder of results."""
        own = {"dataset": self.dataset.name, "encoder": self.encoder, "model": self.model}
        return layout.below(self.results, pattern, **own, **names)

    def fit_folders(self) -> dict[str, Path]:
        """Folder of each fit by name: `fold_<k>`, and `final` where the study asks for it."""
        folds = range(self.dataset.fold_count)
        found = {f"fold_{fold}": self.at(layout.FOLD, fold=fold) for fold in folds}
        return found | ({FINAL: self.at(layout.FINAL)} if self.study.final_model else {})

    def used_slides(self) -> pd.DataFrame:
        """Rows of the feature index that are ok.

        Raises:
            ConfigError: There are none.
        """
        index = read_csv(self.at(layout.FEATURE_INDEX))
        used = index[index["status"] == "ok"]
        if used.empty:
            raise ConfigError([f"{self.at(layout.FEATURE_INDEX)}: no slide could be used"])
        return used

    def features_of(self, slide_id: str) -> FeatureSet:
        """The features of a slide."""
        ready = self.dataset.ready_features(slide_id)
        return read_features(ready or self.at(layout.FEATURES, slide=slide_id))

    def cohort(self) -> pd.DataFrame:
        """The cohort table; made here, for a study of paper tables has none on disk."""
        slides = slides_so_far(cohort_rows(self.dataset), self._tile_index())
        return cohort_table(slides, [read_csv(self.at(layout.FEATURE_INDEX))])

    def summary(self) -> pd.DataFrame:
        """Metrics of the model's out-of-fold predictions: summary.csv without encoder and model."""
        predictions = {(self.encoder, self.model): read_csv(self.at(layout.PREDICTIONS))}
        draws = self.study.evaluation
        table = summary_table(
            predictions, self.dataset.classes, resamples=draws["bootstrap"], seed=draws["seed"]
        )
        return table.drop(columns=["encoder", "model"])

    def _tile_index(self) -> list[str]:
        return [] if self.dataset.features_dir else [str(self.at(layout.TILE_INDEX))]


def study_model(study: Study, folder: Path, encoder: str | None, model: str | None) -> StudyModel:
    """Find a model of a study.

    Args:
        study: The config.
        folder: Results of the dataset, results/<dataset>.
        encoder: Id of the encoder; None where the dataset has but one.
        model: The model's name; None where the study has but one.

    Raises:
        ConfigError: There is no such dataset, encoder or model.
    """
    name = folder.resolve().name
    if name not in study.datasets:
        raise ConfigError(
            [
                f"{folder}: the config has no dataset {name!r}; "
                f"{did_you_mean(name, study.datasets)}, or give --configfile"
            ]
        )
    return StudyModel(
        study=study,
        dataset=study.datasets[name],
        encoder=_chosen("encoder", encoder, study.encoders_of(name)),
        model=_chosen("model", model, list(study.models)),
        results=folder.resolve().parent,
    )


def _chosen(kind: str, asked: str | None, known: list[str]) -> str:
    if asked is None and len(known) == 1:
        return known[0]
    if asked is None:
        raise ConfigError([f"there are several {kind}s, give --{kind}: {', '.join(known)}"])
    if asked not in known:
        raise ConfigError([f"no {kind} {asked!r}; {did_you_mean(asked, known)}"])
    return asked
