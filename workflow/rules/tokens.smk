rule tokens:
    input:
        features="results/{dataset}/features/{encoder}/{slide}.h5",
        folds="results/{dataset}/folds.csv",
        models=per_fold("results/{dataset}/models/{encoder}/{model}/fold_{fold}/model.json"),
        weights=per_fold(
            "results/{dataset}/models/{encoder}/{model}/fold_{fold}/weights.safetensors"
        ),
    output:
        tokens="results/{dataset}/tokens/{encoder}/{model}/{slide}.h5",
    log:
        "results/{dataset}/logs/tokens/{encoder}/{model}/{slide}.log",
    benchmark:
        "results/{dataset}/benchmarks/tokens/{encoder}/{model}/{slide}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("train", "mem_mb", 8000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["tokens"],
    script:
        "../scripts/tokens.py"


rule token_pages:
    input:
        slide=slide_file,
        tokens="results/{dataset}/tokens/{encoder}/{model}/{slide}.h5",
    output:
        map=report(
            "results/{dataset}/figures/{encoder}/tokens/{model}/{slide}.jpg",
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
            "results/{dataset}/figures/{encoder}/gallery/{model}/{slide}.jpg",
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
        geojson="results/{dataset}/figures/{encoder}/tokens/{model}/{slide}.geojson",
    log:
        "results/{dataset}/logs/token_pages/{encoder}/{model}/{slide}.log",
    benchmark:
        "results/{dataset}/benchmarks/token_pages/{encoder}/{model}/{slide}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
        path=slide_path,
    script:
        "../scripts/token_pages.py"


rule side_by_side:
    input:
        slide=slide_file,
        tokens=lambda wildcards: [
            f"results/{wildcards.dataset}/tokens/{wildcards.encoder}/{model}/{wildcards.slide}.h5"
            for model in study.token_models
        ],
    output:
        grid=report(
            "results/{dataset}/figures/{encoder}/side_by_side/{slide}.jpg",
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
        "results/{dataset}/logs/side_by_side/{encoder}/{slide}.log",
    benchmark:
        "results/{dataset}/benchmarks/side_by_side/{encoder}/{slide}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
        path=slide_path,
    script:
        "../scripts/side_by_side.py"


rule k_sweep:
    input:
        summary="results/{dataset}/summary.csv",
    output:
        sweep=report(
            "results/{dataset}/figures/{encoder}/k_sweep.png",
            caption="../report/k_sweep.rst",
            category="{dataset}",
            subcategory="results",
            labels={"figure": "metrics by number of tokens, {encoder}"},
        ),
    log:
        "results/{dataset}/logs/k_sweep/{encoder}.log",
    benchmark:
        "results/{dataset}/benchmarks/k_sweep/{encoder}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["figures"],
        models=study.models,
    script:
        "../scripts/k_sweep.py"


use rule k_sweep as paper_table_k_sweep with:
    input:
        summary="results/{dataset}/paper_tables/{paper_table}/summary.csv",
    output:
        sweep=report(
            "results/{dataset}/paper_tables/{paper_table}/k_sweep/{encoder}.png",
            caption="../report/k_sweep.rst",
            category="{dataset}",
            subcategory="paper tables",
            labels={"paper table": "{paper_table}", "as": "metrics by number of tokens, {encoder}"},
        ),
    log:
        "results/{dataset}/logs/paper_table_k_sweep/{paper_table}/{encoder}.log",
    benchmark:
        "results/{dataset}/benchmarks/paper_table_k_sweep/{paper_table}/{encoder}.tsv"
    params:
        stage=STAGES["figures"],
        models=lambda wildcards: models_of(wildcards.paper_table),
