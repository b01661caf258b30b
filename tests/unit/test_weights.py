"""Weights on disk are ordinary state dicts that name what they were trained on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.models.resnet9 import ResNet9
from palimpsest.models.weights import check_originals, load_states, save_states


def test_round_trip_gives_models_that_load(tmp_path: Path) -> None:
    model = ResNet9(1, 10, width=2, image_size=8)
    other = ResNet9(1, 10, width=2, image_size=8)
    path = tmp_path / "block.safetensors"
    save_states(path, {10: model.state_dict(), 9: other.state_dict()}, {"train_checksum": "abc"})
    states, metadata = load_states(path)
    assert list(states) == [9, 10]
    assert metadata["train_checksum"] == "abc"
    ResNet9(1, 10, width=2, image_size=8).load_state_dict(states[10])
    assert all(torch.equal(states[10][n], v) for n, v in model.state_dict().items())


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_states(tmp_path / "none.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not weights at all")
    with pytest.raises(InputError, match="not a file of weights"):
        load_states(broken)


def test_originals_of_another_training_set_are_refused() -> None:
    split = Split(np.arange(10), np.arange(10, 12), np.array([3]))
    check_originals({"train_checksum": split.train_checksum}, split, "a")
    with pytest.raises(InputError, match="another training set"):
        check_originals({"train_checksum": "other"}, split, "a")
