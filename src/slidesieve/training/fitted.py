"""A fitted model and its folder: weights.safetensors, model.json, history.csv."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from slidesieve import __version__
from slidesieve.errors import ContractError
from slidesieve.models.classifier import SlideClassifier, build_model
from slidesieve.stages import STAGES
from slidesieve.store.atomic import atomic_path, write_json
from slidesieve.store.tables import read_csv, write_csv

_DESCRIPTION = (
    *("spec", "classes", "dim", "encoder", "encoder_revision"),
    *("seed", "best_epoch", "signs", "restarts"),
)


@dataclass(frozen=True)
class FittedModel:
    """A model and all that is needed to use it again.

    Attributes:
        model: On the device it was fitted on, in evaluation mode.
        spec: The model's spec in the config.
        classes: Class names in the order of the logits.
        dim: Width of the features it takes.
        encoder: What made the features; empty where the files do not say.
        encoder_revision: What pins the encoder's weights.
        seed: Of the fit.
        best_epoch: Epoch, from 1, whose weights these are.
        signs: What says that the fit has failed, see `signs_of_failure`.
        restarts: Fits with another seed that were tried beside it.
        history: A row per epoch: epoch, train_loss, train_cross_entropy (train_loss without the
            losses that reducer and aggregator add), val_loss, val_balanced_accuracy, and what the
            reducer has to say of itself (`TokenReducer.diagnostics`).
        seconds_per_epoch: Mean over the fit, validation included; not known of a model that was
            read, as its files are the same whatever the time.
    """

    model: SlideClassifier
    spec: Mapping[str, object]
    classes: tuple[str, ...]
    dim: int
    encoder: str
    encoder_revision: str
    seed: int
    best_epoch: int
    signs: tuple[str, ...]
    restarts: int
    history: pd.DataFrame
    seconds_per_epoch: float = float("nan")


def save_model(folder: Path, fitted: FittedModel) -> None:
    """Write a fitted model; the same fit gives the same bytes."""
    description = {name: getattr(fitted, name) for name in _DESCRIPTION}
    versions = {
        "slidesieve": __version__,
        "stage": STAGES["train"],
        "torch": torch.__version__,
    }
    weights = {name: t.cpu().contiguous() for name, t in fitted.model.state_dict().items()}
    with atomic_path(folder / "weights.safetensors") as partial:
        save_file(weights, partial)
    write_csv(folder / "history.csv", fitted.history)
    write_json(folder / "model.json", description | {"versions": versions})


def load_model(
    folder: Path, device: torch.device | str = "cpu", training_parts: bool = False
) -> FittedModel:
    """Read a model that `save_model` wrote.

    Args:
        folder: Where it lies.
        device: Where to put it.
        training_parts: Whether to read the modules that only training needs, too, for audits.

    Raises:
        ContractError: A file is missing or damaged, or the weights do not fit the spec.
    """
    try:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        known = {name: description[name] for name in _DESCRIPTION}
        model = build_model(known["spec"], known["dim"], len(known["classes"]))
        whole = set(model.state_dict())
        if not training_parts:
            model.drop_training_parts()
        weights = _read_weights(folder, whole - set(model.state_dict()))
    except FileNotFoundError as error:
        raise ContractError(f"{error.filename}: no such file; fit the model again") from error
    except (json.JSONDecodeError, KeyError, SafetensorError) as error:
        raise ContractError(f"{folder}: damaged model ({error}); fit it again") from error
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ContractError(f"{folder}: weights do not fit the spec ({error})") from error
    for name in ("classes", "signs"):
        known[name] = tuple(known[name])
    history = read_csv(folder / "history.csv")
    return FittedModel(model=model.to(device).eval(), history=history, **known)


def _read_weights(folder: Path, leave_out: set[str]) -> dict[str, Tensor]:
    with safe_open(folder / "weights.safetensors", framework="pt") as file:
        return {name: file.get_tensor(name) for name in set(file.keys()) - leave_out}
