# Theory: the statements of two papers with their verdicts, the figures that show them, a report.

NOTEBOOK_MODULES = [
    "src/palimpsest/studies/theory/errata.py",
    "src/palimpsest/studies/theory/drawing/solutions.py",
    "src/palimpsest/studies/theory/drawing/style.py",
]


rule check_theory:
    input:
        script="src/check_theory.py",
        lib=sources("src/check_theory.py"),
    output:
        report(
            "results/theory/statements.csv",
            caption="../../reports/captions/theory_statements.rst",
            category="Theory",
            labels={"table": "statements and verdicts"},
        ),
    log:
        "logs/theory/check_theory.log",
    benchmark:
        "logs/theory/check_theory.benchmark.tsv"
    conda:
        "../../envs/palimpsest.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        cases=400,
        seed=0,
    shell:
        "python {input.script} --cases {params.cases} --seed {params.seed}"
        " --out {output} > {log} 2>&1"


rule plot_theory_figure_4:
    input:
        script="src/plot_theory_figure_4.py",
        lib=sources("src/plot_theory_figure_4.py"),
    output:
        "results/theory/figure_4.pdf",
        report(
            "results/theory/figure_4.svg",
            caption="../../reports/captions/theory_figure_4.rst",
            category="Theory",
            labels={"figure": "Ascent Fails to Forget, 4"},
        ),
        "results/theory/figure_4.png",
    log:
        "logs/theory/plot_theory_figure_4.log",
    benchmark:
        "logs/theory/plot_theory_figure_4.benchmark.tsv"
    conda:
        "../../envs/palimpsest.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        strengths="0.01 1",
    shell:
        "python {input.script} --strengths {params.strengths} --out {output} > {log} 2>&1"


rule plot_theory_figure_5:
    input:
        script="src/plot_theory_figure_5.py",
        lib=sources("src/plot_theory_figure_5.py"),
    output:
        "results/theory/figure_5.pdf",
        report(
            "results/theory/figure_5.svg",
            caption="../../reports/captions/theory_figure_5.rst",
            category="Theory",
            labels={"figure": "Ascent Fails to Forget, 5"},
        ),
        "results/theory/figure_5.png",
    log:
        "logs/theory/plot_theory_figure_5.log",
    benchmark:
        "logs/theory/plot_theory_figure_5.benchmark.tsv"
    conda:
        "../../envs/palimpsest.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "python {input.script} --out {output} > {log} 2>&1"


rule plot_theory_figures_f:
    input:
        script="src/plot_theory_figures_f.py",
        lib=sources("src/plot_theory_figures_f.py"),
    output:
        "results/theory/figures_f_{setting}.pdf",
        report(
            "results/theory/figures_f_{setting}.svg",
            caption="../../reports/captions/theory_figures_f.rst",
            category="Theory",
            labels={"figure": "Why Fine-Tuning Struggles, 1 and 2, {setting}"},
        ),
        "results/theory/figures_f_{setting}.png",
    log:
        "logs/theory/plot_theory_figures_f/{setting}.log",
    benchmark:
        "logs/theory/plot_theory_figures_f/{setting}.benchmark.tsv"
    wildcard_constraints:
        setting="a1|overparameterised",
    conda:
        "../../envs/palimpsest.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        seed=0,
    shell:
        "python {input.script} --setting {wildcards.setting} --seed {params.seed}"
        " --out {output} > {log} 2>&1"


rule report_theory:
    input:
        notebook="reports/theory.ipynb",
        errata="reports/theory_errata.yaml",
        modules=NOTEBOOK_MODULES,
        lib=sources(*NOTEBOOK_MODULES),
        statements="results/theory/statements.csv",
        figure_4="results/theory/figure_4.png",
        figure_5="results/theory/figure_5.png",
        figures_f_a1="results/theory/figures_f_a1.png",
        figures_f_over="results/theory/figures_f_overparameterised.png",
    output:
        notebook="results/theory/report.ipynb",
        html=report(
            "results/theory/report.html",
            caption="../../reports/captions/theory_report.rst",
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
        " -r figures_f_a1 {input.figures_f_a1} -r figures_f_over {input.figures_f_over}"
        " -r source_dir src"
        " && cp {log.notebook} {output.notebook}"
        " && python -m nbconvert --to html --no-input --stdout {output.notebook}"
        " > {output.html}) > {log.text} 2>&1"


rule theory:
    input:
        "results/theory/statements.csv",
        "results/theory/report.html",
        expand(
            "results/theory/{figure}.{format}",
            figure=[
                "figure_4",
                "figure_5",
                "figures_f_a1",
                "figures_f_overparameterised",
            ],
            format=["pdf", "svg", "png"],
        ),
    localrule: True
