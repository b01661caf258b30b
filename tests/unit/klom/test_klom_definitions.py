"""easydub-2025, easydub-2026 and georgiev equal their per-point definitions to the last bit."""

import klom_definitions
import numpy as np
import pytest

from palimpsest.klom import DIRECTIONS, MODES, klom

POINTS = 23
PUBLIC = ["easydub-2025", "easydub-2026", "georgiev"]
EASYDUB = PUBLIC[:2]


def _normal(models=30, centre=8.0, spread=1.0, seed=0):
    return np.random.default_rng(seed).normal(centre, spread, (models, POINTS))


def _with(margins, value, rows=1, columns=slice(None, None, 2)):
    changed = margins.copy()
    changed[:rows, columns] = value
    return changed


def _denormal(dtype, largest, seed):
    steps = np.random.default_rng(seed).integers(0, largest, (30, POINTS))
    return (steps * np.finfo(dtype).smallest_subnormal).astype(dtype)


A, B = _normal(), _normal(seed=1)
ROUNDED = np.round(A), np.round(B)
KINDS = {
    "normal": (A, B),
    "one hundred models": (_normal(100), _normal(100, seed=1)),
    "more than a byte counts": (_normal(300), _normal(521, seed=1)),
    "exactly a byte": (_normal(255), _normal(256, seed=1)),
    "unequal numbers": (_normal(7), _normal(40, seed=1)),
    "one model each": (_normal(1), _normal(1, seed=1)),
    "one against many": (_normal(1), B),
    "shifted": (A, B + 3),
    "disjoint": (A, B + 50),
    "wider": (A, _normal(spread=9.0, seed=1)),
    "negative": (-A, -B),
    "around zero": (A - 8, B - 8),
    "tiny scale": (A * 1e-6, B * 1e-6),
    "large scale": (A * 5, B * 5),
    "identical": (A, A),
    "same but permuted": (A, A[::-1]),
    "ties": ROUNDED,
    "ties on edges": (ROUNDED[0] * 0 + np.arange(30)[:, None] % 21, ROUNDED[1]),
    "two values": (np.where(A > 8, 1.0, 0.0), np.where(B > 8, 1.0, 0.0)),
    "constant and equal": (A * 0 + 3, B * 0 + 3),
    "constant and different": (A * 0 + 3, B * 0 + 4),
    "constant p": (A * 0 + 8, B),
    "constant q": (A, B * 0 + 8),
    "all zero": (A * 0, B * 0),
    "zeros of both signs": (A * 0, -(B * 0)),
    "p at the upper clip": (A * 0 + 100, B),
    "q at the upper clip": (A, B * 0 + 100),
    "p beyond the upper clip": (A * 0 + 1e4, B),
    "q beyond the lower clip": (A, B * 0 - 1e4),
    "both at the upper clip": (A * 0 + 100, B * 0 + 100),
    "both at the lower clip": (A * 0 - 100, B * 0 - 100),
    "some at the clip": (_with(A, 100.0), _with(B, -100.0)),
    "some beyond the clip": (_with(A, 300.0, 3), B),
    "one outlier in p": (_with(A, 60.0), B),
    "one outlier in q": (A, _with(B, -60.0)),
    "p with +inf": (_with(A, np.inf), B),
    "q with +inf": (A, _with(B, np.inf)),
    "p with -inf": (_with(A, -np.inf), B),
    "both infinities": (_with(A, -np.inf), _with(B, np.inf)),
    "all 1e9": (_with(A, 1e9, 30, slice(None)), B),
    "q all -1e9": (A, _with(B, -1e9, 30, slice(None))),
    "every bin": (np.linspace(0, 21, 30)[:, None] + A * 0, np.linspace(0, 21, 30)[:, None] + B * 0),
    "p all +inf": (_with(A, np.inf, 30), B),
    "q all -inf": (A, _with(B, -np.inf, 30)),
    "both all +inf": (A * 0 + np.inf, B * 0 + np.inf),
    "p with NaN": (_with(A, np.nan), B),
    "q with NaN": (A, _with(B, np.nan)),
    "q with NaN and wider": (A, _with(_normal(spread=9.0, seed=1), np.nan)),
    "both with NaN": (_with(A, np.nan), _with(B, np.nan, 3)),
    "p all NaN": (_with(A, np.nan, 30), B),
    "q all NaN": (A, _with(B, np.nan, 30)),
    "both all NaN": (_with(A, np.nan, 30), _with(B, np.nan, 30)),
    "NaN and infinity": (_with(_with(A, np.nan), np.inf, 1, slice(1, 6)), _with(B, np.inf, 2)),
    "heavy tails": tuple(np.random.default_rng(3).standard_cauchy((2, 30, POINTS))),
    "skewed": (np.exp(A - 8), np.exp(B - 8)),
    "transposed memory": (np.asfortranarray(A), B[:, ::-1][:, ::-1]),
    "one point": (A[:, :1], B[:, :1]),
    "no points": (A[:, :0], B[:, :0]),
}
DTYPES = (np.float16, np.float32, np.float64)


def _equal(p, q, mode, **settings):
    for direction in DIRECTIONS:
        first, second = (p, q) if direction == DIRECTIONS[0] else (q, p)
        expected = klom_definitions.over_points(
            getattr(klom_definitions, mode.replace("-", "_")), first, second, **settings
        )
        found = klom(p, q, mode=mode, direction=direction, **settings)
        np.testing.assert_array_equal(found, expected, err_msg=direction, strict=True)


@pytest.mark.parametrize("mode", PUBLIC)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_per_point_definition(kind, dtype, mode):
    with np.errstate(over="ignore"):
        p, q = (margins.astype(dtype) for margins in KINDS[kind])
    _equal(p, q, mode)


def test_there_are_more_than_forty_kinds():
    assert len(KINDS) > 40


@pytest.mark.parametrize("mode", PUBLIC)
@pytest.mark.parametrize("kind", ["normal", "ties", "constant p", "identical", "q with NaN"])
@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_mixed_precisions_are_promoted_as_numpy_does(kind, first, second, mode):
    p, q = KINDS[kind]
    _equal(p.astype(first), q.astype(second), mode)
    _equal((p * 0 + 3).astype(first), (q * 0 + 3)[:2].astype(second), mode)


@pytest.mark.parametrize("mode", PUBLIC)
@pytest.mark.parametrize("dtype", DTYPES)
def test_denormal_ranges_beside_ordinary_ones(dtype, mode):
    """linspace takes another path where its step is zero, which must stay with its own points."""
    p, q = _denormal(dtype, 60, 0), _denormal(dtype, 60, 1)
    q[:, ::4] = p[0, ::4]
    _equal(p, q, mode)
    p[:, ::2] = A[:, ::2]
    q[:, 1::3] = 8
    _equal(p, q, mode)


@pytest.mark.parametrize("mode", EASYDUB)
def test_edges_out_of_order_give_nan(mode):
    """Eleven denormal steps in twenty bins: digitize refuses the rounded edges."""
    p = (np.arange(12) * np.finfo(np.float32).smallest_subnormal).astype(np.float32)[:, None]
    assert np.isnan(klom(p, p, mode=mode)).all()
    assert np.isfinite(klom(p, p)).all()


@pytest.mark.parametrize("mode", PUBLIC)
@pytest.mark.parametrize(
    "settings", [{"bins": 2}, {"bins": 7, "clip": 8.5}, {"bins": 300}, {"floor": 0.03}]
)
def test_other_settings(settings, mode):
    _equal(A.astype(np.float32), B.astype(np.float32) + 1, mode, **settings)


@pytest.mark.parametrize("mode", EASYDUB)
def test_a_clip_at_which_adding_one_is_lost(mode):
    p = np.full((5, 4), 3e8, np.float32)
    _equal(p, p, mode, clip=1e9)
    expected = {"easydub-2025": np.nan, "easydub-2026": 0.0}[mode]
    np.testing.assert_array_equal(klom(p, p, mode=mode, clip=1e9), [expected] * 4)


@pytest.mark.parametrize("mode", PUBLIC)
def test_integers_are_taken_as_float64(mode):
    rng = np.random.default_rng(0)
    p, q = rng.integers(-3, 12, (2, 25, POINTS), dtype=np.int16)
    _equal(p, q, mode)


@pytest.mark.parametrize("mode", MODES)
def test_chunks_do_not_change_a_score(mode, monkeypatch):
    p, q = A.astype(np.float32), B.astype(np.float32)
    whole = klom(p, q, mode=mode)
    monkeypatch.setattr("palimpsest.klom.point_scores._CHUNK", 90)
    np.testing.assert_array_equal(klom(p, q, mode=mode), whole)
