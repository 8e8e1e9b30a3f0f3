DEMO_SLIDES = Path("results/demo/slides")
DEMO_TRUTH = Path("results/demo/truth")


rule demo_slide:
    output:
        slide=DEMO_SLIDES / "{slide}.svs",
        truth=DEMO_TRUTH / "{slide}.png",
    log:
        "results/demo/logs/demo_slide/{slide}.log",
    benchmark:
        "results/demo/benchmarks/demo_slide/{slide}.tsv"
    group:
        "slide"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=resource("slide", "mem_mb", 1500),
        runtime=resource("slide", "runtime", 10),
    params:
        stage=STAGES["demo_slide"],
    script:
        "../scripts/demo_slide.py"
