# What all rules share: the checked configuration, the library files of a program, blocks of seeds.

import ast
import functools
import json
import os
import re
import shlex
import sys
from pathlib import Path

sys.path.insert(0, "src")

from snakemake.logging import logger

from palimpsest import config as configuration
from palimpsest import registry, runs
from palimpsest.config import needs
from palimpsest.config.checking import check, check_target
from palimpsest.config.settings import chosen_studies
from palimpsest.config.study import experiments
from palimpsest.datamodels.estimate import shipped_path
from palimpsest.files import InputError
from palimpsest.metrics import recorded, settings_on_oracles
from palimpsest.models import files_to_read
from palimpsest.records import ALWAYS, COMPARED, STATISTICS
from palimpsest.scoring import MODELS, REDRAWS
from palimpsest.sources import imports_of

# Jobs run the interpreter that runs Snakemake, unless a profile deploys an environment, and one
# thread each: several threads in one job are slower, and their sums are not the same bits.
environment = os.environ
environment.update(
    PATH=os.pathsep.join(
        [str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
    ),
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
)

# While the rules are read, Snakemake does not say yet whether it will run jobs or only look at them.
ONLY_LOOKS = re.compile(
    r"-[pFfktqr]*[nDl][a-zA-Z]*|--(dry-?run|lint|dag|rulegraph|filegraph|d3dag|summary|lt"
    r"|detailed-summary|list.*|unlock|report|archive|containerize|print-compilation)"
)
RUNS_JOBS = workflow.is_main_process and not any(
    map(ONLY_LOOKS.fullmatch, sys.argv[1:])
)

overlays = [os.path.relpath(path) for path in workflow.configfiles]
overlays = ["config.yaml", *(path for path in overlays if path != "config.yaml")]
try:
    # Snakemake has merged every map; the settings of a model belong to the one that is named last.
    given = configuration.load(overlays), workflow.config_settings.config
    config["model"] = configuration.merge(*given)["model"]
    check(config, files=overlays, machine=RUNS_JOBS)
except InputError as error:
    sys.exit("\n".join(f"error: {line}" for line in str(error).splitlines()))

if RUNS_JOBS:
    try:
        runs.check_places(
            [Path("logs"), Path("results")], Path("results", config["run"])
        )
    except InputError as error:
        sys.exit(f"error: {error}")

# A job on a cluster that starts after its run was followed by another touches nothing.
if not workflow.is_main_process:
    try:
        runs.check_wanted()
    except InputError as error:
        sys.exit(f"error: {error}")

# Jobs know their run; those that a dead run left running end here, before they write over newer results.
RUNNING = runs.enter(Path(".snakemake"), Path("results")) if RUNS_JOBS else None
if RUNNING:
    environment[runs.VARIABLE] = str(RUNNING.file)
    if RUNNING.orphans:
        logger.info(
            f"ended {len(RUNNING.orphans)} processes that a killed run had left behind"
        )
    for name, number in RUNNING.cancelled.items():
        if number:
            logger.info(
                f"cancelled {number} jobs that a killed run had left on the cluster"
            )
        elif number is None:
            logger.warning(
                "the jobs of a killed run could not be cancelled"
                f" (scancel --name={name}); what they make is refused"
            )

CONDA = "../../envs/palimpsest.yaml"
GPU = int(config["device"] == "cuda")
FACTS = needs.facts_of(config)
STACK = config["populations"]["stack"]
DEVICE = f"--device {config['device']} --precision {config['precision']}"
SETUP = (
    config["model"]["name"]
    + "".join(
        f", {name} {value}" for name, value in config["model"].items() if name != "name"
    )
    + f"; {config['data']['name']}; {config['device']}; run {config['run']}"
)
NOTE = f"N = {config['populations']['models']} models of {SETUP}"


def as_json(value):
    """A section of the configuration as one argument of a program."""
    return shlex.quote(json.dumps(value))


def named(names, paths):
    """Inputs of a program as NAME=PATH; fewer paths than names give as many."""
    pairs = zip(names, [paths] if isinstance(paths, str) else paths)
    return " ".join(shlex.quote(f"{name}={path}") for name, path in pairs)


MODEL = f"--model {as_json(config['model'])}"
MODEL_FILES = files_to_read(config["model"])
TRAINING = f"--training {as_json(config['training'])}"


def growing(amount):
    """Of megabytes or minutes as much again at each attempt."""
    return lambda wildcards, attempt: amount * attempt


def memory(step):
    """Megabytes that a job of this step needs for the run's data set and model."""
    return growing(needs.memory_mb(step, config, FACTS))


def minutes(step):
    """Minutes after which a job of this step is given up."""
    return growing(needs.minutes(step, config, FACTS))


def any_of(names):
    """A pattern that matches exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def library_inputs(*programs):
    """Library files that these programs import: inputs of their rules, so an edit reruns them."""
    return sorted(set().union(*map(imports_of, programs)) - set(programs))


def thing(folder, name):
    """The file of a method, a model, a metric, ..., which is loaded by its name."""
    return f"src/palimpsest/{folder}/{name}.py"


def blocks(models, size):
    """Numbers of the blocks that `models` models are dealt into."""
    return range(-(-models // size))


def block_arguments(block, first_seed, models, size):
    """The seeds of one block as arguments of a program."""
    start = int(block) * size
    return f"--first-seed {first_seed + start} --models {min(size, models - start)}"


STUDIES = registry.names("studies")


def check_targets(words):
    """End where a word of the command line is a target of a study that the run does not list, or a
    figure or a table of it that the run does not have."""
    for word in words:
        parts = Path(word).parts
        study = (
            parts[2] if parts[:2] == ("results", config["run"]) and parts[2:] else ""
        )
        if workflow.is_rule(word):
            study = Path(workflow.get_rule(word).snakefile).stem
        if study in STUDIES:
            try:
                check_target(word, study, config, files=overlays)
            except InputError as error:
                sys.exit(f"error: {error}")
            name = Path(word).name.partition(".")[0]
            for folder, shown in SHOWN.get(study, {}).items():
                if (
                    name in registry.names(f"studies/{study}/{folder}")
                    and name not in shown
                ):
                    sys.exit(
                        f"error: {word} shows what the run {config['run']} does not have; "
                        f"allowed {folder}: {', '.join(shown)}"
                    )


TABLES = [
    *(
        name + more
        for name in registry.names("metrics")
        for more in ("", REDRAWS, MODELS)
    ),
    "sharing",
    "number_of_models",
    f"number_of_models{REDRAWS}",
    "null_check",
]

# What the studies of this run ask of the engine; what two of them ask for is made once.
EXPERIMENTS = experiments(chosen_studies(config))
FORGET_SETS = list(
    dict.fromkeys(name for test in EXPERIMENTS.values() for name in test.forget_sets)
)


def experiments_with(forget_set=None, method=None):
    """The experiments that have a forget set and a method."""
    return [
        test
        for test in EXPERIMENTS.values()
        if forget_set in [None, *test.forget_sets] and method in [None, *test.methods]
    ]


def models_in(tests):
    """The most models that any of some experiments asks for."""
    every = config["populations"]["models"]
    return max([test.models or every for test in tests], default=every)


def numbers_of_models(experiments):
    """The models of a study's experiment `table`, and of those that have another number."""
    own = {name: models_in([test]) for name, test in experiments.items()}
    table = own.pop("table")
    others = [f"{name}: {models}" for name, models in own.items() if models != table]
    return ", ".join([str(table), *others])


def kept_in(tests, among=STATISTICS):
    """The statistics that some experiments ask for."""
    asked = {name for test in tests for name in test.kept(config["metrics"])}
    more = (asked & {*among}) - {*ALWAYS}
    return [name for name in ALWAYS if name in among] + sorted(more)


def record_in(tests, among=STATISTICS):
    """The statistics that some experiments ask for, and how they are to be measured, as arguments."""
    asked = {}
    for test in tests:
        asked |= recorded(test.metrics, config["metrics"])
    how = [f" --{name} {shlex.quote(str(value))}" for name, value in asked.items()]
    names = kept_in(tests, among)
    return f"--record {' '.join(names)}{''.join(how if {*names} & {*COMPARED} else [])}"


def tests_of(population):
    """The experiments that a population is made for: originals for all."""
    return experiments_with(
        None if population == "original" else population.split("/")[1]
    )


def models_of(population):
    """The number of models of a population: oracles as many as are asked for, second ones fewer."""
    if population == "original":
        return config["populations"]["models"]
    asked = models_in(tests_of(population))
    second = population.startswith("second_oracle")
    return (
        min(asked, config["populations"]["second_oracle_models"]) if second else asked
    )


def files_of(population, models, suffix):
    """Files of the blocks of the first so many models of a population."""
    numbers = blocks(models, config["populations"]["block"])
    return [
        f"<results>/populations/{population}/{number}.{suffix}" for number in numbers
    ]


def records_of(population, models=None):
    """Records of a population, those of its first so many models (None: all)."""
    return files_of(population, models or models_of(population), "npz")


def settings_in(test, method):
    """All settings of a method in an experiment, those of all its grids."""
    return configuration.combinations(method, test.grids.get(method, [{}]))


@functools.cache
def settings_of(method, forget_set):
    """The settings of a method that the run's experiments ask for on a forget set, each once."""
    asked = []
    for test in experiments_with(forget_set, method):
        asked += [s for s in settings_in(test, method) if s not in asked]
    return asked


# The first line of tools/show_progress.py; runs that say the same of themselves take as long.
if RUNS_JOBS:
    asked = [
        len(settings_of(method, name))
        for name in FORGET_SETS
        for method in dict.fromkeys(m for t in EXPERIMENTS.values() for m in t.methods)
    ]
    size = f"{len(FORGET_SETS)} forget sets, {sum(asked)} settings"
    about = [", ".join(config["studies"]), *NOTE.split("; ")[:-1], size]
    logger.info(f"run {config['run']}: {'; '.join(about)}")
