"""The subset of Fashion-MNIST that comes with the project."""

from pathlib import Path

import numpy as np
import pytest

from palimpsest.data.sources import fashion
from palimpsest.data.splits import base_split
from palimpsest.files import InputError

NOWHERE = (Path("nowhere"), False, "official")


def test_it_has_two_hundred_training_and_a_hundred_test_images_of_each_class():
    dataset = fashion.load(*NOWHERE)
    split = base_split(dataset)
    assert np.bincount(dataset.labels[split.train]).tolist() == [200] * 10
    assert np.bincount(dataset.labels[split.val]).tolist() == [100] * 10
    assert dataset.facts == fashion.facts(Path("nowhere"), "official")


def test_its_constants_are_those_of_its_training_images():
    dataset = fashion.load(*NOWHERE)
    inputs = dataset.inputs()[: fashion.TRAIN_POINTS]
    assert abs(inputs.mean()) < 1e-3
    assert abs(inputs.std() - 1) < 1e-3


def test_altered_images_are_refused(tmp_path, monkeypatch):
    arrays = dict(np.load(fashion.FILE))
    arrays["images"][0, 0, 7, 7] ^= 1
    np.savez_compressed(tmp_path / "fashion.npz", **arrays)
    monkeypatch.setattr(fashion, "FILE", tmp_path / "fashion.npz")
    with pytest.raises(InputError, match="altered"):
        fashion.load(*NOWHERE)
