# Populations: originals on the whole training set, oracles on each retain set.


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
        record=lambda wildcards: record_in(tests_of(wildcards.population)),
    shell:
        "python {input.script} --dataset {input.dataset} --split {input.split}"
        " {params.seeds} {params.model} {params.training} {params.device}"
        " --stack {resources.stack} {params.record}"
        " --out-weights {output.weights} --out-record {output.record}"
        " --out-costs {output.costs} > {log} 2>&1"
