# What all rules share: the checked configuration, the blocks of seeds, the sources of a program.

import ast
import functools
import json
import os
import re
import shlex
import sys
from pathlib import Path

sys.path.insert(0, "src")

from palimpsest import configuration, stale_locks
from palimpsest.files import InputError

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
try:
    configuration.check(
        config,
        sources=["config.yaml", *(path for path in overlays if path != "config.yaml")],
        schema="workflow/schemas/config.schema.yaml",
        machine=RUNS_JOBS,
    )
except InputError as error:
    sys.exit(f"error: {error}")

RUNNING = RUNS_JOBS and stale_locks.enter(Path(".snakemake"))

CONDA = "../../envs/palimpsest.yaml"
GPU = int(config["device"] == "cuda")


def any_of(names):
    """A pattern that matches exactly these names."""
    return "|".join(names)


@functools.cache
def imports_of(path):
    """The files of the library that a Python file imports, itself and theirs included."""
    found = {path}
    pending = [path]
    while pending:
        tree = ast.parse(Path(pending.pop()).read_text(encoding="utf-8"))
        modules = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                modules += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.append(node.module)
                modules += [f"{node.module}.{alias.name}" for alias in node.names]
        for module in modules:
            parts = module.split(".")
            if parts[0] != "palimpsest":
                continue
            for depth in range(1, len(parts) + 1):  # a package's __init__ runs as well
                base = Path("src", *parts[:depth])
                for file in (base.with_suffix(".py"), base / "__init__.py"):
                    if file.is_file() and str(file) not in found:
                        found.add(str(file))
                        pending.append(str(file))
    return frozenset(found)


def sources(*programs):
    """Library files that these programs import: inputs of their rules, so an edit reruns them."""
    return sorted(set().union(*map(imports_of, programs)) - set(programs))


def blocks(models, size):
    """Numbers of the blocks that `models` models are dealt into."""
    return range(-(-models // size))


def block_arguments(block, first_seed, models, size):
    """The seeds of one block as arguments of a program."""
    start = int(block) * size
    return f"--first-seed {first_seed + start} --models {min(size, models - start)}"


def models_of(population):
    """The number of models of a population: second oracles may be fewer."""
    second = population.startswith("second_oracle")
    return config["populations"]["second_oracle_models" if second else "models"]


def margins_of(population):
    """Margins files of all blocks of a population."""
    numbers = blocks(models_of(population), config["populations"]["block"])
    return [f"<results>/populations/{population}/{number}.npz" for number in numbers]


def arguments(settings):
    """A map of settings as arguments of a program: peak_lr becomes --peak-lr."""
    return " ".join(
        f"--{name.replace('_', '-')} {shlex.quote(str(value))}"
        for name, value in settings.items()
    )


MODEL = f"--model {config['model']['name']} --width {config['model']['width']}"
RECIPE = arguments(config["training"])
DEVICE = (
    f"--device {config['device']} --precision {config['precision']} "
    f"--stack {config['populations']['stack']}"
)
KLOM = " ".join(
    f"--{name} '{config['klom'][name]}'"
    for name in ("mode", "direction", "bins", "clip", "floor", "percentile")
)


def settings_of(method):
    """All settings of a method, those of all its grids."""
    return configuration.combinations(config["grids"].get(method, [{}]))
