"""Soft top-k operators against brute force, closed forms and each other."""

from __future__ import annotations

import dataclasses
import math
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import logsumexp
from scipy.stats import laplace, logistic
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from slidesieve.reduction.soft_topk import OPERATORS, soft_top_k
from slidesieve.reduction.soft_topk.threshold import LAPLACE, LOGISTIC, threshold_top_k
from slidesieve.reduction.sparselearn.settings import SparseLearnSettings

EXACT = ("lapsum", "sigmoid", "sinkhorn", "gumbel_ste")
SMOOTH = ("lapsum", "sigmoid", "sinkhorn", "softmax_k")
CASES = [
    (20, 3, 0.5),
    (4096, 32, 2.0),
    (4096, 32, 0.1),
    (576, 64, 0.1),
    (40, 39, 1.0),
    (50, 1, 0.01),
]


def normal_scores(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def everything(scores: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(scores, dtype=torch.bool)


@pytest.mark.parametrize(("n", "k", "tau"), CASES)
@pytest.mark.parametrize(("operator", "distribution"), [("lapsum", laplace), ("sigmoid", logistic)])
def test_thresholds_match_a_root_finder(operator, distribution, n, k, tau):
    scores = normal_scores(n)
    s = scores.numpy()

    def excess(b: float) -> float:
        return math.fsum(distribution.cdf((s - b) / tau)) - k

    b = brentq(excess, s.min() - 100 * tau, s.max() + 100 * tau, xtol=1e-15, rtol=1e-15)
    expected = distribution.cdf((s - b) / tau)
    found = soft_top_k(operator, scores[None], everything(scores[None]), k, tau)[0]
    np.testing.assert_allclose(found, expected, atol=1e-10)


def sinkhorn_by_iteration(s: np.ndarray, k: int, epsilon: float, iterations: int) -> np.ndarray:
    """Xie et al. (2020) to the letter, in the log domain, for two targets 0 and 1."""
    n = len(s)
    kernel = -((s[:, None] - np.array([0.0, 1.0])) ** 2) / epsilon
    log_mu = np.full(n, -np.log(n))
    log_nu = np.log([(n - k) / n, k / n])
    g = np.zeros(2)
    for _ in range(iterations):
        f = log_mu - logsumexp(kernel + g, axis=1)
        g = log_nu - logsumexp(kernel + f[:, None], axis=0)
    return n * np.exp(kernel + f[:, None] + g)[:, 1]


@pytest.mark.parametrize(("n", "k", "tau"), [(20, 3, 1.0), (200, 10, 0.5), (30, 29, 2.0)])
def test_sinkhorn_is_where_the_iterations_end(n, k, tau):
    scores = normal_scores(n)
    found = soft_top_k("sinkhorn", scores[None], everything(scores[None]), k, tau)[0]
    expected = sinkhorn_by_iteration(scores.numpy(), k, tau, 5000)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_softmax_k_loses_budget_when_it_sharpens():
    scores = normal_scores(1, 200)
    flat = soft_top_k("softmax_k", scores, everything(scores), 8, 50.0)
    torch.testing.assert_close(flat, 8 * (scores / 50).softmax(dim=1))
    sharp = soft_top_k("softmax_k", scores, everything(scores), 8, 0.05)
    assert sharp.max() == 1
    assert sharp.sum() < 3


@pytest.mark.parametrize("operator", EXACT)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(data=st.data())
def test_alpha_shares_exactly_k(operator, dtype, data):
    lengths = data.draw(st.lists(st.integers(1, 80), min_size=1, max_size=4))
    k = data.draw(st.integers(1, 60))
    tau = data.draw(st.sampled_from([0.01, 0.1, 1.0, 5.0]))
    spread = data.draw(st.sampled_from([0.0, 1e-3, 1.0, 30.0]))
    scores = spread * normal_scores(len(lengths), max(lengths), dtype=dtype)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    alpha = soft_top_k(operator, scores, mask, k, tau)
    assert alpha.dtype == dtype
    assert ((alpha >= 0) & (alpha <= 1)).all()
    assert not alpha[~mask].any()
    # Solved to 1e-6 in float64; equal float32 weights may all be rounded the same way.
    tolerance = 1e-6 if dtype == torch.float64 else max(1e-6, k * 2**-24)
    for row, n in zip(alpha.double(), lengths, strict=True):
        assert abs(float(row.sum()) - min(k, n)) <= tolerance
        if n <= k:
            assert (row[:n] == 1).all()


@pytest.mark.parametrize("operator", EXACT)
@pytest.mark.parametrize("tau", [0.001, 0.1, 2.0])
def test_a_hundred_thousand_tokens(operator, tau):
    scores = normal_scores(1, 100_000, dtype=torch.float32).requires_grad_()
    alpha = soft_top_k(operator, scores, everything(scores), 32, tau)
    assert abs(float(alpha.detach().double().sum()) - 32) < 1e-6
    alpha.square().sum().backward()
    assert scores.grad.isfinite().all()


class LargestTensor(TorchDispatchMode):
    """Notes the bytes of the largest tensor that any operation makes."""

    n_bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.n_bytes = max(self.n_bytes, tensor.untyped_storage().nbytes())
        return result


@pytest.mark.parametrize("operator", sorted(OPERATORS))
@pytest.mark.parametrize("n", [1_000, 100_000])
def test_memory_is_linear_in_the_tokens(operator, n):
    scores = normal_scores(1, n).requires_grad_()
    saved = []
    with (
        LargestTensor() as largest,
        torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t),
    ):
        soft_top_k(operator, scores, everything(scores), 32, 0.5).square().sum().backward()
    # No N x N matrix and no list of iterations: a float64 number a token, kept a few times.
    assert largest.n_bytes == 8 * n
    assert sum(tensor.untyped_storage().nbytes() for tensor in saved) <= 8 * 8 * n


@pytest.mark.parametrize("distribution", [LAPLACE, LOGISTIC])
@pytest.mark.parametrize("tau", [0.001, 0.1, 2.0])
def test_the_number_of_passes_over_the_tokens_does_not_grow_with_them(distribution, tau):
    passes = {}
    for n in (1_000, 100_000):
        seen = []
        counting = dataclasses.replace(
            distribution, cdf=lambda u, seen=seen: seen.append(1) or distribution.cdf(u)
        )
        scores = normal_scores(1, n)
        threshold_top_k(counting, scores, everything(scores), 32, tau)
        passes[n] = len(seen)
    assert max(passes.values()) <= 20, passes


@pytest.mark.parametrize("operator", SMOOTH)
@pytest.mark.parametrize("tau", [0.1, 1.0])
def test_gradients_match_finite_differences(operator, tau):
    scores = normal_scores(3, 30).requires_grad_()
    mask = torch.arange(30) < torch.tensor([[30], [20], [4]])
    assert torch.autograd.gradcheck(lambda s: soft_top_k(operator, s, mask, 5, tau), (scores,))


@pytest.mark.parametrize("operator", ["lapsum", "sigmoid", "sinkhorn"])
def test_raising_all_scores_together_has_no_effect_and_no_gradient(operator):
    scores = normal_scores(1, 50).requires_grad_()
    alpha = soft_top_k(operator, scores, everything(scores), 5, 0.3)
    raised = soft_top_k(operator, scores + 7, everything(scores), 5, 0.3)
    torch.testing.assert_close(alpha, raised)
    (alpha * normal_scores(50, seed=1)).sum().backward()
    assert scores.grad.abs().max() > 1e-3
    assert abs(float(scores.grad.sum())) < 1e-12


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_padding_and_neighbours_change_nothing(operator):
    scores = normal_scores(2, 40)
    mask = torch.arange(40) < torch.tensor([[40], [25]])
    garbage = scores.masked_fill(~mask, 1e9)
    torch.manual_seed(0)
    together = soft_top_k(operator, garbage, mask, 6, 0.2)
    if operator == "gumbel_ste":  # the noise differs; the count may not
        assert together.sum(dim=1).tolist() == [6, 6]
        return
    alone = soft_top_k(operator, scores[1:, :25], mask[1:, :25], 6, 0.2)
    torch.testing.assert_close(together[1:, :25], alone)


def test_cold_lapsum_is_hard_top_k():
    scores = normal_scores(1, 300)
    alpha = soft_top_k("lapsum", scores, everything(scores), 20, 1e-5)[0]
    best = scores[0].topk(20).indices
    assert torch.equal(alpha.round().nonzero().squeeze(1), best.sort().values)


def test_far_apart_scores_have_a_finite_gradient():
    scores = torch.tensor([[1e6, 0.0, -1e6]], dtype=torch.float64, requires_grad=True)
    alpha = soft_top_k("lapsum", scores, everything(scores), 1, 0.1)
    alpha[0, 0].backward()
    torch.testing.assert_close(alpha.detach()[0], torch.tensor([1.0, 0.0, 0.0]).double())
    assert scores.grad.isfinite().all()


def test_gumbel_draws_follow_the_softmax_and_seeds_reproduce():
    scores = torch.tensor([[0.0, 1.0, 2.0]]).repeat(20_000, 1)
    torch.manual_seed(0)
    drawn = soft_top_k("gumbel_ste", scores, everything(scores), 1, 0.5)
    expected = (scores[0] / 0.5).softmax(dim=0)
    torch.testing.assert_close(drawn.mean(dim=0), expected, atol=0.02, rtol=0)
    torch.manual_seed(0)
    assert torch.equal(drawn, soft_top_k("gumbel_ste", scores, everything(scores), 1, 0.5))


def test_gumbel_gradient_is_that_of_the_perturbed_threshold():
    scores = normal_scores(1, 30).requires_grad_()
    weights = normal_scores(30, seed=1)
    torch.manual_seed(0)
    (soft_top_k("gumbel_ste", scores, everything(scores), 4, 0.5) * weights).sum().backward()
    torch.manual_seed(0)
    noise = -torch.log(-torch.log(torch.rand(1, 30, dtype=torch.float64)))
    again = scores.detach().clone().requires_grad_()
    soft = soft_top_k("sigmoid", again / 0.5 + noise, everything(scores), 4, 1.0)
    (soft * weights).sum().backward()
    torch.testing.assert_close(scores.grad, again.grad)


def test_settings_name_the_operators_there_are():
    assert set(get_args(get_type_hints(SparseLearnSettings)["operator"])) == set(OPERATORS)
