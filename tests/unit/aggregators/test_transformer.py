"""The exact transformer against torch's own encoder and its promises."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import nn

from helpers import parts
from helpers.padded_batches import make_batch, pick
from slidesieve.errors import ConfigError
from slidesieve.nn import transformer_block
from slidesieve.tokens import TokenBatch


@pytest.fixture
def model():
    torch.manual_seed(0)
    return parts.transformer(12, 3, hidden_dim=32, depth=3, heads=4, mlp_dim=48).eval()


def as_torch_encoder(model):
    """Return torch's pre-norm encoder with the same weights."""
    dim, mlp_dim = 32, 48
    layers = []
    for block in model.blocks:
        layer = nn.TransformerEncoderLayer(
            dim, 4, mlp_dim, dropout=0, activation="gelu", batch_first=True, norm_first=True
        )
        key_value = block.key_value
        layer.self_attn.in_proj_weight.data = torch.cat([block.query.weight, key_value.weight])
        layer.self_attn.in_proj_bias.data = torch.cat([block.query.bias, key_value.bias])
        for ours, theirs in (
            (block.project[0], layer.self_attn.out_proj),
            (block.norm, layer.norm1),
            (block.mlp[0], layer.norm2),
            (block.mlp[1], layer.linear1),
            (block.mlp[4], layer.linear2),
        ):
            theirs.load_state_dict(ours.state_dict())
        layers.append(layer.eval())
    return layers


def test_equals_torchs_encoder(model):
    batch = make_batch([7, 20, 1])
    states = model.embed(batch.features)
    states = torch.cat([model.class_token.expand(3, -1, -1), states], dim=1)
    padding = nn.functional.pad(~batch.mask, (1, 0))
    for layer in as_torch_encoder(model):
        before = states
        states = layer(states, src_key_padding_mask=padding)
    output = model(batch)
    torch.testing.assert_close(
        output.logits, model.classifier(model.norm(states[:, 0])), atol=1e-5, rtol=1e-5
    )
    normed = layer.norm1(before)
    _, weights = layer.self_attn(normed, normed, normed, key_padding_mask=padding)
    expected = weights[:, 0, 1:] / weights[:, 0, 1:].sum(dim=1, keepdim=True)
    torch.testing.assert_close(output.attention, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("size_aware", [False, True])
def test_padding_and_company_change_nothing(model, size_aware):
    model.size_aware = size_aware
    batch = make_batch([7, 20, 1], n_padding=5)
    together = model(batch)
    torch.testing.assert_close(together.attention.sum(dim=1), torch.ones(3))
    assert not together.attention[~batch.mask].any()
    for i in range(3):
        alone = model(pick(batch, i))
        n_tokens = int(batch.lengths[i])
        torch.testing.assert_close(together.logits[i], alone.logits[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(together.attention[i, :n_tokens], alone.attention[0])


def test_a_token_of_size_n_counts_as_n_tokens():
    torch.manual_seed(0)
    model = parts.transformer(12, 3, hidden_dim=32, depth=2, heads=4, size_aware=True).eval()
    batch = make_batch([4])
    one = TokenBatch(batch.features, batch.mask, batch.coords, torch.tensor([[3.0, 1, 1, 2]]))
    repeat = torch.tensor([0, 0, 0, 1, 2, 3, 3])
    many = TokenBatch(
        batch.features[:, repeat],
        torch.ones(1, 7, dtype=torch.bool),
        batch.coords[:, repeat],
        torch.ones(1, 7),
    )
    torch.testing.assert_close(model(one).logits, model(many).logits)
    torch.testing.assert_close(model(one).attention[0, 0], model(many).attention[0, :3].sum())


def test_order_of_tokens_does_not_matter(model):
    batch = make_batch([9])
    flipped = batch.with_features(batch.features.flip(1))
    torch.testing.assert_close(model(batch).logits, model(flipped).logits)


def test_every_parameter_learns(model):
    model.train()(make_batch([7, 20])).logits.logsumexp(dim=1).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(("heads_at_once", "block"), [(1, 3), (3, 8), (4, 100)])
def test_heads_and_states_taken_in_parts_give_the_same(model, monkeypatch, heads_at_once, block):
    batch = make_batch([7, 20, 1])
    expected = model(batch)
    monkeypatch.setattr(transformer_block, "_NUMBERS", heads_at_once * 3 * 21 * 32 // 4)
    monkeypatch.setattr(transformer_block, "_BLOCK", block)
    found = model(batch)
    torch.testing.assert_close(found.logits, expected.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.attention, expected.attention, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    "wrong", [{"heads": 5}, {"depth": 0}, {"hidden_dim": 0}, {"dropout": 1.0}, {"mlp_dim": 0}]
)
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        parts.transformer(**{"dim": 12, "n_classes": 3} | wrong)


def test_answers_are_let_go_before_the_states_are_joined(model, monkeypatch):
    block = model.blocks[0]
    attend, join = block._attend, torch.cat
    answers, are_alive = [], []

    def watched_attend(*args):
        found = attend(*args)
        answers.append(weakref.ref(found))
        return found

    def watched_cat(parts, dim):
        are_alive.append([answer() is not None for answer in answers])
        return join(parts, dim=dim)

    monkeypatch.setattr(block, "_attend", watched_attend)
    monkeypatch.setattr(torch, "cat", watched_cat)
    with torch.no_grad():
        block(torch.randn(1, 30, 32), None)
    # The heads are joined first, in `_attend`; the states last.
    assert are_alive == [[], [False]]
