rule tokens:
    input:
        features=layout.FEATURES,
        folds=layout.FOLDS,
        models=inputs.per_fold(layout.MODEL),
        weights=inputs.per_fold(layout.WEIGHTS),
    output:
        tokens=layout.TOKENS,
    log:
        log("tokens", "encoder", "model", "slide"),
    benchmark:
        benchmark("tokens", "encoder", "model", "slide")
    wildcard_constraints:
        dataset=TRAINED,
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("train", mem_mb=8000),
        **resources_of("report", runtime=60),
    params:
        stage=STAGES["tokens"],
    script:
        "../scripts/tokens.py"


rule token_pages:
    input:
        slide=slide_file,
        tokens=layout.TOKENS,
    output:
        map=report(
            layout.TOKEN_MAP,
            caption="../report/tokens.rst",
            category="{dataset}",
            subcategory="tokens",
            labels={
                "slide": "{slide}",
                "model": "{model}",
                "encoder": "{encoder}",
                "figure": "map",
            },
        ),
        gallery=report(
            layout.TOKEN_GALLERY,
            caption="../report/gallery.rst",
            category="{dataset}",
            subcategory="tokens",
            labels={
                "slide": "{slide}",
                "model": "{model}",
                "encoder": "{encoder}",
                "figure": "gallery",
            },
        ),
        geojson=layout.TOKEN_GEOJSON,
    log:
        log("token_pages", "encoder", "model", "slide"),
    benchmark:
        benchmark("token_pages", "encoder", "model", "slide")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
        path=slide_path,
        outline_origin=lambda wildcards: dataset_of(wildcards).settings["outline_origin"],
    script:
        "../scripts/token_pages.py"


rule side_by_side:
    input:
        slide=slide_file,
        tokens=lambda wildcards: [
            fill(layout.TOKENS, model=model, **wildcards)
            for model in study.token_models_of(wildcards.dataset)
        ],
    output:
        grid=report(
            layout.SIDE_BY_SIDE,
            caption="../report/side_by_side.rst",
            category="{dataset}",
            subcategory="tokens",
            labels={
                "slide": "{slide}",
                "model": "all",
                "encoder": "{encoder}",
                "figure": "side by side",
            },
        ),
    log:
        log("side_by_side", "encoder", "slide"),
    benchmark:
        benchmark("side_by_side", "encoder", "slide")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
        path=slide_path,
    script:
        "../scripts/side_by_side.py"


rule k_sweep:
    input:
        summary=layout.SUMMARY,
    output:
        sweep=report(
            layout.K_SWEEP,
            caption="../report/k_sweep.rst",
            category="{dataset}",
            subcategory="results",
            labels={"figure": "metrics by number of tokens, {encoder}"},
        ),
    log:
        log("k_sweep", "encoder"),
    benchmark:
        benchmark("k_sweep", "encoder")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
        models=study.models,
    script:
        "../scripts/k_sweep.py"


use rule k_sweep as paper_table_k_sweep with:
    input:
        summary=layout.PAPER_SUMMARY,
    output:
        sweep=report(
            layout.PAPER_K_SWEEP,
            caption="../report/k_sweep.rst",
            category="{dataset}",
            subcategory="paper tables",
            labels={
                "paper table": "{paper_table}",
                "as": "metrics by number of tokens, {encoder}",
            },
        ),
    log:
        log("paper_table_k_sweep", "paper_table", "encoder"),
    benchmark:
        benchmark("paper_table_k_sweep", "paper_table", "encoder")
    params:
        stage=STAGES["figures"],
        models=lambda wildcards: models_of_table(study, wildcards.paper_table),
