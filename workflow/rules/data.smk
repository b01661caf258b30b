# The data set as one file, and the split without a forget set.


rule prepare_data:
    input:
        script="src/prepare_data.py",
        lib=sources("src/prepare_data.py"),
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
        mem_mb=4000,
        runtime=60,
    params:
        data=arguments(
            {
                name: value
                for name, value in config["data"].items()
                if name != "download" and value is not None
            }
        ),
        download="--download" if config["data"]["download"] else "",
    shell:
        "python {input.script} {params.data} {params.download}"
        " --out-dataset {output.dataset} --out-split {output.split} > {log} 2>&1"
