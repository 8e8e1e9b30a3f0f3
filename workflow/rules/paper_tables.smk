# Paper tables are on their own: metrics.csv, summary.csv and cost.csv of the dataset, which are over
# all models of the config, are neither read nor made. Models are shared by name.


use rule evaluation as paper_table_evaluation with:
    input:
        predictions=per_row("results/{dataset}/predictions/{encoder}/{model}.csv"),
    output:
        metrics="results/{dataset}/paper_tables/{paper_table}/metrics.csv",
        summary="results/{dataset}/paper_tables/{paper_table}/summary.csv",
        comparisons="results/{dataset}/paper_tables/{paper_table}/comparisons.csv",
    log:
        "results/{dataset}/logs/paper_table_evaluation/{paper_table}.log",
    benchmark:
        "results/{dataset}/benchmarks/paper_table_evaluation/{paper_table}.tsv"
    params:
        stage=STAGES["evaluation"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=study.evaluation,
        reference=lambda wildcards: study.paper_tables[wildcards.paper_table]["reference"],


use rule cost as paper_table_cost with:
    input:
        indexes=per_encoder("results/{dataset}/features/{encoder}.csv"),
        models=per_row("results/{dataset}/models/{encoder}/{model}/fold_0/model.json"),
        weights=per_row("results/{dataset}/models/{encoder}/{model}/fold_0/weights.safetensors"),
    output:
        cost="results/{dataset}/paper_tables/{paper_table}/cost.csv",
    log:
        "results/{dataset}/logs/paper_table_cost/{paper_table}.log",
    benchmark:
        "results/{dataset}/benchmarks/paper_table_cost/{paper_table}.tsv"


rule paper_table:
    input:
        summary="results/{dataset}/paper_tables/{paper_table}/summary.csv",
        comparisons="results/{dataset}/paper_tables/{paper_table}/comparisons.csv",
        cost="results/{dataset}/paper_tables/{paper_table}/cost.csv",
        predictions=per_row("results/{dataset}/predictions/{encoder}/{model}.csv"),
    output:
        table="results/{dataset}/paper_tables/{paper_table}.csv",
        figure=report(
            "results/{dataset}/paper_tables/{paper_table}.png",
            caption="../report/paper_table.rst",
            category="{dataset}",
            subcategory="paper tables",
            labels={"paper table": "{paper_table}", "as": "figure"},
        ),
        page=report(
            "results/{dataset}/paper_tables/{paper_table}.html",
            caption="../report/paper_table.rst",
            category="{dataset}",
            subcategory="paper tables",
            labels={"paper table": "{paper_table}", "as": "table"},
        ),
    log:
        "results/{dataset}/logs/paper_table/{paper_table}.log",
    benchmark:
        "results/{dataset}/benchmarks/paper_table/{paper_table}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
        paper_table=lambda wildcards: study.paper_tables[wildcards.paper_table],
    script:
        "../scripts/paper_table.py"
