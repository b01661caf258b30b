# Metrics: KLoM with its null floor and interval, accuracy and cost, as tables.


rule score_null:
    input:
        script="src/score_null.py",
        lib=sources("src/score_null.py"),
        split="<results>/splits/{forget_set}.json",
        oracles=lambda wildcards: margins_of(f"oracle/{wildcards.forget_set}"),
    output:
        "<results>/ascent/null/{forget_set}.json",
    log:
        "<logs>/score_null/{forget_set}.log",
    benchmark:
        "<benchmarks>/score_null/{forget_set}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        klom=KLOM,
        repeats=config["klom"]["null_repeats"],
    shell:
        "python {input.script} --split {input.split} --oracles {input.oracles}"
        " --repeats {params.repeats} {params.klom} --out {output} > {log} 2>&1"


rule score_klom:
    input:
        script="src/score_klom.py",
        lib=sources("src/score_klom.py"),
        split="<results>/splits/{forget_set}.json",
        unlearned=expand(
            "<results>/ascent/margins/{{forget_set}}/{{method}}/{block}.npz",
            block=ORIGINAL_BLOCKS,
        ),
        costs=expand(
            "<results>/ascent/costs/{{forget_set}}/{{method}}/{block}.json",
            block=ORIGINAL_BLOCKS,
        ),
        oracles=lambda wildcards: margins_of(f"oracle/{wildcards.forget_set}"),
        null="<results>/ascent/null/{forget_set}.json",
    output:
        klom="<results>/ascent/scores/{forget_set}/{method}.klom.csv",
        accuracy="<results>/ascent/scores/{forget_set}/{method}.accuracy.csv",
    log:
        "<logs>/score_klom/{forget_set}/{method}.log",
    benchmark:
        "<benchmarks>/score_klom/{forget_set}/{method}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=16000,
        runtime=240,
    params:
        klom=KLOM,
        repeats=config["klom"]["interval_repeats"],
        epochs=config["training"]["epochs"],
        seconds=config["ascent"]["seconds"],
    shell:
        "python {input.script} --forget-set {wildcards.forget_set} --method {wildcards.method}"
        " --split {input.split} --unlearned {input.unlearned} --costs {input.costs}"
        " --oracles {input.oracles} --null {input.null} --training-epochs {params.epochs}"
        " --repeats {params.repeats} --seconds {params.seconds} {params.klom}"
        " --out-klom {output.klom} --out-accuracy {output.accuracy} > {log} 2>&1"


rule score_number_of_models:
    input:
        script="src/score_number_of_models.py",
        lib=sources("src/score_number_of_models.py"),
        split="<results>/splits/{forget_set}.json",
        originals=margins_of("original"),
        oracles=lambda wildcards: margins_of(f"oracle/{wildcards.forget_set}"),
        second=second_oracles,
    output:
        table="<results>/ascent/scores/{forget_set}/number_of_models.csv",
        null_check="<results>/ascent/scores/{forget_set}/null_check.csv",
    log:
        "<logs>/score_number_of_models/{forget_set}.log",
    benchmark:
        "<benchmarks>/score_number_of_models/{forget_set}.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        klom=KLOM,
        numbers=config["klom"]["numbers_of_models"],
        repeats=config["klom"]["null_repeats"],
    shell:
        "python {input.script} --forget-set {wildcards.forget_set} --split {input.split}"
        " --originals {input.originals} --oracles {input.oracles}"
        " --second-oracles {input.second} --numbers {params.numbers} --repeats {params.repeats}"
        " {params.klom} --out-table {output.table} --out-null-check {output.null_check}"
        " > {log} 2>&1"


rule gather_scores:
    input:
        script="src/gather_scores.py",
        lib=sources("src/gather_scores.py"),
        klom=expand(
            "<results>/ascent/scores/{forget_set}/{method}.klom.csv",
            forget_set=FORGET_SETS,
            method=METHODS,
        ),
        accuracy=expand(
            "<results>/ascent/scores/{forget_set}/{method}.accuracy.csv",
            forget_set=FORGET_SETS,
            method=METHODS,
        ),
        costs=expand(
            "<results>/ascent/costs/{forget_set}/{method}/{block}.json",
            forget_set=FORGET_SETS,
            method=METHODS,
            block=ORIGINAL_BLOCKS[0],
        ),
        splits=expand("<results>/splits/{forget_set}.json", forget_set=FORGET_SETS),
        oracles=[path for name in FORGET_SETS for path in margins_of(f"oracle/{name}")],
        number_of_models=expand(
            "<results>/ascent/scores/{forget_set}/number_of_models.csv",
            forget_set=FORGET_SETS,
        ),
        null_check=expand(
            "<results>/ascent/scores/{forget_set}/null_check.csv",
            forget_set=FORGET_SETS,
        ),
    output:
        klom="<results>/ascent/klom.csv",
        accuracy="<results>/ascent/accuracy.csv",
        sharing="<results>/ascent/sharing.csv",
        number_of_models="<results>/ascent/number_of_models.csv",
        null_check="<results>/ascent/null_check.csv",
    log:
        "<logs>/gather_scores.log",
    benchmark:
        "<benchmarks>/gather_scores.tsv"
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        forget_sets=FORGET_SETS,
    shell:
        "python {input.script} --klom {input.klom} --accuracy {input.accuracy}"
        " --costs {input.costs} --forget-sets {params.forget_sets} --splits {input.splits}"
        " --oracles {input.oracles} --number-of-models {input.number_of_models}"
        " --null-check {input.null_check} --out-klom {output.klom}"
        " --out-accuracy {output.accuracy} --out-sharing {output.sharing}"
        " --out-number-of-models {output.number_of_models}"
        " --out-null-check {output.null_check} > {log} 2>&1"
