# Slide question answering. Without a `vqa` section nothing of this is made.
from slidesieve.plan.targets import vqa_results

VQA_ENV = str(ROOT / "envs" / "vqa.yaml")


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


rule vqa_language:
    input:
        questions=ancient(layout.VQA_QUESTIONS),
        learnt_from=layout.VQA_LEARNT_FROM,
    output:
        language=directory(layout.VQA_LANGUAGE),
    log:
        log("vqa_language", "language"),
    benchmark:
        benchmark("vqa_language", "language")
    wildcard_constraints:
        language=r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    conda:
        VQA_ENV
    threads: threads_of("vqa")
    resources:
        **resources_of("vqa", mem_mb=8000, runtime=60),
    params:
        stage=STAGES["vqa_language"],
        settings=lambda wildcards: params.language_settings(study.vqa, wildcards.language),
    script:
        "../scripts/vqa_language.py"


rule vqa_train:
    input:
        index=layout.FEATURE_INDEX,
        questions=ancient(layout.VQA_QUESTIONS),
        learnt_from=layout.VQA_LEARNT_FROM,
        language=lambda wildcards: params.built_language(
            dataset_of(wildcards), study.vqa, wildcards.vqa_model
        ),
    output:
        model=directory(layout.VQA_MODEL_FOLDER),
        history=layout.VQA_HISTORY,
    log:
        log("vqa_train", "encoder", "vqa_model"),
    benchmark:
        benchmark("vqa_train", "encoder", "vqa_model")
    conda:
        VQA_ENV
    threads: threads_of("vqa")
    resources:
        **resources_of("vqa", mem_mb=16000, runtime=1440, gpu=0),
    params:
        stage=STAGES["vqa_train"],
        settings=lambda wildcards: params.answerer_settings(study.vqa, wildcards.vqa_model),
        preload_mb=study.training["preload_mb"],
        state=layout.VQA_STATE,
    script:
        "../scripts/vqa_train.py"


rule vqa_answers:
    input:
        index=layout.FEATURE_INDEX,
        questions=layout.VQA_QUESTIONS,
        model=layout.VQA_MODEL_FOLDER,
        language=lambda wildcards: params.built_language(
            dataset_of(wildcards), study.vqa, wildcards.vqa_model
        ),
    output:
        answers=layout.VQA_ANSWERS,
        looked_at=layout.VQA_LOOKED_AT,
    log:
        log("vqa_answers", "encoder", "vqa_model"),
    benchmark:
        benchmark("vqa_answers", "encoder", "vqa_model")
    conda:
        VQA_ENV
    threads: threads_of("vqa")
    resources:
        **resources_of("vqa", mem_mb=16000, runtime=600, gpu=0),
    params:
        stage=STAGES["vqa_answers"],
        settings=lambda wildcards: params.asking_settings(study.vqa, wildcards.vqa_model),
        seed=study.evaluation["seed"],
        preload_mb=study.training["preload_mb"],
    script:
        "../scripts/vqa_answers.py"


rule vqa_scores_page:
    input:
        scores=layout.VQA_SCORES,
        comparisons=layout.VQA_COMPARISONS,
    output:
        page=report(
            layout.VQA_SCORES_PAGE,
            caption="../report/vqa_scores.rst",
            category="{dataset}",
            subcategory="questions",
            labels={"table": "answers, with the slide and without"},
        ),
    log:
        log("vqa_scores_page"),
    benchmark:
        benchmark("vqa_scores_page")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/vqa_scores_page.py"


rule vqa_scores_plot:
    input:
        scores=layout.VQA_SCORES,
    output:
        plot=report(
            layout.VQA_SCORES_PLOT,
            caption="../report/vqa_scores.rst",
            category="{dataset}",
            subcategory="questions",
            labels={"figure": "answers, with the slide and without, {encoder}"},
        ),
    log:
        log("vqa_scores_plot", "encoder"),
    benchmark:
        benchmark("vqa_scores_plot", "encoder")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
    script:
        "../scripts/vqa_scores_plot.py"


rule vqa_answers_page:
    input:
        index=layout.FEATURE_INDEX,
        questions=layout.VQA_QUESTIONS,
        answers=layout.VQA_ANSWERS,
        looked_at=layout.VQA_LOOKED_AT,
    output:
        page=report(
            layout.VQA_ANSWERS_PAGE,
            caption="../report/vqa_answers.rst",
            category="{dataset}",
            subcategory="questions",
            labels={"page": "answers of {vqa_model}, {encoder}"},
        ),
    log:
        log("vqa_answers_page", "encoder", "vqa_model"),
    benchmark:
        benchmark("vqa_answers_page", "encoder", "vqa_model")
    conda:
        MODELS_ENV
    threads: 1
    resources:
        **resources_of("report", mem_mb=4000, runtime=60),
    params:
        stage=STAGES["figures"],
        method=lambda wildcards: study.vqa["score"]["method"],
        slides=of_dataset(params.slide_paths),
    script:
        "../scripts/vqa_answers_page.py"
