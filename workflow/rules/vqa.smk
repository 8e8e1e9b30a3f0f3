# Slide question answering. Without a `vqa` section nothing of this is made.


rule vqa:
    input:
        [vqa_results(study, name) for name in study.datasets],


rule vqa_questions:
    input:
        files=params.question_files(study.vqa),
    output:
        questions=layout.VQA_QUESTIONS,
        findings=layout.VQA_FINDINGS,
        sources=layout.VQA_SOURCES,
        # What training depends on: it is run again if this changes, not if a test question does.
        learnt_from=layout.VQA_LEARNT_FROM,
    log:
        log("vqa_questions"),
    benchmark:
        benchmark("vqa_questions")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["vqa_questions"],
        slides=of_dataset(params.slide_patients),
        settings=params.question_settings(study.vqa),
        stamps=params.question_stamps(study.vqa),
    script:
        "../scripts/vqa_questions.py"


rule vqa_scores:
    input:
        questions=layout.VQA_QUESTIONS,
        sources=layout.VQA_SOURCES,
        answers=inputs.per_answerer(layout.VQA_ANSWERS),
    output:
        scores=layout.VQA_SCORES,
        comparisons=layout.VQA_COMPARISONS,
    log:
        log("vqa_scores"),
    benchmark:
        benchmark("vqa_scores")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=8000, runtime=120),
    params:
        stage=STAGES["vqa_scores"],
        answerers=inputs.answerers,
        reference=study.vqa_reference,
        evaluation=intervals,
    script:
        "../scripts/vqa_scores.py"
