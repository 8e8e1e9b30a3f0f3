"""The batched reducer against the slow reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers import parts
from helpers.dtc_reference import (
    compress_as_written,
    compress_by_default,
    compress_with_gates,
    keep_in_training,
)
from slidesieve.reduction.dtc.budget import target_counts

LENGTHS = [3, 1, 40, 57, 2, 12]
REFERENCES = {
    "as_written": ({"preset": "as_written"}, compress_as_written),
    "default": ({}, compress_by_default),
    "kept": ({"train_hard_prune": False}, keep_in_training),
    "gated": ({"gate_input": "relative", "train_hard_prune": False}, compress_with_gates),
}


@pytest.mark.parametrize("training", [True, False], ids=["train", "infer"])
@pytest.mark.parametrize("retention", [0.7, 0.4, 0.1])
@pytest.mark.parametrize(("switches", "reference"), REFERENCES.values(), ids=REFERENCES)
def test_a_batch_equals_the_reference_slide_by_slide(
    make_batch, switches, reference, retention, training
):
    batch = make_batch(LENGTHS)
    reducer = parts.dtc(16, retention=retention, **switches).train(training)
    with torch.no_grad():
        reduction = reducer(batch)

    def score(token):
        with torch.no_grad():
            return float(reducer.double().networks[0](torch.from_numpy(token)))

    for i, n_tokens in enumerate(LENGTHS):
        expected, members = reference(
            batch.features[i, :n_tokens].numpy(),
            score,
            target_counts(n_tokens, reducer.settings),
            training,
        )
        n_left = int(reduction.tokens.lengths[i])
        assert n_left == len(expected)
        found = reduction.tokens.features[i, :n_left].numpy()
        np.testing.assert_allclose(found, expected, atol=2e-5)
        source = np.full(n_tokens, -1)
        for token, inputs in enumerate(members):
            source[inputs] = token
        np.testing.assert_array_equal(reduction.source[i, :n_tokens].numpy(), source)
        sizes = [len(inputs) for inputs in members]
        np.testing.assert_array_equal(reduction.tokens.size[i, :n_left].numpy(), sizes)
