"""The tables of one dataset that the viewer shows: its slides, its models, their verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from slidesieve.errors import ContractError
from slidesieve.evaluation.verdicts import classes_of, slide_verdicts
from slidesieve.plan import layout
from slidesieve.store.tables import read_csv

_COHORT_COLUMNS = ("slide_id", "label", "path", "status", "reason")


@dataclass(frozen=True)
class ViewedModel:
    """A model's out-of-fold predictions.

    Attributes:
        encoder: Id of the encoder.
        model: Name of the model.
        classes: Class names in the order of the config.
        verdicts: A row per slide, see `slide_verdicts`.
    """

    encoder: str
    model: str
    classes: list[str]
    verdicts: pd.DataFrame


@dataclass(frozen=True)
class ViewedStudy:
    """One dataset of a finished study; nothing else of the disk is shown.

    Attributes:
        folder: results/<dataset>.
        cohort: Rows of cohort.csv by slide_id.
        models: By "<encoder>/<model>".
        truth: Folder of truth masks, None if there is none.
    """

    folder: Path
    cohort: Mapping[str, Mapping]
    models: Mapping[str, ViewedModel]
    truth: Path | None

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.folder.name

    @cached_property
    def run_folder(self) -> Path:
        """The folder that paths of the study's tables start from."""
        return self.folder.parents[1]

    def slide_path(self, slide_id: str) -> Path:
        """The slide's file."""
        return self.run_folder / self.cohort[slide_id]["path"]

    def file(self, pattern: str, **names: str) -> Path:
        """A file of the dataset, by its pattern in `plan.layout`."""
        return layout.below(self.folder.parent, pattern, dataset=self.name, **names)


def open_study(folder: Path, truth: Path | None = None) -> ViewedStudy:
    """Read the tables of a dataset.

    Args:
        folder: results/<dataset>.
        truth: Folder of truth masks, <slide_id>.png; by default `truth` in the dataset's folder,
            where the demo has its own.

    Raises:
        ContractError: It is no folder of a dataset, or its tables lack columns.
    """
    folder = folder.resolve()
    if not (folder / "cohort.csv").is_file():
        raise ContractError(
            f"{folder}: holds no cohort.csv; give results/<dataset> of a study that has run"
        )
    cohort = read_csv(folder / "cohort.csv", required=_COHORT_COLUMNS)
    own_truth = folder / "truth"
    return ViewedStudy(
        folder=folder,
        cohort={row["slide_id"]: row for row in cohort.to_dict("records")},
        models={f"{found.encoder}/{found.model}": found for found in _models(folder)},
        truth=truth or (own_truth if own_truth.is_dir() else None),
    )


def _models(folder: Path) -> Iterator[ViewedModel]:
    """Yield the models in the order in which metrics.csv lists them, others behind."""
    files = {(path.parent.name, path.stem): path for path in folder.glob("predictions/*/*.csv")}
    ordered: dict[tuple[str, str], None] = {}
    if (folder / "metrics.csv").is_file():
        rows = read_csv(folder / "metrics.csv", required=["encoder", "model"])
        ordered = dict.fromkeys(zip(rows["encoder"], rows["model"], strict=True))
    for pair in dict.fromkeys([*ordered, *sorted(files)]):
        if pair in files:
            table = read_csv(files[pair], required=["slide_id", "label", "prediction"])
            yield ViewedModel(*pair, classes_of(table), slide_verdicts(table))
