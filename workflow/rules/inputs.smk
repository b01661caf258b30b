# What jobs take: the inputs and parameters of the engine's rules that depend on a wildcard.

# Populations


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


def trained_record(wildcards):
    """The statistics that are kept of trained models, which are compared with no others."""
    among = [name for name in STATISTICS if name not in COMPARED]
    return record_in(tests_of(wildcards.population), among)


def block_after(wildcards):
    """Weights of the block of oracles after a block; the first comes after the last."""
    oracles = f"oracle/{wildcards.forget_set}"
    files = files_of(oracles, models_of(oracles), "safetensors")
    return files[(int(wildcards.block) + 1) % len(files)]


# Forget sets

DATAMODELS = config["datamodels"]
ESTIMATOR = registry.module("datamodels/estimators", DATAMODELS["estimator"])
ESTIMATED_FROM = ESTIMATOR.models(DATAMODELS["estimators"][DATAMODELS["estimator"]])
HELD_OUT = DATAMODELS["held_out"] * DATAMODELS["seeds"]
SHIPPED_ESTIMATE = (
    [os.path.relpath(shipped_path(DATAMODELS["shipped"]))]
    if DATAMODELS["shipped"]
    else []
)
ESTIMATE = SHIPPED_ESTIMATE or ["<results>/datamodels/estimate.json"]


def kind_of(forget_set):
    """The module of a forget set's kind."""
    return registry.module(
        "data/forget_sets", config["forget_sets"][forget_set]["kind"]
    )


def needs_estimate(forget_set):
    """Whether a forget set is chosen by a datamodel."""
    return "estimate" in getattr(kind_of(forget_set), "NEEDS", ())


IMPORTANT_SETS = [
    {
        key: config["forget_sets"][name][key]
        for key in config["forget_sets"][name]
        if key != "kind"
    }
    for name in FORGET_SETS
    if needs_estimate(name)
]


def is_larger(forget_set, names):
    """Whether a forget set is not the smallest of its family: those of one name up to its numbers."""

    def family(name):
        return re.sub(r"_(\d|top).*", "", name)

    def size(name):
        return kind_of(name).points(config["forget_sets"][name]) or 0

    own = [name for name in names if family(name) == family(forget_set)]
    return forget_set != min(own, key=size)


def subset_blocks(subsets):
    """Files of the models on held-out subsets, or of those that an estimate is made from."""
    models = {
        "held_out": HELD_OUT,
        "estimated_from": ESTIMATED_FROM if ESTIMATOR.NEEDS == "subsets" else 0,
    }
    return [
        f"<results>/datamodels/{subsets}/{number}.npz"
        for number in blocks(models[subsets], DATAMODELS["block"])
    ]


def subset_seeds(wildcards):
    """The seeds of a block of models on subsets; several on each held-out one."""
    first, size = DATAMODELS["first_seed"], DATAMODELS["block"]
    if wildcards.subsets == "estimated_from":
        return block_arguments(wildcards.block, first + HELD_OUT, ESTIMATED_FROM, size)
    seeds = block_arguments(wildcards.block, first, HELD_OUT, size)
    return f"{seeds} --models-a-subset {DATAMODELS['seeds']}"


def gradients_of(wildcards):
    """The originals whose gradients an estimator takes."""
    if ESTIMATOR.NEEDS != "originals":
        return []
    numbers = blocks(ESTIMATED_FROM, config["populations"]["block"])
    return [
        f"<results>/populations/original/{number}.safetensors" for number in numbers
    ]


def forget_set_inputs(wildcards):
    """What a definition needs besides the base split: an estimate, the user's files."""
    definition = config["forget_sets"][wildcards.forget_set]
    files = getattr(kind_of(wildcards.forget_set), "FILES", ())
    inputs = {name: definition[name] for name in files}
    if needs_estimate(wildcards.forget_set):
        inputs["estimate"] = ESTIMATE
    if "labels" in getattr(kind_of(wildcards.forget_set), "NEEDS", ()):
        inputs["dataset"] = "<results>/data/dataset.npz"
    return inputs


# Unlearning


def unlearned_models(wildcards):
    """How many models of a block of originals go through a method on a forget set."""
    size = config["populations"]["block"]
    asked = models_in(experiments_with(wildcards.forget_set, wildcards.method))
    return min(size, asked - int(wildcards.block) * size)


def oracles_beside(wildcards):
    """Weights of the oracles of a block, where it is asked how far models are from them."""
    tests = experiments_with(wildcards.forget_set, wildcards.method)
    weights = f"<results>/populations/oracle/{wildcards.forget_set}/{wildcards.block}"
    return [f"{weights}.safetensors"] if kept_in(tests, COMPARED) else []


def things_of(wildcards):
    """The files that a job of unlearning loads by name: method, preparations, model."""
    asked = settings_of(wildcards.method, wildcards.forget_set)
    plans = [configuration.plan_of(wildcards.method, setting) for setting in asked]
    preparations = {plan.prepare.name for plan in plans if plan.prepare}
    return [
        thing("methods", wildcards.method),
        thing("models", config["model"]["name"]),
        *(thing("preparations", name) for name in sorted(preparations)),
    ]


# Scores


def metrics_of(wildcards):
    """The metrics of an experiment with their settings, as one argument."""
    names = EXPERIMENTS[wildcards.experiment].metrics
    return as_json({name: config["metrics"].get(name, {}) for name in names})


def references_of(wildcards):
    """Of the metrics' settings those on which only oracles are scored, as one argument."""
    found = {}
    for name in EXPERIMENTS[wildcards.experiment].metrics:
        metric = registry.module("metrics", name)
        found[name] = settings_on_oracles(metric, config["metrics"].get(name, {}))
    return as_json(found)


def metric_files(wildcards):
    """The files of an experiment's metrics, which are loaded by name."""
    return [
        thing("metrics", name) for name in EXPERIMENTS[wildcards.experiment].metrics
    ]


def scores_oracles(test, table):
    """Whether a table of an experiment has rows of the oracles themselves."""
    metric = table.removesuffix(MODELS)
    return metric in test.metrics and registry.module("metrics", metric).OF_ORACLES


def grid_of(experiment, table):
    """What a table of an experiment has to hold: forget sets, of each method so many settings."""
    test = EXPERIMENTS[experiment]
    settings = {method: len(settings_in(test, method)) for method in test.methods}
    oracles = {"oracle": 1} if scores_oracles(test, table) else {}
    return {"forget_sets": list(test.forget_sets), "settings": settings | oracles}


def grids_of(inputs):
    """`grid_of` each table of an experiment among the inputs of a program, by name, as an argument."""
    pattern = rf"<results>/({any_of(EXPERIMENTS)})/({any_of(TABLES)})[.]csv"
    tables = {name: re.fullmatch(pattern, str(path)) for name, path in inputs.items()}
    grids = {name: grid_of(*found.groups()) for name, found in tables.items() if found}
    return f"--grids {as_json(grids)}"


def parts_of(wildcards):
    """Every file that holds a part of a table: of each forget set and, mostly, each method."""
    name, test = wildcards.experiment, EXPERIMENTS[wildcards.experiment]
    if wildcards.table.removesuffix(REDRAWS) in ("number_of_models", "null_check"):
        template = "<results>/{name}/number_of_models/{forget_set}.json"
        return expand(template, name=name, forget_set=test.forget_sets)
    parts = expand(
        "<results>/{name}/scores/{forget_set}/{method}.json",
        name=name,
        forget_set=test.forget_sets,
        method=test.methods,
    )
    if scores_oracles(test, wildcards.table):
        template = "<results>/{name}/oracles/{forget_set}.json"
        parts += expand(template, name=name, forget_set=test.forget_sets)
    return parts


def models_wanted(wildcards):
    """How many models of each population an experiment asks for."""
    return models_in([EXPERIMENTS[wildcards.experiment]])


def originals_of(wildcards):
    """Records of the originals that an experiment asks for."""
    return records_of("original", models_wanted(wildcards))


def oracles_of(wildcards):
    """Records of the oracles of a forget set that an experiment asks for."""
    return records_of(f"oracle/{wildcards.forget_set}", models_wanted(wildcards))


def oracle_costs(wildcards):
    """What the oracles of a forget set cost."""
    return files_of(f"oracle/{wildcards.forget_set}", models_wanted(wildcards), "json")


def compared_of(wildcards):
    """How far the oracles of a forget set are from others, where an experiment asks for it."""
    if not kept_in([EXPERIMENTS[wildcards.experiment]], COMPARED):
        return []
    return expand(
        "<results>/compared/{forget_set}/{block}.npz",
        forget_set=wildcards.forget_set,
        block=blocks(models_wanted(wildcards), config["populations"]["block"]),
    )


def unlearned_of(wildcards, suffix):
    """Files of the unlearned models that an experiment asks for."""
    return expand(
        "<results>/unlearned/{forget_set}/{method}/{block}.{suffix}",
        forget_set=wildcards.forget_set,
        method=wildcards.method,
        block=blocks(models_wanted(wildcards), config["populations"]["block"]),
        suffix=suffix,
    )


def second_oracles(wildcards):
    """Records of the second oracle population, where the configuration asks for one."""
    asked = wildcards.forget_set in config["populations"]["second_oracle"]
    return records_of(f"second_oracle/{wildcards.forget_set}") if asked else []


# Figures and tables

FORMATS = ["pdf", "svg", "png"]
FIGURE_FILES = {}  # study -> name of an input -> its files; each study adds its own
FIGURE_SETTINGS = {}  # study -> figure or table -> its settings
FIGURE_NOTES = {}  # study -> the line at the foot of its figures and tables
SHOWN = {}  # study -> figures | tables -> their names, where the run does not have all


def shown_in(study, folder):
    """The figures or the tables of a study: the files in its folder of them."""
    names = registry.names(f"studies/{study}/{folder}")
    return SHOWN.get(study, {}).get(folder, names)


def figures_in(study):
    """The figures of a study that the run shows."""
    return shown_in(study, "figures")


def tables_in(study):
    """Every file of the tables of a study that the run shows."""
    return expand(
        "<results>/{study}/tables/{name}.{format}",
        study=study,
        name=shown_in(study, "tables"),
        format=["csv", "md", "tex"],
    )


def constant(path, name):
    """A constant of a file of the library, read without running it."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    values = {
        ast.unparse(getattr(node, "target", None) or node.targets[0]): node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
    }
    return ast.literal_eval(values[name])


def study_in(folder):
    """The study whose results lie in a folder such as digits/ascent."""
    return folder.rpartition("/")[2]


def shown_file(wildcards):
    """The file of a figure or of a table."""
    study = f"studies/{study_in(wildcards.folder)}"
    if "figure" in wildcards.keys():
        return thing(f"{study}/figures", wildcards.figure)
    return thing(f"{study}/tables", wildcards.printed)


def shown_inputs(wildcards):
    """What a figure or a table is made from, by name: the INPUTS of its file."""
    files = FIGURE_FILES[study_in(wildcards.folder)]
    return {name: files[name] for name in constant(shown_file(wildcards), "INPUTS")}


def shown_seals(wildcards):
    """The checksums of the tables of this run that a figure or a table is made from."""
    files = [str(file) for file in shown_inputs(wildcards).values()]
    tables = [f for f in files if f.startswith("<results>") and f.endswith(".csv")]
    return [f"{table}.sha256" for table in tables]


def shown_grids(wildcards):
    """What the tables have to hold that a figure or a table is made from, as an argument."""
    return grids_of(shown_inputs(wildcards))


def shown_arguments(wildcards, input):
    """The inputs of a figure or of a table as NAME=PATH."""
    return " ".join(
        shlex.quote(f"{name}={path}")
        for name in shown_inputs(wildcards)
        for path in ([input[name]] if isinstance(input[name], str) else input[name])
    )


def shown_caption(wildcards):
    """The caption of a figure or of a table."""
    name = Path(shown_file(wildcards)).stem
    path = Path(f"reports/{study_in(wildcards.folder)}/captions/{name}.rst")
    return path.read_text(encoding="utf-8")


def shown_settings(wildcards):
    """The settings of a figure or of a table, as one argument."""
    settings = FIGURE_SETTINGS[study_in(wildcards.folder)]
    return as_json(settings.get(Path(shown_file(wildcards)).stem, {}))


def shown_note(wildcards):
    """The line at the foot of a figure or of a table, as one argument."""
    return shlex.quote(FIGURE_NOTES[study_in(wildcards.folder)])
