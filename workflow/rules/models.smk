rule train:
    input:
        index=layout.FEATURE_INDEX,
        folds=layout.FOLDS,
    output:
        weights=layout.WEIGHTS,
        model=layout.MODEL,
        history=layout.HISTORY,
        predictions=layout.FOLD_PREDICTIONS,
        validation=layout.VAL_PREDICTIONS,
    log:
        log("train", "encoder", "model", "fold_{fold}"),
    benchmark:
        benchmark("train", "encoder", "model", "fold_{fold}")
    conda:
        MODELS_ENV
    threads: threads_of("train")
    resources:
        **resources_of("train", mem_mb=8000, runtime=240, gpu=0),
    params:
        stage=STAGES["train"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        model=lambda wildcards: study.models[wildcards.model],
        training=lambda wildcards: study.training_of(wildcards.model),
    script:
        "../scripts/train.py"


rule final_model:
    input:
        index=layout.FEATURE_INDEX,
        folds=layout.FOLDS,
        models=inputs.per_fold(layout.MODEL),
    output:
        weights=layout.FINAL_WEIGHTS,
        model=layout.FINAL_MODEL,
        history=layout.FINAL_HISTORY,
    log:
        log("final_model", "encoder", "model"),
    benchmark:
        benchmark("final_model", "encoder", "model")
    conda:
        MODELS_ENV
    threads: threads_of("train")
    resources:
        **resources_of("train", mem_mb=8000, runtime=240, gpu=0),
    params:
        stage=STAGES["train"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        model=lambda wildcards: study.models[wildcards.model],
        training=lambda wildcards: study.training_of(wildcards.model),
    script:
        "../scripts/final_model.py"


rule predictions:
    input:
        folds=inputs.per_fold(layout.FOLD_PREDICTIONS),
    output:
        predictions=layout.PREDICTIONS,
    log:
        log("predictions", "encoder", "model"),
    benchmark:
        benchmark("predictions", "encoder", "model")
    wildcard_constraints:
        dataset=TRAINED,
    group:
        "evaluation"
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["evaluation"],
    script:
        "../scripts/predictions.py"
