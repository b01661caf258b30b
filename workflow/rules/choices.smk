# The choices of the configuration as rules need them, and what depends on a wildcard.


DATAMODELS = config["datamodels"]
TESTED_ONLY = DATAMODELS["estimator"] == "trak"  # subset models only test TRAK
SUBSET_MODELS = DATAMODELS["held_out"] if TESTED_ONLY else DATAMODELS["models"]

NEEDS_DATAMODEL = any(
    config["forget_sets"][name]["kind"] == "principal_component"
    for name in config["ascent"]["forget_sets"]
)
AGREEMENT = ["<results>/datamodels/agreement.json"] if NEEDS_DATAMODEL else []
ORIGINAL_BLOCKS = list(
    blocks(config["populations"]["models"], config["populations"]["block"])
)
FORGET_SETS = config["ascent"]["forget_sets"]
METHODS = config["ascent"]["methods"]
RANDOM_SETS = [
    name for name in FORGET_SETS if config["forget_sets"][name]["kind"] == "random"
]


FORMATS = ["pdf", "svg", "png"]
FIGURES = [
    "figure_1",
    "figure_2",
    "figure_3",
    "figure_6",
    "figure_7",
    "number_of_models",
]
FIGURES += ["lemma_1"] if RANDOM_SETS else []
UNLEARNING = [name for name in METHODS if name != "nothing"]
ASCENT = [name for name in UNLEARNING if name in ("ga", "gda")] or UNLEARNING
FIGURE_2_METHOD = ASCENT[0]
NOTE = (
    f"N = {config['populations']['models']} models of {config['model']['name']}, width "
    f"{config['model']['width']}; {config['data']['name']}; {config['device']}; run {config['run']}"
)
PLANES = {
    "1": {
        "forget_sets": [config["ascent"]["figure_1_forget_set"]],
        "methods": ASCENT,
        "against": "val",
        "title": "Ascent Fails to Forget, Figure 1",
    },
    "3": {
        "forget_sets": config["ascent"]["figure_3_forget_sets"],
        "methods": ASCENT,
        "against": "val",
        "title": "Ascent Fails to Forget, Figure 3: different difficulties",
    },
    "6": {
        "forget_sets": config["ascent"]["forget_sets"],
        "methods": UNLEARNING,
        "against": "val",
        "title": "Ascent Fails to Forget, Figure 6: all forget sets, against validation",
    },
    "7": {
        "forget_sets": config["ascent"]["forget_sets"],
        "methods": UNLEARNING,
        "against": "retain",
        "title": "Ascent Fails to Forget, Figure 7: all forget sets, against the retain set",
    },
}


def split_of(wildcards):
    """Originals are trained on the base split, oracles on the split of their forget set."""
    name = (
        "base"
        if wildcards.population == "original"
        else wildcards.population.split("/")[1]
    )
    return f"<results>/splits/{name}.json"


def seeds_of(wildcards):
    """The seeds of a block; every kind of population has its own first seed."""
    populations = config["populations"]
    kind = wildcards.population.split("/")[0]
    first = populations["first_seed" if kind == "original" else f"{kind}_first_seed"]
    return block_arguments(
        wildcards.block, first, models_of(wildcards.population), populations["block"]
    )


def trak_weights(wildcards):
    """TRAK takes the gradients of the first originals."""
    if not TESTED_ONLY:
        return []
    numbers = blocks(DATAMODELS["trak"]["checkpoints"], config["populations"]["block"])
    return [
        f"<results>/populations/original/{number}.safetensors" for number in numbers
    ]


def forget_set_inputs(wildcards):
    """What a definition needs besides the base split: the datamodel matrix, or the user's file."""
    definition = config["forget_sets"][wildcards.forget_set]
    if definition["kind"] == "principal_component":
        return {"datamodel": "<results>/datamodels/matrix.npz"}
    if definition["kind"] == "file":
        return {"path": definition["path"]}
    return {}


def second_oracles(wildcards):
    """Margins of the second oracle population, where the configuration asks for one."""
    asked = wildcards.forget_set in config["populations"]["second_oracle"]
    return margins_of(f"second_oracle/{wildcards.forget_set}") if asked else []


def plane_arguments(wildcards):
    """What a figure of the plane shows."""
    plane = PLANES[wildcards.figure]
    return (
        f"--forget-sets {' '.join(plane['forget_sets'])} --methods {' '.join(plane['methods'])}"
        f" --against {plane['against']} --title '{plane['title']}'"
    )


def forget_set_sizes(wildcards):
    """NAME=POINTS of the forget sets whose size the configuration states."""
    definitions = config["forget_sets"]
    sizes = {
        name: definitions[name].get("size")
        or definitions[name].get("top", 0) + definitions[name].get("bottom", 0)
        for name in FORGET_SETS
    }
    return " ".join(f"{name}={size}" for name, size in sizes.items() if size)
