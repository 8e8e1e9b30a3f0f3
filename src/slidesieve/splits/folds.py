"""Folds: patient-grouped, stratified, nested splits, and the checks that refuse leaking ones.

A folds table has the columns slide_id, patient_id, label, fold_0 … fold_{K-1}; each cell is train,
val or test. All slides of a patient lie in the same part of a fold. `val` is for early stopping
only and is drawn from the patients that are not tested, so nothing about the test part is ever
seen before it is predicted.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from slidesieve.errors import ConfigError
from slidesieve.splits.own_folds import PARTS, UNUSED, OwnFolds
from slidesieve.splits.patient_leaks import shared_patients
from slidesieve.splits.settings import FoldSettings
from slidesieve.splits.site_groups import deal_groups, site_groups, too_few_sites

_LABEL_COLUMNS = ("slide_id", "patient_id", "label")


def make_folds(table: pd.DataFrame, settings: FoldSettings) -> pd.DataFrame:
    """Draw K folds, `repeats` times, every slide being tested exactly once a repeat.

    Patients of a class are dealt, those with most slides first and in seeded order among equals,
    to the fold that holds fewest slides of the class. This is the rule of scikit-learn's
    `StratifiedGroupKFold`, kept here in integers so that no release of any library changes a
    study's folds. The order is a hash of seed and patient, so the rows' order does not matter.

    With `group_also: site`, whole sites are dealt in place of patients, see `site_groups`.

    Args:
        table: slide_id, patient_id, label; and site if folds are to keep sites together.
        settings: `k` folds per repeat; fold j of repeat r is column fold_{r*k + j}. Of each class's
            untested patients, `val_fraction` goes to val: at least one patient where train keeps
            one, none if it is 0, and none at all if some fold cannot have any.

    Returns:
        The folds table, sorted by slide_id.

    Raises:
        ConfigError: Classes have fewer patients than folds; all are listed.
    """
    k, seed = settings.k, settings.seed
    by_site = settings.group_also == "site"
    problems = too_few_sites(table, k) if by_site else too_few_patients(table, k)
    if problems:
        raise ConfigError(problems)
    slides = _as_text(table).sort_values("slide_id", ignore_index=True)
    group_of = site_groups(table) if by_site else {}
    class_of = _class_of_patients(slides)
    n_slides = Counter(slides["patient_id"])
    columns = {}
    for repeat in range(settings.repeats):
        key = f"{seed}/{repeat}"
        if by_site:
            order = _seeded_order(set(group_of.values()), key)
            fold_of = deal_groups(slides, group_of, order, k)
        else:
            fold_of = _deal(class_of, n_slides, k, key)
        for fold in range(k):
            key = f"{seed}/{repeat}/{fold}"
            part_of = _parts(class_of, fold_of, fold, settings.val_fraction, key)
            columns[f"fold_{repeat * k + fold}"] = slides["patient_id"].map(part_of)
    return slides.assign(**_val_in_all_or_none(columns))


def _val_in_all_or_none(columns: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Give up the val part in all folds if classes are too small for one in each."""
    if all((parts == "val").any() for parts in columns.values()):
        return dict(columns)
    return {name: parts.replace("val", "train") for name, parts in columns.items()}


def folds_table(own: OwnFolds, cohort: pd.DataFrame) -> pd.DataFrame:
    """Return a user's own folds as a folds table; `check_folds` looks at it then.

    Args:
        own: The folds as they were read.
        cohort: slide_id, patient_id, label; for what the file leaves out.
    """
    known = _as_text(cohort).drop_duplicates("slide_id").set_index("slide_id")
    rows = []
    for slide, parts in own.parts:
        of_cohort = dict(known.loc[slide]) if slide in known.index else {}
        row = {"slide_id": slide, "patient_id": "", "label": ""} | of_cohort
        row |= own.labels.get(slide, {})
        rows.append(row | {f"fold_{fold}": part for fold, part in enumerate(parts)})
    names = [*_LABEL_COLUMNS, *(f"fold_{fold}" for fold in range(own.n_folds))]
    return pd.DataFrame(rows, columns=names)


def check_folds(folds: pd.DataFrame, cohort: pd.DataFrame, classes: Sequence[str]) -> None:
    """Refuse a folds table that leaks, or that does not fit its cohort.

    The val part may be empty in all folds (then models train to the last epoch), not in some.

    Args:
        folds: The folds table; all cells text. A slide that a fold does not use is "unused".
        cohort: slide_id, patient_id, label of the slides the folds are for.
        classes: The dataset's classes; each must occur in every train part.

    Raises:
        ConfigError: One line per problem, with the names of slides, patients and folds.
    """
    names = fold_columns(folds)
    missing = [name for name in _LABEL_COLUMNS if name not in folds.columns]
    if missing or not names:
        wanted = [*missing, *([] if names else ["fold_0"])]
        raise ConfigError([f"folds: column {', '.join(wanted)} is missing"])
    problems = _cohort_problems(folds, cohort)
    without_val = [name for name in names if not (folds[name] == "val").any()]
    for name in names:
        val_expected = len(without_val) < len(names)
        problems += _fold_problems(folds, name, classes, val_expected)
    if problems:
        raise ConfigError(problems)


def fold_columns(folds: pd.DataFrame) -> list[str]:
    """Return the names fold_0, fold_1, … that a folds table has, in order."""
    numbers = [name.removeprefix("fold_") for name in folds.columns if name.startswith("fold_")]
    return [f"fold_{number}" for number in sorted(int(n) for n in numbers if n.isdecimal())]


def too_few_patients(table: pd.DataFrame, k: int) -> list[str]:
    """Return one sentence for each class with fewer patients than folds."""
    problems = []
    for label, slides in _as_text(table).groupby("label", sort=True):
        patients = sorted(set(slides["patient_id"]))
        if len(patients) < k:
            problems.append(
                f"class {label} has {len(patients)} patients for {k} folds "
                f"({', '.join(patients)}); lower folds.k or add patients"
            )
    return problems


def _class_of_patients(slides: pd.DataFrame) -> dict[str, str]:
    """Return the class as which each patient is dealt.

    Of a patient with slides of several classes, it is the one with fewest patients: the rarest
    class is the one that a fold could lack.
    """
    pairs = slides[["patient_id", "label"]].drop_duplicates()
    n_patients = Counter(pairs["label"])
    class_of: dict[str, str] = {}
    for patient, label in sorted(zip(pairs["patient_id"], pairs["label"], strict=True)):
        known = class_of.setdefault(patient, label)
        class_of[patient] = min(known, label, key=lambda name: (n_patients[name], name))
    return class_of


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    return table[list(_LABEL_COLUMNS)].astype(str)


def _seeded_order(patients: Iterable[str], key: str) -> list[str]:
    def rank(patient: str) -> bytes:
        return hashlib.sha256(f"{key}/{patient}".encode()).digest()

    return sorted(patients, key=rank)


def _patients_by_class(class_of: Mapping[str, str]) -> list[list[str]]:
    by_class = defaultdict(list)
    for patient, label in class_of.items():
        by_class[label].append(patient)
    return [by_class[label] for label in sorted(by_class)]


def _deal(
    class_of: Mapping[str, str], n_slides: Mapping[str, int], k: int, key: str
) -> dict[str, int]:
    """Return the fold in which each patient is tested."""
    fold_of = {}
    total = [0] * k
    for patients in _patients_by_class(class_of):
        of_class = [0] * k
        for patient in sorted(_seeded_order(patients, key), key=lambda name: -n_slides[name]):
            fold = min(range(k), key=lambda i: (of_class[i], total[i], i))
            of_class[fold] += n_slides[patient]
            total[fold] += n_slides[patient]
            fold_of[patient] = fold
    return fold_of


def _parts(
    class_of: Mapping[str, str],
    fold_of: Mapping[str, int],
    fold: int,
    val_fraction: float,
    key: str,
) -> dict[str, str]:
    """Return the part of each patient in one fold."""
    part_of = {patient: "test" if fold_of[patient] == fold else "train" for patient in class_of}
    for patients in _patients_by_class(class_of):
        untested = _seeded_order((p for p in patients if fold_of[p] != fold), f"{key}/val")
        wanted = max(1, round(val_fraction * len(untested))) if val_fraction else 0
        for patient in untested[: min(wanted, len(untested) - 1)]:
            part_of[patient] = "val"
    return part_of


def _cohort_problems(folds: pd.DataFrame, cohort: pd.DataFrame) -> list[str]:
    repeated = sorted(folds.loc[folds["slide_id"].duplicated(), "slide_id"].unique())
    problems = [f"folds: slide {slide} has more than one row" for slide in repeated]
    rows = _as_text(folds).drop_duplicates("slide_id").set_index("slide_id")
    expected = _as_text(cohort).set_index("slide_id")
    problems += [
        f"folds: slide {slide} of the cohort is missing"
        for slide in sorted(set(expected.index) - set(rows.index))
    ]
    problems += [
        f"folds: slide {slide} is not in the cohort"
        for slide in sorted(set(rows.index) - set(expected.index))
    ]
    for slide in sorted(set(rows.index) & set(expected.index)):
        for column in ("patient_id", "label"):
            found, wanted = str(rows.at[slide, column]), str(expected.at[slide, column])
            if found != wanted:
                problems.append(
                    f"folds: slide {slide} has {column} {found}, the cohort says {wanted}"
                )
    return problems


def _fold_problems(
    folds: pd.DataFrame, name: str, classes: Sequence[str], val_expected: bool
) -> list[str]:
    cells = folds[name]
    problems = [
        f"{name}: slide {slide} is '{cell}'; allowed: {', '.join(PARTS)}, {UNUSED}"
        for slide, cell in zip(folds["slide_id"], cells, strict=True)
        if cell not in (*PARTS, UNUSED)
    ]
    used = folds[cells != UNUSED]
    problems += shared_patients(used["slide_id"], used["patient_id"], used[name], name)
    wanted_parts = [part for part in PARTS if part != "val" or val_expected]
    problems += [f"{name}: no slide is in {p}" for p in wanted_parts if not (cells == p).any()]
    in_train = set(folds.loc[cells == "train", "label"])
    if in_train:
        problems += [
            f"{name}: no slide of class {c} is in train" for c in classes if c not in in_train
        ]
    return problems
