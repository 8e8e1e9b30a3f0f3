rule selector_diagnostics:
    input:
        index=layout.FEATURE_INDEX,
        folds=layout.FOLDS,
        models=inputs.per_fold(layout.MODEL),
        weights=inputs.per_fold(layout.WEIGHTS),
        truth=lambda wildcards: list(params.truth_masks(dataset_of(wildcards)).values()),
    output:
        audit=layout.SELECTOR_AUDIT,
        slides=layout.SELECTOR_SLIDES,
        predictions=layout.SELECTOR_PREDICTIONS,
    log:
        log("selector_diagnostics", "encoder", "model"),
    benchmark:
        benchmark("selector_diagnostics", "encoder", "model")
    conda:
        MODELS_ENV
    threads: threads_of("train")
    resources:
        **resources_of("train", mem_mb=8000, runtime=240, gpu=0),
    params:
        stage=STAGES["selectors"],
        classes=lambda wildcards: dataset_of(wildcards).classes,
        evaluation=intervals,
        training=study.training,
        truth=of_dataset(params.truth_masks),
    script:
        "../scripts/selector_diagnostics.py"


rule selector_figure:
    input:
        audit=layout.SELECTOR_AUDIT,
        histories=inputs.per_fold(layout.HISTORY),
    output:
        figure=report(
            layout.SELECTOR_FIGURE,
            caption="../report/selector.rst",
            category="{dataset}",
            subcategory="selectors",
            labels={"encoder": "{encoder}", "model": "{model}"},
        ),
    log:
        log("selector_figure", "encoder", "model"),
    benchmark:
        benchmark("selector_figure", "encoder", "model")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/selector_figure.py"


rule selectors:
    input:
        audits=inputs.per_model(layout.SELECTOR_AUDIT, audited_models),
    output:
        table=layout.SELECTORS,
        figure=report(
            layout.SELECTORS_FIGURE,
            caption="../report/selectors.rst",
            category="{dataset}",
            subcategory="selectors",
            labels={"figure": "all selectors"},
        ),
    log:
        log("selectors"),
    benchmark:
        benchmark("selectors")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
        models=lambda wildcards: inputs.model_pairs(wildcards, audited_models),
    script:
        "../scripts/selectors.py"


use rule selectors as paper_table_selectors with:
    input:
        audits=inputs.per_model(layout.SELECTOR_AUDIT, audited_models),
    output:
        table=layout.PAPER_SELECTORS,
        figure=report(
            layout.PAPER_SELECTORS_FIGURE,
            caption="../report/selectors.rst",
            category="{dataset}",
            subcategory="paper tables",
            labels={"paper table": "{paper_table}", "as": "audit"},
        ),
    log:
        log("paper_table_selectors", "paper_table"),
    benchmark:
        benchmark("paper_table_selectors", "paper_table")
