demo_slides = params.demo_slides(study.datasets["demo"]) if "demo" in study.datasets else []


rule demo_slide:
    output:
        slide=layout.DEMO_SLIDE,
        truth=layout.DEMO_TRUTH,
    log:
        fill(log("demo_slide", "slide"), dataset="demo"),
    benchmark:
        fill(benchmark("demo_slide", "slide"), dataset="demo")
    wildcard_constraints:
        slide="|".join(demo_slides) or "(?!)",
    group:
        "slide"
    conda:
        SLIDES_ENV
    threads: 1
    resources:
        **resources_of("slide", mem_mb=1500, runtime=10),
    params:
        stage=STAGES["demo_slide"],
    script:
        "../scripts/demo_slide.py"
