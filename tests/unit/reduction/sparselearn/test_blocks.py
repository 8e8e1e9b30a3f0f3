"""Attention blocks against torch's own and against loops."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from slidesieve.reduction.sparselearn.blocks import Block, GlobalAttention, OwnTokenAttention
from slidesieve.reduction.sparselearn.denoiser import build_denoiser
from slidesieve.reduction.sparselearn.dilated import DilatedAttention


def torch_layer(dim: int, heads: int) -> nn.TransformerEncoderLayer:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(
        dim, heads, 4 * dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.3)
    return layer.double()


def copy_common_weights(block: Block, layer: nn.TransformerEncoderLayer) -> None:
    block.norm_attention.load_state_dict(layer.norm1.state_dict())
    block.norm_feed_forward.load_state_dict(layer.norm2.state_dict())
    block.feed_forward[0].load_state_dict(layer.linear1.state_dict())
    block.feed_forward[2].load_state_dict(layer.linear2.state_dict())
    block.attention.output.load_state_dict(layer.self_attn.out_proj.state_dict())


@pytest.mark.parametrize("heads", [1, 4])
def test_own_token_block_is_a_transformer_layer_with_an_identity_mask(heads):
    layer = torch_layer(12, heads)
    block = Block(12, OwnTokenAttention(12)).double()
    copy_common_weights(block, layer)
    with torch.no_grad():
        block.attention.value.weight.copy_(layer.self_attn.in_proj_weight[24:])
        block.attention.value.bias.copy_(layer.self_attn.in_proj_bias[24:])
    x = torch.randn(2, 9, 12, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(2, 9, dtype=torch.bool)
    expected = layer(x, src_mask=~torch.eye(9, dtype=torch.bool))
    found = block(x, mask)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)
    (theirs,) = torch.autograd.grad(expected.square().sum(), x)
    (ours,) = torch.autograd.grad(found.square().sum(), x)
    torch.testing.assert_close(ours, theirs, atol=1e-11, rtol=1e-11)


def test_own_token_block_passes_nothing_between_tokens():
    block = Block(6, OwnTokenAttention(6))
    x = torch.randn(1, 5, 6, requires_grad=True)
    block(x, torch.ones(1, 5, dtype=torch.bool))[0, 2].sum().backward()
    moved = x.grad.abs().sum(dim=-1)[0] > 0
    assert moved.tolist() == [False, False, True, False, False]


def test_global_block_is_a_transformer_layer():
    layer = torch_layer(12, 4)
    block = Block(12, GlobalAttention(12, 4)).double()
    copy_common_weights(block, layer)
    with torch.no_grad():
        block.attention.input.weight.copy_(layer.self_attn.in_proj_weight)
        block.attention.input.bias.copy_(layer.self_attn.in_proj_bias)
    x = torch.randn(2, 9, 12, dtype=torch.float64)
    mask = torch.arange(9) < torch.tensor([[9], [5]])
    expected = layer(x, src_key_padding_mask=~mask)
    torch.testing.assert_close(block(x, mask)[mask], expected[mask], atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("kind", ["diagonal", "global"])
def test_zero_initialised_denoisers_start_as_the_identity(kind):
    x, mask = torch.randn(2, 7, 10), torch.ones(2, 7, dtype=torch.bool)
    assert torch.equal(build_denoiser(kind, 10, 4, zero_init=True)(x, mask), x)
    assert not torch.allclose(build_denoiser(kind, 10, 4, zero_init=False)(x, mask), x)


def dilated_by_loop(attention: DilatedAttention, x: torch.Tensor, n_real: int) -> torch.Tensor:
    """One bag, query by query: a softmax over the union of the patterns' keys."""
    heads, width = attention.heads, attention.head_dim
    q, k, v = attention.input(x).unflatten(-1, (3, heads, width)).unbind(dim=-3)
    mixed = torch.zeros_like(q)
    for head in range(heads):
        for i in range(n_real):
            keys = [
                j
                for length, dilation in attention.patterns
                for j in range(n_real)
                if j // length == i // length
                and j % length % dilation == head % dilation == i % length % dilation
            ]
            logits = k[keys, head] @ q[i, head] / width**0.5
            mixed[i, head] = logits.softmax(dim=0) @ v[keys, head]
    return attention.output(mixed.flatten(1))


@pytest.mark.parametrize("patterns", [((8, 1),), ((4, 1), (8, 2)), ((4, 1), (16, 4), (64, 16))])
def test_dilated_attention_matches_a_loop_over_queries(patterns):
    torch.manual_seed(0)
    attention = DilatedAttention(9, 3, patterns)
    x = torch.randn(21, 9)
    mask = (torch.arange(21) < 18)[None]
    found = attention(x[None] * mask[..., None], mask)[0, :18]
    torch.testing.assert_close(found, dilated_by_loop(attention, x, 18)[:18], atol=1e-5, rtol=1e-5)


def test_dilated_attention_over_one_segment_is_global():
    torch.manual_seed(0)
    dilated, full = DilatedAttention(12, 3, ((32, 1),)), GlobalAttention(12, 3)
    full.load_state_dict(dilated.state_dict())
    x, mask = torch.randn(2, 20, 12), torch.arange(20) < torch.tensor([[20], [7]])
    torch.testing.assert_close(dilated(x, mask)[mask], full(x, mask)[mask])


def test_dilated_attention_has_finite_gradients_in_padding():
    torch.manual_seed(0)
    attention = DilatedAttention(9, 3, ((4, 1), (8, 2)))
    mask = torch.arange(30) < torch.tensor([[30], [3]])
    x = torch.randn(2, 30, 9, requires_grad=True)
    attention(x * mask[..., None], mask)[mask].sum().backward()
    gradients = [x.grad, *(p.grad for p in attention.parameters())]
    assert all(gradient.isfinite().all() for gradient in gradients)
