# Unlearning: every setting of a method that a study asks for, from each block of originals.


rule unlearn_block:
    input:
        script="src/unlearn_block.py",
        lib=lambda wildcards: library_inputs(
            "src/unlearn_block.py", *things_of(wildcards)
        ),
        things=things_of,
        weights_to_start_from=MODEL_FILES,
        dataset="<results>/data/dataset.npz",
        split="<results>/splits/{forget_set}.json",
        weights="<results>/populations/original/{block}.safetensors",
        oracles=oracles_beside,
    output:
        record="<results>/unlearned/{forget_set}/{method}/{block}.npz",
        costs="<results>/unlearned/{forget_set}/{method}/{block}.json",
    log:
        "<logs>/unlearn_block/{forget_set}/{method}/{block}.log",
    benchmark:
        "<benchmarks>/unlearn_block/{forget_set}/{method}/{block}.tsv"
    priority: lambda wildcards: len(settings_of(wildcards.method, wildcards.forget_set))  # the longest first
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=memory("unlearn_block"),
        runtime=minutes("unlearn_block"),
        gpu=GPU,
        stack=STACK,
    params:
        settings=lambda wildcards: as_json(
            settings_of(wildcards.method, wildcards.forget_set)
        ),
        model=MODEL,
        device=DEVICE,
        models=unlearned_models,
        oracles=lambda wildcards, input: (
            f"--oracles {input.oracles}" if input.oracles else ""
        ),
        record=lambda wildcards: record_in(
            experiments_with(wildcards.forget_set, wildcards.method)
        ),
    shell:
        "python {input.script} --dataset {input.dataset} --split {input.split}"
        " --weights {input.weights} {params.oracles} --method {wildcards.method} --settings {params.settings}"
        " --models {params.models} {params.model} {params.device}"
        " --stack {resources.stack} {params.record}"
        " --out-record {output.record} --out-costs {output.costs} > {log} 2>&1"
