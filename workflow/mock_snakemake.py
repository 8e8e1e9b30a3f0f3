"""The object `snakemake` of a script, without a run: to step through any script in a debugger.

This builds the workflow with Snakemake's internals. Seen to work with Snakemake 9.27.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from snakemake.api import SnakemakeApi
from snakemake.jobs import Job
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

if TYPE_CHECKING:
    from snakemake.rules import Rule
    from snakemake.workflow import Workflow

SNAKEFILE = Path(__file__).resolve().parents[1] / "Snakefile"


def mock_snakemake(
    rule: str,
    configfiles: Iterable[str | Path] = (),
    root: str | Path | None = None,
    **wildcards: object,
) -> SimpleNamespace:
    """Make the `snakemake` of one job's script. Nothing is run, and no input has to exist.

    Args:
        rule: A rule's name. Features jobs have one per shard: `snakemake -n --workflow-profile
            none` prints them.
        configfiles: As after `--configfile`, relative to `root`.
        root: Folder of the study, in which results/ lies. This becomes the working directory, for
            the paths of a job are relative to it. By default the working directory.
        wildcards: The job's, as in `dataset="demo", slide="demo_00"`.

    Returns:
        input, output, params, wildcards, log, threads, resources, config, rule, and `script`, the
        path of the rule's script or None.

    Raises:
        ValueError: There is no such rule, or it has other wildcards.
    """
    os.chdir(root or Path.cwd())
    workflow = _workflow([Path(file) for file in configfiles])
    known = {found.name: found for found in workflow.rules}
    if rule not in known:
        raise ValueError(f"there is no rule {rule!r}; rules are: {', '.join(known)}")
    asked = known[rule]
    if set(wildcards) != asked.wildcard_names:
        wanted = ", ".join(sorted(asked.wildcard_names)) or "none"
        raise ValueError(f"rule {rule} has these wildcards: {wanted}; given: {[*wildcards]}")
    # Of the graph of jobs, a job needs the workflow alone.
    graph = SimpleNamespace(workflow=workflow)
    job = Job(asked, graph, {name: str(value) for name, value in wildcards.items()})
    return SimpleNamespace(
        input=job.input,
        output=job.output,
        params=job.params,
        wildcards=job.wildcards,
        log=job.log,
        threads=job.threads,
        resources=job.resources,
        config=workflow.globals["config"],
        rule=rule,
        script=_script(asked),
    )


def _workflow(configfiles: list[Path]) -> Workflow:
    settings = OutputSettings(quiet={Quietness.ALL}, enable_file_logging=False)
    with SnakemakeApi(settings) as api:
        # The public API keeps the rules to itself.
        return api.workflow(
            resource_settings=ResourceSettings(cores=os.cpu_count()),
            config_settings=ConfigSettings(configfiles=configfiles),
            snakefile=SNAKEFILE,
        )._workflow


def _script(rule: Rule) -> Path | None:
    if rule.script is None:
        return None
    return Path(rule.basedir.join(rule.script).get_path_or_uri(secret_free=True)).resolve()
