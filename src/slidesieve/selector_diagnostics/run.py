"""The audit of one model: all its folds, all its slides."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from slidesieve.bags import Bag, collate, load_bags
from slidesieve.evaluation.tables import POOLED
from slidesieve.reduction.sparselearn.reducer import SparseLearn
from slidesieve.selector_diagnostics.discarded_token_probe import (
    ProbeTokens,
    probe,
    probe_tokens,
    stacked,
    tokens_of_slide,
)
from slidesieve.selector_diagnostics.paths import as_table, slide_predictions
from slidesieve.selector_diagnostics.slides import (
    CHANCE,
    MODEL,
    VALIDATION,
    measure_slide,
    score_slide,
)
from slidesieve.selector_diagnostics.stability import agreement, chance_jaccard
from slidesieve.selector_diagnostics.tables import leakage_table, paths_table, slides_table
from slidesieve.selector_diagnostics.truth import read_truth, recall, truth_tiles
from slidesieve.store.features import read_tile_attributes
from slidesieve.training.fitted import FittedModel, load_model

log = logging.getLogger(__name__)

_PLACE = ("level0_width", "level0_height", "patch_size_level0")
_SLIDE_COLUMNS = ["slide_id", "patient_id", "fold", "topic", "variant", "metric", "value"]
_LEAKAGE_COLUMNS = ["variant", "metric", "value", "fold", "n"]


@dataclass(frozen=True)
class SelectorAudit:
    """The tables of one audited model.

    Attributes:
        audit: audit.csv: topic, variant, level, fold, metric, value, ci_low, ci_high, n.
        slides: slides.csv: what was measured on each test slide.
        predictions: predictions.csv: of each path, and of each draw of the soft one.
    """

    audit: pd.DataFrame
    slides: pd.DataFrame
    predictions: pd.DataFrame


@dataclass(frozen=True)
class _FoldAudit:
    """The results of one fold's model; `kept` holds every slide's selection."""

    predictions: pd.DataFrame
    slides: list[tuple]
    leakage: list[tuple]
    kept: Mapping[str, NDArray[np.bool_]]


@torch.no_grad()
def audit_model(
    folders: Sequence[Path],
    folds: pd.DataFrame,
    path_of: Mapping[str, Path],
    truth_of: Mapping[str, Path],
    classes: Sequence[str],
    resamples: int,
    seed: int,
    device: torch.device,
    memory_budget_bytes: float = math.inf,
) -> SelectorAudit:
    """Audit a selector on the test slides of its folds (docs/explanation/selector-diagnostics.md).

    Args:
        folders: The fitted model of each fold.
        folds: The folds table.
        path_of: Features file of each usable slide.
        truth_of: Truth mask of the slides that have one; may be empty.
        classes: The dataset's classes, in order.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap and the leakage control.
        device: Where to compute.
        memory_budget_bytes: Most bytes of features to hold in memory.
    """
    usable = folds[folds["slide_id"].isin(path_of)]
    bags = load_bags(usable, path_of, classes, memory_budget_bytes)
    truth = {
        bag.slide_id: tiles
        for bag in bags
        if bag.slide_id in truth_of
        and (tiles := _truth_of(bag, path_of[bag.slide_id], truth_of[bag.slide_id])) is not None
    }
    done = []
    for fold, folder in enumerate(tqdm(folders, desc="folds", disable=None)):
        part_of = dict(zip(folds["slide_id"], folds[f"fold_{fold}"], strict=True))
        done.append(
            _audit_fold(
                fold, load_model(folder, device, training_parts=True), bags, part_of, truth, seed
            )
        )
    predictions = pd.concat([fold.predictions for fold in done], ignore_index=True)
    rows = [row for fold in done for row in fold.slides]
    rows += _agreement_of_folds(bags, [fold.kept for fold in done])
    slides = pd.DataFrame(rows, columns=_SLIDE_COLUMNS)
    leakage = pd.DataFrame([row for fold in done for row in fold.leakage], columns=_LEAKAGE_COLUMNS)
    tables = [
        paths_table(predictions, classes, resamples, seed),
        slides_table(slides, resamples, seed),
        leakage_table(leakage),
    ]
    filled = [table for table in tables if len(table)]
    return SelectorAudit(pd.concat(filled, ignore_index=True), slides, predictions)


def _audit_fold(
    fold: int,
    fitted: FittedModel,
    bags: Sequence[Bag],
    part_of: Mapping[str, str],
    truth: Mapping[str, NDArray[np.bool_]],
    seed: int,
) -> _FoldAudit:
    model = fitted.model.eval()
    device = next(model.parameters()).device
    n_slides = pd.Series([part_of[bag.slide_id] for bag in bags]).value_counts()
    kept, predictions, slides = {}, [], []
    discarded: dict[str, list[ProbeTokens]] = defaultdict(list)
    for bag in bags:
        part = part_of[bag.slide_id]
        scored = score_slide(model, collate([bag]).to(device))
        kept[bag.slide_id] = scored.kept
        most = tokens_of_slide(int(n_slides[part]))
        if isinstance(model.reducer, SparseLearn):
            found = probe_tokens(model.reducer, bag.slide_id, scored.tokens, scored.scores, most)
            if found is not None:
                discarded[part].append(found)
        is_truth = truth.get(bag.slide_id)
        if part == "val" and scored.has_choice and is_truth is not None and is_truth.any():
            found_of_val = recall(scored.kept, is_truth)["recall"]
            row = ("truth", VALIDATION, "recall", found_of_val)
            slides.append((bag.slide_id, bag.patient_id, fold, *row))
        if part == "test":
            predictions += slide_predictions(fitted, bag, scored)
            if scored.has_choice:
                measured = measure_slide(model, bag, scored, is_truth)
                slides += [(bag.slide_id, bag.patient_id, fold, *row) for row in measured]
    has_soft_path = isinstance(model.reducer, SparseLearn)
    leakage = list(_leakage_of_fold(fold, discarded, seed)) if has_soft_path else []
    return _FoldAudit(
        predictions=as_table(predictions, fold),
        slides=slides,
        leakage=leakage,
        kept=kept,
    )


def _leakage_of_fold(
    fold: int, discarded: Mapping[str, list[ProbeTokens]], seed: int
) -> Iterator[tuple[str, str, float, int, int]]:
    parts = ("train", "val", "test")
    missing = [part for part in parts if not discarded.get(part)]
    if missing:
        log.warning(
            "fold %d: no leakage probe, for no %s slide has discarded tokens",
            fold,
            " and no ".join(missing),
        )
        return
    train, val, test = (stacked(discarded[part]) for part in parts)
    for variant, metric, value in probe(train, val, test, seed):
        yield variant, metric, value, fold, len(test.target)


def _agreement_of_folds(
    bags: Sequence[Bag], kept: Sequence[Mapping[str, NDArray[np.bool_]]]
) -> Iterator[tuple]:
    """Yield rows of slides.csv: how alike the folds' models choose on each slide."""
    for bag in bags:
        selections = [of_fold[bag.slide_id] for of_fold in kept]
        if len(selections) < 2 or selections[0].all():
            continue
        chance = chance_jaccard(len(selections[0]), int(selections[0].sum()))
        for variant, value in ((MODEL, agreement(selections)), (CHANCE, chance)):
            yield (bag.slide_id, bag.patient_id, POOLED, "folds", variant, "jaccard", value)


def _truth_of(bag: Bag, features: Path, mask: Path) -> NDArray[np.bool_] | None:
    place = read_tile_attributes(features)
    missing = [name for name in _PLACE if name not in place]
    if missing:
        log.warning(
            "slide %s: its features do not say %s, so its truth mask cannot be laid over it",
            bag.slide_id,
            ", ".join(missing),
        )
        return None
    return truth_tiles(read_truth(mask), bag.coords, place)
