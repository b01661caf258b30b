# Theory: the statements of two papers with their verdicts, the figures that show them, a report.

from palimpsest.studies.theory.settings import Settings as TheorySettings

THEORY = Path("src/palimpsest/studies/theory")
THEORY_FIGURES = sorted(path.stem for path in THEORY.glob("figures/[a-z]*.py"))
THEORY_MEASURES = [
    str(path)
    for path in [THEORY / "measures.py", *sorted(THEORY.glob("statements/**/*.py"))]
]


rule judge:
    input:
        script="src/judge.py",
        lib=sources("src/judge.py", *THEORY_MEASURES),
        measures=THEORY_MEASURES,
    output:
        report(
            "results/theory/statements.csv",
            caption="../../reports/theory/captions/statements.rst",
            category="Theory",
            labels={"table": "statements and verdicts"},
        ),
    log:
        "logs/theory/judge.log",
    benchmark:
        "logs/theory/judge.benchmark.tsv"
    conda:
        "../../envs/palimpsest.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=TheorySettings().model_dump_json(),
    shell:
        "python {input.script} --study theory --settings '{params.settings}'"
        " --out {output} > {log} 2>&1"


rule draw_theory:
    input:
        script="src/draw.py",
        figure="src/palimpsest/studies/theory/figures/{figure}.py",
        lib=lambda wildcards: sources(
            "src/draw.py", f"{THEORY}/figures/{wildcards.figure}.py"
        ),
    output:
        "results/theory/{figure}.pdf",
        report(
            "results/theory/{figure}.svg",
            caption="../../reports/theory/captions/{figure}.rst",
            category="Theory",
            labels={"figure": "{figure}"},
        ),
        "results/theory/{figure}.png",
        table="results/theory/{figure}.csv",
    log:
        "logs/theory/draw_theory/{figure}.log",
    benchmark:
        "logs/theory/draw_theory/{figure}.benchmark.tsv"
    wildcard_constraints:
        figure=any_of(THEORY_FIGURES),
    conda:
        "../../envs/palimpsest.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        figures=lambda wildcards, output: output[:3],
    shell:
        "python {input.script} --figure {input.figure} --out {params.figures}"
        " --out-table {output.table} > {log} 2>&1"


rule report_theory:
    input:
        notebook="reports/theory/report.ipynb",
        errata="reports/theory/errata.yaml",
        modules="src/palimpsest/studies/theory/errata.py",
        lib=sources("src/palimpsest/studies/theory/errata.py"),
        statements="results/theory/statements.csv",
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
        "../../envs/palimpsest.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    shell:
        "(papermill {input.notebook} {log.notebook} -k python3 --no-progress-bar"
        " -r statements {input.statements} -r errata {input.errata}"
        " -r figure_4 {input.figure_4} -r figure_5 {input.figure_5}"
        " -r fine_tuning_a1 {input.fine_tuning_a1}"
        " -r fine_tuning_over {input.fine_tuning_over}"
        " -r solutions {input.solutions} -r source_dir src"
        " && cp {log.notebook} {output.notebook}"
        " && python -m nbconvert --to html --no-input --stdout {output.notebook}"
        " > {output.html}) > {log.text} 2>&1"


rule theory:
    input:
        "results/theory/statements.csv",
        "results/theory/report.html",
        expand(
            "results/theory/{figure}.{format}",
            figure=THEORY_FIGURES,
            format=["pdf", "svg", "png", "csv"],
        ),
    localrule: True
