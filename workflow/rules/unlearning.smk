# Unlearning: every setting of a method, from each block of originals.


rule unlearn_block:
    input:
        script="src/unlearn_block.py",
        lib=lambda wildcards: sources(
            "src/unlearn_block.py", f"src/palimpsest/methods/{wildcards.method}.py"
        ),
        method="src/palimpsest/methods/{method}.py",
        dataset="<results>/data/dataset.npz",
        split="<results>/splits/{forget_set}.json",
        weights="<results>/populations/original/{block}.safetensors",
    output:
        margins="<results>/ascent/margins/{forget_set}/{method}/{block}.npz",
        costs="<results>/ascent/costs/{forget_set}/{method}/{block}.json",
    log:
        "<logs>/unlearn_block/{forget_set}/{method}/{block}.log",
    benchmark:
        "<benchmarks>/unlearn_block/{forget_set}/{method}/{block}.tsv"
    priority: lambda wildcards: len(settings_of(wildcards.method))  # the longest first
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=8000,
        runtime=lambda wildcards, attempt: 720 * attempt,
        gpu=GPU,
    params:
        settings=lambda wildcards: json.dumps(settings_of(wildcards.method)),
        model=MODEL,
        device=DEVICE,
    shell:
        "python {input.script} --dataset {input.dataset} --split {input.split}"
        " --weights {input.weights} --method {wildcards.method} --settings '{params.settings}'"
        " {params.model} {params.device}"
        " --out-margins {output.margins} --out-costs {output.costs} > {log} 2>&1"
