"""The configuration: shipped files are valid, and each wrong input is one clear sentence."""

import copy
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import yaml

from palimpsest import config_machine, configuration, methods
from palimpsest.files import InputError

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
BASE = ROOT / "config.yaml"
OVERLAYS = sorted((ROOT / "config").glob("*.yaml"))


@pytest.fixture
def project(tmp_path):
    """A folder with config.yaml; call it with an overlay to check the two."""
    shutil.copy(BASE, tmp_path)

    def run(overlay=None, command_line=None, machine=False):
        sources = ["config.yaml"]
        if overlay is not None:
            text = overlay if isinstance(overlay, str) else yaml.safe_dump(overlay)
            (tmp_path / "mine.yaml").write_text(text)
            sources.append("mine.yaml")
        config = configuration.load([tmp_path / source for source in sources])
        config = configuration.merge(config, command_line or {})
        configuration.check(config, sources=sources, schema=SCHEMA, root=tmp_path, machine=machine)

    run.root = tmp_path
    return run


def sentence(call, *args, **settings):
    """The message of the error, after a look at its form."""
    with pytest.raises(InputError) as error:
        call(*args, **settings)
    text = str(error.value)
    assert "\n" not in text
    assert "allowed: " in text or "needed" in text or "write " in text
    return text


# What is shipped


@pytest.mark.parametrize("overlay", [None, *OVERLAYS], ids=lambda path: path.stem if path else "")
def test_shipped_files_are_valid(overlay):
    sources = [BASE, *([overlay] if overlay else [])]
    config = configuration.load(sources)
    configuration.check(config, sources=sources, schema=SCHEMA, root=ROOT, machine=False)
    assert config["run"] == (overlay.stem if overlay else "digits")


def test_the_default_run_suits_this_machine(project):
    before = sorted(os.listdir(project.root))
    project(machine=True)
    assert sorted(os.listdir(project.root)) == before


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_overlays_hold_only_what_differs(overlay):
    base, over = configuration.load([BASE]), configuration.load([overlay])

    def same(below, above, key=""):
        for name, value in above.items():
            if isinstance(value, dict) and name in below:
                yield from same(below[name], value, f"{key}{name}.")
            elif name in below and below[name] == value:
                yield f"{key}{name}"

    kept = {"forget_sets.random_30.kind", "populations.second_oracle"}  # whole lines read better
    repeated = [name for name in same(base, over) if not name.startswith("forget_sets.")]
    assert set(repeated) <= kept
    assert "--configfile" in overlay.read_text()
    assert f"config/{overlay.name}" in overlay.read_text()


def test_the_schema_is_closed_everywhere():
    def maps(schema, path="schema"):
        if isinstance(schema, dict):
            if "properties" in schema and "if" not in path.split("/")[-1:]:
                yield path, schema
            for key, value in schema.items():
                yield from maps(value, f"{path}/{key}")
        elif isinstance(schema, list):
            for place, value in enumerate(schema):
                yield from maps(value, f"{path}/{place}")

    found = dict(maps(yaml.safe_load(SCHEMA.read_text())))
    found.pop("schema/$defs/forget_set")  # closed by each of its kinds, checked below
    assert len(found) > 10
    for path, schema in found.items():
        assert schema.get("additionalProperties") is False, path


def test_the_schema_knows_every_method_and_its_settings():
    schema = yaml.safe_load(SCHEMA.read_text())
    listed = schema["properties"]["ascent"]["properties"]["methods"]["items"]["enum"]
    assert set(listed) <= set(methods.names())
    for method in schema["properties"]["grids"]["properties"]:
        grid = schema["$defs"][f"{method}_grid"]
        assert set(grid["properties"]) == set(methods.settings_of(method))
        assert set(grid["required"]) == set(methods.settings_of(method))


def test_the_papers_grids_are_whole():
    cifar10 = configuration.load([BASE, ROOT / "config" / "cifar10.yaml"])
    full = configuration.load([BASE, ROOT / "config" / "digits-full.yaml"])
    for grids in (cifar10["grids"], full["grids"]):
        counts = {name: len(configuration.combinations(grid)) for name, grid in grids.items()}
        assert counts == {"ga": 35 + 35 + 5, "gda": 48, "scrub": 48}


# Merging


def test_maps_merge_and_lists_are_replaced(tmp_path):
    (tmp_path / "a.yaml").write_text("a: {x: 1, y: 2}\nl: [1, 2]\n")
    (tmp_path / "b.yaml").write_text("a: {y: 3}\nl: [4]\n")
    config = configuration.load([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert config == {"a": {"x": 1, "y": 3}, "l": [4]}


def test_combinations_are_products_of_each_grid():
    grids = [{"lr": [1, 2], "epochs": [3, 4]}, {"lr": [0], "epochs": [5]}]
    assert configuration.combinations(grids) == [
        {"lr": 1, "epochs": 3}, {"lr": 1, "epochs": 4}, {"lr": 2, "epochs": 3},
        {"lr": 2, "epochs": 4}, {"lr": 0, "epochs": 5},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: [1", "not valid YAML"),
        ("- 1\n", "holds a list; needed: a map of settings"),
        ("", "holds null; needed: a map of settings"),
        ("a: 1\nb: 2\na: 3\n", "the key 'a' stands twice, again in line 3"),
        ("m: {a: 1, a: 2}\n", "the key 'a' stands twice"),
    ],
)
def test_wrong_yaml_names_the_file(tmp_path, text, found):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        configuration.load([tmp_path / "a.yaml"])
    assert str(error.value).startswith(f"{tmp_path / 'a.yaml'}: ")
    assert found in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="there is no such file"):
        configuration.load([tmp_path / "b.yaml"])


# The form of an error


def test_the_sentence_names_file_key_found_and_allowed(project):
    assert sentence(project, {"training": {"epochs": 0}}) == (
        "mine.yaml: training.epochs is 0; allowed: an integer at least 1"
    )


def test_the_file_is_the_one_that_sets_the_value(project):
    wrong = {"training": {"epochs": 0}}
    fine = {"training": {"momentum": 0.5}}
    assert sentence(project, wrong).startswith("mine.yaml: training.epochs")
    assert sentence(project, fine, wrong).startswith("the command line: training.epochs")
    assert sentence(project, None, {"colour": 1}).startswith("the command line: colour is")
    text = BASE.read_text().replace("epochs: 24 ", "epochs: 0 ")
    (project.root / "config.yaml").write_text(text)
    assert sentence(project, fine).startswith("config.yaml: training.epochs is 0")


UNKNOWN = [
    ({"trainin": {"epochs": 3}}, "trainin is an unknown key (did you mean training?)"),
    ({"training": {"epoch": 3}}, "training.epoch is an unknown key (did you mean epochs?)"),
    ({"training": {"colour": 3}}, "training.colour is an unknown key; allowed: epochs, batch"),
    ({"grids": {"gaa": []}}, "grids.gaa is an unknown key"),
    ({"datamodels": {"trak": {"dim": 3}}}, "datamodels.trak.dim is an unknown key"),
    ({"klom": {True: 3}}, "klom.True is an unknown key"),
    (
        {"forget_sets": {"random_30": {"top": 3}}},
        "forget_sets.random_30.top is an unknown key; allowed: kind, size, seed",
    ),
    (
        {"grids": {"ga": [{"lr": [0.1], "epochs": [1], "forget_batch": [8], "batch_norm": ["train"],
                           "alpha": [1]}]}},
        "grids.ga[0].alpha is an unknown key; allowed: lr, epochs, forget_batch, batch_norm",
    ),
]  # fmt: skip

WRONG_VALUES = [
    ({"training": {"epochs": "many"}}, "training.epochs is the text 'many'; allowed: an integer"),
    ({"training": {"epochs": True}}, "training.epochs is true; allowed: an integer at least 1"),
    ({"training": {"epochs": 24.0}}, "training.epochs is 24.0; allowed: an integer at least 1"),
    ({"training": {"epochs": None}}, "training.epochs is null; allowed: an integer"),
    ({"training": {"peak_lr": True}}, "training.peak_lr is true; allowed: a number above 0"),
    ({"training": {"peak_lr": float("nan")}}, "training.peak_lr is nan; allowed: a number above 0"),
    ({"training": {"peak_lr": float("inf")}}, "training.peak_lr is inf; allowed: a number above 0"),
    ({"training": {"peak_lr": [0.1]}}, "training.peak_lr is a list; allowed: a number above 0"),
    ({"training": {"momentum": 1}}, "training.momentum is 1; allowed: a number at least 0 and below"),
    ({"training": 3}, "training is 3; allowed: a map"),
    ({"data": {"download": "yes, please"}}, "data.download is the text 'yes, please'; allowed: true"),
    ({"data": {"train_size": 0}}, "data.train_size is 0; allowed: an integer at least 1 or null"),
    ({"data": {"name": "mnist"}}, "data.name is the text 'mnist'; allowed: digits, cifar10"),
    ({"device": "gpu"}, "device is the text 'gpu'; allowed: cpu, cuda"),
    ({"run": "../up"}, "run is the text '../up'; allowed: a text of lower-case letters, digits, _"),
    ({"run": "digits\n"}, "run is the text"),
    ({"run": ""}, "run is an empty text"),
    ({"populations": {"first_seed": -1}}, "populations.first_seed is -1; allowed: an integer at least 0"),
    ({"populations": {"first_seed": 1.5}}, "populations.first_seed is 1.5; allowed: an integer"),
    ({"klom": {"mode": "mine"}}, "klom.mode is the text 'mine'; allowed: ours, easydub, georgiev"),
    ({"klom": {"percentile": 101}}, "klom.percentile is 101; allowed: a number at least 0 and at most"),
    ({"forget_sets": {"Mine": {"kind": "file", "path": "a"}}}, "forget_sets.Mine is no name; allowed"),
    ({"forget_sets": {5: {"kind": "file", "path": "a"}}}, "forget_sets.5 is no name; allowed"),
    ({"forget_sets": {"a": {"kind": "best"}}}, "forget_sets.a.kind is the text 'best'; allowed: random"),
    ({"ascent": {"methods": ["ga", "gaa"]}}, "ascent.methods[1] is the text 'gaa'; allowed: nothing"),
    ({"ascent": {"methods": ["ga", "ga"]}}, "ascent.methods holds the text 'ga' twice; allowed: each"),
    ({"ascent": {"methods": []}}, "ascent.methods is an empty list; allowed: at least one entry"),
]  # fmt: skip


@pytest.mark.parametrize(("overlay", "found"), UNKNOWN + WRONG_VALUES)
def test_unknown_keys_and_wrong_values(project, overlay, found):
    assert sentence(project, overlay).startswith(f"mine.yaml: {found}")


@pytest.mark.parametrize(
    ("written", "write"),
    [("1e-5", "1.0e-5"), ("2.5e3", "2.5e+3"), (".5e-3", "0.5e-3"), ("'0.1'", "0.1"), ("1e5", "1.0e+5")],
)  # fmt: skip
def test_a_number_that_yaml_reads_as_text(project, written, write):
    found = sentence(project, f"training: {{peak_lr: {written}}}")
    assert found == (
        f"mine.yaml: training.peak_lr is the text {yaml.safe_load(written)!r}, which YAML does not "
        f"read as a number; write {write}"
    )
    assert isinstance(yaml.safe_load(write), float)


def test_an_integer_that_yaml_reads_as_text(project):
    assert sentence(project, "training: {epochs: '24'}").endswith("as a number; write 24")
    assert sentence(project, "training: {epochs: 1e1}").endswith("as a number; write 10")
    assert sentence(project, "training: {epochs: '2.5'}").endswith("allowed: an integer at least 1")
    assert sentence(project, "training: {peak_lr: 'nan'}").endswith("allowed: a number above 0")


def test_the_text_of_a_grid_is_found_too(project):
    grids = configuration.load([BASE])["grids"]["ga"]
    grids[1]["lr"][2] = "1e-4"
    found = sentence(project, {"grids": {"ga": grids}})
    assert found.startswith("mine.yaml: grids.ga[1].lr[2] is the text '1e-4', which YAML")


def test_missing_keys(project):
    found = sentence(project, {"forget_sets": {"mine": {"kind": "random", "size": 3}}})
    assert found == (
        "mine.yaml: forget_sets.mine.seed is missing; needed in forget_sets.mine: size, seed"
    )
    text = BASE.read_text().replace("  bins: 20", "  # bins: 20")
    (project.root / "config.yaml").write_text(text)
    assert sentence(project).startswith("config.yaml: klom.bins is missing; needed in klom: mode")


@pytest.mark.parametrize(
    ("overlay", "found"),
    [
        ({"grids": {"ga": []}}, "grids.ga is an empty grid"),
        ({"grids": {"ga": [{"lr": [], "epochs": [1], "forget_batch": [4], "batch_norm": ["train"]}]}},
         "grids.ga[0].lr is an empty grid"),
    ],
)  # fmt: skip
def test_an_empty_grid(project, overlay, found):
    assert sentence(project, overlay) == f"mine.yaml: {found}; allowed: at least one entry"


# Parts that do not fit


def grid(**settings):
    base = {"lr": [0.1], "epochs": [5], "ascent_epochs": [3], "forget_batch": [8],
            "retain_batch": [8], "batch_norm": ["train"]}  # fmt: skip
    return {"grids": {"gda": [{**base, **settings}]}}


MEANING = [
    ({"training": {"peak_epoch": 24}}, "training.peak_epoch is 24; allowed: below training.epochs"),
    ({"populations": {"stack": 51}}, "populations.stack is 51; allowed: at most populations.block"),
    ({"datamodels": {"held_out": 400}}, "datamodels.held_out is 400; allowed: below datamodels.models"),
    ({"datamodels": {"estimator": "trak", "trak": {"checkpoints": 101}}},
     "datamodels.trak.checkpoints is 101; allowed: at most populations.models, which is 100"),
    ({"populations": {"oracle_first_seed": 99}},
     "populations.oracle_first_seed gives the seeds 99..198, and populations.first_seed 0..99; "
     "allowed: ranges of seeds that do not overlap"),
    ({"datamodels": {"first_seed": 19700}}, "datamodels.first_seed gives the seeds 19700..20099"),
    ({"ascent": {"forget_sets": ["random_31"]}},
     "ascent.forget_sets names 'random_31'; allowed: random_30, pc1_top_30, pc2_top_30"),
    ({"ascent": {"figure_1_forget_set": "random_31"}}, "ascent.figure_1_forget_set names 'random_31'"),
    ({"ascent": {"forget_sets": ["random_30", "pc1_top_30"]}},
     "ascent.figure_3_forget_sets names 'pc2_top_30'; allowed: random_30, pc1_top_30"),
    ({"populations": {"second_oracle": ["mine"]}}, "populations.second_oracle names 'mine'; allowed"),
    ({"forget_sets": {"base": {"kind": "random", "size": 3, "seed": 0}}}, "forget_sets.base is the name"),
    (grid(ascent_epochs=[3, 6]), "grids.gda[0].ascent_epochs reaches 6; allowed: at most the least"),
    (grid(lr=[0, 0.0]), "grids.gda[0].lr holds 0.0 twice; allowed: each value once"),
    ({"grids": {"gda": grid()["grids"]["gda"] * 2}}, "grids.gda gives the setting lr 0.1, epochs 5"),
    ({"klom": {"jackknife_groups": 101}}, "klom.jackknife_groups is 101; allowed: at most populations"),
    ({"klom": {"numbers_of_models": [50, 101]}}, "klom.numbers_of_models holds 101; allowed: at most"),
    ({"data": {"train_size": 1438}}, "data.train_size is 1438; allowed: 1 to 1437, or null for all"),
    ({"data": {"val_size": 361}}, "data.val_size is 361; allowed: 1 to 360, or null for all"),
    ({"data": {"val_fraction": 0.9999}}, "data.val_fraction 0.9999 leaves 0 training and 1797"),
    ({"forget_sets": {"random_30": {"size": 1437}}},
     "forget_sets.random_30.size is 1437; allowed: at most 1436, below the 1437 training points"),
    ({"data": {"train_size": 30}}, "forget_sets.random_30.size is 30; allowed: at most 29"),
    ({"data": {"name": "cifar10"}, "forget_sets": {"random_30": {"size": 50_000}}},
     "forget_sets.random_30.size is 50000; allowed: at most 49999, below the 50000 training points"),
    ({"forget_sets": {"pc1_top_30": {"top": 0}}}, "forget_sets.pc1_top_30.top and bottom are 0; allowed"),
    ({"forget_sets": {"pc1_top_30": {"top": 1000, "bottom": 437}}},
     "forget_sets.pc1_top_30.top is 1437 with bottom; allowed: at most 1436"),
    ({"forget_sets": {"pc1_top_30": {"component": 1437}}}, "forget_sets.pc1_top_30.component is 1437"),
]  # fmt: skip


@pytest.mark.parametrize(("overlay", "found"), MEANING)
def test_parts_that_do_not_fit(project, overlay, found):
    text = sentence(project, overlay)
    assert found in text
    assert text.startswith(("mine.yaml: ", "config.yaml: "))


def test_a_method_needs_a_grid(project):
    text = BASE.read_text()
    start, end = text.index("  scrub: "), text.index("klom:  ")
    (project.root / "config.yaml").write_text(text[:start] + text[end:])
    assert sentence(project) == (
        "config.yaml: ascent.methods names scrub, and grids.scrub is missing; "
        "needed: a grid for each method"
    )


@pytest.mark.parametrize(
    "overlay",
    [
        {"populations": {"first_seed": 0}, "data": {"split_seed": 0}},
        grid(forget_batch=[5000]),
        grid(lr=[0]),
        {"training": {"batch_size": 5000}},
        {"forget_sets": {"random_30": {"size": 1436}}},
        {"forget_sets": {"unused": {"kind": "random", "size": 5000, "seed": 0}}},
        {"populations": {"second_oracle": []}},
    ],
    ids=[
        "seed 0",
        "large forget batch",
        "lr 0",
        "large batch",
        "all but one",
        "unused",
        "no second",
    ],
)
def test_what_is_allowed(project, overlay):
    project(overlay)


# Forget sets from files


def from_file(**keys):
    return {"forget_sets": {"mine": {"kind": "file", **keys}}, "ascent": {
        "forget_sets": ["mine"], "figure_1_forget_set": "mine", "figure_2_forget_set": "mine",
        "figure_3_forget_sets": ["mine"]}, "populations": {"second_oracle": []}}  # fmt: skip


def test_a_forget_set_from_a_file(project):
    from palimpsest.data.sources import load_dataset
    from palimpsest.data.splits import base_split

    split = base_split(load_dataset("digits"))
    np.savez(project.root / "mine.npz", good=split.train[:20], outside=[split.train[0], split.val[0]],
             twice=[5, 5], far=[1797], all=split.train)  # fmt: skip
    project(from_file(path="mine.npz", key="good"))
    start = "mine.yaml: forget_sets.mine.path: "
    for key, found in [
        ("outside", f"{start}forget index {split.val[0]} is not in the training set; allowed: its 1437"),
        ("twice", "mine.npz: the forget set holds index 5 twice; allowed: each index once"),
        ("far", f"{start}forget index 1797 is not in the training set"),
        ("all", f"{start}the forget set has 1437 points and the training set 1437; allowed: at most"),
    ]:  # fmt: skip
        text = sentence(project, from_file(path="mine.npz", key=key))
        assert text.startswith(start)
        assert found in text
    with pytest.raises(InputError, match=r"mine\.yaml: .*absent\.txt: there is no such file"):
        project(from_file(path="absent.txt"))
    with pytest.raises(InputError, match=r"mine\.yaml: .*name one of them as key"):
        project(from_file(path="mine.npz"))


def test_a_forget_set_from_a_file_on_cifar10(project):
    cifar10 = {"data": {"name": "cifar10"}}
    (project.root / "mine.json").write_text(json.dumps([0, 49_999]))
    project({**cifar10, **from_file(path="mine.json")})
    (project.root / "mine.json").write_text(json.dumps([0, 50_000]))
    text = sentence(project, {**cifar10, **from_file(path="mine.json")})
    assert "forget index 50000 is not in the training set; allowed: 0 to 49999" in text
    (project.root / "mine.json").write_text(json.dumps([0, 1, 2]))
    text = sentence(
        project, {"data": {"name": "cifar10", "train_size": 3}, **from_file(path="mine.json")}
    )
    assert "the forget set has 3 points and the training set 3; allowed: at most 2" in text


# This machine


def test_missing_data_files(project):
    overlay = {"data": {"name": "cifar10"}}
    project(overlay)
    with pytest.raises(InputError) as error:
        project(overlay, machine=True)
    assert str(error.value).startswith("mine.yaml: data.name is cifar10: ")
    assert "data_batch_1: there is no such file; put the CIFAR-10" in str(error.value)
    folder = project.root / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in ("test_batch", "batches.meta", *(f"data_batch_{n}" for n in range(1, 6))):
        (folder / name).write_bytes(b"cut off")
    with pytest.raises(InputError, match="data_batch_1: damaged or another file"):
        project(overlay, machine=True)


def test_a_results_folder_that_cannot_be_written(project, monkeypatch):
    (project.root / "results").write_text("a file")
    text = sentence(project, machine=True)
    assert text.startswith(f"{project.root / 'results'} is not a folder; needed: a folder that can")
    (project.root / "results").unlink()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    text = sentence(project, machine=True)
    assert text.startswith(
        f"{project.root} cannot be written; needed: a folder that can be written"
    )
    assert not (project.root / "results").exists()


def test_a_folder_that_only_an_attempt_shows_to_be_closed():
    # The folder grants root everything and refuses new files all the same.
    with pytest.raises(InputError, match="/proc cannot be written"):
        config_machine.check_results(Path("/proc/results/digits"))


def test_cuda_where_there_is_no_gpu(project, monkeypatch):
    overlay = {"device": "cuda"}
    monkeypatch.setattr(config_machine, "may_have_gpu", lambda: False)
    assert sentence(project, overlay, machine=True) == (
        "mine.yaml: device is cuda and this machine shows no GPU; allowed: cpu here"
    )
    project(overlay)
    monkeypatch.setattr(config_machine, "may_have_gpu", lambda: True)
    project(overlay, machine=True)


def test_signs_of_a_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(config_machine, "_GPU_FILES", (str(tmp_path / "nvidia0"),))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(sysname="Linux"))
    assert not config_machine.may_have_gpu()
    (tmp_path / "nvidia0").touch()
    assert config_machine.may_have_gpu()
    (tmp_path / "nvidia0").unlink()
    for program in ("nvidia-smi", "sbatch"):
        path = tmp_path / program
        path.touch(mode=0o755)
        assert config_machine.may_have_gpu()
        path.unlink()
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(sysname="Darwin"))
    assert config_machine.may_have_gpu()


def test_a_full_disk(project, monkeypatch):
    free = types.SimpleNamespace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    text = sentence(project, machine=True)
    assert "has 0.0 GB free and the run digits writes about 0.2 GB; needed: as much" in text


def test_the_disk_need_grows_with_what_is_kept():
    config = configuration.load([BASE])
    need = config_machine.disk_need(config, 1437, 360)
    margins = 100 * (1 + 1 + 3 * (1 + 75 + 8 + 8)) + 400
    weights = -(-100 * 2_270_000 // 256)
    assert need == 4 * (margins * 1797 + weights + 1437**2)
    random = copy.deepcopy(config)
    random["ascent"]["forget_sets"] = ["random_30"]
    assert config_machine.disk_need(random, 1437, 360) < need / 2.9


def test_the_check_imports_no_torch():
    code = (
        "import sys; from palimpsest import configuration as c\n"
        f"c.check(c.load([{str(BASE)!r}]), sources=[{str(BASE)!r}], schema={str(SCHEMA)!r},"
        f" root={str(ROOT)!r}, machine=False)\n"
        "print([name for name in ('torch', 'sklearn', 'scipy') if name in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (run.stdout.strip(), run.returncode) == ("[]", 0), run.stderr
