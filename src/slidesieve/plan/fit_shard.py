"""Shards of fits: the folds of a model that one job fits, with features that it reads once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slidesieve.config.study import Dataset, Study
from slidesieve.plan import layout

# Rules of shards are called so, and `train` stands for all of them on the command line.
TRAIN_RULE = "train"


@dataclass(frozen=True)
class FitShard:
    """Folds that one job fits; model and encoder are wildcards of its rule.

    All folds of a model depend on the same inputs and settings, so a job of several is rerun
    exactly when each of them would be.

    Attributes:
        folds: Consecutive numbers.
        datasets: Names of the datasets whose folds are divided like that.
    """

    folds: tuple[int, ...]
    datasets: tuple[str, ...]

    @property
    def name(self) -> str:
        """The first and the last fold, as in "0-4", or the only one."""
        first, last = self.folds[0], self.folds[-1]
        return f"{first}-{last}" if first < last else f"{first}"

    @property
    def rule_name(self) -> str:
        """Name of the shard's own rule."""
        return f"{TRAIN_RULE}_{self.name}"

    def files(self, pattern: str) -> list[str]:
        """One pattern per fold, of a pattern with the wildcard fold."""
        return [layout.fill(pattern, fold=fold) for fold in self.folds]


def fit_shards(study: Study) -> list[FitShard]:
    """Return the shards of all datasets that train models of their own."""
    most = study.resources[TRAIN_RULE]["slides_per_job"]
    datasets_of: dict[tuple[int, ...], list[str]] = {}
    for name, dataset in study.datasets.items():
        if dataset.models_from is None:
            for folds in _divided(dataset, most):
                datasets_of.setdefault(folds, []).append(name)
    return [FitShard(folds, tuple(names)) for folds, names in datasets_of.items()]


def _divided(dataset: Dataset, most: int) -> Iterator[tuple[int, ...]]:
    """Yield runs of folds that together have at most so many slides, as equal in size as can be."""
    n_folds, n_slides = dataset.fold_count, max(1, len(dataset.slide_ids))
    n_jobs = -(-n_folds // max(1, most // n_slides))
    for job in range(n_jobs):
        yield tuple(range(job * n_folds // n_jobs, (job + 1) * n_folds // n_jobs))
