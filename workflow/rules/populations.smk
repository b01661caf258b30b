# Populations: originals on the whole training set, oracles on each retain set; how far these are apart.


rule train_block:
    input:
        script="src/train_block.py",
        lib=library_inputs(
            "src/train_block.py", thing("models", config["model"]["name"])
        ),
        model=thing("models", config["model"]["name"]),
        weights_to_start_from=MODEL_FILES,
        dataset="<results>/data/dataset.npz",
        split=split_of,
    output:
        weights="<results>/populations/{population}/{block}.safetensors",
        record="<results>/populations/{population}/{block}.npz",
        costs="<results>/populations/{population}/{block}.json",
    log:
        "<logs>/train_block/{population}/{block}.log",
    benchmark:
        "<benchmarks>/train_block/{population}/{block}.tsv"
    priority: 1000  # unlearning and scoring wait for it
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=memory("train_block"),
        runtime=minutes("train_block"),
        gpu=GPU,
        stack=STACK,
    params:
        seeds=seeds_of,
        model=MODEL,
        training=TRAINING,
        device=DEVICE,
        record=trained_record,
    shell:
        "python {input.script} --dataset {input.dataset} --split {input.split}"
        " {params.seeds} {params.model} {params.training} {params.device}"
        " --stack {resources.stack} {params.record}"
        " --out-weights {output.weights} --out-record {output.record}"
        " --out-costs {output.costs} > {log} 2>&1"


rule compare_block:
    input:
        script="src/compare_block.py",
        lib=library_inputs(
            "src/compare_block.py", thing("models", config["model"]["name"])
        ),
        model=thing("models", config["model"]["name"]),
        weights_to_start_from=MODEL_FILES,
        dataset="<results>/data/dataset.npz",
        split="<results>/splits/{forget_set}.json",
        weights="<results>/populations/oracle/{forget_set}/{block}.safetensors",
        after=block_after,
        originals="<results>/populations/original/{block}.safetensors",
    output:
        "<results>/compared/{forget_set}/{block}.npz",
    log:
        "<logs>/compare_block/{forget_set}/{block}.log",
    benchmark:
        "<benchmarks>/compare_block/{forget_set}/{block}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=memory("compare_block"),
        runtime=minutes("compare_block"),
        gpu=GPU,
        stack=STACK,
    params:
        model=MODEL,
        device=DEVICE,
        record=lambda wildcards: record_in(
            experiments_with(wildcards.forget_set), COMPARED
        ),
    shell:
        "python {input.script} --dataset {input.dataset} --split {input.split}"
        " --weights {input.weights} --after {input.after} --originals {input.originals}"
        " {params.model} {params.device} --stack {resources.stack} {params.record}"
        " --out-record {output} > {log} 2>&1"
