"""The encoders of the registry, from their cards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import torch

from slidesieve.encoders.card import EncoderCard
from slidesieve.encoders.cards import CARDS
from slidesieve.encoders.checkpoint_keys import to_own_layout
from slidesieve.encoders.checksum import check_sha256
from slidesieve.encoders.spec import EncoderSpec
from slidesieve.encoders.torch_encoder import EncoderIdentity, TorchEncoder, device_and_precision
from slidesieve.encoders.towers import RANDOM_SEED, Tower, build_tower
from slidesieve.encoders.transforms import Preparation
from slidesieve.encoders.weight_sources import Located, locate_config, locate_weights
from slidesieve.encoders.weights import hash_weights, load_strictly, read_weights
from slidesieve.errors import ConfigError

FROM_CONFIG = "from config.json"


def build(spec: EncoderSpec) -> TorchEncoder:
    """Build the encoder of a config entry that names a card.

    Raises:
        ConfigError: Its weights cannot be had or do not fit.
    """
    return build_card(CARDS[spec.name], spec)


def build_card(card: EncoderCard, spec: EncoderSpec) -> TorchEncoder:
    """Build the encoder of a card.

    Args:
        card: What it is.
        spec: What the config says: weights, pooling, precision, device.

    Raises:
        ConfigError: Its weights cannot be had or do not fit.
    """
    if card.architecture == FROM_CONFIG:
        card = _with_architecture(card, read_config(spec, card.hub_id, card.revision))
    pooling = spec.pooling or card.pooling
    if spec.pretrained is False and spec.weights is None:
        tower, source = build_tower(card, pooling), f"random weights, seed {RANDOM_SEED}"
        revision = f"{card.name}:{pooling}@random-seed{RANDOM_SEED}-"
    else:
        found = locate_weights(spec, card.hub_id, card.files, card.revision)
        tower, source = _loaded_tower(card, pooling, found, spec), found.source
        revision = f"{card.name}:{pooling}@"
    revision += hash_weights(tower.network.state_dict())[:16]
    device, precision = device_and_precision(spec, on_gpu=card.precision)
    encoder = TorchEncoder(
        tower.network,
        tower.features,
        preparation_of(card),
        EncoderIdentity(spec.name, revision, source, pooling),
        precision,
        device,
    )
    if card.token_width and encoder.dim != card.width(pooling):
        raise ConfigError(
            [
                f"encoder {spec.name}: gives {encoder.dim} numbers a tile, but its card says "
                f"{card.width(pooling)}; the repository seems to hold another model"
            ]
        )
    return encoder


def preparation_of(card: EncoderCard) -> Preparation:
    """How tiles are brought to the encoder of a card."""
    resize_px = card.resize_px or card.input_px
    return Preparation(
        input_size=(card.input_px, card.input_px),
        resize_size=(resize_px, resize_px),
        interpolation=card.interpolation,
        mean=card.mean,
        std=card.std,
    )


def read_config(spec: EncoderSpec, repository: str, revision: str | None) -> Mapping:
    """Read the config.json that timm puts beside its weights.

    Raises:
        ConfigError: It cannot be had, or is no config of timm's.
    """
    found = locate_config(spec, repository, revision)
    try:
        config = json.loads(found.path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError([f"encoder {spec.name}: {found.path} cannot be read: {error}"]) from error
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        raise ConfigError(
            [
                f"encoder {spec.name}: {found.source} names no timm architecture; only models "
                "that timm can load are supported by this name"
            ]
        )
    return config


def _with_architecture(card: EncoderCard, config: Mapping) -> EncoderCard:
    options = {**config.get("model_args", {}), **card.options}
    options.pop("num_classes", None)
    return replace(card, architecture=config["architecture"], options=options)


def _loaded_tower(card: EncoderCard, pooling: str, found: Located, spec: EncoderSpec) -> Tower:
    if spec.sha256 is not None:
        check_sha256(found.path, spec.sha256, spec.name)
    state = read_weights(found.path, spec.name)
    # Parameters without storage: weights are not drawn at random only to be replaced.
    with torch.device("meta"):
        tower = build_tower(card, pooling)
    state = to_own_layout(card.layout, state, tower.network)
    load_strictly(tower.network, state, found.path, spec.name)
    return tower
