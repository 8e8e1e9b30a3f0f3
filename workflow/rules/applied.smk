# Datasets that take their models from another dataset or from a bundle: no folds, no training.
from slidesieve.plan.model_files import fits_params

APPLIED = "|".join(n for n, of in study.datasets.items() if of.models_from is not None) or "(?!)"


rule ensemble_predictions:
    input:
        index=layout.FEATURE_INDEX,
        trained_on=inputs.training_content,
        models=inputs.per_fit_used(layout.MODEL),
        weights=inputs.per_fit_used(layout.WEIGHTS),
    output:
        predictions=layout.PREDICTIONS,
        by_fit=layout.PREDICTIONS_BY_FIT,
    log:
        log("ensemble_predictions", "encoder", "model"),
    benchmark:
        benchmark("ensemble_predictions", "encoder", "model")
    wildcard_constraints:
        dataset=APPLIED,
    conda:
        MODELS_ENV
    threads: threads_of("train")
    resources:
        **resources_of("train", mem_mb=8000, runtime=240, gpu=0),
    params:
        stage=STAGES["ensemble"],
        slides=of_dataset(params.sheet_rows),
        source=lambda wildcards: dataset_of(wildcards).settings["models_from"],
        fits=lambda wildcards: fits_params(study, dataset_of(wildcards)),
    script:
        "../scripts/ensemble_predictions.py"


rule external_metrics:
    input:
        predictions=inputs.per_model(layout.PREDICTIONS),
        by_fit=inputs.per_model(layout.PREDICTIONS_BY_FIT),
        internal=inputs.internal_results,
    output:
        metrics=layout.METRICS,
        summary=layout.SUMMARY,
        comparisons=layout.COMPARISONS,
        external=layout.EXTERNAL,
    log:
        log("external_metrics"),
    benchmark:
        benchmark("external_metrics")
    wildcard_constraints:
        dataset=APPLIED,
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["evaluation"],
        models=inputs.model_pairs,
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=intervals,
        reference=lambda wildcards: study.reference_model_of(wildcards.dataset),
    script:
        "../scripts/external_metrics.py"


rule external_page:
    input:
        external=layout.EXTERNAL,
        comparisons=layout.COMPARISONS,
    output:
        page=report(
            layout.EXTERNAL_PAGE,
            caption="../report/external.rst",
            category="{dataset}",
            subcategory="results",
            labels={"table": "internal beside external, comparisons"},
        ),
    log:
        log("external_page"),
    benchmark:
        benchmark("external_page")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/external_page.py"


rule external_plot:
    input:
        external=layout.EXTERNAL,
    output:
        plot=report(
            layout.EXTERNAL_PLOT,
            caption="../report/external.rst",
            category="{dataset}",
            subcategory="results",
            labels={"figure": "internal beside external, {encoder}"},
        ),
    log:
        log("external_plot", "encoder"),
    benchmark:
        benchmark("external_plot", "encoder")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/external_plot.py"


rule applied_heatmaps:
    input:
        cohort=layout.COHORT,
        index=layout.FEATURE_INDEX,
        predictions=inputs.of_heatmap_model(layout.PREDICTIONS),
        models=inputs.per_fit_used(layout.MODEL),
        weights=inputs.per_fit_used(layout.WEIGHTS),
    output:
        heatmaps=report(
            directory(layout.HEATMAPS),
            patterns=["{slide}.jpg"],
            caption="../report/heatmap.rst",
            category="{dataset}",
            subcategory="attention",
            labels={"slide": "{slide}", "encoder": "{encoder}"},
        ),
    log:
        log("applied_heatmaps", "encoder"),
    benchmark:
        benchmark("applied_heatmaps", "encoder")
    wildcard_constraints:
        dataset=APPLIED,
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("train", mem_mb=8000),
        **resources_of("report", runtime=60),
    params:
        stage=STAGES["figures"],
        model=lambda wildcards: study.heatmap_model_of(wildcards.dataset),
        fits=lambda wildcards: fits_params(study, dataset_of(wildcards)),
        per_class=study.report["heatmaps_per_class"],
        scale=study.report["heatmap_scale"],
    script:
        "../scripts/applied_heatmaps.py"


rule applied_tokens:
    input:
        features=layout.FEATURES,
        models=inputs.per_fit_used(layout.MODEL),
        weights=inputs.per_fit_used(layout.WEIGHTS),
    output:
        tokens=layout.TOKENS,
    log:
        log("applied_tokens", "encoder", "model", "slide"),
    benchmark:
        benchmark("applied_tokens", "encoder", "model", "slide")
    wildcard_constraints:
        dataset=APPLIED,
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("train", mem_mb=8000),
        **resources_of("report", runtime=60),
    params:
        stage=STAGES["tokens"],
        fits=lambda wildcards: fits_params(study, dataset_of(wildcards)),
    script:
        "../scripts/applied_tokens.py"
