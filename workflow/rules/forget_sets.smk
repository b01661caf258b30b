# Forget sets: a datamodel matrix where one is needed, then one split per forget set.

DATAMODELS = config["datamodels"]
TESTED_ONLY = (
    DATAMODELS["estimator"] == "trak"
)  # then subset models only test the estimate
SUBSET_MODELS = DATAMODELS["held_out"] if TESTED_ONLY else DATAMODELS["models"]

NEEDS_DATAMODEL = any(
    config["forget_sets"][name]["kind"] == "principal_component"
    for name in config["ascent"]["forget_sets"]
)
AGREEMENT = ["<results>/datamodels/agreement.json"] if NEEDS_DATAMODEL else []


rule datamodel_block:
    input:
        script="src/datamodel_block.py",
        lib=sources("src/datamodel_block.py"),
        dataset="<results>/data/dataset.npz",
        split="<results>/splits/base.json",
    output:
        "<results>/datamodels/{block}.npz",
    log:
        "<logs>/datamodel_block/{block}.log",
    benchmark:
        "<benchmarks>/datamodel_block/{block}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=4000,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=GPU,
    params:
        seeds=lambda wildcards: block_arguments(
            wildcards.block,
            DATAMODELS["first_seed"],
            SUBSET_MODELS,
            DATAMODELS["block"],
        ),
        fraction=f"--fraction {DATAMODELS['fraction']}",
        model=MODEL,
        recipe=RECIPE,
        device=DEVICE,
    shell:
        "python {input.script} --dataset {input.dataset} --split {input.split}"
        " {params.seeds} {params.fraction} {params.model} {params.recipe} {params.device}"
        " --out {output} > {log} 2>&1"


def trak_weights(wildcards):
    """TRAK takes the gradients of the first originals."""
    return ["<results>/populations/original/0.safetensors"] if TESTED_ONLY else []


rule estimate_datamodel:
    input:
        script="src/estimate_datamodel.py",
        lib=sources("src/estimate_datamodel.py"),
        blocks=expand(
            "<results>/datamodels/{block}.npz",
            block=blocks(SUBSET_MODELS, DATAMODELS["block"]),
        ),
        dataset="<results>/data/dataset.npz",
        split="<results>/splits/base.json",
        weights=trak_weights,
    output:
        matrix="<results>/datamodels/matrix.npz",
        agreement="<results>/datamodels/agreement.json",
    log:
        "<logs>/estimate_datamodel.log",
    benchmark:
        "<benchmarks>/estimate_datamodel.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=GPU,
    params:
        estimate=f"--estimator {DATAMODELS['estimator']} --held-out {DATAMODELS['held_out']}",
        ridge="--ridge " + " ".join(map(str, DATAMODELS["ridge"])),
        trak=(
            f"--checkpoints {DATAMODELS['trak']['checkpoints']}"
            f" --dimension {DATAMODELS['trak']['dimension']}"
            f" --projection-seed {DATAMODELS['trak']['seed']}"
        ),
        weights=lambda wildcards, input: (
            f"--weights {input.weights}" if input.weights else ""
        ),
        model=MODEL,
        device=DEVICE,
    shell:
        "python {input.script} {params.estimate} --blocks {input.blocks} {params.ridge}"
        " {params.trak} --dataset {input.dataset} --split {input.split} {params.weights}"
        " {params.model} {params.device}"
        " --out-matrix {output.matrix} --out-agreement {output.agreement} > {log} 2>&1"


def forget_set_inputs(wildcards):
    """What a definition needs besides the base split: the datamodel matrix, or the user's file."""
    definition = config["forget_sets"][wildcards.forget_set]
    if definition["kind"] == "principal_component":
        return {"datamodel": "<results>/datamodels/matrix.npz"}
    if definition["kind"] == "file":
        return {"path": definition["path"]}
    return {}


rule select_forget_set:
    input:
        unpack(forget_set_inputs),
        script="src/select_forget_set.py",
        lib=sources("src/select_forget_set.py"),
        split="<results>/splits/base.json",
    output:
        "<results>/splits/{forget_set}.json",
    log:
        "<logs>/select_forget_set/{forget_set}.log",
    benchmark:
        "<benchmarks>/select_forget_set/{forget_set}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=24000 if config["data"]["name"] == "cifar10" else 2000,
        runtime=60,
    params:
        definition=lambda wildcards: arguments(
            {
                name: value
                for name, value in config["forget_sets"][wildcards.forget_set].items()
                if value is not None
            }
        ),
        datamodel=lambda wildcards, input: (
            f"--datamodel {input.datamodel}" if "datamodel" in input.keys() else ""
        ),
    shell:
        "python {input.script} --split {input.split} {params.definition} {params.datamodel}"
        " --out {output} > {log} 2>&1"
