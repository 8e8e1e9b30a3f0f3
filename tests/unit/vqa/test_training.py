"""Training of a model that answers questions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.tiny_answerer import DIM, prompts, question, tiny_answerer
from slidesieve.bags import Bag, collate
from slidesieve.errors import ContractError, SlideSieveError
from slidesieve.reduction.sparselearn.reducer import SparseLearn
from slidesieve.vqa.model import SlideAnswerer
from slidesieve.vqa.model_settings import StageSettings
from slidesieve.vqa.scoring import choose
from slidesieve.vqa.training import fit

BOTH = ["connector", "language"]
CPU = torch.device("cpu")
SPARSELEARN = {"name": "sparselearn", "k": 3}


def planted(n_slides, seed):
    """Slides of five tokens, one of which says by its direction which of two answers is right."""
    rng = np.random.default_rng(seed)
    bags, questions = {}, []
    for i in range(n_slides):
        kind = int(rng.integers(2))
        features = rng.standard_normal((5, DIM)).astype(np.float32)
        features[rng.integers(5), kind] += 6
        name = f"s{seed}_{i}"
        coords = np.arange(10).reshape(5, 2) * 256
        bags[(name,)] = Bag(name, name, 0, features, coords)
        options = ("solid", "acinar")
        here = {"options": options, "answer": "AB"[kind], "case_id": name, "slide_ids": (name,)}
        questions.append(question(i, **here))
    return bags, questions


BAGS, QUESTIONS = planted(64, seed=0)


def train(answerer, stages, bags=BAGS, questions=QUESTIONS, **options):
    return fit(answerer, questions, bags.__getitem__, stages, prompts(), 4, 0, CPU, **options)


def stage(steps, train=BOTH, **changed):
    return StageSettings(train=train, steps=steps, **{"lr": 3e-3, "packs_per_step": 8, **changed})


def accuracy(answerer, bags, questions):
    right = []
    for one in questions:
        prefix = answerer.model.connector(collate([bags[one.slide_ids]]))
        [answer] = choose(answerer.model, prefix, [prompts().prompt(one)], prompts(), "option")
        right.append(answer.choice == one.answer_index)
    return np.mean(right)


def weights(answerer):
    return {name: weight.clone() for name, weight in answerer.model.state_dict().items()}


def changed(before, answerer):
    after = answerer.model.state_dict()
    return {name for name, weight in before.items() if not torch.equal(weight, after[name])}


def test_planted_evidence_is_learnt_and_found_in_other_slides():
    answerer = tiny_answerer()
    history = train(answerer, [stage(110)])
    assert history["step"].tolist() == [50, 100, 110]
    with torch.no_grad():
        bags, questions = planted(40, seed=1)
        assert accuracy(answerer, bags, questions) >= 0.9
        # The same questions with the tokens of slides that show the other answer.
        donors = [next(q for q in questions if q.answer != one.answer) for one in questions]
        donated = {q.slide_ids: bags[d.slide_ids] for q, d in zip(questions, donors, strict=True)}
        assert accuracy(answerer, donated, questions) <= 0.1


def test_a_stage_changes_what_it_trains_and_nothing_else():
    answerer = tiny_answerer(SPARSELEARN)
    before = weights(answerer)
    train(answerer, [stage(3, ["connector"], connector_lr=1e-2)])
    found = changed(before, answerer)
    assert {name.split(".")[0] for name in found} == {"connector"}
    assert {"connector.projector.0.weight", "connector.reducer.tau"} <= found


def test_adapters_alone_are_trained_of_an_adapted_language_model():
    answerer = tiny_answerer(adapt="lora")
    before = weights(answerer)
    train(answerer, [stage(3)])
    found = {name for name in changed(before, answerer) if name.startswith("language")}
    assert found
    assert all("lora_" in name for name in found)


def test_an_interrupted_training_ends_with_the_same_bytes(tmp_path, monkeypatch):
    stages = [stage(50, ["connector"], packs_per_step=2), stage(60, packs_per_step=2)]
    whole = tiny_answerer(SPARSELEARN)
    history = train(whole, stages)

    state = tmp_path / "state.safetensors"
    schedule = SparseLearn.schedule

    def kill(self, step, steps):
        if step == 105:
            raise KeyboardInterrupt
        schedule(self, step, steps)

    monkeypatch.setattr(SparseLearn, "schedule", kill)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_answerer(SPARSELEARN), stages, state=state, save_every_s=0)
    monkeypatch.undo()
    resumed = tiny_answerer(SPARSELEARN)
    again = train(resumed, stages, state=state, save_every_s=1e9)
    assert not changed(weights(whole), resumed)
    assert again.equals(history)


def test_the_state_of_another_plan_is_not_gone_on_with(tmp_path):
    state = tmp_path / "state.safetensors"
    interrupted = {"state": state, "save_every_s": 0}
    train(tiny_answerer(), [stage(51, packs_per_step=1)], **interrupted)
    assert state.exists()
    other, fresh = tiny_answerer(), tiny_answerer()
    train(other, [stage(5)], state=state)
    train(fresh, [stage(5)])
    assert not changed(weights(fresh), other)


def test_what_does_not_fit_goes_through_in_smaller_passes(monkeypatch, caplog):
    """Two questions at once are the most that this device holds."""
    expected, answerer = tiny_answerer(), tiny_answerer()
    train(expected, [stage(2)])
    forward, sizes = SlideAnswerer.forward, []

    def limited(self, tokens, before, packs):
        sizes.append(len(packs))
        if len(packs) > 2:
            raise torch.OutOfMemoryError
        return forward(self, tokens, before, packs)

    monkeypatch.setattr(SlideAnswerer, "forward", limited)
    train(answerer, [stage(2)])
    assert sizes == [8, 4, *[2] * 8]
    assert "at most 2 questions at once" in caplog.text
    for name, weight in expected.model.state_dict().items():
        assert torch.allclose(weight, answerer.model.state_dict()[name], atol=1e-5), name


def test_a_question_that_never_fits_is_named(monkeypatch):
    def refuse(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(SlideAnswerer, "forward", refuse)
    with pytest.raises(SlideSieveError, match=r"question toy:\d+: .* lower max_tokens"):
        train(tiny_answerer(), [stage(2)])


def test_a_stage_without_questions_is_refused():
    with pytest.raises(ContractError, match=r"vqa.stages\[0\]: no training question is among capt"):
        train(tiny_answerer(), [stage(2, questions="captions")])


def test_a_loss_that_is_not_finite_stops_training():
    with pytest.raises(SlideSieveError, match="lower its lr"):
        train(tiny_answerer(), [stage(20, lr=1e9, clip=1e9)])
