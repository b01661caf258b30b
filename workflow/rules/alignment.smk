# The study of "Residual Feature Alignment Using LoRA": what it draws from, its tables, its verdicts, its
# report, its targets.

from palimpsest.studies.alignment import settings as alignment

ALIGNMENT = alignment.Settings.model_validate(config["alignment"])
ALIGNMENT_TASK = alignment.task_of(config)
ALIGNMENT_TABLES = {  # name among the inputs of programs -> file
    f"{experiment}_{name}": f"<results>/alignment/{experiment}/{table}.csv"
    for experiment, part in ALIGNMENT.experiments.items()
    for name, table in alignment.tables_of(part.metrics, ALIGNMENT_TASK).items()
}
ALIGNMENT_CHOICE = {  # how tables choose what they show
    "scenarios": ALIGNMENT.scenarios(config["forget_sets"]),
    "tuning_models": ALIGNMENT.tuning_models,
}
ALIGNMENT_MARGIN = {"margin": ALIGNMENT.equivalence_margin}
ALIGNMENT_BESIDE = {"beside": alignment.beside(config)}
ALIGNMENT_MODELS = models_in([ALIGNMENT.experiments["table"]])
FIGURE_FILES["alignment"] = ALIGNMENT_TABLES | {
    "printed": "reports/alignment/printed.csv"
}
SHOWN["alignment"] = {
    folder: [
        name
        for name in registry.names(f"studies/alignment/{folder}")
        for file in [thing(f"studies/alignment/{folder}", name)]
        if set(constant(file, "INPUTS")) <= set(FIGURE_FILES["alignment"])
        and (folder == "figures" or ALIGNMENT_TASK in constant(file, "TASKS"))
    ]
    for folder in ("figures", "tables")
}
FIGURE_SETTINGS["alignment"] = {
    name: ALIGNMENT_CHOICE | ALIGNMENT_BESIDE for name in SHOWN["alignment"]["tables"]
} | {
    "chosen_rates": ALIGNMENT_CHOICE,
    "gaps": ALIGNMENT_CHOICE,
    "klom": ALIGNMENT_CHOICE,
    "dots": ALIGNMENT_CHOICE | ALIGNMENT_MARGIN,
    "distances": ALIGNMENT_CHOICE,
    "klom_plane": ALIGNMENT_CHOICE,
    "figure_5": {"scenarios": ALIGNMENT_CHOICE["scenarios"]},
    "sensitivity": {"scenarios": ALIGNMENT_CHOICE["scenarios"]},
}
FIGURE_NOTES["alignment"] = (
    f"N = {numbers_of_models(ALIGNMENT.experiments)} models of {SETUP}; learning rates chosen on the first"
    f" {ALIGNMENT.tuning_models}, the others are shown"
)
ALIGNMENT_JUDGED = [
    name
    for name in ALIGNMENT_TABLES
    if name.endswith((MODELS, REDRAWS)) or name in ("table_quality", "table_klom")
]
# of the notebook
ALIGNMENT_READ = [
    f"<results>/alignment/{name}.csv"
    for name in ("claims", "worlds", "tables/chosen_rates")
]
ALIGNMENT_MODULES = [
    thing("studies/alignment", "report"),
    "src/palimpsest/reporting.py",
]


rule judge_alignment:
    input:
        script="src/judge.py",
        lib=library_inputs("src/judge.py", thing("studies/alignment", "worlds")),
        measures=thing("studies/alignment", "worlds"),
        tables=[ALIGNMENT_TABLES[name] for name in ALIGNMENT_JUDGED],
        seals=[f"{ALIGNMENT_TABLES[name]}.sha256" for name in ALIGNMENT_JUDGED],
        claims="reports/alignment/claims.yaml",
        printed="reports/alignment/printed.csv",
    output:
        seal="<results>/alignment/{verdicts}.csv.sha256",
        table=report(
            "<results>/alignment/{verdicts}.csv",
            caption="../../reports/caption.rst",
            category="Residual Feature Alignment",
            labels={"figure": "{verdicts}"},
        ),
    log:
        "<logs>/judge_alignment/{verdicts}.log",
    benchmark:
        "<benchmarks>/judge_alignment/{verdicts}.tsv"
    wildcard_constraints:
        verdicts="claims|worlds",
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        by=lambda wildcards: "worlds" if wildcards.verdicts == "worlds" else "measures",
        settings=as_json(
            {
                "task": ALIGNMENT_TASK,
                "stack": STACK,
                "epochs": config["training"]["epochs"],
            }
            | ALIGNMENT_CHOICE
            | ALIGNMENT_MARGIN
            | ALIGNMENT_BESIDE
        ),
        tables=lambda wildcards, input: named(ALIGNMENT_JUDGED, input.tables),
        grids=grids_of({name: ALIGNMENT_TABLES[name] for name in ALIGNMENT_JUDGED}),
        caption=lambda wildcards: Path(
            f"reports/alignment/captions/{wildcards.verdicts}.rst"
        ).read_text(encoding="utf-8"),
    shell:
        "python {input.script} --study alignment --by {params.by} --inputs {params.tables}"
        " claims={input.claims} printed={input.printed} {params.grids}"
        " --settings {params.settings} --out {output.table} > {log} 2>&1"


rule report_alignment:
    input:
        script="src/report.py",
        notebook="reports/alignment/report.ipynb",
        modules=ALIGNMENT_MODULES,
        lib=library_inputs("src/report.py", *ALIGNMENT_MODULES),
        tables=ALIGNMENT_READ,
        seals=[f"{table}.sha256" for table in ALIGNMENT_READ],
        printed=tables_in("alignment"),
        figures=expand(
            "<results>/alignment/{figure}.png", figure=figures_in("alignment")
        ),
    output:
        notebook="<results>/alignment/report.ipynb",
        html=report(
            "<results>/alignment/report.html",
            caption="../../reports/alignment/captions/report.rst",
            category="Residual Feature Alignment",
            labels={"figure": "The whole story"},
        ),
    log:
        text="<logs>/report_alignment.log",
        notebook="<logs>/report_alignment.ipynb",
    benchmark:
        "<benchmarks>/report_alignment.tsv"
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
                "source_dir": "src",
                "run": config["run"],
                "data_set": config["data"]["name"],
                "model": config["model"]["name"],
                "task": ALIGNMENT_TASK,
                "tables": SHOWN["alignment"]["tables"],
                "figures": SHOWN["alignment"]["figures"],
                "models": ALIGNMENT_MODELS,
                "tuning_models": ALIGNMENT.tuning_models,
                "device": config["device"],
                "margin": ALIGNMENT.equivalence_margin,
            }
        ),
    shell:
        "python {input.script} --notebook {input.notebook} --parameters {params.parameters}"
        " --sources {input.modules} {input.lib} --log-notebook {log.notebook}"
        " --out-notebook {output.notebook} --out-html {output.html} > {log.text} 2>&1"


rule alignment:
    input:
        list(ALIGNMENT_TABLES.values()),
        tables_in("alignment"),
        expand(
            "<results>/alignment/{figure}.{format}",
            figure=figures_in("alignment"),
            format=FORMATS,
        ),
        "<results>/alignment/claims.csv",
        "<results>/alignment/worlds.csv",
        "<results>/alignment/report.html",
    localrule: True
