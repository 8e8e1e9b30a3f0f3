rule train:
    input:
        index="results/{dataset}/features/{encoder}.csv",
        folds="results/{dataset}/folds.csv",
    output:
        weights="results/{dataset}/models/{encoder}/{model}/fold_{fold}/weights.safetensors",
        model="results/{dataset}/models/{encoder}/{model}/fold_{fold}/model.json",
        history="results/{dataset}/models/{encoder}/{model}/fold_{fold}/history.csv",
        predictions="results/{dataset}/models/{encoder}/{model}/fold_{fold}/predictions.csv",
    log:
        "results/{dataset}/logs/train/{encoder}/{model}/fold_{fold}.log",
    benchmark:
        "results/{dataset}/benchmarks/train/{encoder}/{model}/fold_{fold}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: resource("train", "threads", 1)
    resources:
        mem_mb=resource("train", "mem_mb", 8000),
        runtime=resource("train", "runtime", 240),
        gpu=resource("train", "gpu", 0),
    params:
        stage=STAGES["train"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        model=lambda wildcards: study.models[wildcards.model],
        training=study.training,
    script:
        "../scripts/train.py"


rule predictions:
    input:
        folds=per_fold("results/{dataset}/models/{encoder}/{model}/fold_{fold}/predictions.csv"),
    output:
        predictions="results/{dataset}/predictions/{encoder}/{model}.csv",
    log:
        "results/{dataset}/logs/predictions/{encoder}/{model}.log",
    benchmark:
        "results/{dataset}/benchmarks/predictions/{encoder}/{model}.tsv"
    group:
        "evaluation"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["evaluation"],
    script:
        "../scripts/predictions.py"
