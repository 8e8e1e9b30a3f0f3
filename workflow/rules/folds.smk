rule folds:
    output:
        folds=layout.FOLDS,
    log:
        log("folds"),
    benchmark:
        benchmark("folds")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["folds"],
        slides=of_dataset(params.sheet_rows),
        classes=lambda wildcards: dataset_of(wildcards).classes,
        folds=of_dataset(params.fold_settings),
        stamps=of_dataset(params.folds_stamps),
    script:
        "../scripts/folds.py"
