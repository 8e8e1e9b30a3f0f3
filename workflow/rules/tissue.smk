rule tissue:
    input:
        slide=slide_file,
        # A compressed export of QuPath beside the outline takes its place.
        packed=packed_outline,
    output:
        # update: an existing file is kept for the script to see, because a user may have edited it.
        geojson=update(layout.TISSUE),
    log:
        log("tissue", "slide"),
    benchmark:
        benchmark("tissue", "slide")
    group:
        "slide"
    conda:
        SLIDES_ENV
    threads: 1
    resources:
        **resources_of("slide", mem_mb=1500, runtime=10),
    params:
        stage=STAGES["tissue"],
        slide=of_slide(params.segmentation),
    script:
        "../scripts/tissue.py"
