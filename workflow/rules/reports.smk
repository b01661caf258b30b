# Reports: the figures of the paper, each a target, the verdicts, the notebook.


rule plot_klom_planes:
    input:
        script="src/plot_klom_planes.py",
        lib=sources("src/plot_klom_planes.py"),
        klom="<results>/ascent/klom.csv",
    output:
        pdf="<results>/ascent/figure_{figure}.pdf",
        svg="<results>/ascent/figure_{figure}.svg",
        png=report(
            "<results>/ascent/figure_{figure}.png",
            caption="../../reports/captions/figure_planes.rst",
            category="Ascent Fails to Forget",
            labels={"figure": "Figure {figure}"},
        ),
    log:
        "<logs>/plot_klom_planes/{figure}.log",
    benchmark:
        "<benchmarks>/plot_klom_planes/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(PLANES),
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        plane=plane_arguments,
        note=NOTE,
    shell:
        "python {input.script} --klom {input.klom} {params.plane} --note '{params.note}'"
        " --out {output} > {log} 2>&1"


rule plot_illusion:
    input:
        script="src/plot_illusion.py",
        lib=sources("src/plot_illusion.py"),
        klom="<results>/ascent/klom.csv",
    output:
        pdf="<results>/ascent/figure_2.pdf",
        svg="<results>/ascent/figure_2.svg",
        png=report(
            "<results>/ascent/figure_2.png",
            caption="../../reports/captions/figure_2.rst",
            category="Ascent Fails to Forget",
            labels={"figure": "Figure 2"},
        ),
    log:
        "<logs>/plot_illusion.log",
    benchmark:
        "<benchmarks>/plot_illusion.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        shown=(
            f"--forget-set {config['ascent']['figure_2_forget_set']} --method {FIGURE_2_METHOD}"
        ),
        note=NOTE,
    shell:
        "python {input.script} --klom {input.klom} {params.shown}"
        " --note '{params.note}' --out {output} > {log} 2>&1"


rule plot_number_of_models:
    input:
        script="src/plot_number_of_models.py",
        lib=sources("src/plot_number_of_models.py"),
        table="<results>/ascent/number_of_models.csv",
    output:
        pdf="<results>/ascent/number_of_models.pdf",
        svg="<results>/ascent/number_of_models.svg",
        png=report(
            "<results>/ascent/number_of_models.png",
            caption="../../reports/captions/number_of_models.rst",
            category="Ascent Fails to Forget",
            labels={"figure": "Number of models"},
        ),
    log:
        "<logs>/plot_number_of_models.log",
    benchmark:
        "<benchmarks>/plot_number_of_models.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        note=NOTE,
    shell:
        "python {input.script} --table {input.table} --note '{params.note}' --out {output}"
        " > {log} 2>&1"


rule plot_lemma_1:
    input:
        script="src/plot_lemma_1.py",
        lib=sources("src/plot_lemma_1.py"),
        splits=expand("<results>/splits/{forget_set}.json", forget_set=RANDOM_SETS),
        originals=margins_of("original"),
        oracles=[path for name in RANDOM_SETS for path in margins_of(f"oracle/{name}")],
    output:
        pdf="<results>/ascent/lemma_1.pdf",
        svg="<results>/ascent/lemma_1.svg",
        png=report(
            "<results>/ascent/lemma_1.png",
            caption="../../reports/captions/lemma_1.rst",
            category="Ascent Fails to Forget",
            labels={"figure": "Lemma 1 on real models"},
        ),
        table="<results>/ascent/lemma_1.csv",
    log:
        "<logs>/plot_lemma_1.log",
    benchmark:
        "<benchmarks>/plot_lemma_1.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        forget_sets=RANDOM_SETS,
        note=NOTE,
    shell:
        "python {input.script} --forget-sets {params.forget_sets} --splits {input.splits}"
        " --originals {input.originals} --oracles {input.oracles} --note '{params.note}'"
        " --out {output.pdf} {output.svg} {output.png} --out-table {output.table} > {log} 2>&1"


rule judge_claims:
    input:
        script="src/judge_claims.py",
        lib=sources("src/judge_claims.py"),
        klom="<results>/ascent/klom.csv",
        accuracy="<results>/ascent/accuracy.csv",
        number_of_models="<results>/ascent/number_of_models.csv",
        claims="reports/claims.yaml",
    output:
        report(
            "<results>/ascent/claims.csv",
            caption="../../reports/captions/claims.rst",
            category="Ascent Fails to Forget",
            labels={"figure": "Verdicts on the claims"},
        ),
    log:
        "<logs>/judge_claims.log",
    benchmark:
        "<benchmarks>/judge_claims.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        sizes=forget_set_sizes,
    shell:
        "python {input.script} --klom {input.klom} --accuracy {input.accuracy}"
        " --number-of-models {input.number_of_models} --claims {input.claims}"
        " --sizes {params.sizes} --out {output} > {log} 2>&1"


NOTEBOOK_LIBRARY = [
    "src/palimpsest/choice.py",
    "src/palimpsest/claims.py",
    "src/palimpsest/figures/report.py",
    "src/palimpsest/tables.py",
]


rule report_ascent:
    input:
        notebook="reports/ascent.ipynb",
        lib=sources(*NOTEBOOK_LIBRARY) + NOTEBOOK_LIBRARY,
        tables=expand(
            "<results>/ascent/{table}.csv",
            table=[
                "klom",
                "accuracy",
                "sharing",
                "number_of_models",
                "null_check",
                "claims",
            ],
        ),
        figures=expand("<results>/ascent/{figure}.png", figure=FIGURES),
        agreement=AGREEMENT,
    output:
        notebook="<results>/ascent/report.ipynb",
        html=report(
            "<results>/ascent/report.html",
            caption="../../reports/captions/report_ascent.rst",
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
        mem_mb=4000,
        runtime=30,
    params:
        facts=(
            f"-r run {config['run']} -r data_set {config['data']['name']}"
            f" -p models {config['populations']['models']} -r device {config['device']}"
        ),
        results=lambda wildcards, output: str(Path(output.html).parent),
    shell:
        "(papermill {input.notebook} {log.notebook} -k python3 --no-progress-bar"
        " -r results_dir {params.results} -r agreement_file '{input.agreement}'"
        " -r source_dir src {params.facts}"
        " && cp {log.notebook} {output.notebook}"
        " && python -m nbconvert --to html --no-input --stdout {output.notebook}"
        " > {output.html}) > {log.text} 2>&1"


rule figures:
    input:
        expand(
            "<results>/ascent/{figure}.{format}",
            figure=FIGURES,
            format=FORMATS,
        ),
    localrule: True


rule ascent:
    input:
        rules.figures.input,
        "<results>/ascent/klom.csv",
        "<results>/ascent/report.html",
    localrule: True
