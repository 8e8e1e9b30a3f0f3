"""The contract of every aggregator of the registry, on bags of every odd kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.bag_factory import placed_bag
from helpers.padded_batches import pick
from helpers.parts import SMALL_AGGREGATORS, small_aggregator
from slidesieve.aggregators.registry import AGGREGATORS, build_aggregator
from slidesieve.bags import Bag, collate
from slidesieve.errors import ContractError
from slidesieve.models.classifier import SlideClassifier, build_model
from slidesieve.training.fitted import FittedModel, load_model, save_model
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

DIM, CLASSES = 8, 3
CPU = torch.device("cpu")
every_aggregator = pytest.mark.parametrize("name", sorted(AGGREGATORS))
# The order of a bag's tokens means nothing to any but these, which lay them out as a square.
IN_ORDER = {"rrt", "transmil"}
SHAPES = {
    "one": [(0, 0)],
    "two": [(0, 0), (1, 0)],
    "seven": [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (5, 6), (6, 6)],
    "one column": [(3, row) for row in range(9)],
    "two far pieces": [(0, 0), (1, 0), (0, 1), (60, 70), (61, 70), (61, 71)],
    "two tokens on one place": [(0, 0), (1, 1), (1, 1), (0, 1)],
    "a field": [(column, row) for row in range(6) for column in range(7)],
}


def bags() -> list[Bag]:
    return [placed_bag(cells, seed) for seed, cells in enumerate(SHAPES.values())]


def model_of(name: str) -> SlideClassifier:
    torch.manual_seed(0)
    model = build_model({"aggregator": small_aggregator(name), "standardise": False}, DIM, CLASSES)
    model.prepare([collate([bag]) for bag in bags()])
    return model.eval()


def test_every_aggregator_is_tried():
    assert set(SMALL_AGGREGATORS) == set(AGGREGATORS)


@every_aggregator
def test_padding_and_company_change_nothing_and_attention_sums_to_one(name):
    model, batch = model_of(name), collate(bags())
    with torch.no_grad():
        together, _ = model(batch)
        for i in range(len(SHAPES)):
            alone, _ = model(pick(batch, i))
            n_tokens = int(batch.lengths[i])
            torch.testing.assert_close(alone.logits[0], together.logits[i], atol=2e-5, rtol=1e-4)
            torch.testing.assert_close(
                alone.attention[0], together.attention[i, :n_tokens], atol=2e-5, rtol=1e-4
            )
            torch.testing.assert_close(
                alone.embedding[0], together.embedding[i], atol=5e-5, rtol=1e-4
            )
    assert together.attention.shape == batch.mask.shape
    assert (together.attention >= 0).all()
    assert not together.attention[~batch.mask].any()
    torch.testing.assert_close(together.attention.sum(dim=1), torch.ones(len(SHAPES)))


@pytest.mark.parametrize("name", sorted(set(AGGREGATORS) - IN_ORDER))
def test_the_order_of_tokens_means_nothing(name):
    model, batch = model_of(name), collate([placed_bag(SHAPES["a field"])])
    order = torch.randperm(batch.mask.shape[1], generator=torch.Generator().manual_seed(1))
    shuffled = replace(batch, features=batch.features[:, order], coords=batch.coords[:, order])
    with torch.no_grad():
        straight, mixed = model(batch)[0], model(shuffled)[0]
    torch.testing.assert_close(straight.logits, mixed.logits, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(straight.attention[:, order], mixed.attention, atol=2e-5, rtol=1e-4)


@every_aggregator
def test_a_slide_anywhere_on_the_glass_gives_the_same(name):
    model, batch = model_of(name), collate([placed_bag(SHAPES["seven"])])
    moved = replace(batch, coords=batch.coords + torch.tensor([98_765, 4_321]))
    with torch.no_grad():
        torch.testing.assert_close(model(batch)[0].logits, model(moved)[0].logits)


@every_aggregator
def test_half_precision_features_are_read(name):
    model = model_of(name)
    halves = [
        placed_bag(cells, seed, dtype=np.float16) for seed, cells in enumerate(SHAPES.values())
    ]
    singles = [replace(bag, features=bag.features.astype(np.float32)) for bag in halves]
    with torch.no_grad():
        found, expected = model(collate(halves))[0], model(collate(singles))[0]
    torch.testing.assert_close(found.logits.float(), expected.logits, atol=2e-2, rtol=2e-2)


@every_aggregator
def test_evaluation_is_deterministic_and_leaves_the_generator_alone(name):
    model, batch = model_of(name), collate(bags())
    state = torch.get_rng_state()
    with torch.no_grad():
        first, second = model(batch)[0], model(batch)[0]
    assert torch.equal(first.logits, second.logits)
    assert torch.equal(torch.get_rng_state(), state)


@every_aggregator
def test_every_parameter_that_can_learn_does(name):
    settings = small_aggregator(name)
    torch.manual_seed(0)
    model = build_model({"aggregator": settings, "standardise": False}, DIM, CLASSES)
    model.prepare([collate([bag]) for bag in bags()])
    model.train()
    model.schedule(0, 10)
    labels = torch.tensor([bag.label_index for bag in bags()])
    output, _ = model(collate(bags()), labels)
    loss = torch.nn.functional.cross_entropy(output.logits, labels) + sum(output.losses.values())
    loss.backward()
    for parameter_name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, parameter_name
            assert parameter.grad.abs().max() > 0, parameter_name


@every_aggregator
def test_losses_of_its_own_are_means_over_bags(name):
    """Splitting a step into passes changes nothing: each pass counts by its number of bags."""
    spec = small_aggregator(name)
    if name in DRAWS:
        pytest.skip(DRAWS[name])
    torch.manual_seed(0)
    model = build_aggregator({**spec, **NO_DROPOUT.get(name, {"dropout": 0.0})}, DIM, CLASSES)
    model.prepare([collate([bag]) for bag in bags()])
    model.train()
    labels = torch.tensor([bag.label_index for bag in bags()])
    batch = collate(bags())
    whole = model(batch, labels).losses
    first, second = collate(bags()[:3]), collate(bags()[3:])
    parts = model(first, labels[:3]).losses, model(second, labels[3:]).losses
    for key, loss in whole.items():
        mean = (3 * parts[0][key] + (len(labels) - 3) * parts[1][key]) / len(labels)
        torch.testing.assert_close(loss, mean, atol=1e-6, rtol=1e-5)


DRAWS = {
    "acmil": "draws which tokens its branches lose; see test_acmil",
    "dtfd": "draws pseudo-bags; see test_dtfd",
    "mhim": "draws which tokens it masks; see test_mhim",
    "mhim2": "draws which tokens it merges; see test_mhim2",
    "spt": "draws views, and contrasts those of a pass; see test_spt",
}
NO_DROPOUT = {"ilra": {}, "panther": {}, "rrt": {"dropout": 0.0, "layer_dropout": 0.0}}


@every_aggregator
def test_a_saved_model_predicts_the_same_and_saves_the_same_bytes(name, tmp_path):
    settings = TrainingSettings(epochs=1, min_epochs=1)
    spec = {"aggregator": small_aggregator(name)}
    fitted = fit_fold(spec, bags(), [], ("a", "b", "c"), settings, CPU)
    assert isinstance(fitted, FittedModel)
    save_model(tmp_path / "first", fitted)
    again = load_model(tmp_path / "first")
    with torch.no_grad():
        batch = collate(bags())
        assert torch.equal(fitted.model(batch)[0].logits, again.model(batch)[0].logits)
    second = fit_fold(spec, bags(), [], ("a", "b", "c"), settings, CPU)
    save_model(tmp_path / "second", second)
    for path in sorted((tmp_path / "first").iterdir()):
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", sorted(n for n, e in AGGREGATORS.items() if e.needs_pitch))
def test_bags_without_places_are_refused_by_models_that_need_them(name):
    unplaced = Bag("s7", "p", 0, np.ones((4, DIM), np.float32), np.zeros((4, 2), np.int64))
    spec = {"aggregator": small_aggregator(name)}
    with pytest.raises(ContractError, match="slide s7: its features file does not tell"):
        fit_fold(spec, [*bags(), unplaced], [], ("a", "b", "c"), TrainingSettings(), CPU)
    with pytest.raises(ContractError, match="distance of its tiles"):
        model_of(name)(collate([unplaced]))
