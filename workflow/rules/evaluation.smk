rule evaluation:
    input:
        predictions=per_model("results/{dataset}/predictions/{encoder}/{model}.csv"),
    output:
        metrics="results/{dataset}/metrics.csv",
        summary="results/{dataset}/summary.csv",
        comparisons="results/{dataset}/comparisons.csv",
    log:
        "results/{dataset}/logs/evaluation.log",
    benchmark:
        "results/{dataset}/benchmarks/evaluation.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["evaluation"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=study.evaluation,
        reference=study.reference_model,
    script:
        "../scripts/evaluation.py"


rule cost:
    input:
        indexes=per_encoder("results/{dataset}/features/{encoder}.csv"),
        models=per_model("results/{dataset}/models/{encoder}/{model}/fold_0/model.json"),
        weights=per_model("results/{dataset}/models/{encoder}/{model}/fold_0/weights.safetensors"),
    output:
        cost="results/{dataset}/cost.csv",
    log:
        "results/{dataset}/logs/cost.log",
    benchmark:
        "results/{dataset}/benchmarks/cost.tsv"
    conda:
        "../../envs/models.yaml"
    threads: resource("train", "threads", 1)
    resources:
        mem_mb=resource("train", "mem_mb", 8000),
        runtime=resource("train", "runtime", 240),
        gpu=resource("train", "gpu", 0),
    params:
        stage=STAGES["cost"],
    script:
        "../scripts/cost.py"
