"""The shipped configurations are valid and say each thing once."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from palimpsest import config
from palimpsest.config import checking
from palimpsest.files import InputError

ROOT = Path(__file__).parents[3]
BASE = ROOT / "config.yaml"
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.json"
OVERLAYS = sorted((ROOT / "config").glob("*.yaml"))


@pytest.mark.parametrize("overlay", [None, *OVERLAYS], ids=lambda path: path.stem if path else "")
def test_shipped_files_are_valid(overlay):
    files = [BASE, *([overlay] if overlay else [])]
    merged = config.load(files)
    checking.check(merged, files=files, root=ROOT, machine=False)
    assert merged["run"] == (overlay.stem if overlay else "digits")


def test_the_default_run_suits_this_machine(project):
    before = sorted(os.listdir(project.root))
    project(machine=True)
    assert sorted(os.listdir(project.root)) == before


def test_the_check_imports_little():
    code = (
        "import sys; from palimpsest import config; from palimpsest.config import checking\n"
        f"checking.check(config.load([{str(BASE)!r}]), files=[{str(BASE)!r}], root={str(ROOT)!r},"
        " machine=False)\n"
        "print([name for name in ('torch', 'sklearn', 'scipy', 'pandas') if name in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (run.stdout.strip(), run.returncode) == ("[]", 0), run.stderr


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_overlays_hold_only_what_differs(overlay):
    base, over = config.load([BASE]), config.load([overlay])
    if over.get("model", {}).get("name", "") != base["model"]["name"]:
        base = base | {"model": {}}  # of whose settings another model takes none

    def same(below, above, key=""):
        for name, value in above.items():
            if isinstance(value, dict) and name in below:
                yield from same(below[name], value, f"{key}{name}.")
            elif name in below and below[name] == value:
                yield f"{key}{name}"

    allowed = {"datamodels.shipped"}  # of a run's own data: always said
    if "name" in over.get("model", {}):  # the settings of another model are its own
        allowed |= {f"model.{name}" for name in base["model"]} - {"model.name"}
    assert set(same(base, over)) <= allowed
    assert "--configfile" in overlay.read_text()
    assert f"config/{overlay.name}" in overlay.read_text()


def test_the_schema_for_editors_is_in_step():
    tool = runpy.run_path(str(ROOT / "tools" / "write_schema.py"))
    assert SCHEMA.read_text() == tool["text"](), "run: python tools/write_schema.py"
    assert f"$schema={SCHEMA.relative_to(ROOT)}" in BASE.read_text()


@pytest.mark.parametrize("overlay", [None, *OVERLAYS], ids=lambda path: path.stem if path else "")
def test_shipped_files_suit_the_schema_for_editors(overlay):
    merged = config.load([BASE, *([overlay] if overlay else [])])
    schema = Draft202012Validator(json.loads(SCHEMA.read_text()))
    assert [error.message for error in schema.iter_errors(merged)] == []
    assert list(schema.iter_errors(merged | {"colour": 1}))


def test_the_schema_is_closed_everywhere():
    def maps(schema):
        if isinstance(schema, dict):
            if "properties" in schema and schema.get("type") == "object":
                yield schema
            for value in schema.values():
                yield from maps(value)

    found = list(maps(json.loads(SCHEMA.read_text())))
    assert len(found) > 20
    assert all(schema["additionalProperties"] is False for schema in found)


def test_the_papers_grids_are_whole():
    cifar10 = config.load([BASE, ROOT / "config" / "cifar10.yaml"])
    full = config.load([BASE, ROOT / "config" / "digits-full.yaml"])
    for grids in (cifar10["ascent"]["grids"], full["ascent"]["grids"]):
        counts = {name: len(config.combinations(name, grid)) for name, grid in grids.items()}
        assert counts == {"ga": 35 + 35 + 5, "gda": 48, "scrub": 48}


def test_the_runs_of_classes_at_their_own_scale_ask_for_the_same():
    runs = {
        name: config.load([BASE, ROOT / "config" / f"classes-{name}.yaml"])
        for name in ("cifar10", "cifar100", "svhn")
    }
    grids = {
        name: {key: part["grids"] for key, part in run["classes"]["experiments"].items()}
        for name, run in runs.items()
    }
    assert grids["cifar10"] == grids["cifar100"] == grids["svhn"]
    base = config.load([BASE])["classes"]["experiments"]
    for name, run in runs.items():
        assert run["data"]["name"] == name
        for key, part in run["classes"]["experiments"].items():
            for method in part["methods"]:
                found = config.combinations(method, part["grids"].get(method, [{}]))
                plain = config.combinations(method, base[key].get("grids", {}).get(method, [{}]))
                assert len(found) == len(plain)  # the same but for the batches
                for one, other in zip(found, plain, strict=True):
                    batches = {batch: 256 for batch in one if batch.endswith("_batch")}
                    assert one == other | batches
        forgotten = run["classes"]["experiments"]["table"]["forget_sets"]
        assert [run["forget_sets"][own]["classes"] for own in forgotten] == [
            [number] for number in range(0, 100 if name == "cifar100" else 10)
            if name != "cifar100" or number % 10 == 0
        ]  # fmt: skip


ALIGNMENT = [path for path in OVERLAYS if path.stem.startswith("alignment-")]


@pytest.mark.parametrize("overlay", ALIGNMENT, ids=lambda path: path.stem)
def test_a_run_of_alignment_has_one_model_a_seed_and_rates_around_a_middle(overlay):
    run = config.load([BASE, overlay])
    study, populations = run["alignment"], run["populations"]
    table = study["experiments"]["table"]
    models = table["models"] or populations["models"]
    assert run["studies"] == ["alignment"]
    assert models == populations["models"] >= study["tuning_models"] + 5
    assert ("klom" in table["metrics"]) == (models >= 20)
    generates = run["model"]["name"] == "distilgpt2"
    for part in study["experiments"].values():
        assert ("perplexity" if generates else "accuracy") in part["metrics"]
    for method in table["methods"][1:]:
        settings = config.combinations(method, table["grids"][method])
        assert sorted(one["lr"] for one in settings) == [one["lr"] for one in settings]
        assert len(settings) >= 3  # one may be too weak, one too strong
    plain = config.combinations("rfa", study["experiments"]["gamma"]["grids"]["rfa"])
    assert {0.0, 0.5, 1.0} <= {one["gamma"] for one in plain}
    changed = config.combinations("rfa", study["experiments"]["sensitivity"]["grids"]["rfa"])
    keys = ("rank", "forget_per_batch", "alpha", "mu", "layers")
    assert all(len({one[key] for one in changed}) > 1 for key in keys)
    base = [one for one in plain if one["gamma"] == 0.5]
    assert base == [one for one in changed if one in base]  # trained once for both
    at_scale = run["device"] == "cuda"
    assert (run["model"].get("pretrained") is not None) == at_scale
    if at_scale:  # printed: rate, batch, points of sample unlearning
        batch = 32 if run["data"]["name"] in ("imdb", "eli5") else 128
        assert (run["training"]["peak_lr"], run["training"]["batch_size"]) == (5e-5, batch)
        random = next(run["forget_sets"][one] for one in table["forget_sets"] if "random" in one)
        assert random["size"] == 128


# Merging


def test_maps_merge_and_lists_are_replaced(tmp_path):
    (tmp_path / "a.yaml").write_text("a: {x: 1, y: 2}\nl: [1, 2]\n")
    (tmp_path / "b.yaml").write_text("a: {y: 3}\nl: [4]\n")
    merged = config.load([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert merged == {"a": {"x": 1, "y": 3}, "l": [4]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- 1\n", "holds a list; needed: a map of settings"),
        ("", "holds null; needed: a map of settings"),
        ("__use_yte__: true\nrun: ?open('x')\n", "has the key __use_yte__; needed: settings, and"),
    ],
)
def test_what_is_no_map_of_settings(tmp_path, text, found):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        config.load([tmp_path / "a.yaml"])
    assert str(error.value).startswith(f"{tmp_path / 'a.yaml'}: {found}")


@pytest.mark.parametrize("name", ["klom.csv", "figures", "results/digits/splits/base.json"])
def test_a_target_is_no_file_of_settings(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("{}")
    with pytest.raises(InputError, match=r"needed: a \.yaml file, and targets before --configfile"):
        config.load([name])


# As a program


def program(*arguments):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "palimpsest.config", *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)


def test_the_program_prints_the_run():
    done = program("--configfile", "config/smoke.yaml", "config/shifted.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "shifted\n", "")
    assert program().stdout == "digits\n"


def test_the_program_says_what_is_wrong(tmp_path):
    (tmp_path / "mine.yaml").write_text("run: mine\nstudies: []\ndevice: gpu\n")
    done = program("--configfile", str(tmp_path / "mine.yaml"))
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(" is ")[0] for line in done.stderr.splitlines()] == [
        f"error: {tmp_path}/mine.yaml: studies", f"error: {tmp_path}/mine.yaml: device",
    ]  # fmt: skip
    (tmp_path / "mine.yaml").write_text("run: mine\ntraining: {epochs: 1:30}\n")
    done = program("--configfile", str(tmp_path / "mine.yaml"))
    assert done.stderr.startswith(f"error: {tmp_path}/mine.yaml: line 2: 1:30, which YAML reads as")
    done = program("--configfile", "absent.yaml")
    assert done.stderr == "error: absent.yaml: there is no such file\n"
