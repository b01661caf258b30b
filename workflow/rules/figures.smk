# Figures: one rule draws every figure of every study; a figure's file says what it draws from.

FORMATS = ["pdf", "svg", "png"]
FIGURE_FILES = {}  # study -> name of an input -> its files; each study adds its own
FIGURE_SETTINGS = {}  # study -> figure -> its settings
FIGURE_NOTES = {}  # study -> the line at the foot of its figures


def figures_in(study):
    """The figures of a study: the files in its folder of figures."""
    return registry.names(f"studies/{study}/figures")


def study_in(folder):
    """The study whose results lie in a folder such as digits/ascent."""
    return folder.rpartition("/")[2]


def figure_file(wildcards):
    """The file of a figure."""
    return thing(f"studies/{study_in(wildcards.folder)}/figures", wildcards.figure)


def figure_inputs(wildcards):
    """What a figure draws from, by name: the INPUTS of its file, read without running it."""
    tree = ast.parse(Path(figure_file(wildcards)).read_text(encoding="utf-8"))
    values = {
        ast.unparse(getattr(node, "target", None) or node.targets[0]): node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
    }
    files = FIGURE_FILES[study_in(wildcards.folder)]
    return {name: files[name] for name in ast.literal_eval(values["INPUTS"])}


def figure_arguments(wildcards, input):
    """The inputs of a figure as NAME=PATH."""
    return " ".join(
        shlex.quote(f"{name}={path}")
        for name in figure_inputs(wildcards)
        for path in ([input[name]] if isinstance(input[name], str) else input[name])
    )


rule draw:
    input:
        unpack(figure_inputs),
        script="src/draw.py",
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
        "logs/{folder}/draw/{figure}.benchmark.tsv"
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
