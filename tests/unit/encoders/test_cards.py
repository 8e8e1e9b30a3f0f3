"""The registry's data, against the networks they describe at full size (without storage)."""

from __future__ import annotations

import re

import pytest
import torch

from slidesieve.encoders.card import PROOFS
from slidesieve.encoders.cards import CARDS
from slidesieve.encoders.checkpoint_keys import LAYOUTS
from slidesieve.encoders.published import FROM_CONFIG
from slidesieve.encoders.registry import FAMILIES, check_encoder
from slidesieve.encoders.towers import TOWERS, build_tower
from slidesieve.errors import ConfigError

BUILT = {name: card for name, card in CARDS.items() if card.architecture != FROM_CONFIG}

# Sizes of published files, as the hub's pages state them: bytes, or GB and MB to three digits.
FILE_BYTES = {
    "hoptimus0": (4_539_305_018, 0.001),
    "kaiko_vits8": (86.7e6, 0.001),
    "kaiko_vits16": (86.7e6, 0.001),
    "kaiko_vitb8": (343e6, 0.002),
    "kaiko_vitb16": (343e6, 0.002),
    "kaiko_vitl14": (1.22e9, 0.004),
    "phikon_v2": (1.21e9, 0.004),
}


def full_size(name):
    with torch.device("meta"):
        return build_tower(CARDS[name], CARDS[name].pooling)


@pytest.mark.parametrize("name", BUILT)
def test_the_network_is_as_the_card_says(name):
    card = CARDS[name]
    tower = full_size(name)
    for pooling in card.poolings:
        with torch.device("meta"):
            features = build_tower(card, pooling).features
        images = torch.zeros(2, 3, card.input_px, card.input_px, device="meta")
        assert features(images).shape == (2, card.width(pooling))
    if card.tower != "layer3":
        trunk = getattr(tower.network, "trunk", tower.network)
        assert trunk.num_prefix_tokens == card.n_prefix_tokens


@pytest.mark.parametrize("name", FILE_BYTES)
def test_the_weights_are_as_many_as_in_the_published_file(name):
    state = full_size(name).network.state_dict()
    published, tolerance = FILE_BYTES[name]
    assert 4 * sum(tensor.numel() for tensor in state.values()) == pytest.approx(
        published, rel=tolerance
    )


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_sound(name):
    card = CARDS[name]
    assert card.name == name
    assert re.fullmatch(r"[a-z0-9_]+", name)
    assert name not in FAMILIES
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", card.hub_id)
    assert card.revision is None or re.fullmatch(r"[0-9a-f]{40}", card.revision)
    assert card.layout in LAYOUTS
    assert card.tower in TOWERS
    assert card.proof in PROOFS
    assert card.licence
    assert check_encoder(name).name == name


def test_poolings_are_checked_by_name():
    assert check_encoder({"name": "virchow2", "pooling": "cls"}).pooling == "cls"
    with pytest.raises(ConfigError, match=r"pooling is 'mean'; allowed: cls\+mean, cls"):
        check_encoder({"name": "virchow2", "pooling": "mean"})
    with pytest.raises(ConfigError, match="it has no choice of them"):
        check_encoder({"name": "timm:resnet18", "pooling": "cls"})


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "conch_v2"}, "unknown name; did you mean 'conch_v"),
        ({"name": "timm:resnet18", "revision": "main"}, "revision goes with models of the"),
        ({"name": "timm:resnet18", "sha256": "0" * 64}, "sha256 goes with"),
        ({"name": "colour_texture", "precision": "bf16"}, "bf16 is for networks"),
        ({"name": "conch_v1", "sha256": "abc"}, "must be 64 hexadecimal digits"),
        ({"name": "conch_v1", "revision": 12}, "put it in quotes"),
    ],
)
def test_options_out_of_place_are_mistakes(entry, words):
    with pytest.raises(ConfigError, match=words):
        check_encoder(entry)
