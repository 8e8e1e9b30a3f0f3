"""Settings of the files that questions come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.parsing.schema import WORDS
from slidesieve.parsing.settings import STRICT

Format = Literal[
    "slidebench",
    "slidebench_captions",
    "wsi_vqa",
    "slideinstruct",
    "slideinstruct_captions",
    "multipathqa",
    "table",
]
STATES_ITS_PARTS = "table"
"""The one format whose rows say themselves in which part they are."""


@dataclass(frozen=True, config=STRICT)
class QuestionSource:
    """One file of questions."""

    source: Format = Field(
        description="Format of the file: SlideBench's tables (TCGA, BCNB, CPTAC) and captions, "
        "WSI-VQA, SlideInstruct's conversations and captions, MultiPathQA, or a table in "
        "SlideSieve's own columns."
    )
    path: StrictStr = Field(min_length=1, description="The file.")
    part: Literal["train", "val", "test"] | None = Field(
        default=None,
        description="Part that its questions are in; left out for `table`, whose column `split` "
        "says it.",
    )
    name: StrictStr | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        json_schema_extra={
            WORDS: "a name of letters, digits, '.', '_' and '-', no sign in front, or null"
        },
        description="Name in all tables, and first half of every question_id; null means `source`.",
    )

    @property
    def label(self) -> str:
        """Name of the source in all tables."""
        return self.name or self.source

    def __post_init__(self) -> None:
        if self.source == STATES_ITS_PARTS and self.part is not None:
            raise ValueError("part: the column `split` of a table says it; leave part out")
        if self.source != STATES_ITS_PARTS and self.part is None:
            raise ValueError("part is missing: train, val or test")


def repeated_names(sources: Sequence[QuestionSource]) -> Iterator[str]:
    """Yield one sentence per name that several files have."""
    for name, count in Counter(source.label for source in sources).items():
        if count > 1:
            yield f"{count} files are called {name!r}; give each a `name` of its own"
