# The study of "Understanding Fine-tuning in Approximate Unlearning": what it draws from, its tables,
# its verdicts, its report, its targets.

from palimpsest.studies.classes.settings import Settings as Classes

CLASSES = Classes.model_validate(config["classes"])
CLASSES_TABLES = {  # name among the inputs of programs -> file
    f"{experiment}_{table}": f"<results>/classes/{experiment}/{table}.csv"
    for experiment, part in CLASSES.experiments.items()
    for metric in part.metrics
    for table in [
        metric,
        f"{metric}{REDRAWS if metric == 'klom' else MODELS}",
    ]
}
CLASSES_SHOWN = CLASSES.figures.figure_5.forget_set
CLASSES_ONE = {  # forget set -> its one class
    name: definition["classes"][0]
    for name, definition in config["forget_sets"].items()
    if len(definition.get("classes", [])) == 1
}
CLASSES_MODELS = {name: models_in([part]) for name, part in CLASSES.experiments.items()}
FIGURE_NOTES["classes"] = (
    f"N = {numbers_of_models(CLASSES.experiments)} models of {SETUP}"
)
CLASSES_FT = [  # the fine-tuning that Figure 5 shows, without a mask
    setting
    for setting in settings_in(CLASSES.experiments["features"], "ft")
    if not setting.get("prepare")
]
FIGURE_SETTINGS["classes"] = {
    "figure_5": {"forget_set": CLASSES_SHOWN, "setting": CLASSES_FT[0]},
    "overlap": {"classes": CLASSES_ONE},
}
FIGURE_FILES["classes"] = CLASSES_TABLES | {
    "base": "<results>/splits/base.json",
    "split": f"<results>/splits/{CLASSES_SHOWN}.json",
    "originals": records_of("original", CLASSES_MODELS["features"]),
    "oracles": records_of(f"oracle/{CLASSES_SHOWN}", CLASSES_MODELS["features"]),
    "ft_records": f"<results>/unlearned/{CLASSES_SHOWN}/ft/0.npz",
    "ft_costs": f"<results>/unlearned/{CLASSES_SHOWN}/ft/0.json",
    "printed": "reports/classes/printed.csv",
}
CLASSES_JUDGED = [
    *(f"{name}_accuracy_models" for name in CLASSES.experiments),
    "table_mia_models",
    "alpha_mia_models",
    "klom_klom",
    f"klom_klom{REDRAWS}",
]
# of the notebook
CLASSES_TOLD = [
    "table/accuracy_models",
    "table/mia",
    "table/mia_models",
    "claims",
    "worlds",
]
CLASSES_MODULES = [thing("studies/classes", "report"), "src/palimpsest/reporting.py"]


rule judge_classes:
    input:
        script="src/judge.py",
        lib=library_inputs("src/judge.py", thing("studies/classes", "worlds")),
        measures=thing("studies/classes", "worlds"),
        tables=[CLASSES_TABLES[name] for name in CLASSES_JUDGED],
        seals=[f"{CLASSES_TABLES[name]}.sha256" for name in CLASSES_JUDGED],
        originals=FIGURE_FILES["classes"]["originals"],
        base="<results>/splits/base.json",
        claims="reports/classes/claims.yaml",
        printed="reports/classes/printed.csv",
    output:
        seal="<results>/classes/{verdicts}.csv.sha256",
        table=report(
            "<results>/classes/{verdicts}.csv",
            caption="../../reports/caption.rst",
            category="Understanding Fine-tuning",
            labels={"figure": "{verdicts}"},
        ),
    log:
        "<logs>/judge_classes/{verdicts}.log",
    benchmark:
        "<benchmarks>/judge_classes/{verdicts}.tsv"
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
        settings=as_json({"margin": CLASSES.equivalence_margin, "classes": CLASSES_ONE}),
        tables=lambda wildcards, input: named(CLASSES_JUDGED, input.tables),
        grids=grids_of({name: CLASSES_TABLES[name] for name in CLASSES_JUDGED}),
        originals=lambda wildcards, input: " ".join(
            f"originals={path}" for path in input.originals
        ),
        caption=lambda wildcards: Path(
            f"reports/classes/captions/{wildcards.verdicts}.rst"
        ).read_text(encoding="utf-8"),
    shell:
        "python {input.script} --study classes --by {params.by} --inputs {params.tables}"
        " claims={input.claims} printed={input.printed} {params.originals} base={input.base}"
        " {params.grids} --settings {params.settings} --out {output.table} > {log} 2>&1"


rule report_classes:
    input:
        script="src/report.py",
        notebook="reports/classes/report.ipynb",
        modules=CLASSES_MODULES,
        lib=library_inputs("src/report.py", *CLASSES_MODULES),
        tables=expand("<results>/classes/{table}.csv", table=CLASSES_TOLD),
        seals=expand("<results>/classes/{table}.csv.sha256", table=CLASSES_TOLD),
        printed=tables_in("classes"),
        figures=expand("<results>/classes/{figure}.png", figure=figures_in("classes")),
    output:
        notebook="<results>/classes/report.ipynb",
        html=report(
            "<results>/classes/report.html",
            caption="../../reports/classes/captions/report.rst",
            category="Understanding Fine-tuning",
            labels={"figure": "The whole story"},
        ),
    log:
        text="<logs>/report_classes.log",
        notebook="<logs>/report_classes.ipynb",
    benchmark:
        "<benchmarks>/report_classes.tsv"
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
                "models": CLASSES_MODELS["table"],
                "device": config["device"],
                "margin": CLASSES.equivalence_margin,
            }
        ),
    shell:
        "python {input.script} --notebook {input.notebook} --parameters {params.parameters}"
        " --sources {input.modules} {input.lib} --log-notebook {log.notebook}"
        " --out-notebook {output.notebook} --out-html {output.html} > {log.text} 2>&1"


rule classes:
    input:
        list(CLASSES_TABLES.values()),
        tables_in("classes"),
        expand(
            "<results>/classes/{figure}.{format}",
            figure=figures_in("classes"),
            format=FORMATS,
        ),
        "<results>/classes/claims.csv",
        "<results>/classes/worlds.csv",
        "<results>/classes/report.html",
    localrule: True
