for shard in shards_of_fits:

    rule:
        name:
            shard.rule_name
        input:
            index=layout.FEATURE_INDEX,
            folds=layout.FOLDS,
        output:
            weights=shard.files(layout.WEIGHTS),
            model=shard.files(layout.MODEL),
            history=shard.files(layout.HISTORY),
            seconds=shard.files(layout.FIT_SECONDS),
            predictions=shard.files(layout.FOLD_PREDICTIONS),
            validation=shard.files(layout.VAL_PREDICTIONS),
        log:
            fill(log(TRAIN_RULE, "encoder", "model", "fold_{fold}"), fold=shard.name),
        benchmark:
            fill(benchmark(TRAIN_RULE, "encoder", "model", "fold_{fold}"), fold=shard.name)
        wildcard_constraints:
            dataset="|".join(shard.datasets),
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

    obey_profile(shard.rule_name, TRAIN_RULE)


obey_command_line(lambda targets: [shard.rule_name for shard in shards_of_fits], TRAIN_RULE)


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
