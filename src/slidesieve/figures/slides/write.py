"""From the tables of a dataset to the pages of its slides and the page of its errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.evaluation.verdicts import slide_verdicts
from slidesieve.figures.slide_heatmap import slides_to_show
from slidesieve.figures.slides.errors_page import errors_page
from slidesieve.figures.slides.page import slide_page
from slidesieve.figures.slides.pictures import SlidePictures, picture_slide
from slidesieve.store.features import FeatureSet, read_features
from slidesieve.store.tiles import read_tiles
from slidesieve.tissue.geojson import read_tissue

_MOST_ERRORS = 12
# Of a slide's row of predictions and its features: (N,) attention.
AttentionOf = Callable[[Mapping, FeatureSet], NDArray[np.floating]]


@dataclass(frozen=True)
class SlidePages:
    """Where the pages of an encoder's slides go, and what they are made from.

    Attributes:
        pages: Folder of the slides' pages.
        errors: The page of errors.
        title: Of the page of errors.
        classes: In the order of the config.
        cohort: Rows of cohort.csv.
        index: Rows of the features index: slide_id, path.
        predictions: Predictions table of each model.
        model: The model whose attention is shown.
        per_class: Slides per class that get a page, besides those that are wrong.
        tissue: Pattern of a slide's outline, `{slide}` being its name.
        tiles: Pattern of a slide's tiles file.
        other_files: Patterns of further files about a slide.
    """

    pages: Path
    errors: Path
    title: str
    classes: list[str]
    cohort: pd.DataFrame
    index: pd.DataFrame
    predictions: Mapping[str, pd.DataFrame]
    model: str
    per_class: int
    tissue: str
    tiles: str
    other_files: Sequence[str] = ()


def write_slide_pages(wanted: SlidePages, attention_of: AttentionOf) -> None:
    """Write a page for some slides of each class and for the most confident errors.

    Args:
        wanted: Where and of what.
        attention_of: Gives the attention of `wanted.model` on a slide.
    """
    verdicts = {name: slide_verdicts(table) for name, table in wanted.predictions.items()}
    own = verdicts[wanted.model]
    rows = {row["slide_id"]: row for row in wanted.cohort.to_dict("records")}
    wrong = own.loc[own["is_error"].astype(bool), "slide_id"].head(_MOST_ERRORS).tolist()
    pictures: dict[str, SlidePictures] = {}
    wanted.pages.mkdir(parents=True, exist_ok=True)
    of_classes = slides_to_show(wanted.cohort, wanted.predictions[wanted.model], wanted.per_class)
    for slide_id in dict.fromkeys([*wrong, *of_classes["slide_id"]]):
        verdict = own[own["slide_id"] == slide_id].iloc[0].to_dict()
        pictures[slide_id] = _write_one(wanted, verdicts, rows[slide_id], verdict, attention_of)
    errors_page(wanted.errors, wanted.title, wanted.classes, verdicts, wanted.model, pictures)


def _write_one(
    wanted: SlidePages,
    verdicts: Mapping[str, pd.DataFrame],
    cohort: Mapping,
    verdict: Mapping,
    attention_of: AttentionOf,
) -> SlidePictures:
    slide_id = str(cohort["slide_id"])
    paths = wanted.index.set_index("slide_id")["path"]
    features = read_features(Path(paths[slide_id]))
    tiles = read_tiles(_file(wanted.tiles, slide_id))
    pictures = picture_slide(
        Path(cohort["path"]),
        read_tissue(_file(wanted.tissue, slide_id)),
        tiles,
        features,
        attention_of(verdict, features),
    )
    of_slide = {
        name: table[table["slide_id"] == slide_id].iloc[0].to_dict()
        for name, table in verdicts.items()
        if slide_id in set(table["slide_id"])
    }
    files = [Path(cohort["path"])]
    files += [path for pattern in wanted.other_files if (path := _file(pattern, slide_id)).exists()]
    page = wanted.pages / f"{slide_id}.html"
    slide_page(page, cohort, of_slide, wanted.model, pictures, tiles.known_spec, files)
    return pictures


def _file(pattern: str, slide_id: str) -> Path:
    return Path(pattern.replace("{slide}", slide_id))
