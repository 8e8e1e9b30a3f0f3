"""Checkpoints of Hugging Face transformers in our towers, against transformers itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.encoder_inputs import normalised, spec_for, tiles
from slidesieve.encoders.cards import CARDS
from slidesieve.encoders.published import build_card
from slidesieve.encoders.torchvision_compat import import_torchvision

import_torchvision()  # transformers may import it, too
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install '.[dev,peers]'"
)

SIZE = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
SMALL = {"embed_dim": 48, "depth": 3, "num_heads": 4}


def tiny_card(name: str, **options: object):
    card = CARDS[name]
    return replace(card, token_width=48, options={**card.options, **SMALL, **options})


def phikon(positions_px: int):
    config = transformers.ViTConfig(
        **SIZE, intermediate_size=192, image_size=positions_px, patch_size=16
    )
    assert config.layer_norm_eps == 1e-12  # the class's default, which Phikon keeps
    return transformers.ViTModel(config, add_pooling_layer=True), tiny_card("phikon")


def phikon_v2(positions_px: int):
    config = transformers.Dinov2Config(**SIZE, image_size=positions_px, patch_size=16)
    return transformers.Dinov2Model(config), tiny_card("phikon_v2")


def midnight(positions_px: int):
    config = transformers.Dinov2Config(
        **SIZE, image_size=positions_px, patch_size=14, use_swiglu_ffn=True
    )
    return transformers.Dinov2Model(config), tiny_card("midnight")


def hibou_l(positions_px: int):
    config = transformers.Dinov2WithRegistersConfig(
        **SIZE, image_size=positions_px, patch_size=14, num_register_tokens=4, use_swiglu_ffn=True
    )
    hidden = 8 * -(-(2 * 4 * 48 // 3) // 8)
    card = tiny_card("hibou_l", mlp_ratio=2 * hidden / 48)
    return transformers.Dinov2WithRegistersModel(config), card


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    """Weights large enough that every one of them matters.

    But embeddings so faint that the epsilon of the first layer norm does, too.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 1e-3 if name.startswith("embeddings.") else 0.3
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    return model.eval()


# Midnight's own size is not stated in what we could read: the maps stretch position codes as
# transformers does, so both sizes give its features.
@pytest.mark.parametrize(
    ("make", "positions_px"),
    [(phikon, 224), (phikon_v2, 224), (midnight, 224), (midnight, 518), (hibou_l, 224)],
)
def test_features_equal_those_of_transformers(tmp_path, make, positions_px):
    model, card = make(positions_px)
    randomised(model)
    model.save_pretrained(tmp_path)  # in the hub's names, which are not those of the classes
    encoder = build_card(card, spec_for(card, tmp_path))
    images = tiles(224)
    with torch.no_grad():
        tokens = model(pixel_values=normalised(card, images)).last_hidden_state
    expected = tokens[:, 0]
    if card.pooling == "cls+mean":
        expected = torch.cat([expected, tokens[:, card.n_prefix_tokens :].mean(1)], dim=-1)
    np.testing.assert_allclose(encoder.encode(images), expected, atol=3e-4, rtol=3e-4)
