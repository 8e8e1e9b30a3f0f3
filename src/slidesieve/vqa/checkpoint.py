"""The state of an interrupted training, in one file of tensors and text: no pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    set_model_state_dict,
)

from slidesieve.errors import ContractError
from slidesieve.store.atomic import atomic_path

_MODEL, _MOMENTS = "model.", "moments."


@dataclass(frozen=True)
class Progress:
    """How far a training has come.

    Attributes:
        stage: The stage it is in, from 0.
        step: Optimiser steps done in that stage.
        history: Rows of history.csv so far.
        plan: What is trained; a state of another plan is not gone on with.
    """

    stage: int
    step: int
    history: list[dict[str, object]]
    plan: str


def save_state(
    path: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    learns: Callable[[str], bool],
    is_main: bool,
) -> None:
    """Write what training needs to go on; every process calls it, and the main one writes.

    Args:
        path: The file.
        model: With whatever is wrapped around it.
        optimiser: Its optimiser.
        progress: How far it has come.
        learns: Whether a parameter or buffer of that name changes in training; others are those
            that the model began with.
        is_main: Whether this process is the main one.
    """
    # Whole tensors on the CPU, whatever way the model is spread over devices.
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights: dict[str, Any] = get_model_state_dict(model, options=options)
    tensors: dict[str, Tensor] = {
        _MODEL + name: value for name, value in weights.items() if learns(name)
    }
    for name, weight in _named_weights(model):
        for kind, value in optimiser.state.get(weight, {}).items():
            tensors[f"{_MOMENTS}{kind}.{name}"] = _whole(value)
    if not is_main:
        return
    # safetensors writes no tensors that share memory, as those of tied embeddings do.
    tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as partial:
        save_file(tensors, partial, metadata={"progress": json.dumps(vars(progress))})


def load_state(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> Progress:
    """Put what `save_state` wrote into a model and its optimiser.

    Raises:
        ContractError: The file is damaged or of another model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            values = {name: file.get_tensor(name) for name in set(file.keys())}
        weights: dict[str, Any] = {**_without(_MODEL, values)}
        options = StateDictOptions(full_state_dict=True, strict=False)
        unknown = set_model_state_dict(model, weights, options=options).unexpected_keys
        if unknown:
            raise ValueError(f"the model has no {unknown[0]}")
        _put_moments(model, optimiser, _without(_MOMENTS, values))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ContractError(
            f"{path}: the state of an interrupted training cannot be used ({error}); delete it to "
            "train from the beginning"
        ) from error
    return progress


def read_progress(path: Path) -> Progress | None:
    """Return how far an interrupted training came; None if there is none, or it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return Progress(**json.loads(file.metadata()["progress"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def _put_moments(
    model: nn.Module, optimiser: torch.optim.Optimizer, moments: dict[str, Tensor]
) -> None:
    named = dict(_named_weights(model))
    for key, value in moments.items():
        kind, _, name = key.partition(".")
        weight = named[name]
        optimiser.state[weight][kind] = value if value.ndim == 0 else _spread_like(weight, value)


def _named_weights(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the parameters by their names without what DDP puts in front."""
    for name, weight in model.named_parameters():
        yield name.removeprefix("module."), weight


def _whole(value: Tensor) -> Tensor:
    """Return all of a tensor that may be spread over devices, on the CPU."""
    spread: Any = value
    return (spread.full_tensor() if hasattr(value, "full_tensor") else value).cpu()


def _spread_like(weight: nn.Parameter, value: Tensor) -> Tensor:
    """Put a whole tensor where a parameter's own values are."""
    if not hasattr(weight, "full_tensor"):
        return value.to(weight.device)
    from torch.distributed.tensor import distribute_tensor

    spread: Any = weight
    return distribute_tensor(value.to(weight.device), spread.device_mesh, spread.placements)


def _without(prefix: str, values: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix)
    }
