# Figures: one rule draws every figure of every study; a figure's file says what it draws from.


rule draw:
    input:
        unpack(figure_inputs),
        script="src/draw.py",
        seals=figure_seals,
        figure=figure_file,
        lib=lambda wildcards: library_inputs("src/draw.py", figure_file(wildcards)),
    output:
        pdf="results/{folder}/{figure}.pdf",
        svg="results/{folder}/{figure}.svg",
        png=report(
            "results/{folder}/{figure}.png",
            caption="../../reports/caption.rst",
            category="{folder}",
            labels={"figure": "{figure}"},
        ),
        table="results/{folder}/{figure}.numbers.csv",
    log:
        "logs/{folder}/draw/{figure}.log",
    benchmark:
        "results/{folder}/benchmarks/draw/{figure}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        inputs=figure_arguments,
        settings=lambda wildcards: as_json(
            FIGURE_SETTINGS[study_in(wildcards.folder)].get(wildcards.figure, {})
        ),
        note=lambda wildcards: shlex.quote(FIGURE_NOTES[study_in(wildcards.folder)]),
        caption=lambda wildcards: Path(
            f"reports/{study_in(wildcards.folder)}/captions/{wildcards.figure}.rst"
        ).read_text(encoding="utf-8"),
    shell:
        "python {input.script} --figure {input.figure} --inputs {params.inputs}"
        " --settings {params.settings} --note {params.note}"
        " --out {output.pdf} {output.svg} {output.png} --out-table {output.table} > {log} 2>&1"
