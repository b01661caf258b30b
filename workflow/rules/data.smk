# The data set as one file, and the split without a forget set.


rule prepare_data:
    input:
        script="src/prepare_data.py",
        lib=library_inputs(
            "src/prepare_data.py", thing("data/sources", config["data"]["name"])
        ),
        source=thing("data/sources", config["data"]["name"]),
    output:
        dataset="<results>/data/dataset.npz",
        split="<results>/splits/base.json",
    log:
        "<logs>/prepare_data.log",
    benchmark:
        "<benchmarks>/prepare_data.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=memory("prepare_data"),
        runtime=minutes("prepare_data"),
    params:
        data=as_json(config["data"]),
    shell:
        "python {input.script} --data {params.data}"
        " --out-dataset {output.dataset} --out-split {output.split} > {log} 2>&1"
