"""Files of weights: read without pickle's dangers, checked key by key, hashed."""

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


def read_weights(path: Path, name: str) -> dict[str, Tensor]:
    """Read a file of weights, .safetensors or what torch saved; no code in it is run.

    Args:
        path: The file. The mapping may lie under "state_dict" or "model", its names may start
            with "module.".
        name: The encoder, for messages.

    Raises:
        ConfigError: There is no such file, or it holds no mapping of names to tensors.
    """
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


def load_strictly(network: nn.Module, state: Mapping[str, Tensor], path: Path, name: str) -> None:
    """Load tensors into a network, each into its place and none left over.

    Args:
        network: The network.
        state: Tensors by the network's names.
        path: Where they come from, for messages.
        name: The encoder, for messages.

    Raises:
        ConfigError: Keys or shapes are not the network's.
    """
    own = network.state_dict()
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
    # A network built without storage takes the tensors themselves; in fp32, whatever they are in.
    whole = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    network.load_state_dict(whole, assign=True)


def hash_weights(state: Mapping[str, Tensor]) -> str:
    """Hash names, types, shapes and values, so that any file of the same weights gives the same."""
    digest = hashlib.sha256()
    for key in sorted(state):
        tensor = state[key].detach().cpu().contiguous()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _difference(what: str, keys: set[str], where: str) -> list[str]:
    if not keys:
        return []
    shown = ", ".join(sorted(keys)[:5]) + (", …" if len(keys) > 5 else "")
    return [f"{len(keys)} {what} ({where}): {shown}"]
