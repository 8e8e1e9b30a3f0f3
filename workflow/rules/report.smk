report: "../report/workflow.rst"


rule report_pages:
    input:
        cohort="results/{dataset}/cohort.csv",
        summary="results/{dataset}/summary.csv",
        comparisons="results/{dataset}/comparisons.csv",
        cost="results/{dataset}/cost.csv",
    output:
        cohort=report(
            "results/{dataset}/figures/cohort.html",
            caption="../report/cohort.rst",
            category="{dataset}",
            subcategory="cohort",
            labels={"table": "slides and their fate"},
        ),
        summary=report(
            "results/{dataset}/figures/summary.html",
            caption="../report/summary.rst",
            category="{dataset}",
            subcategory="results",
            labels={"table": "metrics with confidence intervals, comparisons"},
        ),
        cost=report(
            "results/{dataset}/figures/cost.html",
            caption="../report/cost.rst",
            category="{dataset}",
            subcategory="cost",
            labels={"table": "tokens, FLOPs, memory, latency"},
        ),
    log:
        "results/{dataset}/logs/report_pages.log",
    benchmark:
        "results/{dataset}/benchmarks/report_pages.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/report_pages.py"


rule curves:
    input:
        predictions="results/{dataset}/predictions/{encoder}/{model}.csv",
    output:
        roc=report(
            "results/{dataset}/figures/{encoder}/roc/{model}.png",
            caption="../report/roc.rst",
            category="{dataset}",
            subcategory="ROC curves",
            labels={"encoder": "{encoder}", "model": "{model}"},
        ),
        confusion=report(
            "results/{dataset}/figures/{encoder}/confusion/{model}.png",
            caption="../report/confusion.rst",
            category="{dataset}",
            subcategory="confusion matrices",
            labels={"encoder": "{encoder}", "model": "{model}"},
        ),
    log:
        "results/{dataset}/logs/curves/{encoder}/{model}.log",
    benchmark:
        "results/{dataset}/benchmarks/curves/{encoder}/{model}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=study.evaluation,
    script:
        "../scripts/curves.py"


rule model_plot:
    input:
        summary="results/{dataset}/summary.csv",
    output:
        models=report(
            "results/{dataset}/figures/{encoder}/models.png",
            caption="../report/models.rst",
            category="{dataset}",
            subcategory="results",
            labels={"figure": "models compared, {encoder}"},
        ),
    log:
        "results/{dataset}/logs/model_plot/{encoder}.log",
    benchmark:
        "results/{dataset}/benchmarks/model_plot/{encoder}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/model_plot.py"


rule tissue_montage:
    input:
        cohort="results/{dataset}/cohort.csv",
        overviews=per_slide("results/{dataset}/tissue/{slide}.jpg"),
    output:
        montage=report(
            "results/{dataset}/figures/tissue.png",
            caption="../report/overview.rst",
            category="{dataset}",
            subcategory="cohort",
            labels={"figure": "tissue and tiles"},
        ),
    log:
        "results/{dataset}/logs/tissue_montage.log",
    benchmark:
        "results/{dataset}/benchmarks/tissue_montage.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/tissue_montage.py"


rule heatmap:
    input:
        slide=slide_file,
        features="results/{dataset}/features/{encoder}/{slide}.h5",
        folds="results/{dataset}/folds.csv",
        models=per_fold(
            "results/{dataset}/models/{encoder}/{model}/fold_{fold}/model.json",
            study.heatmap_model,
        ),
        weights=per_fold(
            "results/{dataset}/models/{encoder}/{model}/fold_{fold}/weights.safetensors",
            study.heatmap_model,
        ),
    output:
        heatmap=report(
            "results/{dataset}/figures/{encoder}/heatmap/{slide}.png",
            caption="../report/heatmap.rst",
            category="{dataset}",
            subcategory="attention",
            labels={"slide": "{slide}", "encoder": "{encoder}"},
        ),
    log:
        "results/{dataset}/logs/heatmap/{encoder}/{slide}.log",
    benchmark:
        "results/{dataset}/benchmarks/heatmap/{encoder}/{slide}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("train", "mem_mb", 8000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
        path=slide_path,
        model=study.heatmap_model,
    script:
        "../scripts/heatmap.py"
