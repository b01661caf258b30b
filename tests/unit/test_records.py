"""Records: files, joined blocks, points and settings taken out, logits in half precision."""

from pathlib import Path

import numpy as np
import pytest
import torch

from palimpsest.files import InputError
from palimpsest.records import STATISTICS, Record, check_left
from palimpsest.training.evaluate import statistics

POINTS = np.arange(30)
LABELS = POINTS % 7
SHAPES = {"margin": (), "correct": (), "logits": (7,), "features": (3,)}


KEPT = ["margin", "correct", "logits"]


def record(models: int, *, seed: int = 0, first_seed: int = 0, settings: int = 0) -> Record:
    """A population with logits of 7 classes, or a sweep of settings over one."""
    generator = np.random.default_rng(seed)
    shape = (settings, models, 30) if settings else (models, 30)
    values = {
        name: generator.normal(0, 9, (*shape, *more)).astype(STATISTICS[name])
        for name, more in SHAPES.items()
    }
    return Record(values, POINTS, first_seed + np.arange(models), LABELS)


def test_blocks_are_joined_and_columns_found(tmp_path: Path) -> None:
    record(3).save(tmp_path / "0.npz")
    record(2, seed=1, first_seed=3).save(tmp_path / "1.npz")
    joined = Record.load([tmp_path / "0.npz", tmp_path / "1.npz"])
    assert joined["margin"].shape == (5, 30)
    assert joined.seeds.tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(joined.of(np.array([25, 3]))["margin"], joined["margin"][:, [25, 3]])
    with pytest.raises(InputError, match="a seed occurs twice"):
        Record.load([tmp_path / "0.npz", tmp_path / "0.npz"])
    with pytest.raises(InputError, match="nothing was recorded for point 99"):
        joined.of(np.array([99]))
    with pytest.raises(InputError, match="no such file"):
        Record.load([tmp_path / "2.npz"])


@pytest.mark.parametrize("settings", [0, 4])
def test_a_record_comes_back_whole(tmp_path: Path, settings: int) -> None:
    kept = record(3, settings=settings)
    kept.save(tmp_path / "r.npz")
    back = Record.load([tmp_path / "r.npz"])
    assert set(back.statistics) == set(SHAPES)
    for name in SHAPES:
        assert back[name].dtype == STATISTICS[name]
        assert np.array_equal(back[name], kept[name])
    assert np.array_equal(back.points, POINTS)
    assert np.array_equal(back.seeds, kept.seeds)


@pytest.mark.parametrize("settings", [0, 4])
def test_blocks_are_joined_along_the_models_whatever_the_axes(
    tmp_path: Path, settings: int
) -> None:
    blocks = [record(3, settings=settings), record(2, seed=1, first_seed=3, settings=settings)]
    paths = [tmp_path / "0.npz", tmp_path / "1.npz"]
    for block, path in zip(blocks, paths, strict=True):
        block.save(path)
    joined = Record.load(paths)
    for name in SHAPES:
        whole = joined[name] if settings else joined[name][None]
        parts = [block[name] if settings else block[name][None] for block in blocks]
        assert whole.shape == (settings or 1, 5, 30, *SHAPES[name])
        assert np.array_equal(whole[:, :3], parts[0])
        assert np.array_equal(whole[:, 3:], parts[1])


@pytest.mark.parametrize("settings", [0, 4])
def test_the_first_models_are_a_record_of_their_own(settings: int) -> None:
    kept = record(5, first_seed=3, settings=settings)
    few = kept.first(2)
    assert few.seeds.tolist() == [3, 4]
    for name in SHAPES:
        expected = kept[name][:, :2] if settings else kept[name][:2]
        assert np.array_equal(few[name], expected)
    with pytest.raises(InputError, match="6 models are asked for, and 5 were recorded"):
        kept.first(6)


@pytest.mark.parametrize("settings", [0, 4])
def test_points_are_taken_from_every_statistic_and_the_classes_stay(settings: int) -> None:
    kept = record(3, settings=settings)
    chosen = kept.of(np.array([25, 3]))
    assert chosen.points.tolist() == [25, 3]
    for name in ("margin", "correct"):
        assert np.array_equal(chosen[name], kept[name][..., [25, 3]])
    for name in ("logits", "features"):
        assert np.array_equal(chosen[name], kept[name][..., [25, 3], :])
    assert np.array_equal(chosen.seeds, kept.seeds)
    assert chosen.labels.tolist() == [4, 3]


def test_a_setting_of_a_sweep_is_a_record_of_its_own() -> None:
    sweep = record(3, settings=4)
    one = sweep.setting(2)
    for name in SHAPES:
        assert np.array_equal(one[name], sweep[name][2])
    assert np.array_equal(one.of(np.array([7]))["logits"], sweep["logits"][2][:, [7]])


def test_blocks_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    whole = record(3)
    whole.save(tmp_path / "whole.npz")
    few = {name: whole[name] for name in ("margin", "correct")}
    Record(few, POINTS, 3 + np.arange(3), LABELS).save(tmp_path / "few.npz")
    Record(whole.statistics, POINTS[::-1], 3 + np.arange(3), LABELS).save(tmp_path / "turned.npz")
    with pytest.raises(InputError, match=r"few\.npz: its statistics differ from those of .*whole"):
        Record.load([tmp_path / "whole.npz", tmp_path / "few.npz"])
    with pytest.raises(InputError, match=r"turned\.npz: its points differ from those of .*whole"):
        Record.load([tmp_path / "whole.npz", tmp_path / "turned.npz"])


def test_a_missing_statistic_is_named(tmp_path: Path) -> None:
    whole = record(3)
    few = Record({name: whole[name] for name in ("margin", "correct")}, POINTS, whole.seeds, LABELS)
    with pytest.raises(InputError, match=r"holds no logits; it holds margin, correct \(record:"):
        few["logits"]
    np.savez(
        tmp_path / "r.npz", margin=whole["margin"], points=POINTS, seeds=whole.seeds, labels=LABELS
    )
    with pytest.raises(InputError, match=r"r\.npz: holds no array 'correct'"):
        Record.load([tmp_path / "r.npz"])


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_half_precision_logits_are_enough_for_accuracy_and_probabilities(tmp_path: Path) -> None:
    """Bound: a float16 has 11 bits, so a logit l moves by at most |l| * 2^-11.

    A probability p then moves by at most p (1 - p) * 2 max|l| * 2^-11 to first order, 2^-12 times
    the largest logit: below 0.005 where no logit exceeds 20. The predicted class can change only
    where the two largest logits are closer than 2 max|l| * 2^-11.
    """
    generator = np.random.default_rng(3)
    exact = generator.normal(0, 4, (8, 5000, 10)).astype(np.float32).clip(-20, 20)
    labels = generator.integers(0, 10, 5000)
    by_point = torch.from_numpy(exact.swapaxes(0, 1))
    kinds = statistics(by_point, torch.from_numpy(labels), KEPT)
    Record(kinds, np.arange(5000), np.arange(8), labels).save(tmp_path / "r.npz")
    record = Record.load([tmp_path / "r.npz"])
    assert {name: record[name].dtype for name in KEPT} == {name: STATISTICS[name] for name in KEPT}
    kept = record["logits"].astype(np.float32)
    reach = 20 * 2.0**-11
    assert np.abs(kept - exact).max() <= reach
    assert np.abs(softmax(kept) - softmax(exact)).max() < 2.0**-12 * 20 * 1.02
    ordered = np.sort(exact, axis=-1)
    clear = ordered[..., -1] - ordered[..., -2] > 2 * reach
    changed = kept.argmax(-1) != exact.argmax(-1)
    assert not changed[clear].any()
    hits = kept.argmax(-1) == labels
    assert np.array_equal(hits[clear], record["correct"][clear])
    assert np.abs(hits.mean(-1) - record["correct"].mean(-1)).max() <= 0.002


def test_statistics_that_a_model_does_not_leave_or_a_record_needs():
    check_left(["margin", "correct", "logits"], "class")
    with pytest.raises(InputError, match="--record names logits, and the model predicts the next"):
        check_left(["margin", "correct", "logits"], "next_token")
    with pytest.raises(
        InputError, match="--record names logits, margin; needed: margin, correct a"
    ):
        check_left(["logits", "margin"], "class")
