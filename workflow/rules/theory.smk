# Theory: the statements of two papers with their verdicts, the figures that show them, a report.

THEORY_STATEMENTS = [
    thing("studies/theory", "measures"),
    *sorted(map(str, Path("src/palimpsest/studies/theory/statements").rglob("*.py"))),
]
# of the notebook
THEORY_MODULES = [
    f"src/palimpsest/studies/theory/{name}.py" for name in ("errata", "tally")
]
# inputs of the notebook, by the names of its parameters
THEORY_SHOWN = [
    "statements",
    "errata",
    "figure_4",
    "figure_5",
    "fine_tuning_a1",
    "fine_tuning_over",
    "solutions",
]
FIGURE_FILES["theory"] = {}
FIGURE_SETTINGS["theory"] = {}
FIGURE_NOTES["theory"] = ""


rule judge_theory:
    input:
        script="src/judge.py",
        lib=library_inputs("src/judge.py", *THEORY_STATEMENTS),
        statements=THEORY_STATEMENTS,
    output:
        seal="results/theory/statements.csv.sha256",
        table=report(
            "results/theory/statements.csv",
            caption="../../reports/theory/captions/statements.rst",
            category="Theory",
            labels={"table": "statements and verdicts"},
        ),
    log:
        "logs/theory/judge_theory.log",
    benchmark:
        "logs/theory/judge_theory.benchmark.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        settings=as_json(config["theory"]),
    shell:
        "python {input.script} --study theory --settings {params.settings} --out {output.table}"
        " > {log} 2>&1"


rule report_theory:
    input:
        script="src/report.py",
        notebook="reports/theory/report.ipynb",
        errata="reports/theory/errata.yaml",
        modules=THEORY_MODULES,
        lib=library_inputs("src/report.py", *THEORY_MODULES),
        statements="results/theory/statements.csv",
        seal="results/theory/statements.csv.sha256",
        figure_4="results/theory/figure_4.png",
        figure_5="results/theory/figure_5.png",
        fine_tuning_a1="results/theory/fine_tuning_a1.png",
        fine_tuning_over="results/theory/fine_tuning_overparameterised.png",
        solutions="results/theory/solutions.png",
    output:
        notebook="results/theory/report.ipynb",
        html=report(
            "results/theory/report.html",
            caption="../../reports/theory/captions/report.rst",
            category="Theory",
            labels={"report": "both theories and their errata"},
        ),
    log:
        text="logs/theory/report_theory.log",
        notebook="logs/theory/report_theory.ipynb",
    benchmark:
        "logs/theory/report_theory.benchmark.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        parameters=lambda wildcards, input: as_json(
            {name: input[name] for name in THEORY_SHOWN} | {"source_dir": "src"}
        ),
    shell:
        "python {input.script} --notebook {input.notebook} --parameters {params.parameters}"
        " --sources {input.modules} {input.lib} --log-notebook {log.notebook}"
        " --out-notebook {output.notebook} --out-html {output.html} > {log.text} 2>&1"


rule theory:
    input:
        "results/theory/statements.csv",
        "results/theory/report.html",
        expand(
            "results/theory/{figure}.{format}",
            figure=figures_in("theory"),
            format=FORMATS,
        ),
    localrule: True
