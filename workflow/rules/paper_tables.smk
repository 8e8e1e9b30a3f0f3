# Paper tables are on their own: metrics.csv, summary.csv and cost.csv of the dataset, which are over
# all models of the config, are neither read nor made. Models are shared by name.


use rule evaluation as paper_table_evaluation with:
    output:
        metrics=layout.PAPER_METRICS,
        summary=layout.PAPER_SUMMARY,
        comparisons=layout.PAPER_COMPARISONS,
    log:
        log("paper_table_evaluation", "paper_table"),
    benchmark:
        benchmark("paper_table_evaluation", "paper_table")
    params:
        stage=STAGES["evaluation"],
        models=inputs.model_pairs,
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=intervals,
        reference=lambda wildcards: study.paper_tables[wildcards.paper_table]["reference"],


use rule cost as paper_table_cost with:
    output:
        cost=layout.PAPER_COST,
    log:
        log("paper_table_cost", "paper_table"),
    benchmark:
        benchmark("paper_table_cost", "paper_table")


rule paper_table:
    input:
        summary=layout.PAPER_SUMMARY,
        comparisons=layout.PAPER_COMPARISONS,
        cost=layout.PAPER_COST,
        predictions=inputs.per_model(layout.PREDICTIONS),
    output:
        table=layout.PAPER_TABLE,
        figure=report(
            layout.PAPER_TABLE_FIGURE,
            caption="../report/paper_table.rst",
            category="{dataset}",
            subcategory="paper tables",
            labels={"paper table": "{paper_table}", "as": "figure"},
        ),
        page=report(
            layout.PAPER_TABLE_PAGE,
            caption="../report/paper_table.rst",
            category="{dataset}",
            subcategory="paper tables",
            labels={"paper table": "{paper_table}", "as": "table"},
        ),
    log:
        log("paper_table", "paper_table"),
    benchmark:
        benchmark("paper_table", "paper_table")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
        models=inputs.model_pairs,
        paper_table=lambda wildcards: study.paper_tables[wildcards.paper_table],
        recipe=lambda wildcards: params.recipe(study, wildcards.paper_table),
    script:
        "../scripts/paper_table.py"
