# Figures: one rule draws every figure of every study; a figure's file says what it draws from.


rule draw:
    input:
        unpack(shown_inputs),
        script="src/draw.py",
        seals=shown_seals,
        figure=shown_file,
        lib=lambda wildcards: library_inputs("src/draw.py", shown_file(wildcards)),
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
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        inputs=shown_arguments,
        grids=shown_grids,
        settings=shown_settings,
        note=shown_note,
        caption=shown_caption,
    shell:
        "python {input.script} --figure {input.figure} --inputs {params.inputs}"
        " {params.grids}"
        " --settings {params.settings} --note {params.note}"
        " --out {output.pdf} {output.svg} {output.png} --out-table {output.table} > {log} 2>&1"
