"""The shipped configurations are valid and say each thing once."""

import os
from pathlib import Path

import pytest
import yaml

from palimpsest import configuration, methods
from palimpsest.files import InputError

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
BASE = ROOT / "config.yaml"
OVERLAYS = sorted((ROOT / "config").glob("*.yaml"))


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

    assert not list(same(base, over))
    assert "--configfile" in overlay.read_text()
    assert f"config/{overlay.name}" in overlay.read_text()


def test_the_schema_is_closed_everywhere():
    def maps(schema, path="schema"):
        if isinstance(schema, dict):
            if "properties" in schema and not path.endswith("/if"):
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
