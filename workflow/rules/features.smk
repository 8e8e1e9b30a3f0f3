rule features:
    input:
        slide=slide_file,
        tiles="results/{dataset}/tiles/{slide}.h5",
    output:
        features="results/{dataset}/features/{encoder}/{slide}.h5",
    log:
        "results/{dataset}/logs/features/{encoder}/{slide}.log",
    benchmark:
        "results/{dataset}/benchmarks/features/{encoder}/{slide}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: resource("features", "threads", 1)
    resources:
        mem_mb=resource("features", "mem_mb", 4000),
        runtime=resource("features", "runtime", 60),
        gpu=resource("features", "gpu", 0),
    params:
        stage=STAGES["features"],
        slide=encoding_of,
    script:
        "../scripts/features.py"


rule feature_index:
    input:
        features=feature_files,
    output:
        index="results/{dataset}/features/{encoder}.csv",
    log:
        "results/{dataset}/logs/feature_index/{encoder}.log",
    benchmark:
        "results/{dataset}/benchmarks/feature_index/{encoder}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=resource("report", "mem_mb", 4000),
        runtime=resource("report", "runtime", 60),
    params:
        stage=STAGES["features"],
        slides=lambda wildcards: dataset_of(wildcards).slide_ids,
        max_failed_fraction=lambda wildcards: settings_of(wildcards)["max_failed_fraction"],
    script:
        "../scripts/feature_index.py"
