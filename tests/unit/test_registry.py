"""Things are found by name, and their settings are read from a signature."""

import pytest
from pydantic import TypeAdapter, ValidationError

from palimpsest import registry
from palimpsest.files import InputError
from palimpsest.values import Closed


def test_every_thing_has_its_function_and_settings():
    for folder in registry.KINDS:
        assert registry.names(folder), folder
        for name in registry.names(folder):
            registry.settings_of(folder, name)


def test_names_are_sorted_and_a_file_is_enough(add_file):
    assert registry.names("data/forget_sets") == [
        "classes",
        "file",
        "principal_component",
        "random",
    ]
    add_file("methods", "mine", "def plan(*, lr: float): return lr")
    assert "mine" in registry.names("methods")
    assert registry.make("methods", "mine", settings={"lr": 0.5}) == 0.5
    with pytest.raises(
        InputError, match=r"^methods: there is no 'yours'; allowed: .*ga, gda, .*mine,"
    ):
        registry.module("methods", "yours")


def test_settings_are_closed_strict_and_have_the_defaults_of_the_signature():
    model = registry.settings_of("methods", "ga")
    assert model(lr=1, epochs=2).model_dump() == {
        "lr": 1.0, "epochs": 2, "forget_batch": 64, "batch_norm": "train", "optimiser": "sgd",
    }  # fmt: skip
    for wrong in ({"epochs": 2.0}, {"lr": "0.1"}, {"lr": float("nan")}, {"lr": True}, {"alpha": 1}):
        with pytest.raises(ValidationError):
            model(**{"lr": 0.1, "epochs": 2, **wrong})


def test_a_grid_has_lists_of_the_same_settings():
    model = registry.grid_of("methods", "ga", prepare=int | None)
    assert model(lr=[0, 1], epochs=[2]).model_dump() == {
        "lr": [0.0, 1.0], "epochs": [2], "forget_batch": [64], "batch_norm": ["train"],
        "optimiser": ["sgd"], "prepare": [None],
    }  # fmt: skip
    for wrong in ({"epochs": 2}, {"epochs": []}, {"epochs": [2, 2]}, {"lr": [1, 1.0]}):
        with pytest.raises(ValidationError):
            model(**{"lr": [0.1], "epochs": [2], **wrong})
    assert "prepare" not in registry.settings_of("methods", "ga").model_fields


def test_one_thing_or_several_are_told_apart_by_their_name(monkeypatch):
    class Shared(Closed):
        name: str
        folder: str

    for names in (["random_mask"], ["random_mask", "zero_row"]):
        monkeypatch.setattr(registry, "names", lambda _, names=names: names)
        section = TypeAdapter(registry.tagged("preparations", "name", Shared))
        given = {
            "name": "random_mask",
            "folder": "a",
            "share": 0.5,
            "mask_seed": 0,
            "action": "zero",
        }
        assert section.dump_python(section.validate_python(given)) == given
        for wrong in ({"name": "random"}, {"depth": 3}, {"folder": None}):
            with pytest.raises(ValidationError):
                section.validate_python(given | wrong)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "src/palimpsest/methods/mine.py: has no function plan; needed: one, whose arguments"),
        (
            "def plan(*, lr): ...",
            "src/palimpsest/methods/mine.py: the setting lr of plan() has no annotation; needed: a",
        ),
    ],
)
def test_a_file_that_is_not_as_it_should_be(add_file, text, found):
    add_file("methods", "mine", text)
    with pytest.raises(InputError) as error:
        registry.settings_of("methods", "mine")
    assert str(error.value).startswith(found)


def test_postponed_annotations_are_read(add_file):
    add_file(
        "metrics",
        "postponed",
        "from __future__ import annotations\n"
        "from typing import TYPE_CHECKING\n"
        "from palimpsest.values import Count\n"
        "if TYPE_CHECKING:\n    from torch import Tensor\n"
        "def rows(record: Tensor, original, oracle, split, reference, *, bins: Count = 2): ...\n",
    )
    assert registry.settings_of("metrics", "postponed")().bins == 2
