"""Palimpsest: can the forgotten data still be read in the model?

snakemake -c 2                                            the run `digits` of config.yaml
snakemake -c 2 --configfile config/smoke.yaml             another run
snakemake -c 2 results/digits/ascent/figure_1.pdf         one figure
"""

from snakemake.utils import min_version

min_version("9.20")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/choices.smk"


pathvars:
    results=f"results/{config['run']}",
    logs=f"logs/{config['run']}",
    benchmarks=f"results/{config['run']}/benchmarks",


report: "reports/captions/workflow.rst"


wildcard_constraints:
    forget_set=any_of(config["ascent"]["forget_sets"]),
    method=any_of(config["ascent"]["methods"]),
    population="original|(oracle|second_oracle)/("
    + any_of(config["ascent"]["forget_sets"])
    + ")",
    block=r"\d+",
    format="pdf|svg|png",


include: "workflow/rules/data.smk"
include: "workflow/rules/populations.smk"
include: "workflow/rules/forget_sets.smk"
include: "workflow/rules/unlearning.smk"
include: "workflow/rules/metrics.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/reports.smk"


rule all:
    default_target: True
    input:
        rules.ascent.input,
    localrule: True
