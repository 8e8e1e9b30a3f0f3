"""The leakage probe on tokens whose leak is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from helpers.bag_factory import random_bags
from helpers.parts import sparselearn
from slidesieve.bags import collate
from slidesieve.reduction.sparselearn.reducer import SparseLearn
from slidesieve.selector_diagnostics.discarded_token_probe import (
    PENALTIES,
    ProbeTokens,
    probe,
    probe_tokens,
    ridge_r2,
    stacked,
    tokens_of_slide,
)

DIM = 6


def parts(leak: float, seed: int = 0) -> list[ProbeTokens]:
    """Targets that are √leak of a linear function of the predictor and √(1 − leak) noise."""
    rng = np.random.default_rng(seed)
    mixing = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0]
    made = []
    for n_tokens in (600, 200, 400):
        x = rng.normal(size=(n_tokens, DIM))
        noise = rng.normal(size=(n_tokens, DIM))
        target = np.sqrt(leak) * x @ mixing + np.sqrt(1 - leak) * noise
        made.append(ProbeTokens(target + 3, {"kept": x - 2}))
    return made


@pytest.mark.parametrize("leak", [0.0, 0.3, 1.0])
def test_r2_is_the_share_of_the_target_that_the_predictor_tells(leak):
    found = {metric: value for _, metric, value in probe(*parts(leak), seed=0)}
    assert found["r2"] == pytest.approx(leak, abs=0.06)
    assert abs(found["r2_permuted"]) < 0.06


def test_ridge_equals_scikit_learns_with_the_best_penalty_on_validation():
    train, val, test = ((part.predictors["kept"], part.target) for part in parts(0.3))
    x, y = train
    unit = ((x - x.mean(axis=0)) ** 2).sum() / DIM
    fits = [Ridge(penalty * unit).fit(x, y) for penalty in PENALTIES]

    def r2(fit: Ridge, part: tuple) -> float:
        errors = ((part[1] - fit.predict(part[0])) ** 2).sum()
        return 1 - errors / ((part[1] - y.mean(axis=0)) ** 2).sum()

    best = max(fits, key=lambda fit: r2(fit, val))
    assert ridge_r2(train, val, test) == pytest.approx(r2(best, test), abs=1e-9)


def test_more_predictors_than_tokens_are_no_trouble():
    rng = np.random.default_rng(0)
    train, val, test = ((rng.normal(size=(20, 50)), rng.normal(size=(20, 3))) for _ in range(3))
    assert ridge_r2(train, val, test) == pytest.approx(0, abs=0.2)


def scored_bag(reducer: SparseLearn, coords=None):
    bag = random_bags([30], DIM)[0]
    tokens = collate([bag])
    with torch.no_grad():
        return reducer.score(tokens)


def selector(**overrides) -> SparseLearn:
    torch.manual_seed(0)
    return sparselearn(DIM, **{"k": 4, "scorer_dim": 8, **overrides}).eval()


def test_probe_tokens_are_discarded_ones_with_mean_and_nearest_kept():
    reducer = selector(gate="scale", denoiser_zero_init=False)
    tokens, scores = scored_bag(reducer)
    with torch.no_grad():
        found = probe_tokens(reducer, "s0", tokens, scores, most=10)
        alpha = reducer.weights(tokens, scores)[0, :, None]
        gated = alpha * tokens.features[0]
        denoised = reducer.denoiser(gated[None], tokens.mask)[0]
    x, coords = tokens.features[0].double().numpy(), tokens.coords[0].double().numpy()
    kept = np.sort(np.argsort(-scores[0].numpy())[:4])
    assert found.target.shape == (10, DIM)
    rows = [int(np.abs(x - target).sum(axis=1).argmin()) for target in found.target]
    assert len(set(rows)) == 10
    assert not set(rows) & set(kept.tolist())
    distances = np.linalg.norm(coords[rows][:, None] - coords[kept], axis=-1)
    nearest = kept[distances.argmin(axis=1)]
    for name, values in (("kept", x), ("kept_denoised", denoised.double().numpy())):
        expected = np.hstack([np.tile(values[kept].mean(axis=0), (10, 1)), values[nearest]])
        np.testing.assert_allclose(found.predictors[name], expected, atol=1e-6)
    np.testing.assert_allclose(found.predictors["gated"], gated.numpy()[rows], atol=1e-6)
    expected = denoised.numpy()[rows]
    np.testing.assert_allclose(found.predictors["gated_denoised"], expected, atol=1e-6)


def test_slides_without_discarded_tokens_and_selectors_without_denoiser():
    reducer = selector(k=30)
    assert probe_tokens(reducer, "s0", *scored_bag(reducer), most=10) is None
    reducer = selector(denoiser="none")
    found = probe_tokens(reducer, "s0", *scored_bag(reducer), most=10)
    assert set(found.predictors) == {"kept", "gated"}


def probed(reducer: SparseLearn, tau: float) -> dict[tuple[str, str], float]:
    reducer.tau.fill_(tau)
    made = []
    for part in range(3):
        bags = random_bags([60] * 40, DIM, seed=part)
        slides = []
        for number, bag in enumerate(bags):
            with torch.no_grad():
                scored = reducer.score(collate([bag]))
                slides.append(probe_tokens(reducer, f"{part} {number}", *scored, most=50))
        made.append(stacked(slides))
    return {(name, metric): value for name, metric, value in probe(*made, seed=0)}


def test_noise_hides_what_scaling_lets_through():
    """Independent tokens: kept ones tell nothing, and a gated one what the gate lets by."""
    noise = probed(selector(gate="vp", denoiser="none"), tau=2.0)
    scaled = probed(selector(gate="scale", denoiser="none"), tau=2.0)
    for found in (noise, scaled):
        assert abs(found["kept", "r2"]) < 0.03
        assert abs(found["gated", "r2_permuted"]) < 0.03
    assert noise["gated", "r2"] < 0.12
    assert scaled["gated", "r2"] > 0.7


def test_a_global_denoiser_tells_of_discarded_tokens_and_a_diagonal_one_does_not():
    found = {}
    for kind in ("diagonal", "global"):
        reducer = selector(gate="scale", denoiser=kind, heads=1)
        attention = reducer.denoiser.attention
        with torch.no_grad():  # even attention to everything it may see, handed on as it is
            values = attention.value if kind == "diagonal" else attention.input
            values.weight.zero_()
            values.weight[-DIM:] = torch.eye(DIM)
            attention.output.weight.copy_(torch.eye(DIM))
        found[kind] = probed_shared(reducer)
    assert abs(found["diagonal"]) < 0.1
    assert found["global"] > 0.5


def probed_shared(reducer: SparseLearn) -> float:
    """R² of kept tokens after the denoiser where the discarded ones of a slide are alike."""
    reducer.tau.fill_(50.0)  # the gate lets all tokens through alike
    made = []
    for part in range(3):
        rng = np.random.default_rng(part)
        slides = []
        for number, bag in enumerate(random_bags([40] * 60, DIM, seed=part)):
            tokens = collate([bag])
            kept = reducer.best(*reducer.score(tokens))
            alike = torch.from_numpy(rng.normal(size=DIM)).float()
            features = torch.where(kept[..., None], tokens.features, alike + 0 * tokens.features)
            normal = torch.nn.functional.layer_norm(features, (DIM,))
            scores = kept.float()
            with torch.no_grad():
                slides.append(
                    probe_tokens(
                        reducer, f"{part} {number}", tokens.with_features(normal), scores, most=5
                    )
                )
        made.append(stacked(slides))
    found = {(name, metric): value for name, metric, value in probe(*made, seed=0)}
    return found["kept_denoised", "r2"]


def test_a_part_never_holds_more_tokens_than_it_may():
    assert tokens_of_slide(3) == 64
    assert tokens_of_slide(1000) * 1000 <= 4096
    assert tokens_of_slide(10_000) == 1
