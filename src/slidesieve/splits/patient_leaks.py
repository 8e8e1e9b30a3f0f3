"""The leak check: no patient in two parts of a split, our own or a published one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from slidesieve.errors import ConfigError
from slidesieve.store.tables import read_csv

_TCGA_PATIENT_CHARACTERS = 12


def leak_check(table: pd.DataFrame) -> None:
    """Refuse a split in which a patient lies in more than one part.

    Args:
        table: slide_id, patient_id, part; as `read_split_files` and `read_clam_split` give.

    Raises:
        ConfigError: One line per shared patient, with its parts and slides.
    """
    problems = shared_patients(table["slide_id"], table["patient_id"], table["part"], "split")
    if problems:
        raise ConfigError(problems)


def shared_patients(
    slide_ids: Iterable[str], patient_ids: Iterable[str], parts: Iterable[str], where: str
) -> list[str]:
    """Return one sentence for each patient that lies in several parts, with its slides.

    The three sequences run in step, one entry a slide; `where` names the split.
    """
    slides_of: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for slide, patient, part in zip(slide_ids, patient_ids, parts, strict=True):
        slides_of[str(patient)][part].append(str(slide))
    problems = []
    for patient, slides_of_part in sorted(slides_of.items()):
        if len(slides_of_part) > 1:
            listed = " and ".join(
                f"{part} ({', '.join(sorted(slides))})"
                for part, slides in sorted(slides_of_part.items(), key=lambda pair: str(pair[0]))
            )
            problems.append(f"{where}: patient {patient} is in {listed}")
    return problems


def read_split_files(path_of_part: Mapping[str, Path]) -> pd.DataFrame:
    """Read a published split of one CSV per part (train, val, test) with a column slide_id.

    The patient is the column patient_id or case_id, else a TCGA slide's first 12 characters.

    Returns:
        slide_id, patient_id, part.
    """
    frames = []
    for part, path in path_of_part.items():
        rows = read_csv(path, required=["slide_id"])
        named = [name for name in ("patient_id", "case_id") if name in rows.columns]
        patients = rows[named[0]] if named else rows["slide_id"].map(tcga_patient)
        frames.append(
            pd.DataFrame({"slide_id": rows["slide_id"], "patient_id": patients, "part": part})
        )
    return pd.concat(frames, ignore_index=True).astype(str)


def read_clam_split(path: Path) -> pd.DataFrame:
    """Read CLAM's `splits_k.csv` of TCGA slides: columns train, val, test hold slide names.

    Returns:
        slide_id, patient_id, part.
    """
    wide = read_csv(path, required=["train", "val", "test"])
    pairs = [
        (slide, part) for part in ("train", "val", "test") for slide in wide[part].dropna() if slide
    ]
    table = pd.DataFrame(pairs, columns=["slide_id", "part"])
    return table.assign(patient_id=table["slide_id"].map(tcga_patient))


def tcga_patient(slide_id: str) -> str:
    """Return the patient of a TCGA barcode: its first 12 characters, as in TCGA-55-A48Z.

    Raises:
        ConfigError: The name is no TCGA barcode.
    """
    if not slide_id.startswith("TCGA-") or len(slide_id) < _TCGA_PATIENT_CHARACTERS:
        raise ConfigError([f"slide {slide_id}: no TCGA barcode, so its patient must be given"])
    return slide_id[:_TCGA_PATIENT_CHARACTERS]
