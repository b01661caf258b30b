# Populations: originals on the whole training set, oracles on each retain set.


rule train_block:
    input:
        script="src/train_block.py",
        lib=sources("src/train_block.py"),
        dataset="<results>/data/dataset.npz",
        split=split_of,
    output:
        weights="<results>/populations/{population}/{block}.safetensors",
        margins="<results>/populations/{population}/{block}.npz",
    log:
        "<logs>/train_block/{population}/{block}.log",
    benchmark:
        "<benchmarks>/train_block/{population}/{block}.tsv"
    priority: 1000  # unlearning and scoring wait for it
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=4000,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=GPU,
    params:
        seeds=seeds_of,
        model=MODEL,
        recipe=RECIPE,
        device=DEVICE,
    shell:
        "python {input.script} --dataset {input.dataset} --split {input.split}"
        " {params.seeds} {params.model} {params.recipe} {params.device}"
        " --out-weights {output.weights} --out-margins {output.margins} > {log} 2>&1"
