# Forget sets: a datamodel matrix where one is needed, then one split per forget set.


rule datamodel_block:
    input:
        script="src/datamodel_block.py",
        lib=library_inputs(
            "src/datamodel_block.py", thing("models", config["model"]["name"])
        ),
        model=thing("models", config["model"]["name"]),
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
        mem_mb=memory("datamodel_block"),
        runtime=minutes("datamodel_block"),
        gpu=GPU,
        stack=STACK,
    params:
        seeds=lambda wildcards: block_arguments(
            wildcards.block,
            DATAMODELS["first_seed"],
            SUBSET_MODELS,
            DATAMODELS["block"],
        ),
        fraction=DATAMODELS["fraction"],
        model=MODEL,
        training=TRAINING,
        device=DEVICE,
    shell:
        "python {input.script} --dataset {input.dataset} --split {input.split}"
        " {params.seeds} --fraction {params.fraction} {params.model} {params.training}"
        " {params.device} --stack {resources.stack} --out {output} > {log} 2>&1"


rule estimate_datamodel:
    input:
        script="src/estimate_datamodel.py",
        lib=library_inputs(
            "src/estimate_datamodel.py", thing("models", config["model"]["name"])
        ),
        model=thing("models", config["model"]["name"]),
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
        mem_mb=memory("estimate_datamodel"),
        runtime=minutes("estimate_datamodel"),
        gpu=GPU,
    params:
        datamodels=as_json(
            {
                key: DATAMODELS[key]
                for key in ("estimator", "held_out", "ridge", "trak")
            }
        ),
        weights=lambda wildcards, input: (
            f"--weights {input.weights}" if input.weights else ""
        ),
        model=MODEL,
        device=DEVICE,
    shell:
        "python {input.script} --datamodels {params.datamodels} --blocks {input.blocks}"
        " --dataset {input.dataset} --split {input.split} {params.weights}"
        " {params.model} {params.device}"
        " --out-matrix {output.matrix} --out-agreement {output.agreement} > {log} 2>&1"


rule select_forget_set:
    input:
        unpack(forget_set_inputs),
        script="src/select_forget_set.py",
        lib=lambda wildcards: library_inputs(
            "src/select_forget_set.py",
            thing(
                "data/forget_sets", config["forget_sets"][wildcards.forget_set]["kind"]
            ),
        ),
        kind=lambda wildcards: thing(
            "data/forget_sets", config["forget_sets"][wildcards.forget_set]["kind"]
        ),
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
        mem_mb=memory("select_forget_set"),
        runtime=minutes("select_forget_set"),
    params:
        definition=lambda wildcards: as_json(
            config["forget_sets"][wildcards.forget_set]
        ),
        datamodel=lambda wildcards, input: (
            f"--datamodel {input.datamodel}" if "datamodel" in input.keys() else ""
        ),
    shell:
        "python {input.script} --split {input.split} --definition {params.definition}"
        " {params.datamodel} --out {output} > {log} 2>&1"
