"""CSV tables: the same values always give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from slidesieve.errors import ContractError
from slidesieve.store.atomic import atomic_path

# Read as text whatever they look like: a slide may be called 007 and a class NA.
TEXT_COLUMNS = frozenset(
    (
        *("slide_id", "patient_id", "label", "prediction", "path", "vendor", "mpp_source"),
        *("status", "reason", "warnings", "problem", "tissue_source", "tissue_params"),
        *(
            "encoder",
            "encoder_revision",
            "fingerprint",
            "features_sha256",
            "model",
            "level",
            "metric",
            "site",
            "fit",
            "encoder_a",
            "encoder_b",
            "prediction_final",
        ),
        *("model_a", "model_b", "test", "device", "topic", "variant"),
        *("question_id", "source", "source_sha256", "split", "case_id", "slide_ids", "category"),
        *("subcategory", "question", "answer", "answer_text", "method", "output", "contrast"),
        *("path_a", "path_b", "check", "action", "rows", "meaning"),
    )
)
_FLOAT_FORMAT = "%.7g"


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table atomically, without its index; floats keep seven significant digits."""
    with atomic_path(path) as partial:
        table.to_csv(partial, index=False, float_format=_FLOAT_FORMAT, lineterminator="\n")


def as_read_back(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as it would be after `write_csv` and `read_csv`: rounded, text as text."""
    text = table.to_csv(index=False, float_format=_FLOAT_FORMAT, lineterminator="\n")
    return _parse(lambda: io.StringIO(text))


def read_csv(path: Path, required: Iterable[str] = ()) -> pd.DataFrame:
    """Read a table; identifiers and labels stay text, empty numbers become NaN.

    Args:
        path: The file.
        required: Columns that must be there.

    Raises:
        ContractError: The file is missing, is no table, or lacks a required column.
    """
    try:
        table = _parse(lambda: path)
    except FileNotFoundError as error:
        raise ContractError(f"{path}: no such file") from error
    except (OSError, ValueError, OverflowError, MemoryError) as error:
        raise ContractError(f"{path}: not a CSV table ({error})") from error
    missing = [name for name in required if name not in table.columns]
    if missing:
        raise ContractError(
            f"{path}: column {', '.join(missing)} is missing (found: {', '.join(table.columns)})"
        )
    return table


def _parse(source: Callable[[], Path | io.StringIO]) -> pd.DataFrame:
    header = pd.read_csv(source(), nrows=0).columns
    text = [name for name in header if name in TEXT_COLUMNS or name.startswith("fold_")]
    numbers = [name for name in header if name not in text]
    return pd.read_csv(
        source(),
        dtype=dict.fromkeys(text, str),
        keep_default_na=False,
        na_values={name: ["", "nan", "NaN"] for name in numbers},
    )
