report: "../report/workflow.rst"


rule report_pages:
    input:
        summary=layout.SUMMARY,
        comparisons=layout.COMPARISONS,
        cost=layout.COST,
        fits=layout.FITS,
    output:
        summary=report(
            layout.SUMMARY_PAGE,
            caption="../report/summary.rst",
            category="{dataset}",
            subcategory="results",
            labels={"table": "metrics with confidence intervals, comparisons"},
        ),
        cost=report(
            layout.COST_PAGE,
            caption="../report/cost.rst",
            category="{dataset}",
            subcategory="cost",
            labels={"table": "tokens, FLOPs, memory, latency"},
        ),
    log:
        log("report_pages"),
    benchmark:
        benchmark("report_pages")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/report_pages.py"


rule headline:
    input:
        cohort=layout.COHORT,
        summary=layout.SUMMARY,
        figures=inputs.models_figures,
    output:
        headline=report(
            layout.HEADLINE,
            caption="../report/headline.rst",
            category="{dataset}",
            subcategory="results",
            labels={"table": "headline, as on the first page"},
        ),
    log:
        log("headline"),
    benchmark:
        benchmark("headline")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/headline.py"


rule curves:
    input:
        predictions=layout.PREDICTIONS,
    output:
        roc=report(
            layout.ROC,
            caption="../report/roc.rst",
            category="{dataset}",
            subcategory="ROC curves",
            labels={"encoder": "{encoder}", "model": "{model}"},
        ),
        confusion=report(
            layout.CONFUSION,
            caption="../report/confusion.rst",
            category="{dataset}",
            subcategory="confusion matrices",
            labels={"encoder": "{encoder}", "model": "{model}"},
        ),
    log:
        log("curves", "encoder", "model"),
    benchmark:
        benchmark("curves", "encoder", "model")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=intervals,
    script:
        "../scripts/curves.py"


rule model_plot:
    input:
        summary=layout.SUMMARY,
    output:
        models=report(
            layout.MODELS_PLOT,
            caption="../report/models.rst",
            category="{dataset}",
            subcategory="results",
            labels={"figure": "models compared, {encoder}"},
        ),
    log:
        log("model_plot", "encoder"),
    benchmark:
        benchmark("model_plot", "encoder")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/model_plot.py"


rule tissue_montage:
    input:
        cohort=layout.COHORT,
        overviews=inputs.per_slide(layout.OVERVIEW),
    output:
        montage=report(
            layout.TISSUE_MONTAGE,
            caption="../report/overview.rst",
            category="{dataset}",
            subcategory="cohort",
            labels={"figure": "tissue and tiles"},
        ),
    log:
        log("tissue_montage"),
    benchmark:
        benchmark("tissue_montage")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
        slides=lambda wildcards: dataset_of(wildcards).slide_ids,
    script:
        "../scripts/tissue_montage.py"


rule heatmaps:
    input:
        cohort=layout.COHORT,
        index=layout.FEATURE_INDEX,
        predictions=inputs.of_heatmap_model(layout.PREDICTIONS),
        models=inputs.per_fold(layout.MODEL, model=study.heatmap_model),
        weights=inputs.per_fold(layout.WEIGHTS, model=study.heatmap_model),
    output:
        # The job chooses the slides: it is not known before which of them are usable.
        heatmaps=report(
            directory(layout.HEATMAPS),
            patterns=["{slide}.jpg"],
            caption="../report/heatmap.rst",
            category="{dataset}",
            subcategory="attention",
            labels={"slide": "{slide}", "encoder": "{encoder}"},
        ),
    log:
        log("heatmaps", "encoder"),
    benchmark:
        benchmark("heatmaps", "encoder")
    wildcard_constraints:
        dataset=TRAINED,
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("train", mem_mb=8000),
        **resources_of("report", runtime=60),
    params:
        stage=STAGES["figures"],
        model=study.heatmap_model,
        per_class=study.report["heatmaps_per_class"],
        scale=study.report["heatmap_scale"],
    script:
        "../scripts/heatmaps.py"
