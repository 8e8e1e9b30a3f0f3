"""Any model of timm, with published, local or random weights."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import torch
from huggingface_hub.errors import HfHubHTTPError
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.encoders.spec import EncoderSpec, near_misses
from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.encoders.weights import hash_weights, load_weights
from slidesieve.errors import ConfigError

import_torchvision()  # timm needs it and must not be the first to try

import timm  # noqa: E402
from timm.data import resolve_model_data_config  # noqa: E402

log = logging.getLogger(__name__)

RANDOM_SEED = 0
_ANTIALIASED = ("bilinear", "bicubic")


class TimmEncoder:
    """A timm model without its classifier.

    Tiles are resized whole, once, to the size the model was trained at, by its own interpolation
    with antialiasing on floats, and normalised by its own mean and sd.
    """

    runs_in_workers = False

    def __init__(
        self, model: nn.Module, name: str, revision: str, precision: str, device: str
    ) -> None:
        self.name = name
        self.revision = revision
        self.precision = precision
        self._device = torch.device(device)
        self._model = model.eval().requires_grad_(False).to(self._device)
        data = resolve_model_data_config(model)
        self._size = tuple(data["input_size"][1:])
        self._interpolation = _check_interpolation(data["interpolation"], name)
        self._mean = self._per_channel(data["mean"])
        self._std = self._per_channel(data["std"])
        self.tile_px = self._size[1]
        self.transform = (
            f"resize {self._size[1]}x{self._size[0]} {self._interpolation} antialiased, "
            f"mean {_words(data['mean'])}, sd {_words(data['std'])}"
        )
        self.pooling = _pooling_of(model)
        self.dim = self._forward(np.zeros((1, *self._size, 3), dtype=np.uint8)).shape[1]

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode RGB tiles (B, H, W, 3) into features (B, dim)."""
        if not len(tiles):
            return np.zeros((0, self.dim), dtype=np.float32)
        return in_pieces_that_fit(self._forward, tiles)

    @torch.inference_mode()
    def _forward(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.autocast(
            self._device.type, dtype=torch.float16, enabled=self.precision == "fp16"
        ):
            features = self._model(self._prepare(tiles))
        if features.ndim != 2:
            shape = tuple(features.shape)
            raise ConfigError([f"encoder {self.name}: gives features {shape}, not (B, D)"])
        return features.float().cpu().numpy()

    def _prepare(self, tiles: NDArray[np.uint8]) -> Tensor:
        """Bring tiles (B, H, W, 3) to what the model expects, (B, 3, h, w)."""
        images = torch.from_numpy(tiles).to(self._device).permute(0, 3, 1, 2).float()
        if tuple(images.shape[2:]) != self._size:
            images = functional.interpolate(
                images, size=self._size, mode=self._interpolation, antialias=True
            ).clamp_(0, 255)
        return (images / 255 - self._mean) / self._std

    def _per_channel(self, values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values, device=self._device).view(1, 3, 1, 1)


def build(spec: EncoderSpec) -> TimmEncoder:
    """Build the timm model of a config entry.

    Raises:
        ConfigError: timm has no such model, or its weights cannot be had or do not fit.
    """
    _check_model_name(spec)
    device = spec.device or ("cuda" if torch.cuda.is_available() else "cpu")
    precision = spec.precision or ("fp16" if device.startswith("cuda") else "fp32")
    if spec.weights is not None:
        model = _create(spec, pretrained=False)
        load_weights(model, spec.weights, spec.name)
        origin = ""
    elif spec.pretrained is False:
        model = _create(spec, pretrained=False)
        origin = f"random-seed{RANDOM_SEED}-"
    else:
        model = _create(spec, pretrained=True)
        origin = ""
    revision = f"{spec.model}@{origin}{hash_weights(model.state_dict())[:16]}"
    return TimmEncoder(model, spec.name, revision, precision, device)


def in_pieces_that_fit(
    forward: Callable[[NDArray[np.uint8]], NDArray[np.float32]], tiles: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Apply `forward` to a batch, halving it whenever the GPU's memory does not suffice."""
    pieces: list[NDArray[np.float32]] = []
    start, length = 0, len(tiles)
    while start < len(tiles):
        try:
            pieces.append(forward(tiles[start : start + length]))
        except torch.cuda.OutOfMemoryError:
            if length == 1:
                raise
            length = (length + 1) // 2
            log.warning("GPU memory does not hold the batch: going on with %d tiles", length)
            torch.cuda.empty_cache()
            continue
        start += length
    return np.concatenate(pieces)


def _check_model_name(spec: EncoderSpec) -> None:
    if spec.model.startswith("hf-hub:") or timm.is_model(spec.model):
        return
    hint = near_misses(spec.model, timm.list_models())
    raise ConfigError([f"encoder {spec.name}: timm has no model {spec.model!r}{hint}"])


def _create(spec: EncoderSpec, pretrained: bool) -> nn.Module:
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


def _check_interpolation(interpolation: str, name: str) -> str:
    if interpolation not in _ANTIALIASED:
        raise ConfigError(
            [
                f"encoder {name}: the model wants {interpolation!r} interpolation, "
                f"which is not supported ({', '.join(_ANTIALIASED)} are)"
            ]
        )
    return interpolation


def _pooling_of(model: nn.Module) -> str:
    pool = getattr(model, "global_pool", "")
    return str(getattr(pool, "pool_type", pool))


def _words(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)
