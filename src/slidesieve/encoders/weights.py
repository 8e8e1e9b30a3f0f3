"""Local files of weights: read without pickle's dangers, checked key by key, hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from slidesieve.errors import ConfigError

# What torch and safetensors raise for a file that is not what its name says.
_UNREADABLE = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    UnpicklingError,
    SafetensorError,
)


def load_weights(model: nn.Module, path: Path, name: str) -> None:
    """Load a local file of weights into a model, strictly; a classifier in it is left out.

    Raises:
        ConfigError: The file cannot be read, or its keys or shapes are not the model's.
    """
    state = _without_classifier(_read_state(path, name), model)
    own = model.state_dict()
    problems = [
        *_difference("missing", own.keys() - state.keys(), "in the model, not in the file"),
        *_difference("unexpected", state.keys() - own.keys(), "in the file, not in the model"),
        *_difference(
            "of another shape",
            {
                f"{key} {tuple(state[key].shape)} for {tuple(own[key].shape)}"
                for key in own.keys() & state.keys()
                if state[key].shape != own[key].shape
            },
            "file for model",
        ),
    ]
    if problems:
        raise ConfigError(
            [f"encoder {name}: {path} does not fit this model: {'; '.join(problems)}"]
        )
    model.load_state_dict(state)


def hash_weights(state: Mapping[str, Tensor]) -> str:
    """Hash names, types, shapes and values, so that any file of the same weights gives the same."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].detach().cpu().contiguous()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _read_state(path: Path, name: str) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ConfigError([f"encoder {name}: the weights {path} do not exist"]) from error
    except _UNREADABLE as error:
        raise ConfigError(
            [f"encoder {name}: the weights {path} cannot be read: {error}"]
        ) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(isinstance(v, Tensor) for v in content.values()):
        raise ConfigError([f"encoder {name}: {path} holds no mapping of names to tensors"])
    return {key.removeprefix("module."): value for key, value in content.items()}


def _without_classifier(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    classifier = model.pretrained_cfg.get("classifier") or ()
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    own = model.state_dict().keys()
    return {
        key: value
        for key, value in state.items()
        if key in own or not any(key.startswith(f"{head}.") for head in heads)
    }


def _difference(what: str, keys: set[str], where: str) -> list[str]:
    if not keys:
        return []
    shown = ", ".join(sorted(keys)[:5]) + (", …" if len(keys) > 5 else "")
    return [f"{len(keys)} {what} ({where}): {shown}"]
