"""Palimpsest: can the forgotten data still be read in the model?

snakemake -c 2                                            the run `digits` of config.yaml
snakemake -c 2 --configfile config/smoke.yaml             another run
snakemake -c 2 results/digits/ascent/figure_1.pdf         one figure
"""

from snakemake.utils import min_version

min_version("9.20")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/cluster.smk"


pathvars:
    results=f"results/{config['run']}",
    logs=f"logs/{config['run']}",
    benchmarks=f"results/{config['run']}/benchmarks",


report: "reports/workflow.rst"


container: "envs/palimpsest.sif"  # with --sdm apptainer; built from envs/palimpsest.def


wildcard_constraints:
    experiment=any_of(EXPERIMENTS),
    forget_set=any_of(FORGET_SETS),
    method=any_of(registry.names("methods")),
    population=f"original|(oracle|second_oracle)/({any_of(FORGET_SETS)})",
    block=r"\d+",
    table=any_of(TABLES),
    folder=any_of([*(f"{config['run']}/{name}" for name in STUDIES), "theory"]),
    figure="[a-z0-9_]+",
    printed="[a-z0-9_]+",
    format="pdf|svg|png",


include: "workflow/rules/data.smk"
include: "workflow/rules/populations.smk"
include: "workflow/rules/forget_sets.smk"
include: "workflow/rules/unlearning.smk"
include: "workflow/rules/scores.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/tables.smk"


for study in STUDIES:

    include: f"workflow/rules/{study}.smk"


onstart:
    # Its limit of jobs a second makes Snakemake look for work every second, and once a second more
    # for each job that ended: a third of a core in a run of 270 jobs. One machine needs no limit.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
    elif workflow.executor_plugin.name == "slurm":
        begin_on_cluster(workflow.scheduler._executor)


if workflow.is_main_process:
    check_targets(sys.argv[1:])


rule all:
    default_target: True
    input:
        [getattr(rules, study).input for study in config["studies"]],
    localrule: True
