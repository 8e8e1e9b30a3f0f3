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
        slide=segmentation_of,
    script:
        "../scripts/tissue.py"
