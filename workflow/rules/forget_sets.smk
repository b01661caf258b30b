# Forget sets: an estimate of a datamodel where one is asked for, then one split per forget set.


rule datamodel_block:
    input:
        script="src/datamodel_block.py",
        lib=library_inputs(
            "src/datamodel_block.py", thing("models", config["model"]["name"])
        ),
        model=thing("models", config["model"]["name"]),
        weights_to_start_from=MODEL_FILES,
        dataset="<results>/data/dataset.npz",
        split="<results>/splits/base.json",
    output:
        "<results>/datamodels/{subsets}/{block}.npz",
    log:
        "<logs>/datamodel_block/{subsets}/{block}.log",
    benchmark:
        "<benchmarks>/datamodel_block/{subsets}/{block}.tsv"
    wildcard_constraints:
        subsets="held_out|estimated_from",
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
        seeds=subset_seeds,
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
            "src/estimate_datamodel.py",
            thing("models", config["model"]["name"]),
            thing("datamodels/estimators", DATAMODELS["estimator"]),
        ),
        model=thing("models", config["model"]["name"]),
        weights_to_start_from=MODEL_FILES,
        estimator=thing("datamodels/estimators", DATAMODELS["estimator"]),
        held_out=subset_blocks("held_out"),
        subsets=subset_blocks("estimated_from"),
        weights=gradients_of,
        dataset="<results>/data/dataset.npz",
        split="<results>/splits/base.json",
    output:
        "<results>/datamodels/estimate.json",
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
        definitions=as_json(IMPORTANT_SETS),
        datamodels=as_json(
            {
                "estimator": DATAMODELS["estimator"],
                "estimators": {
                    name: settings
                    for name, settings in DATAMODELS["estimators"].items()
                    if name == DATAMODELS["estimator"]
                },
                "held_out": DATAMODELS["held_out"],
                "seeds": DATAMODELS["seeds"],
            }
        ),
        data=as_json(config["data"]),
        model=MODEL,
        device=DEVICE,
    shell:
        "python {input.script} --definitions {params.definitions}"
        " --datamodels {params.datamodels} --data {params.data}"
        " --held-out {input.held_out} --weights {input.weights} --subsets {input.subsets}"
        " --dataset {input.dataset} --split {input.split} {params.model} {params.device}"
        " --out {output} > {log} 2>&1"


rule compare_estimates:
    input:
        script="src/compare_estimates.py",
        lib=library_inputs("src/compare_estimates.py"),
        own="<results>/datamodels/estimate.json",
        shipped=SHIPPED_ESTIMATE,
    output:
        "<results>/datamodels/comparison.csv",
    log:
        "<logs>/compare_estimates.log",
    benchmark:
        "<benchmarks>/compare_estimates.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    shell:
        "python {input.script} --own {input.own} --shipped {input.shipped} --out {output}"
        " 2>&1 | tee {log}"


# The estimate again, whether or not the run takes its sets from one that comes with the project.
rule datamodel:
    input:
        "<results>/datamodels/estimate.json",
        ["<results>/datamodels/comparison.csv"] if SHIPPED_ESTIMATE else [],
    localrule: True


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
        estimate=lambda wildcards, input: (
            f"--estimate {input.estimate}" if "estimate" in input.keys() else ""
        ),
        dataset=lambda wildcards, input: (
            f"--dataset {input.dataset}" if "dataset" in input.keys() else ""
        ),
    shell:
        "python {input.script} --split {input.split} --definition {params.definition}"
        " {params.estimate} {params.dataset} --out {output} > {log} 2>&1"
