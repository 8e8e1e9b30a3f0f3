"""Keys of a table in the shape of a paper's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictFloat, StrictInt, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.config.names import ColumnName
from slidesieve.parsing.settings import STRICT, UNIQUE

# Spelled out, for their owners (evaluation and paper_tables) are slow to import; a test compares.
Measure = Literal[
    "balanced_accuracy",
    "accuracy",
    "auc_macro_ovr",
    "average_precision",
    "f1_macro",
    "kappa_quadratic",
    "log_loss",
    "brier",
    "ece",
    "tokens_kept",
    "gflops",
    "peak_memory_mb",
    "latency_ms_median",
    "training_s_per_epoch",
]


def _default_measures() -> list[Measure]:
    return ["balanced_accuracy", "auc_macro_ovr"]


@dataclass(frozen=True, config=STRICT)
class PaperColumn:
    """A column of the paper's numbers."""

    place: StrictStr = Field(description="Where the numbers stand in the paper.")
    beside: Measure | None = Field(
        default=None, description="Measure of ours in whose panel of the figure they are drawn."
    )


@dataclass(frozen=True, config=STRICT)
class Paper:
    """The paper whose numbers stand beside ours."""

    source: StrictStr = Field(description="The paper, as it is cited.")
    columns: dict[ColumnName, PaperColumn] = Field(
        description="Columns by name; paper_<name> in the table."
    )


@dataclass(frozen=True, config=STRICT)
class PaperTableRow:
    """A row of the table: a model."""

    label: StrictStr = Field(description="The row's name in table and figure.")
    columns: dict[StrictStr, StrictStr | StrictInt | StrictFloat | None] = Field(
        default_factory=dict, description="What sets the row apart (r, T, K, …)."
    )
    paper: dict[StrictStr, StrictFloat] = Field(
        default_factory=dict, description="The paper's numbers, by the names in paper.columns."
    )


@dataclass(frozen=True, config=STRICT, kw_only=True)
class PaperTable:
    """A table in the shape of a paper's."""

    title: StrictStr = Field(description="Title of table and figure.")
    reference: StrictStr = Field(
        description="Row that all others are tested against and whose cost is 1 in the figure."
    )
    rows: dict[StrictStr, PaperTableRow] = Field(
        min_length=2, description="Model → row of the table, in its order."
    )
    measures: Annotated[list[Measure], UNIQUE] = Field(
        default_factory=_default_measures,
        min_length=1,
        json_schema_extra={"uniqueItems": True, "default": [*_default_measures()]},
        description="Metrics and costs in the order of the figure's panels. The table has all "
        "costs.",
    )
    level: Literal["patient", "slide"] = Field(default="patient", description="The unit of a case.")
    paper: Paper | None = Field(
        default=None, description="The paper whose numbers stand beside ours."
    )
