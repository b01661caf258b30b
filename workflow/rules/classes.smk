# The study of "Understanding Fine-tuning in Approximate Unlearning": what it draws from, its tables,
# its verdicts, its report, its targets.

from palimpsest.studies.classes.settings import Settings as Classes

CLASSES = Classes.model_validate(config["classes"])
CLASSES_TABLES = {  # name among the inputs of programs -> file
    f"{experiment}_{table}": f"<results>/classes/{experiment}/{table}.csv"
    for experiment, part in CLASSES.experiments.items()
    for metric in part.metrics
    for table in [metric] + ([f"{metric}{MODELS}"] if metric != "klom" else [])
}
FIGURE_NOTES["classes"] = SETUP
FIGURE_SETTINGS["classes"] = {}
FIGURE_FILES["classes"] = CLASSES_TABLES | {"printed": "reports/classes/printed.csv"}

# forget sets that are one class -> that class
SINGLE_CLASSES = {
    name: definition["classes"][0]
    for name, definition in config["forget_sets"].items()
    if definition["kind"] == "classes" and len(definition["classes"]) == 1
}
CLASSES_OVERLAP = (
    {
        "originals": records_of("original", models_in([EXPERIMENTS["classes/table"]])),
        "base": "<results>/splits/base.json",
    }
    if "classes/table" in EXPERIMENTS
    else {}
)
CLASSES_JUDGED = [
    *(f"{name}_accuracy_models" for name in CLASSES.experiments),
    "table_mia_models",
    "alpha_mia_models",
    "klom_klom",
    "klom_klom_redraws",
]
# of the notebook
CLASSES_MODULES = [thing("studies/classes", "report"), "src/palimpsest/reporting.py"]


rule judge_classes:
    input:
        **CLASSES_OVERLAP,
        script="src/judge.py",
        lib=library_inputs("src/judge.py", thing("studies/classes", "worlds")),
        measures=thing("studies/classes", "worlds"),
        tables=[CLASSES_TABLES[name] for name in CLASSES_JUDGED],
        seals=[f"{CLASSES_TABLES[name]}.sha256" for name in CLASSES_JUDGED],
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
        mem_mb=4000,
        runtime=30,
    params:
        by=lambda wildcards: "worlds" if wildcards.verdicts == "worlds" else "measures",
        settings=as_json({"margin": CLASSES.equivalence_margin}),
        tables=lambda wildcards, input: named(CLASSES_JUDGED, input.tables),
        originals=lambda wildcards, input: " ".join(
            f"originals={path}" for path in input.originals
        ),
        caption=lambda wildcards: Path(
            f"reports/classes/captions/{wildcards.verdicts}.rst"
        ).read_text(encoding="utf-8"),
    shell:
        "python {input.script} --study classes --by {params.by} --inputs {params.tables}"
        " claims={input.claims} printed={input.printed} {params.originals} base={input.base}"
        " --settings {params.settings} --out {output.table} > {log} 2>&1"


rule classes:
    input:
        list(CLASSES_TABLES.values()),
        tables_in("classes"),
    localrule: True
