# Forget sets: a datamodel matrix where one is needed, then one split per forget set.


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
    priority: 2000  # forget sets wait for it, and oracles for them
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
        mem_mb=64000 if config["data"]["name"] == "cifar10" else 8000,
        runtime=lambda wildcards, attempt: 240 * attempt,
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
