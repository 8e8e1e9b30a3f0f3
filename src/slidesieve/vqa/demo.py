"""The demo of slide question answering: painted slides, and questions the painter can answer.

Questions are about the lesion (pattern, size, number of foci), which a few tiles show, and about
the whole slide (ink, fold, staining), which they mostly do not. So the table of scores shows what
tokens chosen for the lesion can answer and what they cannot. The number of foci is a control: a
linear head on pooled tokens does not tell it (docs/evidence/vqa-questions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slidesieve.synthetic.painter.optics import patient_randomness, patient_stain
from slidesieve.synthetic.painter.recipes import CLASSES, SlideRecipe
from slidesieve.vqa.table import CAPTION, LETTERS, Question, write_questions

SOURCE = "painted"
PATIENTS = 180
BENIGN = "benign"

_LESION, _SLIDE = "lesion", "slide"
_SHARE_OF_SIZE = {"small": 0.015, "large": 0.06}
_SEVERAL_FOCI = 3
_PENS = {"green": "pen_green", "blue": "pen_blue", "black": "pen_black"}
_TRAIN_SHARE, _VAL_SHARE = 0.7, 0.1


@dataclass(frozen=True)
class Attribute:
    """Something that questions ask about.

    Attributes:
        category: "lesion" or "slide".
        wordings: Ways to ask.
        answers: All answers that there are; a question offers two or more of them.
        answer: Gives the answer of a recipe, or "" where the question makes no sense.
    """

    category: str
    wordings: tuple[str, ...]
    answers: tuple[str, ...]
    answer: Callable[[SlideRecipe], str]


def demo_recipes(patients: int = PATIENTS, seed: int = 0) -> list[SlideRecipe]:
    """Return one slide per patient, every attribute drawn on its own.

    Args:
        patients: Number of patients.
        seed: Of the draws, and of the pictures.
    """
    return [_recipe(number, np.random.default_rng([seed, number])) for number in range(patients)]


def demo_questions(recipes: Sequence[SlideRecipe], seed: int = 0) -> list[Question]:
    """Return the questions about painted slides, and a caption of each, split by patient.

    A question offers two or more of the attribute's answers in a drawn order, in a drawn wording.

    Args:
        recipes: What was painted.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    parts = _parts(sorted({recipe.patient_id for recipe in recipes}), rng)
    return [
        question
        for recipe in recipes
        for question in _questions_of(recipe, parts[recipe.patient_id], rng)
    ]


def write_demo_questions(path: Path, recipes: Sequence[SlideRecipe], seed: int = 0) -> None:
    """Write the questions as a file of the format `table`."""
    write_questions(path, demo_questions(recipes, seed))


def _recipe(number: int, rng: np.random.Generator) -> SlideRecipe:
    label = CLASSES[number % len(CLASSES)]
    size = rng.choice(list(_SHARE_OF_SIZE))
    artefacts = [name for name in ("fold", "bubble") if rng.random() < 0.5]
    pen = _PENS.get(rng.choice(["none", *_PENS]))
    return SlideRecipe(
        slide_id=f"painted_{number:03d}",
        patient_id=f"V{number:03d}",
        label=label,
        seed=int(rng.integers(2**31)),
        patient_seed=int(rng.integers(2**31)),
        tissue_tiles=round(rng.uniform(118, 140), 1),
        lesion_share=_SHARE_OF_SIZE[size],
        foci=int(rng.choice([1, _SEVERAL_FOCI])),
        side_um=16.0 * int(rng.integers(118, 130)),
        artefacts=(*artefacts, pen) if pen else tuple(artefacts),
    )


def _pattern(recipe: SlideRecipe) -> str:
    return "no lesion" if recipe.label == BENIGN else recipe.label


def _size(recipe: SlideRecipe) -> str:
    if recipe.label == BENIGN:
        return ""
    return next(size for size, share in _SHARE_OF_SIZE.items() if share == recipe.lesion_share)


def _foci(recipe: SlideRecipe) -> str:
    if recipe.label == BENIGN:
        return ""
    return "one" if recipe.foci == 1 else "several"


def _ink(recipe: SlideRecipe) -> str:
    return next((ink for ink, pen in _PENS.items() if pen in recipe.artefacts), "none")


def _fold(recipe: SlideRecipe) -> str:
    return "yes" if "fold" in recipe.artefacts else "no"


def _staining(recipe: SlideRecipe) -> str:
    """How strong the patient's haematoxylin is; runs of the laboratory add a little to it."""
    stain = patient_stain(patient_randomness(recipe.patient_seed))
    return "dark" if stain.log_strength[0] > 0 else "pale"


ATTRIBUTES: dict[str, Attribute] = {
    "pattern": Attribute(
        _LESION,
        (
            "Which pattern does the lesion have?",
            "How does the tumour grow on this slide?",
            "Name the growth pattern of the lesion.",
            "Which of these describes the lesion?",
        ),
        ("acinar", "solid", "no lesion"),
        _pattern,
    ),
    "size": Attribute(
        _LESION,
        (
            "How large is the lesion?",
            "Which size does the tumour have?",
            "Is the lesion small or large?",
        ),
        tuple(_SHARE_OF_SIZE),
        _size,
    ),
    "foci": Attribute(
        _LESION,
        (
            "How many foci does the lesion have?",
            "Is the tumour in one place or in several?",
            "Count the foci of the lesion.",
        ),
        ("one", "several"),
        _foci,
    ),
    "ink": Attribute(
        _SLIDE,
        (
            "Which ink is on the glass?",
            "Which colour has the pen mark?",
            "Somebody may have marked the slide. In which colour?",
        ),
        ("none", *_PENS),
        _ink,
    ),
    "fold": Attribute(
        _SLIDE,
        (
            "Is the tissue folded?",
            "Does the section lie on itself anywhere?",
            "Is there a fold on this slide?",
        ),
        ("yes", "no"),
        _fold,
    ),
    "staining": Attribute(
        _SLIDE,
        (
            "How strongly are the nuclei stained?",
            "Is the haematoxylin pale or dark?",
            "Which staining do the nuclei have?",
        ),
        ("pale", "dark"),
        _staining,
    ),
}


def _parts(patients: Sequence[str], rng: np.random.Generator) -> dict[str, str]:
    """Part of each patient."""
    n_train = round(_TRAIN_SHARE * len(patients))
    n_val = round(_VAL_SHARE * len(patients))
    order = [patients[place] for place in rng.permutation(len(patients))]
    part = ["train"] * n_train + ["val"] * n_val + ["test"] * (len(order) - n_train - n_val)
    return dict(zip(order, part, strict=True))


def _questions_of(recipe: SlideRecipe, part: str, rng: np.random.Generator) -> Iterator[Question]:
    def question(name: str, category: str, subcategory: str, **parts: object) -> Question:
        return Question(
            question_id=f"{SOURCE}:{recipe.slide_id}:{name}",
            source=SOURCE,
            split=part,
            case_id=recipe.patient_id,
            slide_ids=(recipe.slide_id,),
            category=category,
            subcategory=subcategory,
            **parts,  # type: ignore[arg-type]
        )

    for name, attribute in ATTRIBUTES.items():
        answer = attribute.answer(recipe)
        if not answer:
            continue
        options = _options(answer, attribute.answers, rng)
        yield question(
            name,
            attribute.category,
            name,
            question=str(rng.choice(attribute.wordings)),
            options=options,
            answer=LETTERS[options.index(answer)],
            answer_text=answer,
        )
    yield question(
        CAPTION,
        CAPTION,
        "",
        question="Describe the slide.",
        options=(),
        answer="",
        answer_text=_caption(recipe),
    )


def _options(answer: str, answers: Sequence[str], rng: np.random.Generator) -> tuple[str, ...]:
    """Two or more answers in a drawn order, the right one among them."""
    others = [other for other in answers if other != answer]
    shown = rng.permutation(others)[: int(rng.integers(1, len(others) + 1))]
    return tuple(map(str, rng.permutation([answer, *shown])))


def _caption(recipe: SlideRecipe) -> str:
    said = {name: attribute.answer(recipe) for name, attribute in ATTRIBUTES.items()}
    lesion = (
        f"a {said['size']} lesion of {said['pattern']} pattern, foci {said['foci']}"
        if said["size"]
        else "no lesion"
    )
    return (
        f"The slide shows {lesion}. Ink {said['ink']}, fold {said['fold']}, "
        f"staining {said['staining']}."
    )
