rule folds:
    input:
        file=lambda wildcards: settings_of(wildcards)["folds"]["file"] or [],
    output:
        folds="results/{dataset}/folds.csv",
    log:
        "results/{dataset}/logs/folds.log",
    benchmark:
        "results/{dataset}/benchmarks/folds.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["folds"],
        slides=cohort_rows,
        classes=lambda wildcards: dataset_of(wildcards).classes,
        folds=lambda wildcards: settings_of(wildcards)["folds"],
    script:
        "../scripts/folds.py"
