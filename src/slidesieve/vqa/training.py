"""Training a model that answers questions, stage by stage."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from slidesieve.bags import Bag, collate
from slidesieve.errors import SlideSieveError
from slidesieve.nn.lazy_bags import LazyBags
from slidesieve.parsing.settings import plain
from slidesieve.runtime.device_memory import retry_on_oom
from slidesieve.runtime.devices import make_deterministic
from slidesieve.training.memory import RandomState
from slidesieve.vqa.checkpoint import Progress, load_state, read_progress, save_state
from slidesieve.vqa.history import History
from slidesieve.vqa.model import Answerer
from slidesieve.vqa.model_settings import StageSettings
from slidesieve.vqa.optional import import_optional
from slidesieve.vqa.packing import Segment
from slidesieve.vqa.prompt import Prompt, PromptMaker
from slidesieve.vqa.schedule import Course, rate_factor, split_packs
from slidesieve.vqa.table import Question

log = logging.getLogger(__name__)

_SAVE_EVERY_S = 600.0
CONNECTOR, LANGUAGE = "connector", "language"

BagOf = Callable[[tuple[str, ...]], Bag]


def fit(
    answerer: Answerer,
    questions: Sequence[Question],
    bag_of: BagOf,
    stages: Sequence[StageSettings],
    maker: PromptMaker,
    questions_per_pack: int,
    seed: int,
    device: torch.device,
    state: Path | None = None,
    save_every_s: float = _SAVE_EVERY_S,
) -> pd.DataFrame:
    """Train a model on questions, in place.

    The loss of a step is the mean over its questions of −log p(answer) per token, plus whatever
    the reducer adds. Temperatures and budgets of the reducer run over the optimiser steps of all
    stages together. On one device and number of threads the same arguments give the same bytes,
    whether training was interrupted or not.

    Args:
        answerer: The model; its connector is prepared on the training bags here.
        questions: Training questions; those of other parts are no argument.
        bag_of: Gives the tokens of some slides.
        stages: One after another.
        maker: Makes prompts.
        questions_per_pack: Most questions that share one pass over the image tokens.
        seed: Of everything random.
        device: Where to compute; under `accelerate launch` each process has its own.
        state: File of an interrupted training: gone on with if it is there, and written to.
        save_every_s: Seconds between two writings of it.

    Returns:
        history.csv, see `History`.

    Raises:
        ContractError: A stage has no questions.
        SlideSieveError: The loss stopped being finite, or a single question does not fit.
    """
    make_deterministic()
    courses = [
        Course(number, stage, questions, questions_per_pack, seed)
        for number, stage in enumerate(stages)
    ]
    answerer.model.to(device)
    _prepare(answerer, questions, bag_of, seed)
    fitting = _Fit(answerer, maker, bag_of, courses, device)
    plan = f"{[plain(stage) for stage in stages]} {len(questions)} {questions_per_pack} {seed}"
    begun = read_progress(state) if state else None
    if begun is None or begun.plan != plan:
        begun = Progress(0, 0, [], plan)
    history = History(begun.history)
    for course in courses[begun.stage :]:
        fitting.enter(course)
        first = 0
        if state and begun.step and course.number == begun.stage:
            first = load_state(state, fitting.wrapped, fitting.optimiser).step
            log.info("stage %d: going on at step %d", course.number + 1, first)
        saved = time.monotonic()
        name = f"stage {course.number + 1} of {len(stages)}"
        for step in tqdm(range(first, course.steps), desc=name, disable=None):
            reducer = answerer.model.connector.reducer
            row_ended = history.add(course, step, *fitting.step(step), reducer)
            if state and row_ended and time.monotonic() - saved >= save_every_s:
                fitting.save(state, Progress(course.number, step + 1, history.rows, plan))
                saved = time.monotonic()
    answerer.model.eval()
    return history.table()


def _prepare(answerer: Answerer, questions: Sequence[Question], bag_of: BagOf, seed: int) -> None:
    """Let the connector look at each training bag once."""
    slides = list(dict.fromkeys(question.slide_ids for question in questions))
    torch.manual_seed(seed)
    device = answerer.model.device
    bags = LazyBags(slides, lambda slide_ids: collate([bag_of(slide_ids)]).to(device))
    answerer.model.connector.prepare(bags)


class _Fit:
    """A model with its optimiser, going through its steps.

    Args:
        answerer: The model, on `device`, prepared.
        maker: Makes prompts.
        bag_of: Gives the tokens of some slides.
        courses: All that it will go through.
        device: Where to compute.

    Attributes:
        wrapped: The model with what spreads it over devices around it.
        optimiser: Its optimiser, AdamW over the connector and the language model.
    """

    def __init__(
        self,
        answerer: Answerer,
        maker: PromptMaker,
        bag_of: BagOf,
        courses: Sequence[Course],
        device: torch.device,
    ) -> None:
        self._model, self._maker, self._bag_of = answerer.model, maker, bag_of
        self._courses = courses
        self._weights = trainable_weights(answerer)
        self._learnt = {
            f"{LANGUAGE}.{name}"
            for name, weight in answerer.model.language.named_parameters()
            if weight.requires_grad
        }
        groups = [{"params": weights, "part": part} for part, weights in self._weights.items()]
        accelerate = import_optional("accelerate")
        # A hard choice, or a stage that trains one part, leaves parameters out of the graph.
        unused = accelerate.DistributedDataParallelKwargs(find_unused_parameters=True)
        on_cpu = device.type == "cpu"
        self._accelerator = accelerate.Accelerator(
            cpu=on_cpu, mixed_precision="no" if on_cpu else "bf16", kwargs_handlers=[unused]
        )
        self.wrapped, optimiser = self._accelerator.prepare(
            answerer.model, torch.optim.AdamW(groups, fused=True)
        )
        self.optimiser: torch.optim.Optimizer = optimiser.optimizer
        self._most_questions = 1_000_000

    def enter(self, course: Course) -> None:
        """Begin a stage: what it trains learns, with new moments; all else is frozen."""
        self._course = course
        self.optimiser.state.clear()
        for part, weights in self._weights.items():
            for weight in weights:
                weight.requires_grad_(part in course.stage.train)
        self.wrapped.train()

    def step(self, step: int) -> tuple[float, float, float]:
        """Take one optimiser step; return its loss, what the reducer added, and the rate."""
        course, accelerator = self._course, self._accelerator
        before = sum(other.steps for other in self._courses[: course.number])
        total = sum(other.steps for other in self._courses)
        self._model.connector.reducer.schedule(before + step, total)
        rng = course.random(step)
        torch.manual_seed(int(rng.integers(2**62)))
        packs = [tuple(self._maker.shuffled(q, rng) for q in pack) for pack in course.packs(step)]
        packs = packs[accelerator.process_index :: accelerator.num_processes]
        losses = self._gradients_within_memory(packs)
        lr = self._set_rate(step)
        trained = [weight for part in course.stage.train for weight in self._weights[part]]
        accelerator.clip_grad_norm_(trained, course.stage.clip)
        self.optimiser.step()
        self._model.connector.reducer.after_step()
        return losses[0], losses[1], lr

    def save(self, path: Path, progress: Progress) -> None:
        """Write the state from which training can go on."""
        save_state(
            path,
            self.wrapped,
            self.optimiser,
            progress,
            learns=lambda name: name.startswith("connector.") or name in self._learnt,
            is_main=self._accelerator.is_main_process,
        )

    def _set_rate(self, step: int) -> float:
        """Set the learning rates of a step; return that of the language model."""
        stage = self._course.stage
        factor = rate_factor(step, self._course.steps, stage.warmup_share)
        for group in self.optimiser.param_groups:
            highest = stage.lr
            if group["part"] == CONNECTOR and stage.connector_lr is not None:
                highest = stage.connector_lr
            group["lr"] = highest * factor
            group["weight_decay"] = stage.weight_decay
        return stage.lr * factor

    def _gradients_within_memory(self, packs: Sequence[Sequence[Prompt]]) -> list[float]:
        """Leave the gradients of a step; what does not fit goes through in smaller passes."""
        state = RandomState()

        def halve(refusal: torch.OutOfMemoryError) -> None:
            most = min(self._most_questions, sum(map(len, packs)))
            if most == 1:
                case = packs[0][0].question
                raise SlideSieveError(
                    f"question {case.question_id}: the device's memory does not hold it even alone;"
                    " lower max_tokens of the model, or use a larger GPU"
                ) from refusal
            self._most_questions = most // 2
            log.warning(
                "out of memory: going on with at most %d questions at once", self._most_questions
            )
            state.restore()

        return retry_on_oom(lambda: self._gradients(packs), halve)

    def _gradients(self, packs: Sequence[Sequence[Prompt]]) -> list[float]:
        """Leave the gradients of the mean loss of some packs; return it, and what was added."""
        self.optimiser.zero_grad(set_to_none=True)
        passes = split_packs(packs, self._most_questions)
        n_questions, n_bags = sum(map(len, packs)), sum(map(len, passes))
        losses_of_step = torch.zeros(2, device=self._model.device)
        for group in passes:
            bags = [self._bag_of(pack[0].question.slide_ids) for pack in group]
            output = self.wrapped(
                collate(bags).to(self._model.device),
                group[0][0].before,
                [self._segments(pack) for pack in group],
            )
            loss = -output.mean.sum() / n_questions
            added = torch.stack([loss.new_zeros(()), *output.reduction.losses.values()]).sum()
            added = added * (len(group) / n_bags)
            self._accelerator.backward(loss + added)
            losses_of_step += torch.stack([loss, added]).detach()
        found: list[float] = losses_of_step.tolist()
        return found

    def _segments(self, prompts: Sequence[Prompt]) -> list[Segment]:
        segments = []
        for number, prompt in enumerate(prompts):
            answer = Segment(self._maker.wanted(prompt), 2 * number, scored=True)
            segments += [Segment(prompt.stem), answer]
        return segments


def trainable_weights(answerer: Answerer) -> dict[str, list[nn.Parameter]]:
    """Return the weights of each part that some stage may train.

    Of the language model they are all, those of its adapters, or none.
    """
    model, adapt = answerer.model, answerer.settings.adapt
    if adapt == "frozen":
        model.language.requires_grad_(False)
    return {
        part: [weight for weight in module.parameters() if weight.requires_grad]
        for part, module in ((CONNECTOR, model.connector), (LANGUAGE, model.language))
    }
