"""What one part of the audit finds wrong in a finished study."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path

from helpers.runner import Study
from slidesieve.audit.findings import OK
from slidesieve.config.load import load_study_files
from slidesieve.plan import layout


def faults_of(study: Study, dataset: str, audit) -> list:
    """The findings that are not ok; `audit` takes the study, the dataset and where files are."""
    with contextlib.chdir(study.folder):
        loaded = load_study_files([Path("config.yaml")])
        at = partial(layout.below, study.folder / "results", dataset=dataset)
        found = audit(loaded, loaded.datasets[dataset], at)
        return [finding for finding in found if finding.status != OK]
