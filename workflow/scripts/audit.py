"""Check every artifact of the config's datasets against its contract and its neighbours."""

import sys
from pathlib import Path

from slidesieve.audit.report import audit_study
from slidesieve.runtime.logs import log_to

log_to(snakemake.log[0])
study = snakemake.params.study
sys.exit(audit_study(study, list(study.datasets), Path("results")))
