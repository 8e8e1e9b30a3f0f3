rule evaluation:
    input:
        predictions=inputs.per_model(layout.PREDICTIONS),
    output:
        metrics=layout.METRICS,
        summary=layout.SUMMARY,
        comparisons=layout.COMPARISONS,
    log:
        log("evaluation"),
    benchmark:
        benchmark("evaluation")
    wildcard_constraints:
        dataset=TRAINED,
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
        reference=study.reference_model,
    script:
        "../scripts/evaluation.py"


rule encoder_comparisons:
    input:
        predictions=inputs.per_model(layout.PREDICTIONS),
    output:
        comparisons=layout.ENCODER_COMPARISONS,
    log:
        log("encoder_comparisons"),
    benchmark:
        benchmark("encoder_comparisons")
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
    script:
        "../scripts/encoder_comparisons.py"


rule encoder_differences_plot:
    input:
        comparisons=layout.ENCODER_COMPARISONS,
    output:
        plot=report(
            layout.ENCODER_DIFFERENCES_PLOT,
            caption="../report/encoder_differences.rst",
            category="{dataset}",
            subcategory="results",
            labels={"figure": "encoders compared"},
        ),
    log:
        log("encoder_differences_plot"),
    benchmark:
        benchmark("encoder_differences_plot")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/encoder_differences_plot.py"


rule site_metrics:
    input:
        predictions=inputs.per_model(layout.PREDICTIONS),
    output:
        sites=layout.SITES,
    log:
        log("site_metrics"),
    benchmark:
        benchmark("site_metrics")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["evaluation"],
        models=inputs.model_pairs,
        classes=lambda wildcards: dataset_of(wildcards).classes,
        sites=of_dataset(params.sites),
        evaluation=intervals,
    script:
        "../scripts/site_metrics.py"


rule fits:
    input:
        models=inputs.per_fit(layout.MODEL),
        histories=inputs.per_fit(layout.HISTORY),
        audits=inputs.per_model(layout.SELECTOR_AUDIT, audited_models),
    output:
        fits=layout.FITS,
    log:
        log("fits"),
    benchmark:
        benchmark("fits")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["evaluation"],
        models=inputs.model_pairs,
        fits=inputs.fits,
        audited=lambda wildcards: inputs.model_pairs(wildcards, audited_models),
    script:
        "../scripts/fits.py"


rule calibration:
    input:
        predictions=inputs.per_model(layout.PREDICTIONS),
        validation=inputs.per_fit(layout.VAL_PREDICTIONS),
    output:
        table=layout.CALIBRATION,
        page=report(
            layout.CALIBRATION_PAGE,
            caption="../report/calibration.rst",
            category="{dataset}",
            subcategory="results",
            labels={"table": "metrics after calibration"},
        ),
    log:
        log("calibration"),
    benchmark:
        benchmark("calibration")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["evaluation"],
        models=inputs.model_pairs,
        fits=inputs.fits,
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=intervals,
    script:
        "../scripts/calibration.py"


rule cost:
    input:
        indexes=inputs.per_encoder(layout.FEATURE_INDEX),
        models=inputs.per_model(fill(layout.MODEL, fold=0)),
        weights=inputs.per_model(fill(layout.WEIGHTS, fold=0)),
        seconds=inputs.per_fit(layout.FIT_SECONDS),
    output:
        cost=layout.COST,
    log:
        log("cost"),
    benchmark:
        benchmark("cost")
    conda:
        MODELS_ENV
    threads: threads_of("train")
    resources:
        **resources_of("train", mem_mb=8000, runtime=240, gpu=0),
    params:
        stage=STAGES["cost"],
        encoders=lambda wildcards: study.encoders_of(wildcards.dataset),
        models=inputs.model_pairs,
        fits=inputs.fits,
    script:
        "../scripts/cost.py"
