"""Evidence: what the best tokens give alone, and what is left without them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from helpers.bag_factory import planted_bags
from slidesieve.bags import Bag, collate
from slidesieve.selector_diagnostics.evidence import evidence_curves, grid, measure_evidence
from slidesieve.selector_diagnostics.slides import measure_slide, score_slide
from slidesieve.tokens import SlideOutput, TokenBatch
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

CLASSES = ("benign", "tumour")


class Sum(nn.Module):
    """Logits (0, sum of the first feature): every token adds its share of evidence."""

    def forward(self, tokens: TokenBatch) -> SlideOutput:
        total = (tokens.features[..., 0] * tokens.mask).sum(dim=1)
        logits = torch.stack([torch.zeros_like(total), total], dim=1)
        return SlideOutput(logits, tokens.mask.float(), logits)


def bag_of(values: list[float]) -> TokenBatch:
    features = np.array(values, np.float32)[:, None]
    return collate([Bag("s", "p", 1, features, np.zeros((len(values), 2), np.int64))])


def sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))


def test_the_grid_is_powers_of_two_below_the_number_of_tokens():
    assert grid(2) == (1,)
    assert grid(8) == (1, 2, 4)
    assert grid(9) == (1, 2, 4, 8)


def test_curves_follow_the_order_of_the_scores():
    tokens = bag_of([-2.0, 3.0, -1.0, 1.0, 0.5])
    curves = evidence_curves(Sum(), tokens, torch.tensor([[4, 0, 3, 1, 2]]), class_index=1)
    assert curves.counts == (1, 2, 4)
    np.testing.assert_allclose(curves.kept, [sigmoid(s) for s in (3, 4, 3.5)], rtol=1e-6)
    np.testing.assert_allclose(curves.removed, [sigmoid(s) for s in (-1.5, -2.5, -2)], rtol=1e-6)
    assert curves.minimal_k == 1


def test_the_minimal_k_is_the_first_that_gives_the_class_and_n_where_none_does():
    tokens = bag_of([-2.0, 3.0, -0.5, -0.6])
    ranks = torch.tensor([[0, 1, 2, 3]])
    assert evidence_curves(Sum(), tokens, ranks, class_index=1).minimal_k == 2
    assert evidence_curves(Sum(), bag_of([-1.0] * 5), torch.arange(5)[None], 1).minimal_k == 5


def test_the_best_order_beats_random_ones_and_chance_is_seeded_by_the_slide():
    values = [5.0] + [-0.5] * 8
    tokens = bag_of(values)
    found = {
        (topic, variant, metric): value
        for topic, variant, metric, value in measure_evidence(
            Sum(), tokens, torch.tensor([values]), 1, "s"
        )
    }
    again = list(measure_evidence(Sum(), tokens, torch.tensor([values]), 1, "s"))
    assert list(found.values()) == [value for *_, value in again]
    for metric, sign in (("sufficiency", 1), ("necessity", -1)):
        model, random = (found["evidence", variant, metric] for variant in ("model", "random"))
        assert sign * model > sign * random
        points = [
            value for (topic, v, _), value in found.items() if (topic, v) == (metric, "model")
        ]
        assert model == pytest.approx(np.mean(points))
    assert found["evidence", "model", "minimal_k"] == 1


@pytest.mark.parametrize("reducer", ["dtc", "attention_topk", "sparselearn"])
def test_every_learned_selector_is_measured_in_the_order_of_its_own_scores(reducer):
    parameters = {"dtc": {"retention": 0.4}}.get(reducer, {"k": 6})
    spec = {
        "reducer": {"name": reducer, **parameters},
        "aggregator": {"name": "abmil", "hidden_dim": 16, "attention_dim": 8},
    }
    settings = TrainingSettings(epochs=2)
    bags = planted_bags(8, seed=0)
    model = fit_fold(spec, bags, [], CLASSES, settings, torch.device("cpu")).model.eval()
    with torch.no_grad():
        scored = score_slide(model, collate([bags[3]]))
        rows = list(measure_slide(model, bags[3], scored, truth=None))
    assert scored.scores.shape == (1, len(bags[3].features))
    assert 0 < scored.kept.sum() < len(scored.kept)
    topics = {topic for topic, *_ in rows}
    assert {"evidence", "sufficiency", "necessity", "noise"} <= topics
    assert ("mass" in topics) == (reducer == "sparselearn")
    if reducer != "dtc":  # It may merge a token of little importance into one that stays.
        kept = torch.from_numpy(scored.kept)
        assert scored.scores[0][kept].min() >= scored.scores[0][~kept].max()
