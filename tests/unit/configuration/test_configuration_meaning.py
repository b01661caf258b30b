"""Parts of a configuration that do not fit: each one clear sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from palimpsest import config, registry
from palimpsest.config import checking
from palimpsest.config.settings import chosen_studies
from palimpsest.config.study import experiments
from palimpsest.datamodels import estimate
from palimpsest.files import InputError

ROOT = Path(__file__).parents[3]
BASE = ROOT / "config.yaml"


def grid(**settings):
    base = {"lr": [0.1], "epochs": [5], "ascent_epochs": [3], "forget_batch": [8],
            "retain_batch": [8], "batch_norm": ["train"]}  # fmt: skip
    return {"ascent": {"grids": {"gda": [{**base, **settings}]}}}


def estimator(name, **settings):
    return {"datamodels": {"estimator": name, "estimators": {name: settings}}}


MEANING = [
    ({"training": {"peak_epoch": 24}}, "training.peak_epoch is 24; allowed: below training.epochs"),
    ({"populations": {"stack": 101}}, "populations.stack is 101; allowed: at most populations.bl"),
    ({"datamodels": {"estimators": {"last_layer": {"checkpoints": 101}}}},
     "datamodels.estimators.last_layer.checkpoints is 101; allowed: at most populations.models,"),
    (estimator("trak", checkpoints=101),
     "datamodels.estimators.trak.checkpoints is 101; allowed: at most populations.models, which"),
    (estimator("trak", dimension=1438),
     "datamodels.estimators.trak.dimension is 1438; allowed: at most 1437, the training points"),
    ({"datamodels": {"first_seed": 1_000_001}},
     "datamodels.first_seed is 1000001; allowed: a multiple of datamodels.seeds, which is 5"),
    ({"datamodels": {"seeds": 3}},
     "datamodels.first_seed is 1000000 (in config.yaml); allowed: a multiple of datamodels.seed"),
    ({"populations": {"oracle_first_seed": 99}},
     "populations.oracle_first_seed gives the seeds 99..198, and populations.first_seed 0..99; "
     "allowed: ranges of seeds that do not overlap"),
    ({"datamodels": {"first_seed": 19805}},
     "datamodels.first_seed gives the seeds 19805..20004, and populations.second_oracle_first_s"),
    ({"datamodels": {"first_seed": 19705, "estimator": "half_subsets"}},
     "datamodels.first_seed gives the seeds 19705..20080, and populations.second_oracle_first_s"),
    ({"ascent": {"forget_sets": ["random_31"]}},
     "ascent.forget_sets names 'random_31' (did you mean random_100?); allowed: random_100, pc1"),
    ({"ascent": {"figures": {"figure_1": {"forget_sets": ["random_31"]}}}},
     "ascent.figures.figure_1.forget_sets names 'random_31'; allowed: random_100, pc1_top"),
    ({"ascent": {"figures": {"figure_2": {"forget_set": "mine"}}}},
     "ascent.figures.figure_2.forget_set names 'mine'; allowed: random_100, pc1_top_30, pc2"),
    ({"ascent": {"forget_sets": ["random_100", "pc1_top_30"]}},
     "ascent.figures.figure_3.forget_sets names 'pc2_top_30' (in config.yaml); allowed: random_1"),
    ({"populations": {"second_oracle_models": 101}}, "populations.second_oracle_models is 101"),
    ({"populations": {"second_oracle": ["mine"]}}, "populations.second_oracle names 'mine'; allow"),
    ({"forget_sets": {"base": {"kind": "random", "size": 3, "seed": 0}}}, "forget_sets.base is th"),
    (grid(ascent_epochs=[3, 7]),
     "ascent.grids.gda[0].ascent_epochs is 7; allowed: at most epochs, 5 here"),
    (grid(lr=[0, 0.0]), "ascent.grids.gda[0].lr holds 0.0 twice; allowed: each value once"),
    ({"ascent": {"grids": {"gda": grid()["ascent"]["grids"]["gda"] * 2}}},
     "ascent.grids.gda gives the setting lr 0.1, epochs 5, ascent_epochs 3, "),
    (grid(momentum=[0.9]), "ascent.grids.gda[0].momentum is an unknown key"),
    ({"datamodels": {"fraction": 0.0001}},
     "datamodels.fraction is 0.0001, 0 of the 1437 training points; allowed: a part of 1 to 1436 "),
    ({"ascent": {"numbers_of_models": [50, 101]}},
     "ascent.numbers_of_models holds 101; allowed: at most populations.models, which is 100"),
    ({"data": {"train_size": 1438}}, "data.train_size is 1438; allowed: 10 to 1437, or null for a"),
    ({"data": {"val_size": 361}}, "data.val_size is 361; allowed: 10 to 360, or null for all"),
    ({"data": {"val_fraction": 0.9999}}, "data.val_fraction 0.9999 leaves 0 training and 1797"),
    ({"data": {"val_fraction": 0.001}}, "data.val_fraction 0.001 leaves 1795 training and 2 valid"),
    ({"data": {"val_fraction": 0.996}}, "data.val_fraction 0.996 leaves 7 training and 1790 valid"),
    ({"data": {"val_size": 9}}, "data.val_size is 9; allowed: 10 to 360, or null for all"),
    ({"forget_sets": {"random_100": {"size": 1437}}},
     "forget_sets.random_100.size is 1437; allowed: at most 1436, below the 1437 training points"),
    ({"data": {"train_size": 30}},
     "forget_sets.random_100.size is 100 (in config.yaml); allowed: at most 29, below the 30"),
    ({"data": {"name": "cifar10"}, "forget_sets": {"random_100": {"size": 50_000}}},
     "forget_sets.random_100.size is 50000; allowed: at most 49999, below the 50000 training"),
    ({"forget_sets": {"pc1_top_30": {"top": 0}}}, "pc1_top_30.top and bottom are 0; allowed"),
    ({"forget_sets": {"pc1_top_30": {"top": 1000, "bottom": 437}}},
     "forget_sets.pc1_top_30.top is 1437 together with bottom; allowed: at most 1436"),
    ({"forget_sets": {"pc1_top_30": {"component": 1437}}}, "pc1_top_30.component is 1437"),
    (grid(lr=[n * 1e-5 for n in range(99)], forget_batch=list(range(1, 103))),
     "ascent.grids.gda[0].forget_batch is a list of 102: 10098 settings of gda in all; allowed:"),
    ({"ascent": {"grids": {"gda": [
        grid(lr=[n * 1e-5 for n in range(6000)], epochs=[epochs])["ascent"]["grids"]["gda"][0]
        for epochs in (5, 6)
    ]}}}, "ascent.grids.gda.lr is a list of 6000: 12000 settings of gda in all; allowed: at "),
    (grid(lr=[n * 1e-4 for n in range(11)], epochs=[100_000]),
     "ascent.grids.gda[0].epochs is 100000: above 1000000 of gda in all; allowed: fewer"),
    ({"populations": {"models": 9000, "block": 1, "stack": 1}},
     "populations.block is 1, which makes about 144000 jobs; allowed: blocks that make at most 10"),
    ({"datamodels": {"held_out": 100_000, "block": 1}},
     "datamodels.block is 1, which makes about 500000 jobs; allowed: blocks that make at most 100"),
]  # fmt: skip


@pytest.mark.parametrize(("overlay", "found"), MEANING)
def test_parts_that_do_not_fit(sentence, overlay, found):
    text = sentence(overlay)
    assert found in text
    assert text.startswith(("mine.yaml: ", "config.yaml: "))


@pytest.mark.parametrize(
    ("place", "most"),
    [
        ("metrics.klom.bins", 1000),
        ("metrics.klom.redraws", 10_000),
        ("metrics.klom.null_repeats", 10_000),
        ("populations.models", 1_000_000),
        ("populations.second_oracle_models", 1_000_000),
        ("datamodels.held_out", 1_000_000),
        ("datamodels.seeds", 1_000_000),
        ("datamodels.estimators.half_subsets.models", 1_000_000),
        ("model.width", 65_536),
        ("training.epochs", 100_000),
        ("theory.cases", 100_000),
    ],
)
def test_sizes_that_would_fill_any_memory(sentences, place, most):
    """The largest that is allowed is refused by none of these, or by something else."""

    def told(value):
        overlay = value
        for key in reversed(place.split(".")):
            overlay = {key: overlay}
        return sentences(overlay)[0]

    for value in (most + 1, 2**31 - 1):
        found = told(value)
        assert found.startswith(f"mine.yaml: {place} is {value}; allowed: an integer of at least ")
        assert found.endswith(f"and at most {most}")


def test_a_forget_set_of_another_kind_is_told_of_the_file_that_says_so(sentence):
    overlay = {"forget_sets": {"random_100": {"kind": "classes", "classes": [3]}}}
    assert sentence(overlay) == (
        "mine.yaml: forget_sets.random_100.size is an unknown key where kind is classes (in "
        "config.yaml); allowed: kind, classes"
    )
    overlay = {"forget_sets": {"random_100": {"kind": "random", "classes": [3]}}}
    assert sentence(overlay) == (
        "mine.yaml: forget_sets.random_100.classes is an unknown key where kind is random; "
        "allowed: kind, size, seed"
    )


def test_many_unknown_keys_are_told_soon(sentences):
    overlay = {"ascent": {f"key_{number}": number for number in range(9000)}}
    lines = sentences(overlay)
    assert len(lines) == 10
    assert lines[0].startswith("mine.yaml: ascent.key_0 is an unknown key; allowed: forget_sets")


def test_a_method_needs_a_grid(sentence, project):
    text = BASE.read_text()
    start, end = text.index("    scrub: "), text.index("  metrics: [")
    (project.root / "config.yaml").write_text(text[:start] + text[end:])
    assert sentence() == (
        "config.yaml: ascent.methods names scrub, and ascent.grids.scrub is missing; "
        "needed: a grid for each method"
    )


@pytest.mark.parametrize(
    "overlay",
    [
        {"populations": {"first_seed": 0}, "data": {"split_seed": 0}},
        grid(forget_batch=[5000]),
        grid(lr=[0]),
        {"training": {"batch_size": 5000}},
        {"forget_sets": {"random_100": {"size": 1436}}},
        {"forget_sets": {"unused": {"kind": "random", "size": 5000, "seed": 0}}},
        {"populations": {"second_oracle": []}},
        estimator("half_subsets", models=6),
        estimator("trak", dimension=1437),
        {"datamodels": {"estimators": {"trak": {"checkpoints": 101, "dimension": 5000}}}},
        {"datamodels": {"first_seed": 19800}},
    ],
    ids=[
        "seed 0",
        "large forget batch",
        "lr 0",
        "large batch",
        "all but one",
        "unused",
        "no second",
        "few halves",
        "a dimension a point",
        "an estimator that is not used",
        "seeds beside each other",
    ],
)
def test_what_is_allowed(project, overlay):
    project(overlay)


# An estimate that comes with the project


@pytest.fixture
def ship(tmp_path, monkeypatch):
    """Put an estimate of the data of config.yaml among the shipped ones, alone there."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr(estimate, "SHIPPED", folder)
    shared = {"name": "digits", "val_fraction": 0.2, "train_size": None, "val_size": None,
            "split_seed": 0}  # fmt: skip

    def run(shipped="mine", components=(1, 2), **data):
        sets = [{"component": n, "top": 30, "bottom": 0, "indices": []} for n in components]
        content = {"base_split": "a", "data": shared | data, "estimator": {}, "models": 10,
                   "agreement": {}, "variance_shares": [], "sets": sets}  # fmt: skip
        (folder / f"{shipped}.estimate.json").write_text(json.dumps(content))

    return run


SHIPPED = {"datamodels": {"shipped": "mine"}}


def test_a_shipped_estimate_of_the_same_data_is_allowed(project, ship):
    ship()
    project(SHIPPED)


def test_an_unknown_shipped_estimate(sentence, ship):
    assert sentence(SHIPPED) == (
        "mine.yaml: datamodels.shipped is mine; allowed: null, to estimate anew"
    )
    ship("yours")
    assert sentence(SHIPPED) == (
        "mine.yaml: datamodels.shipped is mine; allowed: yours; null, to estimate anew"
    )


RANDOM = {"ascent": {"forget_sets": ["random_100"], "figures": {
    "figure_1": {"forget_sets": ["random_100"]}, "figure_3": {"forget_sets": ["random_100"]}}},
    "populations": {"second_oracle": []}}  # fmt: skip


def test_an_unknown_shipped_estimate_is_told_though_no_set_needs_it(sentence, ship):
    assert "datamodels.shipped is mine; allowed" in sentence({**SHIPPED, **RANDOM})


def test_a_shipped_estimate_that_no_set_needs_may_be_of_other_data(project, ship):
    ship(val_fraction=0.5)
    project({**SHIPPED, **RANDOM})


@pytest.mark.parametrize(
    ("key", "its", "here"),
    [
        ("name", '"fashion"', '"digits"'),
        ("val_fraction", "0.5", "0.2"),
        ("train_size", "300", "null"),
        ("val_size", "100", "null"),
        ("split_seed", "1", "0"),
    ],
)
def test_a_shipped_estimate_of_other_data(sentence, ship, key, its, here):
    ship(**{key: json.loads(its)})
    assert sentence(SHIPPED) == (
        f"mine.yaml: datamodels.shipped is mine, whose sets belong to data.{key} {its}, and here "
        f"it is {here}; allowed: one of the same data, or null, to estimate anew"
    )


def test_a_shipped_estimate_without_a_set_in_use(sentence, ship):
    ship(components=(1, 3))
    assert sentence(SHIPPED) == (
        "mine.yaml: datamodels.shipped is mine, which holds no set like forget_sets.pc2_top_30; "
        "allowed: component 1, top 30, bottom 0; component 3, top 30, bottom 0; or null, to "
        "estimate anew"
    )


def test_a_shipped_estimate_that_is_damaged(sentence, ship):
    ship()
    estimate.shipped_path("mine").write_text("{}")
    assert "mine.estimate.json: not an estimate; needed: the keys" in sentence(SHIPPED)


@pytest.mark.parametrize("sets", [3, [3], [{"component": 1}]])
def test_a_shipped_estimate_whose_sets_are_none(sentence, ship, sets):
    ship()
    path = estimate.shipped_path("mine")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sets": sets}))
    assert "not an estimate; needed: a base split, an agreement, and sets" in sentence(SHIPPED)


def test_a_shipped_estimate_of_brackets(sentence, ship):
    ship()
    estimate.shipped_path("mine").write_text("[" * 100_000)
    with pytest.raises(InputError, match="not valid JSON"):
        estimate.Estimate.load(estimate.shipped_path("mine"))


# Forget sets from files


def from_file(**keys):
    return {"forget_sets": {"mine": {"kind": "file", **keys}}, "ascent": {
        "forget_sets": ["mine"], "figures": {
            "figure_1": {"forget_sets": ["mine"]}, "figure_2": {"forget_set": "mine"},
            "figure_3": {"forget_sets": ["mine"]}}},
        "populations": {"second_oracle": []}}  # fmt: skip


def test_a_forget_set_from_a_file(sentence, project):
    from palimpsest.data.sources import digits
    from palimpsest.data.splits import base_split

    split = base_split(digits.load(project.root, False, "official"))
    outside = [split.train[0], split.val[0]]
    np.savez(project.root / "mine.npz", good=split.train[:20], outside=outside, twice=[5, 5],
             far=[1797], all=split.train)  # fmt: skip
    project(from_file(path="mine.npz", key="good"))
    start = "mine.yaml: forget_sets.mine.path: "
    for key, found in [
        ("outside", f"{start}forget index {split.val[0]} is not in the training set; allowed: its"),
        ("twice", "mine.npz: the forget set holds index 5 twice; allowed: each index once"),
        ("far", f"{start}forget index 1797 is not in the training set"),
        ("all", f"{start}the forget set has 1437 points and the training set 1437; allowed: at mo"),
    ]:  # fmt: skip
        text = sentence(from_file(path="mine.npz", key=key))
        assert text.startswith(start)
        assert found in text
    with pytest.raises(InputError, match=r"mine\.yaml: .*absent\.txt: there is no such file"):
        project(from_file(path="absent.txt"))
    with pytest.raises(InputError, match=r"mine\.yaml: .*name one of them as key"):
        project(from_file(path="mine.npz"))


def test_a_forget_set_from_a_file_on_cifar10(project, sentence):
    cifar10 = {"data": {"name": "cifar10"}}
    (project.root / "mine.json").write_text(json.dumps([0, 49_999]))
    project({**cifar10, **from_file(path="mine.json")})
    (project.root / "mine.json").write_text(json.dumps([0, 50_000]))
    text = sentence({**cifar10, **from_file(path="mine.json")})
    assert "forget index 50000 is not in the training set; allowed: 0 to 49999" in text
    (project.root / "mine.json").write_text(json.dumps(list(range(10))))
    text = sentence({"data": {"name": "cifar10", "train_size": 10}, **from_file(path="mine.json")})
    assert "the forget set has 10 points and the training set 10; allowed: at most 9" in text


def test_a_forget_set_from_a_file_on_a_part_of_fashion(project, sentence):
    from palimpsest.data.sources import fashion
    from palimpsest.data.splits import base_split

    split = base_split(fashion.load(project.root, False, "official"), train_size=500)
    outside = min({*range(2000)} - {*split.train.tolist()})
    data = {"data": {"name": "fashion", "train_size": 500}}
    (project.root / "mine.json").write_text(json.dumps(split.train[:20].tolist()))
    project({**data, **from_file(path="mine.json")})
    (project.root / "mine.json").write_text(json.dumps([outside]))
    text = sentence({**data, **from_file(path="mine.json")})
    assert f"forget index {outside} is not in the training set; allowed: its 500 indices" in text


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "[1, 1" + "0" * 30 + "]", "[1, 9223372036854775808]"]
)
@pytest.mark.parametrize("suffix", ["json", "txt"])
def test_a_file_of_brackets_or_of_huge_numbers(project, sentences, content, suffix):
    text = content if suffix == "json" else content.strip("[]").replace(", ", "\n") or content
    (project.root / f"mine.{suffix}").write_text(text)
    with pytest.raises(InputError) as error:
        project(from_file(path=f"mine.{suffix}"))
    message = str(error.value)
    assert message.startswith("mine.yaml: forget_sets.mine.path: ")
    assert len(message.splitlines()) == 1


# Which file is blamed


def test_the_file_that_sets_one_of_two_last_is_blamed(sentence):
    assert sentence({"training": {"epochs": 3}}) == (
        "mine.yaml: training.peak_epoch is 5 (in config.yaml); "
        "allowed: below training.epochs, which is 3"
    )
    for overlay, key in [
        ({"populations": {"block": 10}}, "populations.stack is 52 (in config.yaml)"),
        (
            {"populations": {"models": 10}},
            "populations.second_oracle_models is 100 (in config.yaml",
        ),
        ({"data": {"train_size": 50}}, "forget_sets.random_100.size is 100 (in config.yaml)"),
        ({"datamodels": {"seeds": 3}}, "datamodels.first_seed is 1000000 (in config.yaml)"),
        (
            {"populations": {"oracle_first_seed": 19950}},
            "populations.second_oracle_first_seed give",
        ),
    ]:
        assert sentence(overlay).startswith(f"mine.yaml: {key}")
    assert sentence({"training": {"peak_epoch": 9}}, {"training": {"epochs": 8}}).startswith(
        "the command line: training.peak_epoch is 9 (in mine.yaml)"
    )


def test_several_errors_are_told_together(sentences):
    assert sentences({"training": {"epochs": 3}, "populations": {"stack": 101}}) == [
        "mine.yaml: training.peak_epoch is 5 (in config.yaml); "
        "allowed: below training.epochs, which is 3",
        "mine.yaml: populations.stack is 101; allowed: at most populations.block, which is 100",
    ]
    found = sentences({"training": {"epochs": 0, "epoch": 3}, "colour": 1})
    assert [line.split(" is ")[0] for line in found] == [
        "mine.yaml: training.epoch", "mine.yaml: colour", "mine.yaml: training.epochs",
    ]  # fmt: skip
    grid = [{"lr": ["a"] * 3 + list("bcdefghijkl"), "epochs": [1]}]
    assert len(sentences({"ascent": {"grids": {"ga": grid}}})) == 10


def test_an_overlay_has_a_run_of_its_own(project, sentence):
    (project.root / "mine.yaml").write_text("training: {epochs: 30}\n")
    merged = config.load([project.root / "config.yaml", project.root / "mine.yaml"])
    files = ["config.yaml", "mine.yaml"]
    with pytest.raises(InputError) as error:
        checking.check(merged, files=files, root=project.root, machine=False)
    assert str(error.value) == (
        "mine.yaml: run is missing, and its results would lie among those of digits; "
        "needed: run, a name of its own"
    )
    named = config.merge(merged, {"run": "other"})
    checking.check(named, files=files, root=project.root, machine=False)
    (project.root / "mine.yaml").write_text("training: {epochs: 24}\n")
    base = config.load([project.root / "config.yaml"])
    checking.check(base, files=files, root=project.root, machine=False)


def test_a_data_set_without_points_is_told(project, sentence):
    folder = project.root / "data" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    (folder / "SUMS").write_text("# 0 training and 0 test images\n")
    assert sentence({"data": {"name": "cifar10", "checksums": "SUMS"}}) == (
        "mine.yaml: data.name is cifar10, of 0 training and 0 validation points; "
        "allowed: at least 10 of each, one of each class"
    )


# Studies and what they name

MASK = {"name": "random_mask", "share": 0.5}
PREPARATIONS = registry.names("preparations")


def prepared(*entries):
    return grid(prepare=list(entries))


NAMES = [
    ({"studies": ["ascnt"]}, "studies[0] is the text 'ascnt' (did you mean ascent?); allowed: a"),
    ({"studies": []}, "studies is an empty list; allowed: at least one entry"),
    ({"studies": ["ascent", "ascent"]}, "studies holds the text 'ascent' twice; allowed: each val"),
    ({"ascent": {"methods": ["nothing", "scrubb"]}},
     "ascent.methods[1] is the text 'scrubb' (did you mean scrub?); allowed: badt, ce_ft, ft, ga"),
    ({"ascent": {"methods": ["ga", "gda"]}},
     "ascent.methods names ga, gda; allowed: nothing, the original, and another one"),
    ({"ascent": {"metrics": ["klm"]}},
     "ascent.metrics[0] is the text 'klm' (did you mean klom?); allowed: accuracy, distan"),
    ({"ascent": {"record": ["logit"]}},
     "ascent.record[0] is the text 'logit' (did you mean logits?); allowed: logits"),
    (prepared({"name": "random_msk", "share": 0.5}),
     "ascent.grids.gda[0].prepare[0].name is the text 'random_msk' (did you mean random_mask?); a"),
    (prepared({"name": "random_mask", "share": 1}),
     "ascent.grids.gda[0].prepare[0].share is 1; allowed: a number above 0 and below 1"),
    (prepared(None, {"name": "random_mask", "shares": 0.5}),
     "ascent.grids.gda[0].prepare[1].shares is an unknown key where name is random_mask (did you "),
    (prepared({"name": "random_mask"}),
     "ascent.grids.gda[0].prepare[0].share is missing; needed in ascent.grids.gda[0].prepare[0]: "),
    (prepared(MASK, MASK), "ascent.grids.gda[0].prepare holds a map twice; allowed: each value on"),
    (prepared("random_mask"), "ascent.grids.gda[0].prepare[0] is the text 'random_mask'; allowed:"),
    ({"ascent": {"grids": {"gda": [{"lr": [0.1], "epochs": [5]}]}}},
     "ascent.grids.gda[0].ascent_epochs is missing; needed in ascent.grids.gda[0]: lr, epochs, as"),
    ({"ascent": {"methods": ["nothing", "ga"], "grids": {"gda": [{"lr": [0.1], "epochs": [5],
      "ascent_epochs": [6]}]}}}, "ascent.grids.gda[0].ascent_epochs is 6; allowed: at most epo"),
    ({"theory": {"cases": 99}}, "theory.cases is 99; allowed: an integer of at least 100"),
    ({"theory": {"case": 99}}, "theory.case is an unknown key (did you mean cases?); allowed: cas"),
    ({"metrics": {"accuracy": {"bins": 3}}}, 
     "metrics.accuracy.bins is an unknown key; allowed: none"),
]  # fmt: skip


@pytest.mark.parametrize(("overlay", "found"), NAMES)
def test_studies_that_name_what_is_not_there(sentence, overlay, found):
    assert sentence(overlay).startswith(f"mine.yaml: {found}")


def test_a_grid_may_leave_out_what_has_a_default_and_name_preparations(project):
    short = {"lr": [0.1], "epochs": [5], "ascent_epochs": [3], "prepare": [None, MASK]}
    project({"ascent": {"grids": {"gda": [short]}}})


def test_records_hold_what_a_metric_needs_and_it_has_its_settings(project, sentence, add_file):
    rows = "def rows(record, original, oracle, split, reference, *, bins: int): ..."
    add_file("metrics", "mine", f"NEEDS, OF_ORACLES = ('margin', 'logits'), False\n{rows}")
    metrics = {"metrics": ["klom", "accuracy", "mine"]}
    overlay = {"ascent": metrics, "metrics": {"mine": {"bins": 3}}}
    project(overlay)
    merged = config.merge(config.load([BASE]), overlay)
    (experiment,) = experiments(chosen_studies(merged)).values()
    assert experiment.kept(merged["metrics"]) == ["correct", "logits", "margin"]
    assert sentence({"ascent": metrics}) == (
        "mine.yaml: ascent.metrics names mine, and metrics.mine is missing; "
        "needed: the settings of each metric"
    )


ROWS = "def rows(record, original, oracle, split, reference): ..."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ROWS, "has no NEEDS; needed"),
        (f"NEEDS = ('margin',)\n{ROWS}", "has no OF_ORACLES; needed"),
        (
            f"NEEDS, OF_ORACLES = ('margins',), True\n{ROWS}",
            "NEEDS names margins; allowed: margin, correct, logits",
        ),
    ],
)
def test_a_broken_file_of_a_metric_is_named(sentence, add_file, text, found):
    add_file("metrics", "mine", text)
    overlay = {"ascent": {"metrics": ["klom", "accuracy", "mine"]}}
    assert sentence(overlay).startswith(f"src/palimpsest/metrics/mine.py: {found}")


def test_the_study_needs_the_metrics_that_it_judges_by(sentence):
    assert sentence({"ascent": {"metrics": ["accuracy"]}}) == (
        "mine.yaml: ascent.metrics names accuracy, and not klom; "
        "allowed: klom, accuracy, and others beside them"
    )


def test_nothing_is_not_prepared(sentence):
    grid = [{"prepare": [None, {"name": "random_mask", "share": 0.5}]}]
    assert sentence({"ascent": {"grids": {"nothing": grid}}}).endswith(
        "ascent.grids.nothing[0].prepare names random_mask, and nothing takes no step; "
        "allowed: no prepare here, or null"
    )


def test_wrong_preparations_are_told_where_there_are_several(sentence, add_file):
    add_file("preparations", "another", "def prepare(stack, data, seeds, *, share: float): ...")

    def said(prepare):
        grid = {"lr": [0.1], "epochs": [1], "prepare": [prepare]}
        return sentence({"ascent": {"grids": {"ga": [grid]}}})

    place = "mine.yaml: ascent.grids.ga[0].prepare[0]"
    assert said({"name": "anoter", "share": 0.5}) == (
        f"{place}.name is the text 'anoter' (did you mean another?); allowed: another, "
        + ", ".join(PREPARATIONS)
    )
    assert said({"share": 0.5}).startswith(f"{place}.name is missing; needed in ")
    assert said({"name": "another", "shar": 0.5}).startswith(f"{place}.shar is an unknown key")


def test_a_run_is_not_named_after_a_study(sentence):
    assert sentence({"run": "theory"}).startswith("mine.yaml: run is theory, the name of a study")


# Experiments of a study that is listed, and of one that is not


def classes(**sections):
    """The study of classes, listed, without the second oracles of config.yaml."""
    return {"studies": ["classes"], "populations": {"second_oracle": []}, **sections}


def forgotten(*numbers):
    return classes(forget_sets={"class_3": {"kind": "classes", "classes": list(numbers)}})


def experiment(name, **settings):
    return classes(classes={"experiments": {name: settings}})


def mia(**settings):
    return classes(metrics={"mia": settings})


def mask(**settings):
    grid = {"prepare": [{"name": "salun_mask", **settings}]}
    return experiment("table", grids={"ft": [grid]})


TABLE = "classes.experiments.table"
ALPHA = "classes.experiments.alpha"
DIVERGENCE = "classes.experiments.divergence.grids.kl_ft[0]"
ZERO_ROW = "names zero_row, which needs a whole class, and forget_sets.random_100.kind is random"
EXPERIMENTS = [
    (forgotten(10), "forget_sets.class_3.classes names 10; allowed: classes 0 to 9"),
    (forgotten(-1), "forget_sets.class_3.classes[0] is -1; allowed: an integer of at least 0 and"),
    (forgotten("cat"), "forget_sets.class_3.classes[0] is the text 'cat'; allowed: an integer of"),
    (forgotten(3, 3), "forget_sets.class_3.classes holds 3 twice; allowed: each value once"),
    (forgotten(*range(10)), "forget_sets.class_3.classes names all 10 classes, the whole training"),
    (forgotten(), "forget_sets.class_3.classes is an empty list; allowed: at least one entry"),
    (experiment("alpha", grids={"ce_ft": [{"alpha": [-0.1]}]}),
     f"{ALPHA}.grids.ce_ft[0].alpha[0] is -0.1; allowed: a number of at least 0 and at most"),
    (experiment("alpha", grids={"ce_ft": [{"alpha": ["1e-5"]}]}),
     f"{ALPHA}.grids.ce_ft[0].alpha[0] is the text '1e-5', which YAML does not read as a number; "
     "write 1.0e-5"),
    *((mask(share=share), f"{TABLE}.grids.ft[0].prepare[0].share is {share}; allowed: a number ab")
      for share in (0, 1, 1.5)),
    (mask(name="salun_msk"), f"{TABLE}.grids.ft[0].prepare[0].name is the text 'salun_msk' (did y"),
    (mask(action="freeze"), f"{TABLE}.grids.ft[0].prepare[0].action is an unknown key where name "),
    (experiment("table", forget_sets=["class_6", "random_100"]),
     f"{TABLE}.grids.ft[0].prepare {ZERO_ROW} (in config.yaml); allowed: forget sets of kind clas"),
    (experiment("rates", forget_sets=["random_100"], methods=["ft", "zero_row"]),
     f"classes.experiments.rates.methods {ZERO_ROW}; allowed: forget sets of kind classes"),
    (experiment("tabel", forget_sets=["class_3"], methods=["ft"], metrics=["accuracy"]),
     "classes.experiments names 'tabel' (did you mean table?); allowed: table, rates, alpha"),
    (experiment("table", forget_set=["class_3"]),
     f"{TABLE}.forget_set is an unknown key (did you mean forget_sets?); allowed: forget_sets, mo"),
    (experiment("alpha", methods=["ce_ft", "kl_ft"]),
     f"{ALPHA}.methods names ce_ft, kl_ft, and not ice_ft; allowed: ice_ft and others beside it"),
    (experiment("alpha", metrics=["accuracy"]),
     f"{ALPHA}.metrics names accuracy, and not mia; allowed: mia and others beside it"),
    (experiment("features", record=["logits"]),
     "classes.experiments.features.record is logits; allowed: features among others, for Fig"),
    (experiment("table", forget_sets=["class_3", "class_33"]),
     f"{TABLE}.forget_sets names 'class_33' (did you mean class_3?); allowed: random_100, pc1_top"),
    (experiment("klom", models=101),
     "classes.experiments.klom.models is 101; allowed: at most populations.models, which is 100"),
    (experiment("klom", models=1), "classes.experiments.klom.models is 1; allowed: an integer of"),
    (mia(features=["confidenc"]), "metrics.mia.features[0] is the text 'confidenc' (did you mean "),
    (mia(features=[]), "metrics.mia.features is an empty list; allowed: at least one entry"),
    (mia(features=["entropy"] * 2), "metrics.mia.features holds the text 'entropy' twice; allowe"),
    (mia(c=0), "metrics.mia.c is 0; allowed: a number above 0 and at most 1000000.0"),
    (mia(attacked=0), "metrics.mia.attacked is 0; allowed: an integer of at least 1 and at most "),
    (experiment("table", grids={"ft": [{"prepare": [{"name": "salun_mask", "share": 0.5}]}]}),
     f"{TABLE}.grids.ft gives 0 settings without a preparation; allowed: one, the FT of"),
    (experiment("table", grids={"ft": [{"lr": [0.01, 0.1]}]}),
     f"{TABLE}.grids.ft gives 2 settings without a preparation; allowed: one, the FT of"),
    (experiment("alpha", grids={"kl_ft": [{"alpha": [0.1], "forward": ["joint", "forget_first"]}]}),
     f"{ALPHA}.grids.kl_ft gives several settings of one alpha; allowed: one for each alpha"),
    (experiment("alpha", forget_sets=["random_100"]),
     f"{ALPHA}.forget_sets names random_100, which is of kind random; allowed: forget sets of"),
    (classes(forget_sets={"other": {"kind": "classes", "classes": [3]}},
             classes={"experiments": {"alpha": {"forget_sets": ["class_3", "other"]}}}),
     f"{ALPHA}.forget_sets names class_3 and other, which are the same classes; allowed:"),
    (classes(metrics={"mia": {"features": ["entropy"]}}),
     f"{TABLE}.metrics names mia, whose features are entropy"),
    (classes(classes={"figures": {"figure_5": {"forget_set": "class_8"}}}),
     "classes.figures.figure_5.forget_set names 'class_8'; allowed: class_6"),
    (experiment("divergence", grids={"kl_ft": [{"kl_direction": ["model||labels"]}]}),
     f"{DIVERGENCE}.target_smoothing is 0; allowed: above 0 with kl_direction model||labels"),
    (experiment("divergence", grids={"kl_ft": [{"forwrd": ["joint"]}]}),
     f"{DIVERGENCE}.forwrd is an unknown key (did you mean forward?); allowed: lr, epochs, alpha"),
    (experiment("divergence", grids={"kl_ft": [{"forward": ["retain_frist"]}]}),
     f"{DIVERGENCE}.forward[0] is the text 'retain_frist' (did you mean retain_first?); allowed: "),
]  # fmt: skip


@pytest.mark.parametrize(("overlay", "found"), EXPERIMENTS)
def test_experiments_that_do_not_fit(sentence, overlay, found):
    assert sentence(overlay).startswith(f"mine.yaml: {found}")


def test_an_experiment_that_is_missing(sentence, project):
    text = BASE.read_text()
    start, end = text.index("    divergence:  "), text.index("    klom:         ")
    (project.root / "config.yaml").write_text(text[:start] + text[end:])
    assert sentence() == (
        "config.yaml: classes.experiments holds table, rates, alpha, klom, features, and not "
        "divergence; allowed: table, rates, alpha, divergence, klom, features"
    )


def test_a_class_of_which_no_training_point_is_left(sentence, monkeypatch):
    from palimpsest.config import meaning
    from palimpsest.data.splits import Split

    split = Split(np.arange(1437), np.arange(1437, 1797))
    labels = np.where(np.arange(1797) % 10 == 3, 4, np.arange(1797) % 10)
    monkeypatch.setattr(meaning, "_split", lambda data, root: (split, labels))
    assert sentence(forgotten(3)) == (
        "mine.yaml: forget_sets.class_3: classes names 3, of which the training set has no point; "
        "allowed: 0, 1, 2, 4, 5, 6, 7, 8, 9"
    )


FEW = {
    "populations": {"models": 8, "block": 8, "stack": 8, "second_oracle_models": 8},
    "datamodels": {"estimators": {"last_layer": {"checkpoints": 8}}},
}


def test_a_study_that_is_not_listed_is_not_held_to_the_populations(project, sentence):
    project(FEW | {"studies": ["theory"]})
    few = {"numbers_of_models": [8]}
    project(FEW | {"ascent": few})
    assert sentence(FEW | {"ascent": few, "studies": ["ascent", "classes"]}) == (
        "mine.yaml: classes.experiments.klom.models is 50 (in config.yaml); allowed: at most "
        "populations.models, which is 8"
    )
    assert sentence(FEW).startswith("mine.yaml: ascent.numbers_of_models holds 100 (in config.ya")


def test_a_study_that_is_not_listed_is_not_held_to_the_classes_of_the_data(project, sentence):
    sets = {"forget_sets": {"class_9": {"classes": [10]}}}
    project(sets)
    assert "class_9.classes names 10; allowed" in sentence(sets | {"studies": ["classes"]})


@pytest.mark.parametrize(
    ("overlay", "found"),
    [
        ({"experiments": {"table": {"model": 3}}}, "table.model is an unknown key (did you mean m"),
        ({"experiments": {"table": {"methods": ["fft"]}}}, "table.methods[0] is the text 'fft'"),
        ({"experiments": {"table": {"forget_sets": ["clas_3"]}}}, "table.forget_sets names 'clas_"),
        ({"experiments": {"rates": {"methods": ["ga"]}}}, "rates.methods names ga, and classes.ex"),
    ],
)
def test_a_typo_in_a_study_that_is_not_listed_is_told(sentence, overlay, found):
    assert sentence({"classes": overlay}).startswith(f"mine.yaml: classes.experiments.{found}")


def test_a_target_of_a_study_that_is_not_listed(project):
    (project.root / "mine.yaml").write_text("run: mine\nstudies: [theory]\n")
    files = [project.root / "config.yaml", project.root / "mine.yaml"]
    merged = config.load(files)
    checking.check_target("theory", "theory", config.load(files[:1]), files=files[:1])
    checking.check_target("ascent", "ascent", config.load(files[:1]), files=files[:1])
    with pytest.raises(InputError) as error:
        checking.check_target("figures", "ascent", merged, files=files)
    assert str(error.value) == (
        f"{files[1]}: studies is [theory], and the target figures belongs to ascent; needed: "
        "ascent among them, as in --config 'studies=[theory, ascent]'"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "has no function plan; needed: one, whose arguments after * are"),
        ("def plan(*, lr): ...", "the setting lr of plan() has no annotation;"),
        (
            "def plan(lr: float): ...",
            "plan(lr: float) has other arguments before * than it is given; needed: 0",
        ),
        ("def plan(**settings): ...", "plan(**settings) has other arguments before *"),
        ("def plan(*, split: float): ...", "the setting split of plan() has a name that tables"),
        ("def plan(*, lr: 'Foo'): ...", "the annotation Foo cannot be read (name 'Foo' is not"),
        ("def plan(*, lr: 3): ...", "an annotation is no kind of value ("),
        ("import nowhere", "cannot be loaded (ModuleNotFoundError: No module named 'nowhere')"),
        ("def plan(:", "cannot be loaded (SyntaxError:"),
    ],
)
def test_a_broken_file_of_a_method_is_named(sentence, add_file, text, found):
    add_file("methods", "broken", text)
    assert sentence({}).startswith(f"src/palimpsest/methods/broken.py: {found}")
