"""Bags: the tokens of labelled slides, and their packing into padded batches."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from slidesieve.errors import ContractError
from slidesieve.store.features import FeatureSet, read_features
from slidesieve.store.pitch import UNKNOWN, inferred_pitch, stated_pitch
from slidesieve.store.stored_features import StoredFeatures
from slidesieve.tokens import TokenBatch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bag:
    """The tokens of one slide with its label.

    Attributes:
        slide_id: The slide.
        patient_id: Its patient.
        label_index: Position of its label among the dataset's classes.
        features: (N, D) float16 or float32, in memory or left in their file.
        coords: (N, 2) int64, top-left corners in level-0 px.
        encoder: What made the features; empty where a foreign file does not say.
        encoder_revision: What pins its weights.
        stated_pitch: Distance of neighbouring tiles in level-0 px as the file states it, 0 if it
            does not.
    """

    slide_id: str
    patient_id: str
    label_index: int
    features: NDArray[np.floating] | StoredFeatures
    coords: NDArray[np.int64]
    encoder: str = ""
    encoder_revision: str = ""
    stated_pitch: float = UNKNOWN

    @cached_property
    def pitch(self) -> float:
        """Distance of neighbouring tiles in level-0 px, 0 if neither file nor places tell."""
        return self.stated_pitch or inferred_pitch(self.coords)


def bag_of_slide(features: FeatureSet) -> Bag:
    """Return a slide's tokens as a bag without a label, for a fitted model to look at."""
    return Bag(
        features.slide_id,
        "",
        0,
        _as_half_or_single(features.features),
        features.coords,
        features.encoder,
        features.encoder_revision,
        stated_pitch(features.tile_attributes),
    )


def load_bags(
    table: pd.DataFrame,
    path_of: Mapping[str, Path],
    classes: Sequence[str],
    memory_budget_bytes: float = math.inf,
) -> list[Bag]:
    """Read the features of slides; slides without tokens are left out and named in the log.

    Args:
        table: slide_id, patient_id, label.
        path_of: Features file of each slide_id.
        classes: The dataset's classes, in order.
        memory_budget_bytes: Features beyond this are checked and left in their files, to be read
            each time they are used.

    Returns:
        Bags in the order of the table.

    Raises:
        ContractError: A file breaks its contract, a label is unknown, features are not finite,
            or slides were encoded differently.
    """
    bags: list[Bag] = []
    left_out: list[str] = []
    for row in table.itertuples(index=False):
        if row.label not in classes:
            raise ContractError(
                f"slide {row.slide_id}: label {row.label} is none of {', '.join(classes)}"
            )
        slide_id = str(row.slide_id)
        features_path = path_of[slide_id]
        found = read_features(features_path)
        if found.status != "ok" or len(found.features) == 0:
            left_out.append(f"{row.slide_id} ({found.reason or found.status})")
            continue
        features = _as_half_or_single(found.features)
        bag = Bag(
            slide_id=slide_id,
            patient_id=str(row.patient_id),
            label_index=classes.index(row.label),
            features=features,
            coords=found.coords,
            encoder=found.encoder,
            encoder_revision=found.encoder_revision,
            stated_pitch=stated_pitch(found.tile_attributes),
        )
        _check_bag(bag, bags[0] if bags else bag)
        memory_budget_bytes -= features.nbytes
        bags.append(bag if memory_budget_bytes >= 0 else _left_in_file(bag, features_path))
    if left_out:
        listed = ", ".join(left_out)
        log.warning("%d slides have no tokens and are left out: %s", len(left_out), listed)
    return bags


def load_folds(
    folds: pd.DataFrame,
    numbers: Sequence[int],
    path_of: Mapping[str, Path],
    classes: Sequence[str],
    memory_budget_bytes: float = math.inf,
) -> dict[int, dict[str, list[Bag]]]:
    """Load the bags of some folds by number and part (train, val, test), each slide once.

    The slides that are seen most come first when memory is short: those of the training part of
    most folds, then those of the validation part, then of the test part.

    Slides without a features file are left out. What a fold loses by that is said in the log: a
    class that no training slide shows any more, or the whole part for early stopping.

    Args:
        folds: The folds table.
        numbers: Which folds.
        path_of: Features file of each usable slide.
        classes: The dataset's classes, in order.
        memory_budget_bytes: Most bytes of features to hold in memory.

    Raises:
        ContractError: See `load_bags`.
    """
    planned = folds.set_index("slide_id")[[f"fold_{number}" for number in numbers]]
    uses = pd.DataFrame({part: (planned == part).sum(axis=1) for part in _PARTS})
    uses = uses[uses.index.isin(path_of) & uses.any(axis=1)]
    order = uses.sort_values([*_PARTS], ascending=False, kind="stable").index
    table = folds.set_index("slide_id", drop=False).loc[order]
    bags = {bag.slide_id: bag for bag in load_bags(table, path_of, classes, memory_budget_bytes)}
    n_left = sum(isinstance(bag.features, StoredFeatures) for bag in bags.values())
    if n_left:
        log.info(
            "%d of %d slides are beyond training.preload_mb and stay on disk", n_left, len(bags)
        )
    return {number: _parts_of(bags, planned[f"fold_{number}"], classes) for number in numbers}


_PARTS = ("train", "val", "test")


def _parts_of(
    bags: Mapping[str, Bag], planned: pd.Series, classes: Sequence[str]
) -> dict[str, list[Bag]]:
    """Return the bags of one fold by part, in the order of the folds table."""
    fold = str(planned.name).removeprefix("fold_")
    parts = {
        part: [bags[str(i)] for i in planned.index[planned == part] if str(i) in bags]
        for part in _PARTS
    }
    if (planned == "val").any() and not parts["val"]:
        log.warning("fold %s: no validation slide is usable; training goes to the end", fold)
    shown = {bag.label_index for bag in parts["train"]}
    for index, name in enumerate(classes):
        if index not in shown:
            log.warning("fold %s: no usable training slide shows class %s", fold, name)
    return parts


def check_bags(bags: Sequence[Bag]) -> None:
    """Refuse bags that cannot be batched together.

    Raises:
        ContractError: A bag is empty or holds NaN or Inf, or two differ in width or encoder.
    """
    for bag in bags:
        _check_bag(bag, bags[0])


def check_places(bags: Sequence[Bag]) -> None:
    """Refuse bags that do not tell where their tiles lie on the slide's grid.

    Raises:
        ContractError: The coords of a bag are missing or all equal.
    """
    unplaced = [bag.slide_id for bag in bags if bag.pitch == UNKNOWN]
    if unplaced:
        raise ContractError(
            f"slide {unplaced[0]}: its features file does not tell the distance of its tiles (no "
            f"coords, or all equal), which this model needs; so do {len(unplaced) - 1} other "
            "slides. Make the features again with coords, or take another aggregator"
        )


def collate(bags: Sequence[Bag]) -> TokenBatch:
    """Pad bags at their ends with zeros to one batch; every token stands for one tile.

    Args:
        bags: B bags of the same width D.

    Returns:
        A batch of B bags as long as the longest; half precision only if all bags are.
    """
    shape = (len(bags), max(len(bag.features) for bag in bags))
    dtype = np.result_type(*{bag.features.dtype for bag in bags})
    features = np.zeros((*shape, bags[0].features.shape[1]), dtype=dtype)
    coords = np.zeros((*shape, 2), dtype=np.int64)
    mask = np.zeros(shape, dtype=bool)
    for i, bag in enumerate(bags):
        n_tokens = len(bag.features)
        features[i, :n_tokens] = bag.features
        coords[i, :n_tokens] = bag.coords
        mask[i, :n_tokens] = True
    return TokenBatch(
        features=torch.from_numpy(features),
        mask=torch.from_numpy(mask),
        coords=torch.from_numpy(coords),
        size=torch.from_numpy(mask).float(),
        pitch=torch.tensor([bag.pitch for bag in bags], dtype=torch.float64),
    )


def _as_half_or_single(features: NDArray[np.floating]) -> NDArray[np.floating]:
    return features if features.dtype in (np.float16, np.float32) else features.astype(np.float32)


def _left_in_file(bag: Bag, path: Path) -> Bag:
    stored = StoredFeatures(path, bag.features.shape, bag.features.dtype)
    return dataclasses.replace(bag, features=stored)


def _check_bag(bag: Bag, first: Bag) -> None:
    if len(bag.features) == 0:
        raise ContractError(f"slide {bag.slide_id}: no tokens")
    # What was left in its file was looked at when it was loaded.
    if isinstance(bag.features, np.ndarray):
        bad = int((~np.isfinite(bag.features).all(axis=1)).sum())
        if bad:
            raise ContractError(
                f"slide {bag.slide_id}: {bad} of {len(bag.features)} tokens hold NaN or Inf; "
                "make its features again"
            )
    _check_same_encoding(first, bag)


def _check_same_encoding(first: Bag, other: Bag) -> None:
    widths = first.features.shape[1], other.features.shape[1]
    if widths[0] != widths[1]:
        raise ContractError(
            f"slides {first.slide_id} and {other.slide_id} have features of different width "
            f"({widths[0]} and {widths[1]}); encode them with one encoder"
        )
    encodings = [f"{bag.encoder} {bag.encoder_revision}".strip() for bag in (first, other)]
    if encodings[0] != encodings[1]:
        raise ContractError(
            f"slides {first.slide_id} and {other.slide_id} were encoded differently "
            f"({encodings[0] or 'unnamed'} and {encodings[1] or 'unnamed'}); encode them again"
        )
