"""From a card to a network: what takes the published weights, and how it makes features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from slidesieve.encoders.attention_poolers import AttentionPooler, PerceiverPooler
from slidesieve.encoders.card import EncoderCard
from slidesieve.encoders.torchvision_compat import import_torchvision

import_torchvision()  # timm needs it and must not be the first to try

import timm  # noqa: E402
from timm.layers import SwiGLUPacked  # noqa: E402

RANDOM_SEED = 0


@dataclass(frozen=True)
class Tower:
    """A network and its way to features.

    Attributes:
        network: What the weights are loaded into, key by key.
        features: From normalised images (B, 3, h, w) to features (B, D).
    """

    network: nn.Module
    features: Callable[[Tensor], Tensor]


def build_tower(card: EncoderCard, pooling: str) -> Tower:
    """Build the network of a card, with random weights.

    Args:
        card: The encoder.
        pooling: One of the card's poolings.
    """
    # Random weights are drawn without touching the caller's random state.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        return TOWERS[card.tower](card, pooling)


def timm_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a card's options into arguments of `timm.create_model`.

    All go through as they are but two that stand for classes: `swiglu: True` is the packed SwiGLU
    feed-forward layer with SiLU, `layer_norm_eps` the epsilon of all layer norms.
    """
    arguments = dict(options)
    if arguments.pop("swiglu", False):
        arguments |= {"mlp_layer": SwiGLUPacked, "act_layer": nn.SiLU}
    if (eps := arguments.pop("layer_norm_eps", None)) is not None:
        arguments["norm_layer"] = partial(nn.LayerNorm, eps=eps)
    return arguments


def pool_tokens(tokens: Tensor, pooling: str, n_prefix_tokens: int) -> Tensor:
    """Make one vector of a transformer's output tokens.

    Args:
        tokens: (B, P + N, D), class token first, then registers, then patches.
        pooling: "cls" is the class token; "cls+mean" appends the mean of the patch tokens.
        n_prefix_tokens: P, class token and registers.

    Returns:
        (B, D) or (B, 2 D).
    """
    if pooling == "cls":
        return tokens[:, 0]
    return torch.cat([tokens[:, 0], tokens[:, n_prefix_tokens:].mean(dim=1)], dim=-1)


class ConchTower(nn.Module):
    """The visual tower of CONCH (Lu et al. 2024): a ViT trunk under an attention pooler.

    Args:
        trunk: The vision transformer.
        pooler: From its tokens (B, 1 + N, W) to queries (B, 1, D).
        projected: Whether the checkpoint holds the projection into the space shared with text.
    """

    def __init__(
        self,
        trunk: Any,  # noqa: ANN401 -- one of timm's networks, whose types are not told apart
        pooler: nn.Module,
        width: int,
        projected: bool,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.attn_pool_contrast = pooler
        self.ln_contrast = nn.LayerNorm(width)
        if projected:
            self.proj_contrast = nn.Parameter(torch.randn(width, width) * width**-0.5)

    def pooled(self, images: Tensor) -> Tensor:
        """Return the pooled token of images (B, 3, h, w), layer-normed: the feature for MIL."""
        return self.ln_contrast(self.attn_pool_contrast(self.trunk.forward_features(images))[:, 0])

    def projection(self, images: Tensor) -> Tensor:
        """Return unit vectors in the space shared with text, for zero-shot use."""
        return nn.functional.normalize(self.pooled(images) @ self.proj_contrast, dim=-1)


def _tokens(card: EncoderCard, pooling: str) -> Tower:
    network = _timm(card)
    return Tower(
        network,
        lambda images: pool_tokens(network.forward_features(images), pooling, card.n_prefix_tokens),
    )


def _whole(card: EncoderCard, pooling: str) -> Tower:
    del pooling  # the network's own
    network = _timm(card)
    return Tower(network, network)


def _layer3(card: EncoderCard, pooling: str) -> Tower:
    del pooling  # the mean over places is the only one
    network = timm.create_model(card.architecture, **timm_arguments(card.options))
    return Tower(network, lambda images: network(images)[0].mean(dim=(2, 3)))


def _conch(card: EncoderCard, pooling: str) -> Tower:
    trunk = _timm(card)
    pooler = AttentionPooler(card.token_width, trunk.num_features, n_heads=8)
    network = ConchTower(trunk, pooler, card.token_width, projected=True)
    return Tower(
        network, network.projection if pooling == "attention+projection" else network.pooled
    )


def _conch_v15(card: EncoderCard, pooling: str) -> Tower:
    del pooling  # the published file holds no projection
    trunk = _timm(card)
    pooler = PerceiverPooler(card.token_width, trunk.num_features, n_heads=8)
    network = ConchTower(trunk, pooler, card.token_width, projected=False)
    return Tower(network, network.pooled)


def _timm(card: EncoderCard) -> Any:  # noqa: ANN401 -- as above
    arguments = timm_arguments(card.options)
    return timm.create_model(card.architecture, num_classes=0, **arguments)


TOWERS: dict[str, Callable[[EncoderCard, str], Tower]] = {
    "tokens": _tokens,
    "whole": _whole,
    "layer3": _layer3,
    "conch": _conch,
    "conch_v15": _conch_v15,
}
