# The one place that reaches into Snakemake's internals.
#
# Each shard of slides or folds needs a rule of its own, because no wildcard can name the many outputs
# of one job. For a user there is one stage, `features` or `train`: these functions let that name stand
# for all of its rules in `--forcerun`, `--until` and `--omit-from`, and in `set-resources` and `set-threads` of a
# profile. Snakemake has no public way to do that. Seen to work with Snakemake 9.27.


def obey_profile(rule_name, shared_name):
    """Apply what a profile sets for the shared name to a rule."""
    resources, settings = workflow.get_rule(rule_name).resources, workflow.resource_settings
    resources.update(settings._parsed_overwrite_resources.get(shared_name, {}))
    threads = settings._parsed_overwrite_threads.get(shared_name)
    if threads is not None:
        resources["_cores"] = threads


def obey_command_line(rule_names_for, shared_name):
    """Let a shared name stand for rules on the command line; they are asked for by the targets."""
    prepare_dag = workflow._prepare_dag

    def with_names_replaced(*args, **kwargs):
        # The settings of the command line arrive after the Snakefile was read.
        settings = workflow.dag_settings
        for option in ("forcerun", "until", "omit_from"):
            named = set(getattr(settings, option))
            if shared_name in named:
                rules = rule_names_for(settings.targets)
                setattr(settings, option, frozenset(named - {shared_name} | set(rules)))
        prepare_dag(*args, **kwargs)

    workflow._prepare_dag = with_names_replaced


def judge_inputs_by_slide(shards):
    """Rerun no features because their slide shares its job with other slides than before.

    Snakemake compares the inputs of a job with those on record for each output. For the features
    of a slide only its own inputs count; so `slides_per_job` may change, and slides may come and go.
    """
    own_inputs = {out: own for shard in shards for out, own in shard.inputs_by_output().items()}
    prepare_dag = workflow._prepare_dag

    def with_own_inputs(*args, **kwargs):
        prepare_dag(*args, **kwargs)
        persistence = workflow.persistence
        changed = persistence._input_changed

        def changed_for_its_slide(job, file=None):
            if str(file) not in own_inputs:
                return changed(job, file=file)
            recorded = persistence.input(file)
            return recorded is not None and not own_inputs[str(file)] <= set(recorded)

        persistence._input_changed = changed_for_its_slide

    workflow._prepare_dag = with_own_inputs


def keep_features_of_jobs_to_run():
    """Keep what the shards' jobs would make again: Snakemake deletes the outputs of a job at its start.

    A forced job makes everything anew.
    """
    if workflow.touch or not workflow.is_main_process:
        return
    for job in workflow.dag.needrun_jobs():
        if job.rule.name.startswith(f"{FEATURES_RULE}_") and not workflow.dag.reason(job).forced:
            for out in job.output:
                set_aside(Path(out))


onstart:
    keep_features_of_jobs_to_run()
