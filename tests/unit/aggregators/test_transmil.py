"""TransMIL against independent implementations: nystrom-attention, and the authors' own.

The authors' code carries no licence, so it is not here: give the folder of a checkout of
szc19990412/TransMIL in SLIDESIEVE_TRANSMIL_CHECKOUT to compare with it.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import nystrom_attention
import pytest
import torch

from helpers import parts
from helpers.padded_batches import make_batch, pick
from slidesieve.aggregators.nystrom import NystromAttention, iterated_pseudo_inverse
from slidesieve.aggregators.transmil import PPEG
from slidesieve.errors import ConfigError


@pytest.fixture
def model():
    torch.manual_seed(0)
    return parts.transmil(12, 3, hidden_dim=32, heads=4).eval()


@pytest.mark.parametrize("n_tokens", [1, 5, 16, 33, 50])
def test_attention_equals_the_package_nystrom_attention(n_tokens):
    torch.manual_seed(0)
    ours = NystromAttention(32, heads=4, landmarks=16, iterations=6, kernel=33, dropout=0.0)
    theirs = nystrom_attention.NystromAttention(
        dim=32, dim_head=8, heads=4, num_landmarks=16, pinv_iterations=6, residual=True
    )
    theirs.to_qkv.load_state_dict(ours.query_key_value.state_dict())
    theirs.res_conv.load_state_dict(ours.convolution.state_dict())
    theirs.to_out[0].load_state_dict(ours.project[0].state_dict())
    states = torch.randn(1, n_tokens, 32)
    expected, attention = theirs(states, return_attn=True)
    torch.testing.assert_close(ours(states), expected, atol=1e-5, rtol=1e-5)
    first = attention.shape[-1] - n_tokens
    answer, weights = ours.answer_first(states)
    torch.testing.assert_close(answer, expected[:, 0], atol=1e-5, rtol=1e-5)
    expected = attention[0, :, first, first:].mean(dim=0)
    torch.testing.assert_close(weights[0], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_tokens", [777, 40, 1])
def test_equals_the_authors_implementation(n_tokens, monkeypatch):
    checkout = os.environ.get("SLIDESIEVE_TRANSMIL_CHECKOUT")
    if checkout is None:
        pytest.skip("SLIDESIEVE_TRANSMIL_CHECKOUT names no checkout of szc19990412/TransMIL")
    path = Path(checkout) / "models" / "TransMIL.py"
    spec = importlib.util.spec_from_file_location("authors_transmil", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Their forward pass moves the class token to a GPU.
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self: self)
    torch.manual_seed(0)
    theirs = module.TransMIL(n_classes=3).eval()
    ours = parts.transmil(1024, 3).eval()
    renamed = {
        "_fc1": ours.embed,
        "layer1.norm": ours.first.norm,
        "layer2.norm": ours.second.norm,
        "pos_layer.proj": ours.position.convolutions[0],
        "pos_layer.proj1": ours.position.convolutions[1],
        "pos_layer.proj2": ours.position.convolutions[2],
        "norm": ours.norm,
        "_fc2": ours.classifier,
    }
    for layer, mine in (("layer1", ours.first), ("layer2", ours.second)):
        renamed[f"{layer}.attn.to_qkv"] = mine.attention.query_key_value
        renamed[f"{layer}.attn.to_out"] = mine.attention.project
        renamed[f"{layer}.attn.res_conv"] = mine.attention.convolution
    for name, part in renamed.items():
        part.load_state_dict(theirs.get_submodule(name).state_dict())
    ours.class_token.data = theirs.cls_token.data
    batch = make_batch([n_tokens], dim=1024)
    with torch.no_grad():
        difference = ours(batch).logits - theirs(data=batch.features)["logits"]
    assert difference.abs().max() < 1e-5


def test_the_iteration_inverts():
    torch.manual_seed(0)
    matrix = (torch.randn(2, 3, 8, 8) + 6 * torch.eye(8)).softmax(dim=-1).double()
    inverse = iterated_pseudo_inverse(matrix, iterations=12)
    torch.testing.assert_close(inverse, torch.linalg.pinv(matrix), atol=1e-8, rtol=1e-6)


def test_the_positional_code_is_four_images_added():
    torch.manual_seed(0)
    position = PPEG(6)
    states = torch.randn(2, 1 + 16, 6)
    encoded = position(states, side=4)
    assert torch.equal(encoded[:, 0], states[:, 0])
    image = states[:, 1:].reshape(2, 4, 4, 6)
    expected = image.clone()
    for convolution in position.convolutions:
        reach = convolution.kernel_size[0] // 2
        for y in range(4):
            for x in range(4):
                for dy in range(-reach, reach + 1):
                    for dx in range(-reach, reach + 1):
                        if 0 <= y + dy < 4 and 0 <= x + dx < 4:
                            tap = convolution.weight[:, 0, dy + reach, dx + reach]
                            expected[:, y, x] += tap * image[:, y + dy, x + dx]
        expected += convolution.bias
    torch.testing.assert_close(encoded[:, 1:].reshape(2, 4, 4, 6), expected, atol=1e-5, rtol=1e-5)


def test_padding_and_company_change_nothing(model):
    # 10 to 16 tokens share a square of 4 × 4; the others have squares of their own.
    lengths = [10, 16, 30, 1, 13, 2]
    batch = make_batch(lengths, n_padding=3)
    together = model(batch)
    torch.testing.assert_close(together.attention.sum(dim=1), torch.ones(6))
    assert (together.attention >= 0).all()
    assert not together.attention[~batch.mask].any()
    for i, n_tokens in enumerate(lengths):
        alone = model(pick(batch, i))
        torch.testing.assert_close(together.logits[i], alone.logits[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(
            together.attention[i, :n_tokens], alone.attention[0], atol=1e-6, rtol=1e-4
        )


def test_order_of_tokens_matters(model):
    batch = make_batch([9])
    flipped = batch.with_features(batch.features.flip(1))
    assert (model(batch).logits - model(flipped).logits).abs().max() > 1e-3


def test_every_parameter_learns(model):
    model.train()(make_batch([7, 20])).logits.logsumexp(dim=1).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("wrong", [{"heads": 5}, {"heads": 0}, {"hidden_dim": 0}])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"transmil: .*h(idden_dim|eads)"):
        parts.transmil(**{"dim": 12, "n_classes": 3, "hidden_dim": 32} | wrong)
