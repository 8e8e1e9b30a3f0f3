"""Measurements of a fitted selector on a single slide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from slidesieve.bags import Bag, collate
from slidesieve.models.classifier import SlideClassifier
from slidesieve.reduction.dtc.reducer import DTC
from slidesieve.reduction.registry import build_reducer
from slidesieve.reduction.sparselearn.mass import overlap, topk_mass
from slidesieve.reduction.sparselearn.reducer import SparseLearn
from slidesieve.selector_diagnostics.evidence import measure_evidence
from slidesieve.selector_diagnostics.seeds import seeded, slide_seed
from slidesieve.selector_diagnostics.stability import SIGMAS, chance_jaccard, jaccard, jitter
from slidesieve.selector_diagnostics.truth import chance_recall, recall
from slidesieve.tokens import TokenBatch

MODEL, CHANCE = "model", "chance"
# The recall of truth tiles on the validation part of each fold, which no test slide is in.
VALIDATION = "validation"
# Reducers without parameters that choose as many tokens, for the recall of truth tiles.
BASELINES = ("uniform", "farthest_point")

Kept = NDArray[np.bool_]
# topic, variant, metric, value
Measured = tuple[str, str, str, float]


@dataclass(frozen=True)
class ScoredSlide:
    """One slide as a fitted selector sees it.

    Attributes:
        tokens: One bag as the aggregator would take it, if nothing were dropped.
        scores: (1, N) what the tokens are ranked by.
        kept: (N,) the tokens that the model in use keeps, alone or merged.
    """

    tokens: TokenBatch
    scores: torch.Tensor
    kept: Kept

    @property
    def has_choice(self) -> bool:
        """Whether any token was discarded."""
        return not bool(self.kept.all())


def score_slide(model: SlideClassifier, bag: TokenBatch) -> ScoredSlide:
    """Score a bag of one slide with a fitted model whose reducer ranks tokens."""
    reducer, tokens = model.reducer, model.standardise(bag)
    if isinstance(reducer, SparseLearn):
        tokens, scores = reducer.score(tokens)
        return ScoredSlide(tokens, scores, reducer.best(tokens, scores)[0].cpu().numpy())
    reduction, stages = reducer.trace(tokens)
    scores = stages[0].importance.gather(1, stages[0].entered)
    if isinstance(reducer, DTC):
        tokens = reducer.position(tokens)
    return ScoredSlide(tokens, scores, (reduction.source[0] >= 0).cpu().numpy())


def measure_slide(
    model: SlideClassifier, bag: Bag, scored: ScoredSlide, truth: Kept | None
) -> Iterator[Measured]:
    """Measure mass, stability under noise, evidence and recall on a slide that leaves a choice.

    Args:
        model: Fitted, on the device of the tokens.
        bag: The slide.
        scored: From `score_slide`.
        truth: (N,) which tiles are truth; None if it is not known.
    """
    tokens = collate([bag]).to(scored.scores.device)
    if isinstance(model.reducer, SparseLearn):
        yield from _mass(model.reducer, bag, scored)
    yield from _noise(model, bag, tokens, scored.kept)
    predicted = int(model(tokens)[0].logits[0].argmax())
    yield from measure_evidence(
        model.aggregator, scored.tokens, scored.scores, predicted, bag.slide_id
    )
    if truth is not None and truth.any():
        yield from _recall(model, tokens, scored.kept, truth)


def _mass(reducer: SparseLearn, bag: Bag, scored: ScoredSlide) -> Iterator[Measured]:
    mask, k = scored.tokens.mask, reducer.settings.k
    with seeded(slide_seed(bag.slide_id, "mass"), scored.scores.device):
        alpha = reducer.weights(scored.tokens, scored.scores)
    kept = torch.from_numpy(scored.kept)[None].to(alpha.device)
    yield "mass", MODEL, "topk_mass", float(topk_mass(alpha, mask, k))
    yield "mass", MODEL, "overlap", float(overlap(alpha, kept, mask, k))


def _noise(model: SlideClassifier, bag: Bag, tokens: TokenBatch, kept: Kept) -> Iterator[Measured]:
    seed = slide_seed(bag.slide_id, "jitter")
    for sigma in SIGMAS:
        shaken = score_slide(model, jitter(tokens, sigma, seed)).kept
        yield "noise", f"{sigma:g}", "jaccard", jaccard(kept, shaken)
    yield "noise", CHANCE, "jaccard", chance_jaccard(len(kept), int(kept.sum()))


def _recall(
    model: SlideClassifier, tokens: TokenBatch, kept: Kept, truth: Kept
) -> Iterator[Measured]:
    n_tokens, k = len(kept), int(kept.sum())
    found = {MODEL: recall(kept, truth), "random": chance_recall(n_tokens, int(truth.sum()), k)}
    standardised = model.standardise(tokens)
    for name in BASELINES:
        chooser = build_reducer({"name": name, "k": k}, standardised.features.shape[-1]).eval()
        chosen = chooser(standardised).source[0].cpu().numpy() >= 0
        found[name] = recall(chosen, truth)
    for variant, values in found.items():
        for metric, value in values.items():
            yield "truth", variant, metric, value
