rule selector_diagnostics:
    input:
        index="results/{dataset}/features/{encoder}.csv",
        folds="results/{dataset}/folds.csv",
        models=per_fold("results/{dataset}/models/{encoder}/{model}/fold_{fold}/model.json"),
        weights=per_fold(
            "results/{dataset}/models/{encoder}/{model}/fold_{fold}/weights.safetensors"
        ),
        truth=truth_files,
    output:
        audit="results/{dataset}/selectors/{encoder}/{model}/audit.csv",
        slides="results/{dataset}/selectors/{encoder}/{model}/slides.csv",
        predictions="results/{dataset}/selectors/{encoder}/{model}/predictions.csv",
    log:
        "results/{dataset}/logs/selector_diagnostics/{encoder}/{model}.log",
    benchmark:
        "results/{dataset}/benchmarks/selector_diagnostics/{encoder}/{model}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: resource("train", "threads", 1)
    resources:
        mem_mb=resource("train", "mem_mb", 8000),
        runtime=resource("train", "runtime", 240),
        gpu=resource("train", "gpu", 0),
    params:
        stage=STAGES["selectors"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=study.evaluation,
        training=study.training,
    script:
        "../scripts/selector_diagnostics.py"


rule selector_figure:
    input:
        audit="results/{dataset}/selectors/{encoder}/{model}/audit.csv",
        histories=per_fold("results/{dataset}/models/{encoder}/{model}/fold_{fold}/history.csv"),
    output:
        figure=report(
            "results/{dataset}/figures/{encoder}/selector/{model}.png",
            caption="../report/selector.rst",
            category="{dataset}",
            subcategory="selectors",
            labels={"encoder": "{encoder}", "model": "{model}"},
        ),
    log:
        "results/{dataset}/logs/selector_figure/{encoder}/{model}.log",
    benchmark:
        "results/{dataset}/benchmarks/selector_figure/{encoder}/{model}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/selector_figure.py"


rule selectors:
    input:
        audits=per_model("results/{dataset}/selectors/{encoder}/{model}/audit.csv", audited_models),
    output:
        table="results/{dataset}/selectors.csv",
        figure=report(
            "results/{dataset}/figures/selectors.png",
            caption="../report/selectors.rst",
            category="{dataset}",
            subcategory="selectors",
            labels={"figure": "all selectors"},
        ),
    log:
        "results/{dataset}/logs/selectors.log",
    benchmark:
        "results/{dataset}/benchmarks/selectors.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/selectors.py"


use rule selectors as paper_table_selectors with:
    input:
        audits=per_row("results/{dataset}/selectors/{encoder}/{model}/audit.csv", audited_models),
    output:
        table="results/{dataset}/paper_tables/{paper_table}/selectors.csv",
        figure=report(
            "results/{dataset}/paper_tables/{paper_table}/selectors.png",
            caption="../report/selectors.rst",
            category="{dataset}",
            subcategory="paper tables",
            labels={"paper table": "{paper_table}", "as": "audit"},
        ),
    log:
        "results/{dataset}/logs/paper_table_selectors/{paper_table}.log",
    benchmark:
        "results/{dataset}/benchmarks/paper_table_selectors/{paper_table}.tsv"
