"""The three paths against computations by hand."""

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.special import erf, softmax
from scipy.stats import laplace

from helpers.bag_factory import planted_bags
from slidesieve.bags import Bag, collate
from slidesieve.selector_diagnostics.paths import SOFT_DRAWS, slide_predictions
from slidesieve.selector_diagnostics.seeds import slide_seed
from slidesieve.selector_diagnostics.slides import score_slide

BAG = planted_bags(4, seed=9)[3]


def rows_of(fitted, bag: Bag = BAG) -> dict[tuple[str, int], dict]:
    with torch.no_grad():
        scored = score_slide(fitted.model, collate([bag]))
        rows = slide_predictions(fitted, bag, scored)
    return {(row["path"], row["draw"]): row for row in rows}


def gelu(x: np.ndarray) -> np.ndarray:
    return x * (1 + erf(x / math.sqrt(2))) / 2


def normalised(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)


class ByHand:
    """The selector's paths in numpy, from nothing but the stored weights."""

    def __init__(self, fitted, bag: Bag) -> None:
        state = fitted.model.state_dict()
        self.w = {name: tensor.double().numpy() for name, tensor in state.items()}
        w = self.w
        x = (bag.features.astype(float) - w["standardise.mean"]) / w["standardise.sd"]
        self.x = x / w["reducer.rms"]
        hidden = gelu(self.linear(self.x, "reducer.scorer.layers.0"))
        scores = self.linear(hidden, "reducer.scorer.layers.2")[:, 0]
        self.scores = (scores - scores.mean()) / (scores.std() + 1e-6)
        self.best = np.sort(np.argsort(-self.scores)[:6])

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return normalised(x) * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def denoised(self, x: np.ndarray) -> np.ndarray:
        block = "reducer.denoiser"
        value = self.linear(self.norm(x, f"{block}.norm_attention"), f"{block}.attention.value")
        x = x + self.linear(value, f"{block}.attention.output")
        hidden = self.linear(self.norm(x, f"{block}.norm_feed_forward"), f"{block}.feed_forward.0")
        return x + self.linear(gelu(hidden), f"{block}.feed_forward.2")

    def soft(self, noise: np.ndarray) -> np.ndarray:
        tau = float(self.w["reducer.tau"])

        def excess(b: float) -> float:
            return laplace.cdf((self.scores - b) / tau).sum() - 6

        b = brentq(excess, -50, 50, xtol=1e-14)
        alpha = laplace.cdf((self.scores - b) / tau)[:, None]
        return self.denoised(np.sqrt(alpha) * self.x + np.sqrt(1 - alpha) * noise)

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """The ABMIL head."""
        h = np.maximum(self.linear(x, "aggregator.embed.0"), 0)
        content = np.tanh(self.linear(h, "aggregator.content.0"))
        gate = 1 / (1 + np.exp(-self.linear(h, "aggregator.gate.0")))
        attention = softmax(self.linear(content * gate, "aggregator.score")[:, 0])
        return softmax(self.linear((attention @ h)[None], "aggregator.classifier")[0])


def probabilities_in(row: dict) -> list[float]:
    return [row["prob_benign"], row["prob_tumour"]]


def test_hard_paths_equal_a_computation_by_hand(fitted):
    rows, by_hand = rows_of(fitted), ByHand(fitted, BAG)
    kept = by_hand.x[by_hand.best]
    for path, tokens in (("hard", kept), ("hard_denoised", by_hand.denoised(kept))):
        expected = by_hand.probabilities(tokens)
        np.testing.assert_allclose(probabilities_in(rows[path, 0]), expected, atol=1e-5)
    assert rows["hard", 0]["prob_tumour"] != rows["hard_denoised", 0]["prob_tumour"]


def test_soft_path_equals_a_computation_by_hand_on_the_same_noise(fitted):
    rows, by_hand = rows_of(fitted), ByHand(fitted, BAG)
    for draw in range(SOFT_DRAWS):
        generator = torch.Generator().manual_seed(slide_seed(BAG.slide_id, f"soft {draw}"))
        noise = torch.randn(1, 40, 8, generator=generator)[0].double().numpy()
        expected = by_hand.probabilities(by_hand.soft(noise))
        np.testing.assert_allclose(probabilities_in(rows["soft", draw]), expected, atol=1e-5)


def test_rows_name_slide_label_and_the_likelier_class(fitted):
    for row in rows_of(fitted).values():
        assert (row["slide_id"], row["patient_id"]) == (BAG.slide_id, BAG.patient_id)
        assert row["label"] == "tumour"
        likelier = "tumour" if row["prob_tumour"] > 0.5 else "benign"
        assert row["prediction"] == likelier


def test_draws_differ_and_leave_the_global_generator_alone(fitted):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    rows = rows_of(fitted)
    assert torch.equal(torch.rand(2), expected)
    assert len({rows["soft", draw]["prob_tumour"] for draw in range(SOFT_DRAWS)}) == SOFT_DRAWS
    assert rows_of(fitted) == rows


def test_without_a_denoiser_there_is_no_path_through_it(fitted):
    bare = dataclasses.replace(fitted, model=copy.deepcopy(fitted.model))
    bare.model.reducer.denoiser = None
    assert {path for path, _ in rows_of(bare)} == {"soft", "hard"}


def test_hard_path_is_what_the_model_predicts(fitted):
    with torch.no_grad():
        output, _ = fitted.model(collate([BAG]))
    expected = output.logits.double().softmax(dim=1)[0].tolist()
    assert probabilities_in(rows_of(fitted)["hard", 0]) == pytest.approx(expected)
