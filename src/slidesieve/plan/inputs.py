"""Input functions of the rules: the files that a job needs, by its wildcards."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from slidesieve.cohort.slides import Slide
from slidesieve.config.study import Dataset, Study
from slidesieve.plan import layout
from slidesieve.plan.layout import fill
from slidesieve.plan.model_files import content_file, fit_files, internal_results
from slidesieve.plan.targets import models_of_table

Wildcards = Mapping[str, str]
InputFunction = Callable[[Wildcards], list[str]]
Row = tuple[str, str]


@dataclass(frozen=True)
class Inputs:
    """Input functions of a study's rules.

    Attributes:
        study: The study.
    """

    study: Study

    def dataset_of(self, wildcards: Wildcards) -> Dataset:
        """Return the dataset that a job is about."""
        return self.study.datasets[wildcards["dataset"]]

    def slide_of(self, wildcards: Wildcards) -> Slide:
        """Return the slide that a job is about."""
        return self.dataset_of(wildcards).slide(wildcards["slide"])

    def model_pairs(self, wildcards: Wildcards, among: Collection[str] | None = None) -> list[Row]:
        """Return (encoder, model) of every row in a dataset's tables, or in its paper table.

        Args:
            wildcards: Of the job.
            among: Only these models; all by default.
        """
        table, dataset = wildcards.get("paper_table"), self.dataset_of(wildcards)
        rows: Collection[str] = self.study.models
        if table is not None:
            rows = models_of_table(self.study, table)
        elif dataset.models_from is not None:
            rows = self.study.models_of(dataset.name)
        return [
            (encoder, model)
            for encoder in self.study.encoders_of(wildcards["dataset"])
            for model in rows
            if among is None or model in among
        ]

    def fits(self, wildcards: Wildcards) -> list[tuple[Row, int]]:
        """Return ((encoder, model), fold) of each file of `per_fit`."""
        folds = range(self.dataset_of(wildcards).fold_count)
        return [(pair, fold) for pair in self.model_pairs(wildcards) for fold in folds]

    def per_slide(self, pattern: str) -> InputFunction:
        """Return a function that gives a file per slide; none where features are ready-made."""

        def paths(wildcards: Wildcards) -> list[str]:
            dataset = self.dataset_of(wildcards)
            slides = [] if dataset.features_dir else dataset.slide_ids
            return [fill(pattern, **{**wildcards, "slide": slide}) for slide in slides]

        return paths

    def per_encoder(self, pattern: str) -> InputFunction:
        """Return a function that gives a file per encoder of the dataset."""
        return lambda wildcards: [
            fill(pattern, **{**wildcards, "encoder": encoder})
            for encoder in self.study.encoders_of(wildcards["dataset"])
        ]

    def per_fold(self, pattern: str, **names: str) -> InputFunction:
        """Return a function that gives a file per fold of the wildcard's model, or of `names`'."""
        return lambda wildcards: [
            fill(pattern, **{**wildcards, **names, "fold": str(fold)})
            for fold in range(self.dataset_of(wildcards).fold_count)
        ]

    def per_fit_used(self, pattern: str) -> InputFunction:
        """Return a function that gives a file per fit of a model that comes from elsewhere.

        The model is the wildcard's, or else the one whose attention is drawn.
        """

        def paths(wildcards: Wildcards) -> list[str]:
            dataset = self.dataset_of(wildcards)
            model = wildcards.get("model") or self.study.heatmap_model_of(dataset.name)
            return fit_files(dataset, wildcards["encoder"], model, pattern)

        return paths

    def of_heatmap_model(self, pattern: str) -> Callable[[Wildcards], str]:
        """Return a function that gives the file of the model whose attention is drawn."""
        return lambda wildcards: fill(
            pattern, **{**wildcards, "model": self.study.heatmap_model_of(wildcards["dataset"])}
        )

    def per_model(self, pattern: str, among: Collection[str] | None = None) -> InputFunction:
        """Return a function that gives a file per (encoder, model) of `model_pairs`."""
        return lambda wildcards: [
            fill(pattern, **{**wildcards, "encoder": encoder, "model": model})
            for encoder, model in self.model_pairs(wildcards, among)
        ]

    def models_figures(self, wildcards: Wildcards) -> list[str]:
        """Return the figures of all models, one per encoder: external beside internal if it is."""
        is_applied = self.dataset_of(wildcards).models_from is not None
        pattern = layout.EXTERNAL_PLOT if is_applied else layout.MODELS_PLOT
        return self.per_encoder(pattern)(wildcards)

    def training_content(self, wildcards: Wildcards) -> str:
        """Return the table of what the models from elsewhere were trained on."""
        return content_file(self.dataset_of(wildcards), wildcards["encoder"])

    def internal_results(self, wildcards: Wildcards) -> list[str]:
        """Return the files of how the models from elsewhere do on their own cohort."""
        return internal_results(self.dataset_of(wildcards), self.model_pairs(wildcards))

    def answerers(self, wildcards: Wildcards) -> list[Row]:
        """Return (encoder, model) of every model of a dataset that answers questions."""
        models = self.study.vqa.get("models", ()) if self.study.vqa else ()
        return [
            (encoder, model)
            for encoder in self.study.encoders_of(wildcards["dataset"])
            for model in models
        ]

    def per_answerer(self, pattern: str) -> InputFunction:
        """Return a function that gives a file per (encoder, model) of `answerers`."""
        return lambda wildcards: [
            fill(pattern, **{**wildcards, "encoder": encoder, "vqa_model": model})
            for encoder, model in self.answerers(wildcards)
        ]

    def per_fit(self, pattern: str) -> InputFunction:
        """Return a function that gives a file per (encoder, model) and fold."""
        return lambda wildcards: [
            fill(pattern, **{**wildcards, "encoder": encoder, "model": model, "fold": str(fold)})
            for (encoder, model), fold in self.fits(wildcards)
        ]

    def per_model_of_encoder(self, pattern: str) -> InputFunction:
        """Return a function that gives a file per model on the wildcard's encoder."""
        return lambda wildcards: [
            fill(pattern, **{**wildcards, "model": model})
            for encoder, model in self.model_pairs(wildcards)
            if encoder == wildcards["encoder"]
        ]
