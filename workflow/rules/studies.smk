# A study's tables are its own: metrics.csv, summary.csv and cost.csv of the dataset, which are over
# all models of the config, are neither read nor made. Models are shared by name.


use rule evaluation as study_evaluation with:
    input:
        predictions=per_row("results/{dataset}/predictions/{encoder}/{model}.csv"),
    output:
        metrics="results/{dataset}/studies/{table}/metrics.csv",
        summary="results/{dataset}/studies/{table}/summary.csv",
        comparisons="results/{dataset}/studies/{table}/comparisons.csv",
    log:
        "results/{dataset}/logs/study_evaluation/{table}.log",
    benchmark:
        "results/{dataset}/benchmarks/study_evaluation/{table}.tsv"
    params:
        stage=STAGES["evaluation"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=study.evaluation,
        reference=lambda wildcards: study.studies[wildcards.table]["reference"],


use rule cost as study_cost with:
    input:
        indexes=per_encoder("results/{dataset}/features/{encoder}.csv"),
        models=per_row("results/{dataset}/models/{encoder}/{model}/fold_0/model.json"),
        weights=per_row("results/{dataset}/models/{encoder}/{model}/fold_0/weights.safetensors"),
    output:
        cost="results/{dataset}/studies/{table}/cost.csv",
    log:
        "results/{dataset}/logs/study_cost/{table}.log",
    benchmark:
        "results/{dataset}/benchmarks/study_cost/{table}.tsv"


rule study_table:
    input:
        summary="results/{dataset}/studies/{table}/summary.csv",
        comparisons="results/{dataset}/studies/{table}/comparisons.csv",
        cost="results/{dataset}/studies/{table}/cost.csv",
        predictions=per_row("results/{dataset}/predictions/{encoder}/{model}.csv"),
    output:
        table="results/{dataset}/studies/{table}.csv",
        figure=report(
            "results/{dataset}/studies/{table}.png",
            caption="../report/study.rst",
            category="{dataset}",
            subcategory="studies",
            labels={"study": "{table}", "as": "figure"},
        ),
        page=report(
            "results/{dataset}/studies/{table}.html",
            caption="../report/study.rst",
            category="{dataset}",
            subcategory="studies",
            labels={"study": "{table}", "as": "table"},
        ),
    log:
        "results/{dataset}/logs/study_table/{table}.log",
    benchmark:
        "results/{dataset}/benchmarks/study_table/{table}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
        study=lambda wildcards: study.studies[wildcards.table],
    script:
        "../scripts/study_table.py"
