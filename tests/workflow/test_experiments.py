"""Experiments of one study share populations: each model is made once, as many as are asked for."""

import re
from pathlib import Path

import pytest
from running import SMOKE, copy_sources, look, write_overlay

ONE = {"forget_sets": ["class_3"], "models": 2, "metrics": ["accuracy"], "record": [], "grids": {}}
FINE_TUNED = ["ce_ft", "ice_ft", "kl_ft"]
OVERLAY = {
    "run": "experiments",
    "studies": ["classes"],
    "populations": {"models": 6, "block": 3, "stack": 3, "second_oracle": []}
    | {"second_oracle_models": 6},
    "datamodels": {"estimators": {"last_layer": {"checkpoints": 6}}},
    "classes": {
        "figures": {"figure_5": {"forget_set": "class_3"}},
        "experiments": {
            "table": ONE | {"methods": ["ft", *FINE_TUNED], "metrics": ["accuracy", "mia"]},
            "rates": ONE | {"methods": ["ft"]},
            "alpha": ONE
            | {"methods": FINE_TUNED, "metrics": ["accuracy", "mia", "distances"], "models": 4},
            "divergence": ONE | {"methods": ["ice_ft", "kl_ft"]},
            "klom": ONE | {"methods": ["nothing", "ft"], "metrics": ["accuracy", "klom"]},
            "features": ONE | {"methods": ["ft"], "record": ["features"]},
        },
    },
}
"""two experiments share a forget set; only one of them fine-tunes plainly"""
TRIALS = {"table": 2, "alpha": 4}
ROOT = "results/experiments/"


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The commands of a dry run that make and score models, by the file that each writes first."""
    folder: Path = copy_sources(tmp_path_factory.mktemp("experiments"))
    name = write_overlay(folder, OVERLAY)
    done = look(folder, "-n", "-p", "classes", "--configfile", SMOKE, name)
    assert done.returncode == 0, done.stdout
    found = {}
    programs = r"(?:train|unlearn|compare)_block|score(?:_oracles)?"
    asked = rf"^Shell command: (python src/(?:{programs})[.]py .+)$"
    for command in re.findall(asked, done.stdout, re.M):
        files = re.findall(r"--out(?:-\w+)? results/experiments/(\S+)", command)
        assert files[0] not in found
        found[files[0]] = command
    return found


def models(commands: dict[str, str], pattern: str) -> dict[str, int]:
    """File -> the number of models that its job is told, of the files that match."""
    return {
        file: int(re.search(r"--models (\d+)", command)[1])
        for file, command in commands.items()
        if re.fullmatch(pattern, file)
    }


def test_a_population_has_as_many_models_as_are_asked_for_and_is_made_once(commands):
    assert models(commands, "populations/.*safetensors") == {
        "populations/original/0.safetensors": 3,
        "populations/original/1.safetensors": 3,
        "populations/oracle/class_3/0.safetensors": 3,
        "populations/oracle/class_3/1.safetensors": 1,
    }
    both = {f"unlearned/class_3/{name}/0.npz": 3 for name in FINE_TUNED}
    both |= {f"unlearned/class_3/{name}/1.npz": 1 for name in FINE_TUNED}
    one = {f"unlearned/class_3/{name}/0.npz": 2 for name in ("ft", "nothing")}
    assert models(commands, "unlearned/.*") == both | one


def test_an_experiment_reads_its_own_models(commands):
    scored = models(commands, "classes/(table|alpha)/scores/.*")
    names = {name: ["ft", *FINE_TUNED] if name == "table" else FINE_TUNED for name in TRIALS}
    assert scored == {
        f"classes/{name}/scores/class_3/{method}.json": TRIALS[name]
        for name in TRIALS
        for method in names[name]
    }
    for name, blocks in (("table", ["0"]), ("alpha", ["0", "1"])):
        command = commands[f"classes/{name}/scores/class_3/ce_ft.json"]
        for place in (
            "populations/original",
            "populations/oracle/class_3",
            "unlearned/class_3/ce_ft",
        ):
            assert re.findall(rf"{place}/(\d)[.]npz", command) == blocks


def test_a_record_holds_what_some_experiment_asks_for(commands):
    def record(file: str) -> list[str]:
        names = re.search(r"--record ((?:[a-z_]+ )+)", commands[file])[1].split()
        return [name for name in names if "_to_" not in name]

    everything = ["margin", "correct", "features", "logits"]
    assert record("populations/oracle/class_3/0.safetensors") == everything
    assert record("unlearned/class_3/ft/0.npz") == everything
    assert record("unlearned/class_3/ce_ft/0.npz") == ["margin", "correct", "logits"]
    assert record("unlearned/class_3/nothing/0.npz") == everything[:2]


def named(command: str, option: str) -> list[str]:
    """The results that an option of a command names."""
    found = re.search(rf"--{option} ((?:results/\S+ ?)+)", command)
    return [] if found is None else [word.removeprefix(ROOT) for word in found[1].split()]


def test_only_what_asks_for_distances_is_compared_with_oracles(commands):
    oracles = [f"populations/oracle/class_3/{block}.safetensors" for block in range(2)]
    for method in ("ft", "nothing"):
        assert named(commands[f"unlearned/class_3/{method}/0.npz"], "oracles") == []
    for method in FINE_TUNED:
        for block in range(2):
            command = commands[f"unlearned/class_3/{method}/{block}.npz"]
            assert named(command, "oracles") == [oracles[block]]
            asked = re.search(r"--record ([\w ]+) --", command)[1].split()
            assert {"feature_to_oracle", "feature_to_original", "logits"} <= set(asked)
    for block in range(2):  # the first oracle comes after the last
        command = commands[f"compared/class_3/{block}.npz"]
        assert named(command, "weights") == [oracles[block]]
        assert named(command, "after") == [oracles[1 - block]]
        assert named(command, "originals") == [f"populations/original/{block}.safetensors"]
    for name, compared in (("alpha", [f"compared/class_3/{n}.npz" for n in range(2)]),
                           ("table", [])):  # fmt: skip
        command = commands[f"classes/{name}/oracles/class_3.references.json"]
        assert named(command, "compared") == compared
