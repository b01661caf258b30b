# Scores: every metric of a study, with what only the oracles decide, gathered into tables.


rule score_oracles:
    input:
        script="src/score_oracles.py",
        lib=lambda wildcards: library_inputs(
            "src/score_oracles.py", *metric_files(wildcards)
        ),
        metrics=metric_files,
        split="<results>/splits/{forget_set}.json",
        oracles=oracles_of,
        costs=oracle_costs,
        compared=compared_of,
    output:
        references="<results>/{experiment}/oracles/{forget_set}.references.json",
        parts="<results>/{experiment}/oracles/{forget_set}.json",
    log:
        "<logs>/score_oracles/{experiment}/{forget_set}.log",
    benchmark:
        "<benchmarks>/score_oracles/{experiment}/{forget_set}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=memory("score"),
        runtime=minutes("score"),
    params:
        metrics=references_of,
        models=models_wanted,
        seconds=lambda wildcards: EXPERIMENTS[wildcards.experiment].seconds,
    shell:
        "python {input.script} --forget-set {wildcards.forget_set} --split {input.split}"
        " --oracles {input.oracles} --costs {input.costs} --seconds {params.seconds}"
        " --compared {input.compared} --models {params.models} --metrics {params.metrics}"
        " --out-references {output.references} --out-parts {output.parts} > {log} 2>&1"


rule score:
    input:
        script="src/score.py",
        lib=lambda wildcards: library_inputs("src/score.py", *metric_files(wildcards)),
        metrics=metric_files,
        split="<results>/splits/{forget_set}.json",
        records=lambda wildcards: unlearned_of(wildcards, "npz"),
        costs=lambda wildcards: unlearned_of(wildcards, "json"),
        originals=originals_of,
        oracles=oracles_of,
        references="<results>/{experiment}/oracles/{forget_set}.references.json",
    output:
        "<results>/{experiment}/scores/{forget_set}/{method}.json",
    log:
        "<logs>/score/{experiment}/{forget_set}/{method}.log",
    benchmark:
        "<benchmarks>/score/{experiment}/{forget_set}/{method}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=memory("score"),
        runtime=minutes("score"),
    params:
        settings=lambda wildcards: as_json(
            settings_in(EXPERIMENTS[wildcards.experiment], wildcards.method)
        ),
        metrics=metrics_of,
        epochs=config["training"]["epochs"],
        models=models_wanted,
        seconds=lambda wildcards: EXPERIMENTS[wildcards.experiment].seconds,
    shell:
        "python {input.script} --forget-set {wildcards.forget_set} --method {wildcards.method}"
        " --settings {params.settings} --split {input.split} --records {input.records}"
        " --costs {input.costs} --originals {input.originals} --oracles {input.oracles}"
        " --references {input.references}"
        " --models {params.models}"
        " --training-epochs {params.epochs} --seconds {params.seconds}"
        " --metrics {params.metrics} --out {output} > {log} 2>&1"


rule score_number_of_models:
    input:
        script="src/score_number_of_models.py",
        lib=library_inputs("src/score_number_of_models.py"),
        split="<results>/splits/{forget_set}.json",
        originals=records_of("original"),
        oracles=lambda wildcards: records_of(f"oracle/{wildcards.forget_set}"),
        second=second_oracles,
    output:
        "<results>/{experiment}/number_of_models/{forget_set}.json",
    log:
        "<logs>/score_number_of_models/{experiment}/{forget_set}.log",
    benchmark:
        "<benchmarks>/score_number_of_models/{experiment}/{forget_set}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=memory("score"),
        runtime=minutes("score"),
    params:
        metrics=as_json({"klom": config["metrics"]["klom"]}),
        numbers=lambda wildcards: sorted(
            {
                config["populations"]["models"],
                *config[wildcards.experiment]["numbers_of_models"],
            }
        ),
    shell:
        "python {input.script} --forget-set {wildcards.forget_set} --split {input.split}"
        " --originals {input.originals} --oracles {input.oracles}"
        " --second-oracles {input.second} --numbers {params.numbers}"
        " --metrics {params.metrics} --out {output} > {log} 2>&1"


rule gather:
    input:
        script="src/gather.py",
        lib=library_inputs("src/gather.py"),
        parts=parts_of,
    output:
        table="<results>/{experiment}/{table}.csv",
        seal="<results>/{experiment}/{table}.csv.sha256",
    log:
        "<logs>/gather/{experiment}/{table}.log",
    benchmark:
        "<benchmarks>/gather/{experiment}/{table}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        grid=lambda wildcards: as_json(grid_of(wildcards.experiment, wildcards.table)),
    shell:
        "python {input.script} --table {wildcards.table} --parts {input.parts}"
        " --grid {params.grid} --out {output.table} > {log} 2>&1"
