"""PANTHER against its mixture, written out slide by slide in double precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from helpers.bag_factory import random_bags
from helpers.parts import panther
from slidesieve.bags import collate
from slidesieve.errors import SlideSieveError

LENGTHS = [40, 7, 1]


def prepared(bags, **settings):
    torch.manual_seed(0)
    model = panther(8, 3, prototypes=4, **settings)
    model.prepare([collate([bag]) for bag in bags])
    return model


def reference(x, m, steps, tau=1.0, epsilon=1.0):
    """The authors' update of Σ, with the difference that ours does without."""
    p = len(m)
    pi, mu, var = np.full(p, 1 / p), m.copy(), np.full_like(m, epsilon)
    for _ in range(steps):
        squares = ((x[:, None] - mu) ** 2 / var + np.log(var)).sum(axis=2)
        log_q = np.log(pi) - squares / 2
        q = np.exp(log_q - logsumexp(log_q, axis=1, keepdims=True))
        w = q.sum(axis=0) + tau
        pi = w / w.sum()
        mu = (q.T @ x + tau * m) / w[:, None]
        var = (q.T @ x**2 + tau * (epsilon + m**2)) / w[:, None] - mu**2
    return q, pi, mu, var


@pytest.mark.parametrize("steps", [1, 3])
def test_a_padded_batch_equals_the_mixture_slide_by_slide(steps):
    bags = random_bags(LENGTHS)
    model = prepared(bags, iterations=steps)
    output = model(collate(bags))
    share = model.mixture(collate(bags))[0]
    m = model.prototypes.double().numpy()
    for i, bag in enumerate(bags):
        q, pi, mu, var = reference(bag.features.astype(float), m, steps)
        z = np.concatenate([pi, mu.ravel(), var.ravel()])
        np.testing.assert_allclose(output.embedding[i].detach(), z, atol=1e-5)
        np.testing.assert_allclose(share[i, : len(q)], q, atol=1e-5)


def test_merged_tokens_count_as_their_tiles():
    bags = random_bags([6])
    model, batch = prepared(random_bags([30])), collate(bags)
    sizes = torch.tensor([[1.0, 3, 1, 1, 2, 1]])
    repeated = torch.repeat_interleave(batch.features, sizes[0].long(), dim=1)
    ones = torch.ones(repeated.shape[:2])
    many = replace(
        batch, features=repeated, mask=ones.bool(), coords=torch.zeros(1, 9, 2), size=ones
    )
    weighted = model(replace(batch, size=sizes)).embedding
    torch.testing.assert_close(weighted, model(many).embedding)


def test_prototypes_are_of_tokens_drawn_from_everywhere_and_repeatable():
    bags = random_bags([500])
    # The first half lies at 0, the second at 9: rows from the top alone would show one of them.
    bags[0].features[:250] *= 0.01
    bags[0].features[250:] = 9 + bags[0].features[250:] * 0.01
    first, second = (prepared(bags, prototype_tokens=40).prototypes for _ in range(2))
    assert torch.equal(first, second)
    assert first.mean(dim=1).min() < 1
    assert first.mean(dim=1).max() > 8


def test_too_few_tokens_are_refused():
    with pytest.raises(SlideSieveError, match="3 training tokens are too few for 4 prototypes"):
        prepared(random_bags([2, 1]))


def test_attention_goes_to_the_tokens_of_the_prototype_that_decides():
    bags = random_bags([20], seed=3)
    bags[0].features[:10] += 20
    model = prepared(bags)
    far = model.prototypes.mean(dim=1) > 10
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.zero_()
        model.classifier.weight[1, :4] = far.float()
    attention = model(collate(bags)).attention[0]
    torch.testing.assert_close(attention[:10].sum(), torch.tensor(1.0))
