"""Shards: the slides of a dataset that one features job encodes with one load of the encoder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from slidesieve.config.study import Dataset, Study
from slidesieve.extraction.shards import shards_of
from slidesieve.plan import layout
from slidesieve.plan.params import slide_inputs, weights_stamps

# Rules of shards are called so, and `features` stands for all of them on the command line.
FEATURES_RULE = "features"


@dataclass(frozen=True)
class ShardSlides:
    """Files of the slides of a job.

    Of a param that is no plain value, Snakemake keeps no record, so that it reruns nothing.

    Attributes:
        paths: By slide_id.
    """

    paths: Mapping[str, str]


@dataclass(frozen=True)
class Shard:
    """Slides of a dataset that one job encodes.

    Attributes:
        dataset: The dataset, with the paths of its slides.
        encoder: Id of the encoder.
        encoder_spec: The encoder's entry in the config.
        name: Bits that the hashes of these slides have in common, or "all".
        slide_ids: The slides.
    """

    dataset: Dataset
    encoder: str
    encoder_spec: Mapping
    name: str
    slide_ids: tuple[str, ...]

    @property
    def rule_name(self) -> str:
        """Name of the shard's own rule."""
        return f"{FEATURES_RULE}_{self.dataset.name}_{self.encoder}_{self.name}"

    def file(self, pattern: str) -> str:
        """The shard's file of a pattern with the wildcards dataset, encoder and shard."""
        return layout.fill(
            pattern, dataset=self.dataset.name, encoder=self.encoder, shard=self.name
        )

    def files(self, pattern: str) -> list[str]:
        """One file per slide, of a pattern with the wildcards dataset, encoder and slide."""
        return [layout.fill(self.file(pattern), slide=slide_id) for slide_id in self.slide_ids]

    def slide_files(self) -> list[str]:
        """Files of the slides that exist, or that the demo will paint."""
        slides = map(self.dataset.slide, self.slide_ids)
        return [path for slide in slides for path in slide_inputs(slide.path)]

    def params(self) -> dict[str, object]:
        """Everything the features depend on, besides slides and tiles."""
        return {
            "on_slide_error": self.dataset.settings["on_slide_error"],
            "encoder": dict(self.encoder_spec),
            "weights": weights_stamps(self.encoder_spec),
        }

    def slides(self) -> ShardSlides:
        """The slides' files; which slides share a job is nothing that features depend on."""
        return ShardSlides({i: str(self.dataset.slide(i).path) for i in self.slide_ids})

    def inputs_by_output(self) -> dict[str, set[str]]:
        """The inputs that each features file depends on: those of its own slide."""
        checked = self.file(layout.TILE_INDEX)
        return {
            out: {checked, tiles, *slide_inputs(self.dataset.slide(slide_id).path)}
            for slide_id, out, tiles in zip(
                self.slide_ids,
                self.files(layout.FEATURES),
                self.files(layout.TILES),
                strict=True,
            )
        }


def feature_shards(study: Study) -> Iterator[Shard]:
    """Yield the shards of every dataset that starts from slides, for every encoder."""
    most = study.resources["features"]["slides_per_job"]
    for dataset in study.datasets.values():
        if dataset.features_dir is None:
            shards = shards_of(dataset.slide_ids, most)
            for encoder in study.encoders_of(dataset.name):
                entry = study.encoder_entry(dataset.name, encoder)
                for name, slide_ids in shards.items():
                    yield Shard(dataset, encoder, entry, name, tuple(slide_ids))


def shard_rules(shards: Iterable[Shard], targets: Collection[str]) -> list[str]:
    """Names of the shards' rules, of the datasets that the targets of a run belong to.

    Args:
        shards: Shards of the study.
        targets: Datasets and files as on the command line; none means all datasets.
    """
    return [
        shard.rule_name
        for shard in shards
        if not targets or any(_belongs(target, shard.dataset.name) for target in targets)
    ]


def _belongs(target: str, dataset: str) -> bool:
    return target in (dataset, "all") or target.startswith(f"{layout.RESULTS}/{dataset}/")
