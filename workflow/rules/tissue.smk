rule tissue:
    input:
        slide=slide_file,
    output:
        # update: an existing file is kept for the script to see, because a user may have edited it.
        geojson=update("results/{dataset}/tissue/{slide}.geojson"),
    log:
        "results/{dataset}/logs/tissue/{slide}.log",
    benchmark:
        "results/{dataset}/benchmarks/tissue/{slide}.tsv"
    group:
        "slide"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=resource("slide", "mem_mb", 1500),
        runtime=resource("slide", "runtime", 10),
    params:
        stage=STAGES["tissue"],
        path=lambda wildcards: str(slide_of(wildcards).path),
        mpp=lambda wildcards: slide_of(wildcards).mpp,
        assume_mpp=lambda wildcards: settings_of(wildcards)["assume_mpp"],
        mpp_from_objective=lambda wildcards: settings_of(wildcards)["mpp_from_objective"],
        tissue=tissue_of,
        on_slide_error=lambda wildcards: settings_of(wildcards)["on_slide_error"],
    script:
        "../scripts/tissue.py"
