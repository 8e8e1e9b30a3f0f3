"""The training loop of one fold."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from slidesieve.bags import Bag, check_bags, check_places, collate
from slidesieve.errors import ContractError, SlideSieveError
from slidesieve.models.classifier import SlideClassifier, build_model, needs_places
from slidesieve.nn.lazy_bags import LazyBags
from slidesieve.nn.part import ModelPart
from slidesieve.runtime.devices import make_deterministic
from slidesieve.tokens import TokenBatch
from slidesieve.training.batches import StepBatches, labels_of
from slidesieve.training.early_stopping import EarlyStopping
from slidesieve.training.fitted import FittedModel
from slidesieve.training.memory import TokenBudget
from slidesieve.training.prediction import balanced_accuracy, predict_bags
from slidesieve.training.settings import TrainingSettings
from slidesieve.training.signs import signs_of_failure

log = logging.getLogger(__name__)


def fit_fold(
    model_spec: Mapping[str, object],
    train_bags: Sequence[Bag],
    val_bags: Sequence[Bag],
    classes: Sequence[str],
    settings: TrainingSettings,
    device: torch.device,
    last_epoch: int | None = None,
) -> FittedModel:
    """Fit a model to the training slides of a fold.

    Adam on class-weighted cross-entropy plus whatever losses the reducer and the aggregator add.
    The weights of the best epoch on the validation slides are kept; without validation slides,
    those of the last epoch. Test slides are no argument, so nothing can be chosen on them. On one
    device and number of threads the same arguments give the same bytes.

    Args:
        model_spec: The model's spec in the config, see `build_model`.
        train_bags: At least one bag.
        val_bags: For early stopping only; may be empty.
        classes: The dataset's classes, in order.
        settings: The rest.
        device: Where to compute.
        last_epoch: Where to end before `settings.epochs`. What changes over the training (such as
            temperatures) changes as if it went on.

    Raises:
        ContractError: Bags cannot be used together.
        SlideSieveError: The loss stopped being finite.
    """
    if not train_bags:
        raise ContractError("no training slide has tokens")
    check_bags([*train_bags, *val_bags])
    if needs_places(model_spec):
        check_places([*train_bags, *val_bags])
    first = train_bags[0]
    make_deterministic()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(settings.seed)
        model = build_model(model_spec, first.features.shape[1], len(classes)).to(device)
        for part, spec in _teachers(model, model_spec):
            part.learn_from(fit_fold(spec, train_bags, [], classes, settings, device).model)
        model.prepare(LazyBags(train_bags, lambda bag: collate([bag]).to(device)))
        class_weights = _class_weights(train_bags, len(classes), settings).to(device)
        fit = _Fit(model, settings, class_weights, device)
        start = time.perf_counter()
        best_epoch, history = _run_epochs(fit, train_bags, val_bags, last_epoch or settings.epochs)
        seconds = time.perf_counter() - start
    first_epoch = _first_epoch(model.warmup_share, settings.epochs)
    signs = tuple(signs_of_failure(history, best_epoch, first_epoch, len(classes)))
    for sign in signs:
        log.warning("training: %s", sign)
    return FittedModel(
        model=model.eval(),
        spec=model_spec,
        classes=tuple(classes),
        dim=first.features.shape[1],
        encoder=first.encoder,
        encoder_revision=first.encoder_revision,
        seed=settings.seed,
        best_epoch=best_epoch,
        signs=signs,
        restarts=0,
        history=history,
        seconds_per_epoch=seconds / len(history),
    )


def _teachers(
    model: SlideClassifier, model_spec: Mapping[str, object]
) -> Iterator[tuple[ModelPart, dict[str, object]]]:
    """Yield the parts that learn from a fitted model, with the spec of that model.

    It is fitted to the training slides alone, and to the last epoch. That of an aggregator sees
    what the reducer leaves, as the aggregator does.
    """
    own = {"standardise": model_spec.get("standardise", True)}
    if model.reducer.teacher is not None:
        yield model.reducer, {**own, **model.reducer.teacher}
    if model.aggregator.teacher is not None:
        own["reducer"] = model_spec.get("reducer", "none")
        yield model.aggregator, {**own, **model.aggregator.teacher}


def _run_epochs(
    fit: _Fit, train_bags: Sequence[Bag], val_bags: Sequence[Bag], last_epoch: int
) -> tuple[int, pd.DataFrame]:
    """Train until the last epoch, or earlier; return the epoch kept and the history."""
    settings = fit.settings
    rng = np.random.default_rng(settings.seed)
    stopping = EarlyStopping(settings, _first_epoch(fit.model.warmup_share, settings.epochs))
    history = []
    for epoch in tqdm(range(1, last_epoch + 1), desc="epochs", disable=None):
        row = {"epoch": epoch, **fit.train_epoch(train_bags, rng)}
        row |= fit.validate(val_bags) | fit.model.diagnostics()
        history.append(row)
        if val_bags:
            stopping.update(epoch, row["val_loss"], row["val_balanced_accuracy"], fit.model)
            if stopping.is_due(epoch):
                break
    if val_bags:
        stopping.restore(fit.model)
    return stopping.best_epoch or last_epoch, pd.DataFrame(history)


def _first_epoch(warmup_share: float, epochs: int) -> int:
    """Return the first epoch all of whose steps come after a share of the training."""
    return min(epochs, math.ceil(warmup_share * epochs) + 1)


class _Fit:
    """A model with its optimiser, going through its steps.

    Args:
        model: On `device`, prepared.
        settings: The training section.
        class_weights: (C,) on `device`.
        device: Where to compute.
    """

    def __init__(
        self,
        model: SlideClassifier,
        settings: TrainingSettings,
        class_weights: Tensor,
        device: torch.device,
    ) -> None:
        self.model = model
        self.settings = settings
        self._class_weights = class_weights
        self._device = device
        self._optimiser = torch.optim.Adam(
            model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, fused=True
        )
        on_gpu = device.type == "cuda"
        self._dtype = torch.float16 if on_gpu else torch.bfloat16
        self._amp = settings.amp if on_gpu else settings.cpu_bf16
        # bfloat16 has the range of float32: its gradients do not vanish.
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._amp and on_gpu)
        self._budget = TokenBudget(settings.token_budget, device)
        # No gradients are kept in validation, so more tokens may fit.
        self._validation_budget = TokenBudget(settings.token_budget, device)
        self._steps_done = 0

    def train_epoch(self, bags: Sequence[Bag], rng: np.random.Generator) -> dict[str, float]:
        """Pass once over the bags in random order; return the mean losses of the steps."""
        self.model.train()
        order = rng.permutation(len(bags))
        starts = range(0, len(bags), self.settings.batch_slides)
        n_steps = self.settings.epochs * len(starts)
        steps = [
            [bags[i] for i in order[start : start + self.settings.batch_slides]] for start in starts
        ]
        batches = StepBatches(steps, self._device)
        losses = []
        for step in range(len(steps)):
            self.model.schedule(self._steps_done, n_steps)
            losses.append(self._step(step, batches))
            self._steps_done += 1
        mean_loss, cross_entropy = np.mean(losses, axis=0).tolist()
        if not np.isfinite(mean_loss):
            raise SlideSieveError(
                f"training: the loss is {mean_loss} at step {self._steps_done}; lower training.lr"
            )
        return {"train_loss": mean_loss, "train_cross_entropy": cross_entropy}

    def _step(self, step: int, batches: StepBatches) -> list[float]:
        """Take one optimiser step on the mean loss of its bags, in as many passes as needed."""
        bags = batches.steps[step]
        loss = self._budget.run(
            bags, lambda tokens: self._add_up_gradients(bags, batches.passes(step, tokens))
        )
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.model.after_step()
        return loss

    def _add_up_gradients(
        self, bags: Sequence[Bag], passes: Iterator[tuple[Sequence[Bag], TokenBatch]]
    ) -> list[float]:
        """Leave the gradients of the mean loss of some bags in the parameters.

        Returns:
            The loss, and the cross-entropy in it.
        """
        self._optimiser.zero_grad(set_to_none=True)
        total_weight = self._class_weights[labels_of(bags)].sum()
        losses_of_step = torch.zeros(2, device=self._device)
        for group, batch in passes:
            with torch.autocast(self._device.type, self._dtype, enabled=self._amp):
                losses = self._shares_of_losses(group, batch, total_weight, len(bags))
            self._scaler.scale(losses[0]).backward()
            losses_of_step += losses.detach()
        return losses_of_step.tolist()

    def validate(self, bags: Sequence[Bag]) -> dict[str, float]:
        """Return the weighted cross-entropy and balanced accuracy of bags; NaN without any."""
        if not bags:
            return {"val_loss": float("nan"), "val_balanced_accuracy": float("nan")}
        labels = labels_of(bags)
        found = predict_bags(self.model, bags, self._validation_budget, self._device)
        logits = found.logits
        weights = self._class_weights.double().cpu()
        loss = functional.cross_entropy(logits, labels, weight=weights)
        accuracy = balanced_accuracy(labels.numpy(), logits.argmax(dim=1).numpy())
        return {"val_loss": float(loss), "val_balanced_accuracy": accuracy}

    def _shares_of_losses(
        self, group: Sequence[Bag], batch: TokenBatch, total_weight: Tensor, n_bags: int
    ) -> Tensor:
        """Return what a group of a step's bags adds to the mean loss, and to its cross-entropy."""
        labels = labels_of(group).to(self._device)
        output, reduction = self.model(batch, labels)
        cross_entropy = functional.cross_entropy(
            output.logits.float(), labels, weight=self._class_weights, reduction="sum"
        )
        added = [*output.losses.values(), *reduction.losses.values()]
        cross_entropy = cross_entropy / total_weight
        loss = cross_entropy + sum(added) * (len(group) / n_bags)
        return torch.stack([loss, cross_entropy])


def _class_weights(bags: Sequence[Bag], n_classes: int, settings: TrainingSettings) -> Tensor:
    if settings.class_weights == "none":
        return torch.ones(n_classes)
    counts = torch.bincount(labels_of(bags), minlength=n_classes)
    # A class without slides has no say in the loss, whatever its weight.
    return len(bags) / (n_classes * counts.clamp(min=1).float())
