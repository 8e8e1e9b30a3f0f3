"""The training loop: what a step is, what stops it, and that nothing is left to chance."""

from __future__ import annotations

import dataclasses
import json
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from helpers.bag_factory import planted_bags, random_bags
from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.registry import AGGREGATORS
from slidesieve.bags import collate
from slidesieve.errors import ConfigError, ContractError, SlideSieveError
from slidesieve.models.classifier import build_model
from slidesieve.parsing.parts import NoSettings, PartEntry
from slidesieve.training.early_stopping import EarlyStopping
from slidesieve.training.fitted import FittedModel, load_model, save_model
from slidesieve.training.loop import fit_fold
from slidesieve.training.prediction import balanced_accuracy, predict
from slidesieve.training.settings import TrainingSettings

CPU = torch.device("cpu")
CLASSES = ("benign", "tumour")
ABMIL = {"aggregator": {"name": "abmil", "hidden_dim": 16, "attention_dim": 8}}
NO_DROPOUT = {"aggregator": {**ABMIL["aggregator"], "dropout": 0.0}}
LENGTHS = [12, 3, 40, 7, 25, 9, 18, 5]


def fit(
    spec: dict = ABMIL,
    train: list | None = None,
    val: list | None = None,
    **changes: object,
) -> FittedModel:
    settings = TrainingSettings(**({"epochs": 3, "batch_slides": 4} | changes))
    train = random_bags(LENGTHS) if train is None else train
    return fit_fold(spec, train, val or [], CLASSES, settings, CPU)


def files_of(folder, fitted: FittedModel) -> dict[str, bytes]:
    save_model(folder, fitted)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_passes_of_a_step_add_up_to_the_large_batch(class_weights):
    bags = random_bags(LENGTHS, n_classes=2)[:7]  # classes of 4 and 3 slides
    one_pass, many_passes = (
        fit(NO_DROPOUT, bags, batch_slides=7, class_weights=class_weights, token_budget=budget)
        for budget in (10_000, 40)
    )
    for name, weights in one_pass.model.state_dict().items():
        torch.testing.assert_close(
            many_passes.model.state_dict()[name], weights, atol=1e-5, rtol=1e-4, msg=name
        )
    np.testing.assert_allclose(
        many_passes.history["train_loss"], one_pass.history["train_loss"], rtol=1e-5
    )


def test_one_step_is_adam_on_the_weighted_cross_entropy():
    bags = random_bags(LENGTHS, n_classes=2)[:7]
    fitted = fit(NO_DROPOUT, bags, epochs=1, batch_slides=7, class_weights="balanced", lr=0.01)
    torch.manual_seed(0)
    model = build_model(NO_DROPOUT, 8, 2)
    model.prepare([collate([bag]) for bag in bags])
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-5)
    labels = torch.tensor([bag.label_index for bag in bags])
    weights = torch.tensor([7 / (2 * 4), 7 / (2 * 3)])
    output, _ = model(collate(bags))
    loss = torch.nn.functional.cross_entropy(output.logits, labels, weight=weights)
    loss.backward()
    optimiser.step()
    assert fitted.history["train_loss"].iloc[0] == pytest.approx(loss.item(), rel=1e-5)
    for name, expected in model.state_dict().items():
        torch.testing.assert_close(fitted.model.state_dict()[name], expected, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    "reducer", ["none", {"name": "random", "retention": 0.5}, {"name": "sparselearn", "k": 4}]
)
def test_two_fits_give_the_same_bytes(tmp_path, reducer):
    spec = {"reducer": reducer, **ABMIL}
    val = random_bags([5, 9], seed=5)
    first = files_of(tmp_path / "a", fit(spec, val=val))
    torch.rand(7)  # whatever was drawn before does not matter
    second = files_of(tmp_path / "b", fit(spec, val=val))
    assert first == second
    assert sorted(first) == ["history.csv", "model.json", "weights.safetensors"]
    other_seed = files_of(tmp_path / "c", fit(spec, val=val, seed=1))
    assert other_seed["weights.safetensors"] != first["weights.safetensors"]


def test_fitting_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    fit(epochs=1)
    assert torch.equal(torch.rand(2), expected)


def test_best_epoch_on_validation_is_kept_and_training_stops_early():
    train = planted_bags(8, seed=1)
    # Validation labels are the wrong way round: the better the fit, the worse the validation.
    val = [dataclasses.replace(b, label_index=1 - b.label_index) for b in train]
    fitted = fit(NO_DROPOUT, train, val, epochs=60, patience=3, min_epochs=6, lr=3e-3)
    history = fitted.history
    assert fitted.best_epoch == history["val_loss"].idxmin() + 1
    assert len(history) == max(6, fitted.best_epoch + 3) < 60
    # The weights are those of that epoch, not of the last.
    again = fit(NO_DROPOUT, train, [], epochs=fitted.best_epoch, lr=3e-3)
    for name, weights in again.model.state_dict().items():
        assert torch.equal(fitted.model.state_dict()[name], weights)


def test_balanced_accuracy_as_monitor_decides_ties_by_loss():
    stopping = EarlyStopping(TrainingSettings(monitor="balanced_accuracy", patience=2))
    model = torch.nn.Linear(1, 1)
    for epoch, (loss, accuracy) in enumerate([(1.0, 0.5), (2.0, 0.8), (1.5, 0.8), (0.1, 0.7)], 1):
        stopping.update(epoch, loss, accuracy, model)
    assert stopping.best_epoch == 3


def test_epochs_before_the_model_has_settled_are_not_considered():
    stopping = EarlyStopping(TrainingSettings(patience=1, min_epochs=1), first_epoch=3)
    model = torch.nn.Linear(1, 1)
    for epoch, accuracy in enumerate([1.0, 1.0, 0.5, 0.4], 1):
        stopping.update(epoch, 1.0, accuracy, model)
        assert stopping.is_due(epoch) == (epoch == 4)
    assert stopping.best_epoch == 3


def test_a_selector_is_judged_once_it_keeps_as_few_tokens_as_in_use():
    reducer = {"name": "sparselearn", "k": 4, "budget_end": 0.5}
    spec = {"reducer": reducer, "aggregator": "mean"}
    fitted = fit(spec, planted_bags(8, seed=1), random_bags([30, 30], seed=9), epochs=8)
    assert fitted.best_epoch > 4


def test_validation_slides_choose_only_the_epoch():
    """Other validation slides, or none, leave the course of training untouched."""
    histories = [
        fit(val=val, epochs=4, patience=100).history["train_loss"]
        for val in ([], random_bags([4, 6], seed=8), random_bags([30, 2], seed=9))
    ]
    assert histories[0].equals(histories[1])
    assert histories[0].equals(histories[2])


def test_without_validation_training_goes_to_the_last_epoch():
    fitted = fit(epochs=5, patience=1, min_epochs=1)
    assert fitted.best_epoch == 5
    assert fitted.history["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert fitted.history["val_loss"].isna().all()


def test_attention_finds_a_planted_token_that_the_mean_drowns():
    train, test = planted_bags(60, seed=0), planted_bags(60, seed=1)
    accuracy = {}
    for name in ("abmil", "mean"):
        spec = {"aggregator": {"name": name, "hidden_dim": 32}}
        fitted = fit(spec, train, epochs=40, batch_slides=10, lr=3e-3)
        table = predict(fitted, test, TrainingSettings(), CPU)
        accuracy[name] = (table["label"] == table["prediction"]).mean()
    assert accuracy["abmil"] > 0.9
    assert accuracy["mean"] < accuracy["abmil"] - 0.1


def test_saved_model_predicts_the_same(tmp_path):
    fitted = fit({"reducer": {"name": "random", "k": 6}, **ABMIL}, val=random_bags([5], seed=3))
    bags = random_bags([20, 4, 11], seed=4)
    save_model(tmp_path, fitted)
    loaded = load_model(tmp_path)
    settings = TrainingSettings()
    table = predict(loaded, bags, settings, CPU)
    pd.testing.assert_frame_equal(table, predict(fitted, bags, settings, CPU))
    assert table["tokens_kept"].tolist() == [6, 4, 6]
    for name in ("spec", "classes", "dim", "seed", "best_epoch", "encoder", "encoder_revision"):
        assert getattr(loaded, name) == getattr(fitted, name)
    assert loaded.history.columns.tolist() == fitted.history.columns.tolist()
    assert "torch" in json.loads((tmp_path / "model.json").read_text())["versions"]


def test_predictions_table_holds_names_and_probabilities_in_the_bags_order():
    bags = random_bags([9, 2, 30], seed=4)
    fitted = fit()
    table = predict(fitted, bags, TrainingSettings(token_budget=31), CPU)
    assert table.columns.tolist() == [
        *("slide_id", "patient_id", "label", "prediction"),
        *("prob_benign", "prob_tumour"),
        *("tokens_in", "tokens_kept"),
    ]
    assert table["tokens_in"].tolist() == table["tokens_kept"].tolist() == [9, 2, 30]
    assert table["slide_id"].tolist() == ["s0", "s1", "s2"]
    assert table["label"].tolist() == ["benign", "tumour", "benign"]
    probabilities = table[["prob_benign", "prob_tumour"]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert table["prediction"].tolist() == [CLASSES[i] for i in probabilities.argmax(axis=1)]
    alone = pd.concat([predict(fitted, [bag], TrainingSettings(), CPU) for bag in bags])
    np.testing.assert_allclose(alone["prob_benign"], table["prob_benign"], atol=1e-6)
    assert predict(fitted, [], TrainingSettings(), CPU).columns.equals(table.columns)


class Recording(Aggregator):
    """An aggregator that writes down what the loop tells it, and adds a loss of its own."""

    calls: ClassVar[list[tuple]] = []

    def __init__(self, dim: int, n_classes: int, settings: NoSettings) -> None:
        super().__init__()
        self.inner = build_model(NO_DROPOUT, dim, n_classes).aggregator

    def forward(self, tokens, labels=None):
        self.calls.append(("forward", self.training, labels is not None))
        output = self.inner(tokens)
        extra = output.logits.new_tensor(10.0 * len(output.logits))
        return dataclasses.replace(output, losses={"size": extra})

    def prepare(self, bags):
        self.calls.append(("prepare", [int(bag.lengths) for bag in bags]))

    def schedule(self, step, steps):
        self.calls.append(("schedule", step, steps))

    def after_step(self):
        self.calls.append(("after_step",))


@pytest.fixture
def recording(monkeypatch):
    monkeypatch.setitem(AGGREGATORS, "recording", PartEntry(__name__, "Recording"))
    monkeypatch.setattr(Recording, "calls", [])
    return Recording.calls


def test_hooks_are_called_in_order_and_labels_given_in_training_only(recording):
    bags = random_bags([4, 5, 6])
    fit({"aggregator": "recording"}, bags, bags[:1], epochs=2, batch_slides=2)
    step = [("forward", True, True), ("after_step",)]
    validation = ("forward", False, False)
    assert recording == [
        ("prepare", [4, 5, 6]),
        *[("schedule", 0, 4), *step, ("schedule", 1, 4), *step, validation],
        *[("schedule", 2, 4), *step, ("schedule", 3, 4), *step, validation],
    ]


def test_added_losses_are_averaged_over_the_slides_of_a_step(recording):
    bags = random_bags([5, 5, 5, 5])
    plain = fit(NO_DROPOUT, bags, epochs=1)
    added = fit({"aggregator": "recording"}, bags, epochs=1, token_budget=15)  # passes of 3 and 1
    extra = added.history["train_loss"].iloc[0] - plain.history["train_loss"].iloc[0]
    assert extra == pytest.approx(30 * 3 / 4 + 10 * 1 / 4, abs=0.5)


def test_diverging_training_says_what_to_change():
    with pytest.raises(SlideSieveError, match=r"lower training\.lr"):
        fit(NO_DROPOUT, lr=1e30, epochs=5)


def test_unusable_bags_are_refused():
    with pytest.raises(ContractError, match="no training slide has tokens"):
        fit(train=[])
    with pytest.raises(ContractError, match=r"different width \(8 and 4\)"):
        fit(val=random_bags([3], dim=4))


def test_balanced_accuracy_equals_sklearns():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 4, (2, 50))
    expected = balanced_accuracy_score(labels, predictions)
    assert balanced_accuracy(labels, predictions) == pytest.approx(expected)
    assert balanced_accuracy(np.array([1, 1]), np.array([1, 0])) == 0.5


def test_settings_report_all_mistakes():
    with pytest.raises(ConfigError) as refusal:
        TrainingSettings.from_config(
            {"epochs": 0, "epoch": 3, "lr": "1e-3", "weight_decay": -1, "monitor": "auc", "amp": 1}
        )
    assert len(refusal.value.problems) == 6
    for words in (
        "training.epochs: 0 must be a whole number of at least 1",
        "training.lr: '1e-3' must be a number above 0",
        "training.weight_decay: -1 must be a number of at least 0",
        "training.monitor: 'auc' is not allowed; allowed: loss, balanced_accuracy",
        "training.amp: 1 must be true or false",
        "training: unknown key 'epoch'; did you mean 'epochs'?",
    ):
        assert words in str(refusal.value)
    with pytest.raises(ValueError, match="epochs"):
        TrainingSettings(epochs=0)
    assert TrainingSettings.from_config({"lr": 1, "epochs": 7}).epochs == 7


def test_a_model_loaded_for_use_holds_no_denoiser(tmp_path):
    spec = {"reducer": {"name": "sparselearn", "k": 4, "scorer_dim": 8}, **ABMIL}
    fitted = fit(spec, epochs=1)
    save_model(tmp_path, fitted)
    in_use, whole = load_model(tmp_path).model, load_model(tmp_path, training_parts=True).model
    saved = set(fitted.model.state_dict())
    left_out = saved - set(in_use.state_dict())
    assert left_out
    assert left_out == {name for name in saved if name.startswith("reducer.denoiser.")}
    assert set(whole.state_dict()) == saved
    bags = random_bags([20, 4, 11], seed=4)
    settings = TrainingSettings()
    table = predict(load_model(tmp_path), bags, settings, CPU)
    pd.testing.assert_frame_equal(table, predict(fitted, bags, settings, CPU))
    # The soft path cannot silently go without.
    tokens = in_use.standardise(collate(bags))
    with pytest.raises(AttributeError, match="denoiser"):
        in_use.reducer.soft(*in_use.reducer.score(tokens))


def test_damaged_model_folders_are_refused(tmp_path):
    save_model(tmp_path, fit(epochs=1))
    weights = (tmp_path / "weights.safetensors").read_bytes()
    (tmp_path / "weights.safetensors").write_bytes(weights[:100])
    with pytest.raises(ContractError, match="damaged model"):
        load_model(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(weights)
    description = json.loads((tmp_path / "model.json").read_text())
    description["spec"] = {"aggregator": "mean"}
    (tmp_path / "model.json").write_text(json.dumps(description))
    with pytest.raises(ContractError, match="weights do not fit the spec"):
        load_model(tmp_path)
    (tmp_path / "model.json").unlink()
    with pytest.raises(ContractError, match=r"model\.json: no such file"):
        load_model(tmp_path)
