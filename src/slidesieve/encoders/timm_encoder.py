"""Any model of timm, with published, local or random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import HfHubHTTPError
from torch import Tensor, nn

from slidesieve.encoders import hub_timm
from slidesieve.encoders.checksum import check_sha256
from slidesieve.encoders.spec import EncoderSpec
from slidesieve.encoders.torch_encoder import EncoderIdentity, TorchEncoder, device_and_precision
from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.encoders.transforms import ANTIALIASED, Preparation
from slidesieve.encoders.weights import hash_weights, load_strictly, read_weights
from slidesieve.errors import ConfigError
from slidesieve.parsing.suggestions import nearest

import_torchvision()  # timm needs it and must not be the first to try

import timm  # noqa: E402
from timm.data import resolve_model_data_config  # noqa: E402

RANDOM_SEED = 0


def build(spec: EncoderSpec) -> TorchEncoder:
    """Build the timm model of a config entry.

    Raises:
        ConfigError: timm has no such model, or its weights cannot be had or do not fit.
    """
    if spec.model.startswith("hf-hub:"):
        return hub_timm.build(spec)
    if not timm.is_model(spec.model):
        hint = nearest(spec.model, timm.list_models(), n=5)
        raise ConfigError(
            [
                f"encoder {spec.name}: timm has no model {spec.model!r}; "
                f"{hint}timm.list_models() names them all"
            ]
        )
    origin = ""
    if spec.weights is not None:
        model = _create(spec, pretrained=False)
        _load_local(model, spec, spec.weights)
        source = f"file {spec.weights.name}"
    elif spec.pretrained is False:
        model = _create(spec, pretrained=False)
        origin = f"random-seed{RANDOM_SEED}-"
        source = f"random weights, seed {RANDOM_SEED}"
    else:
        model = _create(spec, pretrained=True)
        source = f"timm {timm.__version__}, {model.pretrained_cfg.get('hf_hub_id') or spec.model}"
    revision = f"{spec.model}@{origin}{hash_weights(model.state_dict())[:16]}"
    device, precision = device_and_precision(spec, on_gpu="fp16")
    identity = EncoderIdentity(spec.name, revision, source, _pooling_of(model))
    return TorchEncoder(model, model, _preparation(model, spec.name), identity, precision, device)


def _load_local(model: nn.Module, spec: EncoderSpec, weights: Path) -> None:
    if weights.is_dir():
        raise ConfigError([f"encoder {spec.name}: weights must name a file, not a folder"])
    if spec.sha256 is not None:
        check_sha256(weights, spec.sha256, spec.name)
    state = _without_classifier(read_weights(weights, spec.name), model)
    load_strictly(model, state, weights, spec.name)


def _create(spec: EncoderSpec, pretrained: bool) -> Any:  # noqa: ANN401
    try:
        # Random weights are drawn without touching the caller's random state.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(RANDOM_SEED)
            return timm.create_model(spec.model, pretrained=pretrained, num_classes=0)
    except (OSError, HfHubHTTPError, RuntimeError) as error:
        if not pretrained:
            raise
        raise ConfigError(
            [
                f"encoder {spec.name}: its published weights cannot be had "
                f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}). "
                "Go online, ask for access where they are gated and set HF_TOKEN, "
                "or give `weights:` the path of a local file"
            ]
        ) from error


def _without_classifier(
    state: dict[str, Tensor],
    model: Any,  # noqa: ANN401
) -> dict[str, Tensor]:
    classifier = model.pretrained_cfg.get("classifier") or ()
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    own = model.state_dict().keys()
    return {
        key: value
        for key, value in state.items()
        if key in own or not any(key.startswith(f"{head}.") for head in heads)
    }


def _preparation(model: nn.Module, name: str) -> Preparation:
    """Tiles are resized whole, once, to the size the model was trained at."""
    data = resolve_model_data_config(model)
    if data["interpolation"] not in ANTIALIASED:
        raise ConfigError(
            [
                f"encoder {name}: the model wants {data['interpolation']!r} interpolation, "
                f"which is not supported ({', '.join(ANTIALIASED)} are)"
            ]
        )
    size = tuple(data["input_size"][1:])
    return Preparation(size, size, data["interpolation"], tuple(data["mean"]), tuple(data["std"]))


def _pooling_of(model: nn.Module) -> str:
    pool = getattr(model, "global_pool", "")
    return str(getattr(pool, "pool_type", pool))
