"""Weights on disk are ordinary state dicts that name what they were trained on."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch

from palimpsest.data.facts import Facts
from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.models.resnet9 import build
from palimpsest.provenance import provenance
from palimpsest.weights import check_network, check_originals, load_states, save_states, trained_on

DIGITS = Facts(1797, None, 10, (1, 8, 8))


def test_round_trip_gives_models_that_load(tmp_path: Path) -> None:
    model = build(DIGITS, width=2)
    other = build(DIGITS, width=2)
    path = tmp_path / "block.safetensors"
    save_states(path, {10: model.state_dict(), 9: other.state_dict()}, {"train_checksum": "abc"})
    states, metadata = load_states(path)
    assert list(states) == [9, 10]
    assert metadata["train_checksum"] == "abc"
    build(DIGITS, width=2).load_state_dict(states[10])
    assert all(torch.equal(states[10][n], v) for n, v in model.state_dict().items())


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_states(tmp_path / "none.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not weights at all")
    with pytest.raises(InputError, match="not a file of weights"):
        load_states(broken)


def test_originals_of_another_training_set_are_refused() -> None:
    base = Split(np.arange(10), np.arange(10, 12))
    split = base.with_forget([3])
    check_originals(trained_on(base), split, "a")
    other = Split(np.arange(9), np.arange(10, 12))
    with pytest.raises(
        InputError, match=r"a: is of originals of the training set .*; needed: orig"
    ):
        check_originals(trained_on(other), split, "a")
    for made in (split, base.with_forget([4])):  # the same training set
        with pytest.raises(InputError, match=r"a: is of oracles of the split .*; needed: original"):
            check_originals(trained_on(made), split, "a")
    for unknown in ({}, {"train_checksum": base.train_checksum}, {"population": "original"}):
        with pytest.raises(InputError, match="a: does not say what models it is of; needed: orig"):
            check_originals(unknown, split, "a")


def test_models_of_another_network_are_refused() -> None:
    states = {3: build(DIGITS, width=2).state_dict()}
    check_network(states, build(DIGITS, width=2), "a")
    for other in (build(DIGITS, width=3), build(Facts(9, 5, 10, (3, 8, 8)), width=2)):
        with pytest.raises(InputError, match="a: the model of seed 3 is another network than the"):
            check_network(states, other, "a")


def test_the_provenance_names_every_setting_and_versions() -> None:
    written = provenance({"models": 3, "dataset": "d.npz"}, "cpu")
    assert written["arguments"] == "dataset=d.npz models=3"
    assert written["torch"] == version("torch")


def test_equal_models_are_equal_bytes_whatever_the_order_of_the_metadata(tmp_path: Path) -> None:
    state = build(DIGITS, width=2).state_dict()
    metadata = {name: name * 3 for name in ("torch", "code", "arguments", "train_checksum")}
    for place in range(6):  # the library alone writes them in a random order
        save_states(tmp_path / str(place), {1: state}, dict(reversed(metadata.items())))
        save_states(tmp_path / "again", {1: state}, metadata)
        assert (tmp_path / str(place)).read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.parametrize("place", [-1, -400, 0.5])
def test_a_flipped_bit_is_found(tmp_path: Path, place: float) -> None:
    path = tmp_path / "block.safetensors"
    save_states(path, {1: build(DIGITS, width=2).state_dict()}, {"train_checksum": "abc"})
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) if isinstance(place, float) else place] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"block.safetensors: .*delete it, then run again"):
        load_states(path)
