from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")


# Your config is what `--configfile` names, or else config.yaml in the folder you run in. The
# shipped config.yaml lies below it: `slidesieve.config.layers` says how.
if not workflow.overwrite_configfiles and Path("config.yaml").exists():

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/demo.smk"
include: "workflow/rules/tissue.smk"
include: "workflow/rules/tiles.smk"
include: "workflow/rules/shared_name.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/cohort.smk"
include: "workflow/rules/folds.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/paper_tables.smk"
include: "workflow/rules/selectors.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/tokens.smk"
include: "workflow/rules/applied.smk"
include: "workflow/rules/slide_pages.smk"
include: "workflow/rules/vqa.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/quarantine.smk"


rule all:
    default_target: True
    input:
        [targets(study, name) for name in study.datasets],


for name in study.datasets:

    rule:
        name:
            name
        input:
            targets(study, name),
