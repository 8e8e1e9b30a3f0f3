"""PatchGD: the published loop is plain training, and what the grid's network makes of a slide."""

from __future__ import annotations

import torch
from torch.nn import functional

from helpers.bag_factory import placed_bag
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate

FIELD = [(c, r) for r in range(20) for c in range(13) if (c + r) % 3]
LABEL = torch.tensor([1])


def patchgd(**settings):
    torch.manual_seed(0)
    small = {"hidden_dim": 16, "dropout": 0.0, **settings}
    return build_aggregator({"name": "patchgd", **small}, 8, 3)


def test_the_published_loop_with_accumulated_gradients_is_one_backward_pass():
    net, batch = patchgd(gradient_share=1.0).double().train(), collate([placed_bag(FIELD)])
    batch = batch.with_features(batch.features.double())
    functional.cross_entropy(net(batch).logits, LABEL).backward()
    plain = {name: p.grad.clone() for name, p in net.named_parameters()}
    # The published loop: fill the latent grid without gradient, then J times encode 1/J of the
    # patches anew, put them into the grid, and add up the gradients of the loss over J.
    net.zero_grad()
    n_inner = 8
    with torch.no_grad():
        latent = net.embed(batch.features[0])
    parts = torch.randperm(len(latent)).chunk(n_inner)
    encoder = net.embed
    for part in parts:
        filled = latent.detach().clone()
        filled[part] = encoder(batch.features[0, part])
        net.embed = torch.nn.Identity()
        loss = functional.cross_entropy(net(batch.with_features(filled[None])).logits, LABEL)
        (loss / n_inner).backward()
        net.embed = encoder
    for name, parameter in net.named_parameters():
        scale = n_inner if name.startswith("embed.") else 1
        torch.testing.assert_close(scale * parameter.grad, plain[name], atol=1e-10, rtol=1e-8)


def test_the_gradient_share_lets_the_gradient_through_that_many_tokens():
    net, batch = patchgd(gradient_share=0.25).train(), collate([placed_bag(FIELD)])
    features = batch.features.requires_grad_()
    torch.manual_seed(3)
    net(batch.with_features(features)).logits.sum().backward()
    reached = (features.grad.abs().sum(dim=2) > 0).float().mean()
    assert 0.1 < float(reached) < 0.4


def test_attention_is_the_class_activation_map():
    net, bag = patchgd().eval(), placed_bag(FIELD)
    with torch.no_grad():
        output = net(collate([bag]))
        grid = torch.zeros(1, 17, 20, 13)
        place = torch.from_numpy(bag.coords // 256)
        states = net.embed(torch.from_numpy(bag.features))
        # The corner place (0, 0) is empty; the field begins at it all the same.
        place = place - place.min(dim=0).values
        grid[0, :16, place[:, 1], place[:, 0]] = states.T
        grid[0, 16, place[:, 1], place[:, 0]] = 1
        occupied, x = grid[:, 16:], grid
        for i, (convolution, norm) in enumerate(zip(net.convolutions, net.norms, strict=True)):
            if i:
                occupied = functional.max_pool2d(occupied, 3, 2, 1)
            x = functional.relu(norm(convolution(x))) * occupied
        logits = net.classifier(x.sum(dim=(2, 3)) / occupied.sum())
        torch.testing.assert_close(output.logits, logits, atol=1e-5, rtol=1e-4)
        towards = torch.einsum("h,hij->ij", net.classifier.weight[logits.argmax()], x[0]).relu()
    coarse = place // 8
    for row, column in torch.unique(coarse.flip(1), dim=0).tolist():
        inside = (coarse == torch.tensor([column, row])).all(dim=1)
        share = output.attention[0, inside].sum()
        torch.testing.assert_close(
            share, towards[row, column] / towards.sum(), atol=1e-5, rtol=1e-4
        )
