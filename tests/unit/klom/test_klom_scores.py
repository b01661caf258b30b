"""KLoM's scores: cases worked out by hand, broken models, invariances, finite-sample bias."""

import subprocess
import sys

import numpy as np
import pytest

from palimpsest.klom import MODES, klom

LOG = np.log


def _column(*values):
    return np.array(values, dtype=np.float64)[:, None]


def _pair(models=100, points=1000, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    unlearned, oracle = rng.normal(8, 1, (2, models, points)).astype(np.float32)
    return unlearned + np.float32(shift), oracle


def _p95(unlearned, oracle, **settings):
    return np.percentile(klom(unlearned, oracle, **settings), 95)


# Four unlearned models at 0, 0, 1, 2 and four oracles at 0, 1, 2, 2; two bins, or for georgiev
# three edges, over [0, 2]: the bins [0, 1) and [1, 2).
FOUR, ORACLES = _column(0, 0, 1, 2), _column(0, 1, 2, 2)


@pytest.mark.parametrize("direction", ["unlearned||oracle", "oracle||unlearned"])
def test_easydub_2025_by_hand(direction):
    """The 2s are dropped: unlearned (2/3, 1/3), oracle (1/2, 1/2)."""
    u, o = np.array([2 / 3, 1 / 3]), np.array([1 / 2, 1 / 2])
    p, q = (u, o) if direction[0] == "u" else (o, u)
    found = klom(FOUR, ORACLES, mode="easydub-2025", bins=2, direction=direction)
    np.testing.assert_allclose(found, [(p * LOG(p / q)).sum()], rtol=1e-12)


@pytest.mark.parametrize("direction", ["unlearned||oracle", "oracle||unlearned"])
def test_georgiev_by_hand(direction):
    """As easydub-2025 with three edges, but the empty outcome below the range is floored too."""
    u, o = np.array([0, 2 / 3, 1 / 3]), np.array([0, 1 / 2, 1 / 2])
    p, q = (u, o) if direction[0] == "u" else (o, u)
    q = np.maximum(q, 0.1) / np.maximum(q, 0.1).sum()
    expected = (p[1:] * LOG(p[1:] / q[1:])).sum()
    found = klom(FOUR, ORACLES, mode="georgiev", bins=3, floor=0.1, direction=direction)
    np.testing.assert_allclose(found, [expected], rtol=1e-12)


def test_georgiev_clips_p_only():
    """p is cut at 1, q reaches 3: four edges 0, 1, 2, 3; p is (1/2, 1/2, 0), q (1/2, 1/2, 0)."""
    p, q = _column(0, 5), _column(0, 1, 3)
    found = klom(p, q, mode="georgiev", bins=4, clip=1.0, floor=1e-9)
    np.testing.assert_allclose(found, [0.0], atol=1e-8)


@pytest.mark.parametrize("direction", ["unlearned||oracle", "oracle||unlearned"])
def test_ours_by_hand(direction):
    """The last bin is closed: unlearned (2/4, 2/4), oracle (1/4, 3/4)."""
    u, o = np.array([2 / 4, 2 / 4]), np.array([1 / 4, 3 / 4])
    p, q = (u, o) if direction[0] == "u" else (o, u)
    found = klom(FOUR, ORACLES, bins=2, direction=direction)
    np.testing.assert_allclose(found, [(p * LOG(p / q)).sum()], rtol=1e-12)


def test_ours_counts_below_above_and_nan_by_hand():
    """Oracle quartiles 1 and 3 fence nothing off; the unlearned -50, 50 and NaN lie outside.

    Unlearned without NaN: -50, 0, 1, 2, 3, 4, 50 has quartiles 0.5 and 3.5, so its fences are
    -8.5 and 12.5 and its range is cut to them; with two bins the cut is at 2.
    """
    unlearned = _column(-50, 0, 1, 2, 3, 4, 50, np.nan)
    oracle = _column(0, 1, 2, 3, 4)
    p = np.array([1, 2, 3, 1, 1]) / 8  # below, [-8.5, 2), [2, 12.5], above, NaN
    q = np.maximum(np.array([0, 2, 3, 0, 0]) / 5, 1e-3)
    expected = (p * LOG(p / (q / q.sum()))).sum()
    np.testing.assert_allclose(klom(unlearned, oracle, bins=2, floor=1e-3), [expected], rtol=1e-12)


def test_ours_treats_a_single_value_as_an_outcome():
    oracle = np.full((4, 1), 3.0)
    assert klom(oracle, oracle) == 0
    above = klom(_column(3, 3, 3, 9), oracle, floor=1e-3)
    p, q = np.array([3 / 4, 1 / 4]), np.array([1, 1e-3]) / 1.001
    np.testing.assert_allclose(above, [(p * LOG(p / q)).sum()], rtol=1e-12)


@pytest.mark.parametrize("mode", ["ours", "easydub-2025"])
def test_the_floor_applies_only_where_p_has_mass(mode):
    """p sits in the first of three bins, q in the first and the last but one: q keeps its zero."""
    p, q = _column(0, 0, 0, 0, 0, 0, 0, 3), _column(0, 1, 1, 3)
    shares = {
        "easydub-2025": ([1, 0, 0], [1 / 3, 2 / 3, 0]),
        "ours": ([7 / 8, 0, 1 / 8], [1, 2, 1]),
    }
    a, b = (np.array(share, float) for share in shares[mode])
    b /= b.sum()
    expected = sum(x * LOG(x / y) for x, y in zip(a, b, strict=True) if x > 0)
    if mode == "ours":  # quartiles of p are 0 and 0: its 3 lies above the fence; q reaches to 3
        assert klom(p, q, bins=3) == pytest.approx(expected, rel=1e-12)
    else:
        assert klom(p, q, bins=3, mode=mode) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_identical_populations_score_zero(mode):
    unlearned, _ = _pair(40, 50)
    assert np.abs(klom(unlearned, unlearned[::-1], mode=mode)).max() < 2e-4
    if mode != "georgiev":
        assert (klom(unlearned, unlearned[::-1], mode=mode) == 0).all()


def test_clean_margins_score_as_in_easydub_2025():
    for shift in (0.0, 0.5, 2.0, 6.0):
        pair = _pair(points=3000, shift=shift, seed=3)
        for direction in ("unlearned||oracle", "oracle||unlearned"):
            ours = _p95(*pair, direction=direction)
            assert ours == pytest.approx(
                _p95(*pair, mode="easydub-2025", direction=direction), abs=0.05
            )


@pytest.mark.parametrize("direction", ["unlearned||oracle", "oracle||unlearned"])
def test_a_broken_model_in_a_hundred_fools_easydub_2025_but_not_ours(direction):
    """A method one standard deviation off, one of whose models broke, must not look perfect."""
    unlearned, oracle = _pair(shift=1.0)
    intact = _p95(unlearned, oracle, direction=direction)
    perfect = _p95(*_pair(seed=9), mode="easydub-2025", direction=direction)
    unlearned[17] = -100.0
    assert _p95(unlearned, oracle, mode="easydub-2025", direction=direction) < perfect
    assert _p95(unlearned, oracle, direction=direction) == pytest.approx(intact, abs=0.15)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 100.0])
@pytest.mark.parametrize("direction", ["unlearned||oracle", "oracle||unlearned"])
def test_many_diverged_models_do_not_hide_the_others(value, direction):
    """A third of the models diverged: the score is high, and stays so if the rest is perfect."""
    unlearned, oracle = _pair(shift=2.0)
    unlearned[:33] = value
    rest = klom(unlearned[33:], oracle, direction=direction)
    found = klom(unlearned, oracle, direction=direction)
    assert np.isfinite(found).all()
    assert np.median(found) > 0.9 * np.median(rest) > 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_diverged_population_scores_high_in_both_directions(value):
    unlearned, oracle = _pair(50, 20)
    unlearned[:] = value
    for direction in ("unlearned||oracle", "oracle||unlearned"):
        assert (klom(unlearned, oracle, direction=direction) > 8).all()
        assert (klom(oracle, unlearned, direction=direction) > 8).all()
        assert (klom(unlearned, unlearned, direction=direction) == 0).all()
    assert klom(np.full((3, 1), np.nan), np.full((3, 1), np.inf)) > 8


def test_easydub_2025_calls_a_diverged_population_perfect_or_nothing():
    """The defect that mode ours removes: NaN for p, 0.0 for q where it holds one bin of p."""
    oracle = np.full((50, 3), 8.0)
    diverged = np.full((50, 3), np.inf)
    assert np.isnan(klom(diverged, oracle, mode="easydub-2025")).all()
    assert (klom(oracle, diverged, mode="easydub-2025") == 0).all()


@pytest.mark.parametrize("rows, value", [(30, 1e9), (30, np.nan), (1, np.nan)])
def test_easydub_2026_calls_diverged_models_perfect(rows, value):
    """In the direction of its own call; 2025, in its own, gives other numbers for NaN."""
    rng = np.random.default_rng(0)
    unlearned, oracle = rng.normal(8, 1, (2, 30, 200))
    unlearned[:rows] = value
    assert (klom(unlearned, oracle, mode="easydub-2026") == 0).all()
    found = klom(unlearned, oracle, mode="easydub-2025", direction="oracle||unlearned")
    assert np.isfinite(found).all() and found.max() > 0
    assert klom(unlearned, oracle).min() > 0


def test_easydub_2026_by_hand():
    """The 2s are dropped; the empty bin of q is floored, and q keeps its sum of 1.1."""
    p, q = _column(0, 1, 2), _column(0, 0, 2, 2)
    found = klom(p, q, mode="easydub-2026", bins=2, floor=0.1)
    np.testing.assert_allclose(found, [0.5 * LOG(0.5) + 0.5 * LOG(5)], rtol=1e-12)
    again = klom(p, q, mode="easydub-2025", bins=2, floor=0.1)
    np.testing.assert_allclose(again, found + LOG(1.1), rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_the_order_of_the_models_does_not_matter(mode):
    unlearned, oracle = _pair(30, 40, shift=1.0)
    unlearned[4, :7] = 90
    order = np.random.default_rng(1).permutation(30)
    np.testing.assert_array_equal(
        klom(unlearned[order], oracle[order[::-1]], mode=mode), klom(unlearned, oracle, mode=mode)
    )


def test_shifting_and_scaling_the_margins_does_not_matter():
    """Powers of two and whole numbers keep the arithmetic exact inside the clip."""
    rng = np.random.default_rng(2)
    unlearned, oracle = rng.integers(-400, 400, (2, 40, 30)) / 64
    unlearned[0] = 30
    reference = klom(unlearned, oracle)
    np.testing.assert_allclose(klom(unlearned * 2, oracle * 2), reference, atol=1e-12)
    np.testing.assert_allclose(klom(unlearned / 512, oracle / 512), reference, atol=1e-12)
    moved = klom(unlearned + 16, oracle + 16)
    assert np.mean(np.abs(moved - reference) < 1e-12) > 0.95  # an edge may round to a margin


@pytest.mark.parametrize("models, expected", [(20, 5.00), (50, 1.73), (80, 0.91), (100, 0.68)])
def test_finite_sample_bias_of_equal_populations(models, expected):
    pair = _pair(models, 6000, seed=models)
    assert _p95(*pair, mode="easydub-2025") == pytest.approx(expected, rel=0.06)
    assert _p95(*pair) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(
    "unlearned, oracle, settings, message",
    [
        (np.zeros(3), np.zeros((3, 2)), {}, "unlearned margins have shape"),
        (np.zeros((3, 2)), np.zeros((1, 3, 2)), {}, "oracle margins have shape"),
        (np.zeros((3, 2)), np.zeros((3, 4)), {}, "2 points and the oracle margins 4"),
        (np.zeros((0, 2)), np.zeros((3, 2)), {}, "unlearned margins hold no models"),
        (np.zeros((3, 2)), np.zeros((0, 2)), {}, "oracle margins hold no models"),
        (np.zeros((3, 2), complex), np.zeros((3, 2)), {}, "complex128"),
        (np.array([["a"]]), np.zeros((3, 1)), {}, "allowed are float16"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"mode": "public"}, "unknown mode 'public'"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"direction": "both"}, "unknown direction 'both'"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"bins": 0}, "bins is 0"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"bins": 2.5}, "bins is 2.5"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"bins": 1, "mode": "georgiev"}, "at least 2"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"clip": np.inf}, "clip is inf"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"clip": np.nan}, "clip is nan"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"floor": 0.0}, "floor is 0.0"),
    ],
)
def test_bad_input_is_named(unlearned, oracle, settings, message):
    with pytest.raises(ValueError, match=message):
        klom(unlearned, oracle, **settings)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("points", [1, 5])
def test_the_input_is_left_as_it_was(mode, points):
    unlearned, oracle = _pair(12, points)
    unlearned[3] = np.nan
    before = unlearned.copy(), oracle.copy()
    klom(unlearned, oracle, mode=mode)
    np.testing.assert_array_equal(unlearned, before[0])
    np.testing.assert_array_equal(oracle, before[1])


def test_importing_the_package_loads_neither_torch_nor_scipy():
    command = "import sys, palimpsest.klom; print(sorted({'torch', 'scipy'} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {command}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"
