"""Margins read from tiny folders in the layout of the EasyDUB data set of 2026."""

import numpy as np
import pytest

from palimpsest.data.easydub_margins import load_forget_set, load_margins
from palimpsest.files import InputError

FORGET = np.array([4, 1])
TRAIN, VAL, MODELS = 7, 3, 12


def _write(folder, margins, dtype=np.float32):
    folder.mkdir(parents=True)
    for model, row in enumerate(margins):
        np.save(folder / f"id_{model}_epoch_23.npy", row.astype(dtype))


@pytest.fixture
def root(tmp_path):
    """Originals at 100 model + point, oracles 0.5 above; val from point 50 on."""
    base = tmp_path / "margins" / "cifar10"
    train = 100.0 * np.arange(MODELS)[:, None] + np.arange(TRAIN)
    val = 100.0 * np.arange(MODELS)[:, None] + 50 + np.arange(VAL)
    retain = np.delete(train, FORGET, axis=1)
    _write(base / "pretrain" / "retain" / "resnet9", train)
    _write(base / "pretrain" / "val" / "resnet9", val)
    _write(base / "pretrain" / "forget_2" / "resnet9", train[:, FORGET])
    for part, margins in {"retain": retain, "val": val, "forget": train[:, FORGET]}.items():
        _write(base / "oracle" / "forget_2" / part / "resnet9", margins + 0.5)
    (tmp_path / "forget_sets" / "cifar10").mkdir(parents=True)
    np.save(tmp_path / "forget_sets" / "cifar10" / "forget_set_2.npy", FORGET.astype(np.int32))
    return tmp_path


@pytest.mark.parametrize(
    "part, points", [("forget", [4, 1]), ("retain", [0, 2, 3, 5, 6]), ("val", [50, 51, 52])]
)
def test_each_part_of_both_kinds(root, part, points):
    """Models in the order of their numbers (2 before 10); the retain part without forget set."""
    expected = 100 * np.arange(MODELS)[:, None] + np.array(points)
    originals = load_margins(root, "pretrain", part, 2)
    np.testing.assert_array_equal(originals, expected.astype(np.float32), strict=True)
    oracles = load_margins(root, "oracle", part, 2)
    np.testing.assert_array_equal(oracles, expected.astype(np.float32) + 0.5, strict=True)


def test_the_first_models_and_the_type_of_the_files(root):
    assert load_margins(root, "oracle", "val", 2, models=11)[:, 0].tolist() == [
        100 * model + 50.5 for model in range(11)
    ]
    _write(root / "margins" / "cifar10" / "mine" / "forget_2" / "val" / "resnet9",
           np.ones((2, VAL)), np.float16)  # fmt: skip
    assert load_margins(root, "mine", "val", 2).dtype == np.float16


def _val(root):
    return root / "margins" / "cifar10" / "oracle" / "forget_2" / "val" / "resnet9"


def _first(root):
    return _val(root) / "id_0_epoch_23.npy"


def _emptied(root):
    for path in _val(root).iterdir():
        path.unlink()


WRONG = {
    "another length": (lambda r: np.save(_first(r), np.ones(9, np.float32)), r"\(3,\) and type"),
    "two axes": (lambda r: np.save(_first(r), np.ones((1, 3), np.float32)), "one margin for each"),
    "integers": (lambda r: np.save(_first(r), np.ones(3, int)), "type int64; needed: one margin"),
    "another type": (lambda r: np.save(_first(r), np.ones(3)), "float32; needed: .3,. and float64"),
    "pickled": (
        lambda r: np.save(_first(r), np.array([{}], object), allow_pickle=True),
        "id_0_epoch_23.npy: damaged or not a .npy",
    ),
    "damaged": (lambda r: _first(r).write_bytes(_first(r).read_bytes()[:-3]), "damaged or not"),
    "empty file": (lambda r: _first(r).write_bytes(b""), "damaged or not"),
    "an archive": (
        lambda r: np.savez(_first(r).open("wb"), a=np.ones(3)),
        "an archive of arrays",
    ),
    "no models": (_emptied, "resnet9: holds no models; needed: files id_MODEL_epoch_EPOCH.npy"),
    "two epochs": (
        lambda r: np.save(_val(r) / "id_0_epoch_9.npy", np.ones(3, np.float32)),
        "of the epochs 9, 23; needed: of one",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_named(root, case):
    spoil, message = WRONG[case]
    spoil(root)
    with pytest.raises(InputError, match=message):
        load_margins(root, "oracle", "val", 2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("oracle", "val", 3), "forget_3/val/resnet9: there is no such folder"),
        (("orakel", "val", 2), "there is no such folder"),
        (("oracle", "test", 2), "no part 'test' of the points; allowed: forget, retain, val"),
        (("pretrain", "retain", 3), "forget_set_3.npy: there is no such file"),
    ],
)
def test_what_is_not_there_is_named(root, arguments, message):
    with pytest.raises(InputError, match=message):
        load_margins(root, *arguments)
    with pytest.raises(InputError, match="13 models were asked for; allowed: 1 to 12"):
        load_margins(root, "oracle", "val", 2, models=13)


@pytest.mark.parametrize(
    "content, message",
    [
        ([1.0, 2.0], "type float64; needed: a list of places"),
        ([[1, 2]], r"shape \(1, 2\)"),
        ([1, 7], "places 1 to 7; allowed: 0 to 6"),
        ([-1, 2], "places -1 to 2"),
        ([3, 3], "a place twice"),
    ],
)
def test_wrong_forget_sets_are_named(root, content, message):
    np.save(root / "forget_sets" / "cifar10" / "forget_set_2.npy", np.array(content))
    with pytest.raises(InputError, match=message):
        load_forget_set(root, 2, TRAIN)
