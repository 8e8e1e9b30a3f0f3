"""Saying what an audit found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from slidesieve.audit.findings import OK
from slidesieve.audit.run import audit_dataset, write_findings
from slidesieve.config.study import Study
from slidesieve.plan import layout


def audit_study(study: Study, names: Sequence[str], results: Path) -> int:
    """Audit datasets, write audit.csv of each and say what is wrong on stderr.

    Returns:
        0 if all is well, 1 if anything is broken or missing.
    """
    n_faults = 0
    for name in names:
        findings = audit_dataset(study, name, results)
        table = write_findings(layout.below(results, layout.AUDIT, dataset=name), findings)
        faults = [finding for finding in findings if finding.status != OK]
        for fault in faults:
            sys.stderr.write(f"{fault.status}: {fault.path}: {fault.problem}\n")
        sys.stderr.write(f"{name}: {len(findings)} checks, {len(faults)} faults -> {table}\n")
        n_faults += len(faults)
    return int(n_faults > 0)
