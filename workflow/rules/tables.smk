# Tables as papers print them: one rule makes every table of every study; its file says what from.


rule tabulate_results:
    input:
        unpack(shown_inputs),
        script="src/tabulate_results.py",
        seals=shown_seals,
        file=shown_file,
        lib=lambda wildcards: library_inputs(
            "src/tabulate_results.py", shown_file(wildcards)
        ),
    output:
        table=report(
            "results/{folder}/tables/{printed}.csv",
            caption="../../reports/caption.rst",
            category="{folder}",
            labels={"figure": "{printed}"},
        ),
        seal="results/{folder}/tables/{printed}.csv.sha256",
        markdown="results/{folder}/tables/{printed}.md",
        latex="results/{folder}/tables/{printed}.tex",
    log:
        "logs/{folder}/tabulate_results/{printed}.log",
    benchmark:
        "results/{folder}/benchmarks/tabulate_results/{printed}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        inputs=shown_arguments,
        grids=shown_grids,
        settings=shown_settings,
        note=shown_note,
        caption=shown_caption,
    shell:
        "python {input.script} --table {input.file} --inputs {params.inputs}"
        " {params.grids}"
        " --settings {params.settings} --note {params.note} --caption {params.caption:q}"
        " --out {output.table} {output.markdown} {output.latex} > {log} 2>&1"
