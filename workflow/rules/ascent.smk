# The study of "Ascent Fails to Forget": what it draws from, its verdicts, its report, its targets.

from palimpsest.studies.ascent.settings import Settings as Ascent

ASCENT = Ascent.model_validate(config["ascent"])
RANDOM_SETS = [
    name
    for name in ASCENT.forget_sets
    if config["forget_sets"][name]["kind"] == "random"
]
ASCENT_FIGURES = [
    name for name in figures_in("ascent") if RANDOM_SETS or name != "lemma_1"
]
ASCENT_JUDGED = [
    "klom",
    f"klom{REDRAWS}",
    "accuracy",
    "number_of_models",
    f"number_of_models{REDRAWS}",
]
ASCENT_TABLES = [
    *dict.fromkeys([*ASCENT.metrics, *ASCENT_JUDGED]),
    "sharing",
    "null_check",
]
FIGURE_NOTES["ascent"] = NOTE
FIGURE_SETTINGS["ascent"] = ASCENT.figure_settings() | {
    "lemma_1": {"forget_sets": RANDOM_SETS}
}
FIGURE_FILES["ascent"] = {
    table: f"<results>/ascent/{table}.csv" for table in ASCENT_TABLES
} | {
    "splits": [f"<results>/splits/{name}.json" for name in RANDOM_SETS],
    "originals": records_of("original"),
    "oracles": [path for name in RANDOM_SETS for path in records_of(f"oracle/{name}")],
}
ASCENT_ESTIMATE = ESTIMATE if any(map(needs_estimate, ASCENT.forget_sets)) else []

# of the notebook
ASCENT_MODULES = [thing("studies/ascent", "report"), "src/palimpsest/reporting.py"]
ASCENT_IMPORTANT = {
    name: config["forget_sets"][name]
    for name in ASCENT.forget_sets
    if needs_estimate(name)
}


rule judge_ascent:
    input:
        script="src/judge.py",
        lib=library_inputs("src/judge.py", thing("studies/ascent", "measures")),
        measures=thing("studies/ascent", "measures"),
        tables=expand("<results>/ascent/{table}.csv", table=ASCENT_JUDGED),
        seals=expand("<results>/ascent/{table}.csv.sha256", table=ASCENT_JUDGED),
        estimate=ASCENT_ESTIMATE,
        claims="reports/ascent/claims.yaml",
    output:
        seal="<results>/ascent/claims.csv.sha256",
        table=report(
            "<results>/ascent/claims.csv",
            caption="../../reports/ascent/captions/claims.rst",
            category="Ascent Fails to Forget",
            labels={"figure": "Verdicts on the claims"},
        ),
    log:
        "<logs>/judge_ascent.log",
    benchmark:
        "<benchmarks>/judge_ascent.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        settings=as_json(
            {"margin": ASCENT.equivalence_margin, "definitions": ASCENT_IMPORTANT}
        ),
        tables=lambda wildcards, input: named(ASCENT_JUDGED, input.tables),
        grids=grids_of(FIGURE_FILES["ascent"]),
        estimate=lambda wildcards, input: named(["estimate"], input.estimate),
    shell:
        "python {input.script} --study ascent --inputs {params.tables} {params.estimate}"
        " claims={input.claims} {params.grids} --settings {params.settings} --out {output.table} > {log} 2>&1"


rule score_worlds:
    input:
        script="src/score_worlds.py",
        lib=library_inputs(
            "src/score_worlds.py",
            thing("studies/ascent", "worlds"),
            thing("metrics", "klom"),
            thing("metrics", "accuracy"),
        ),
        worlds=thing("studies/ascent", "worlds"),
        split="<results>/splits/{forget_set}.json",
        originals=records_of("original"),
        oracles=lambda wildcards: records_of(f"oracle/{wildcards.forget_set}"),
        second=second_oracles,
    output:
        "<results>/ascent/worlds/{forget_set}.json",
    log:
        "<logs>/score_worlds/{forget_set}.log",
    benchmark:
        "<benchmarks>/score_worlds/{forget_set}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=memory("score"),
        runtime=minutes("score"),
    params:
        large=lambda wildcards: (
            "--large" if is_larger(wildcards.forget_set, ASCENT.forget_sets) else ""
        ),
        metrics=as_json(
            {
                "klom": config["metrics"]["klom"]
                | {
                    key: min(fewer, config["metrics"]["klom"][key])
                    for key, fewer in (("redraws", 15), ("null_repeats", 5))
                },
                "accuracy": config["metrics"]["accuracy"],
            }
        ),
        numbers=sorted({20, 50, 80, config["populations"]["models"]}),
    shell:
        "python {input.script} --study ascent --forget-set {wildcards.forget_set} {params.large}"
        " --split {input.split} --originals {input.originals} --oracles {input.oracles}"
        " --second-oracles {input.second} --numbers {params.numbers}"
        " --metrics {params.metrics} --out {output} > {log} 2>&1"


rule judge_worlds:
    input:
        script="src/judge_worlds.py",
        lib=library_inputs("src/judge_worlds.py", thing("studies/ascent", "measures")),
        measures=thing("studies/ascent", "measures"),
        parts=expand(
            "<results>/ascent/worlds/{forget_set}.json", forget_set=ASCENT.forget_sets
        ),
        claims="reports/ascent/claims.yaml",
    output:
        seal="<results>/ascent/worlds.csv.sha256",
        table=report(
            "<results>/ascent/worlds.csv",
            caption="../../reports/ascent/captions/worlds.rst",
            category="Ascent Fails to Forget",
            labels={"figure": "The claims where the truth is known"},
        ),
    log:
        "<logs>/judge_worlds.log",
    benchmark:
        "<benchmarks>/judge_worlds.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        margin=ASCENT.equivalence_margin,
    shell:
        "python {input.script} --study ascent --parts {input.parts} --claims {input.claims}"
        " --margin {params.margin} --out {output.table} > {log} 2>&1"


rule report_ascent:
    input:
        script="src/report.py",
        notebook="reports/ascent/report.ipynb",
        printed="reports/ascent/printed.csv",
        modules=ASCENT_MODULES,
        lib=library_inputs("src/report.py", *ASCENT_MODULES),
        tables=expand(
            "<results>/ascent/{table}.csv", table=[*ASCENT_TABLES, "claims", "worlds"]
        ),
        seals=expand(
            "<results>/ascent/{table}.csv.sha256",
            table=[*ASCENT_TABLES, "claims", "worlds"],
        ),
        figures=expand("<results>/ascent/{figure}.png", figure=ASCENT_FIGURES),
        estimate=ASCENT_ESTIMATE,
    output:
        notebook="<results>/ascent/report.ipynb",
        html=report(
            "<results>/ascent/report.html",
            caption="../../reports/ascent/captions/report.rst",
            category="Ascent Fails to Forget",
            labels={"figure": "The whole story"},
        ),
    log:
        text="<logs>/report_ascent.log",
        notebook="<logs>/report_ascent.ipynb",
    benchmark:
        "<benchmarks>/report_ascent.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        parameters=lambda wildcards, input, output: as_json(
            {
                "results_dir": str(Path(output.html).parent),
                "estimate_file": str(input.estimate),
                "printed_file": input.printed,
                "source_dir": "src",
                "run": config["run"],
                "data_set": config["data"]["name"],
                "models": config["populations"]["models"],
                "device": config["device"],
                "margin": ASCENT.equivalence_margin,
            }
        ),
    shell:
        "python {input.script} --notebook {input.notebook} --parameters {params.parameters}"
        " --sources {input.modules} {input.lib} --log-notebook {log.notebook}"
        " --out-notebook {output.notebook} --out-html {output.html} > {log.text} 2>&1"


rule figures:
    input:
        expand(
            "<results>/ascent/{figure}.{format}",
            figure=ASCENT_FIGURES,
            format=FORMATS,
        ),
    localrule: True


rule ascent:
    input:
        rules.figures.input,
        expand("<results>/ascent/{metric}.csv", metric=ASCENT.metrics),
        "<results>/ascent/report.html",
    localrule: True


# The claims where the truth is known: what each verdict would be, had a method done this or that.
rule worlds:
    input:
        "<results>/ascent/worlds.csv",
    localrule: True
