"""The sections of a config: the root of all keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from slidesieve.config.dataset import DatasetSettings
from slidesieve.config.encoder_entry import NameOrEntry
from slidesieve.config.model_spec import ModelSpec
from slidesieve.config.names import FileName, TargetName
from slidesieve.config.paper_table import PaperTable
from slidesieve.config.sections import EvaluationSettings, ReportSettings, Resources
from slidesieve.parsing.settings import STRICT
from slidesieve.training.settings import TrainingSettings
from slidesieve.vqa.settings import VqaSettings


@dataclass(frozen=True, config=STRICT, kw_only=True)
class StudySettings:
    """The config of a study."""

    datasets: Annotated[dict[TargetName, DatasetSettings], Field(min_length=1)] = Field(
        description="Datasets by name; each becomes results/<name>/ and the target <name>."
    )
    encoders: list[NameOrEntry] = Field(
        min_length=1, description="Encoders; the features of each are kept side by side."
    )
    models: Annotated[dict[FileName, ModelSpec], Field(min_length=1)] = Field(
        description="Models by name; each is a row in every table."
    )
    paper_tables: dict[TargetName, PaperTable] = Field(
        default_factory=dict,
        description="Tables in the shape of a paper's, by name; if there are any, they are made "
        "in place of the tables of all models.",
    )
    training: TrainingSettings = Field(
        default_factory=TrainingSettings, description="How a model is fitted."
    )
    evaluation: EvaluationSettings = Field(
        default_factory=EvaluationSettings, description="How models are scored and compared."
    )
    report: ReportSettings = Field(
        default_factory=ReportSettings, description="Pictures of the report."
    )
    vqa: VqaSettings | None = Field(
        default=None, description="Slide question answering; null means none."
    )
    resources: Resources = Field(
        default_factory=Resources, description="Resources of jobs, per stage."
    )
