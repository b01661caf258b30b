"""What a percentile of KLoM is worth: its null floor, and its interval over models.

Both draw new populations from smoothed ones (`smoothing`): the null floor scores oracle against
oracle, the interval scores redrawn unlearned models against redrawn oracles.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palimpsest.klom.histograms import Array
from palimpsest.klom.point_scores import as_margins, as_populations, check_settings, klom
from palimpsest.klom.point_sets import Sets, as_columns, check_percentile, set_percentiles
from palimpsest.klom.smoothing import SmoothedPopulation

_BATCH = 150_000  # margins per population scored in one call; small problems gain by it
_POOL = 2  # rows of kernel noise for each one that a repeat uses


class Interval(NamedTuple):
    """A percentile of KLoM over a set of points, in nats, with its interval over models."""

    score: float
    ci_low: float
    ci_high: float
    standard_error: float


def null_floor(
    oracle: ArrayLike,
    sets: Sets,
    *,
    unlearned_models: int | None = None,
    oracle_models: int | None = None,
    repeats: int = 20,
    seed: int = 0,
    percentile: float = 95.0,
    mode: str = "ours",
    direction: str = "unlearned||oracle",
    bins: int = 20,
    clip: float = 100.0,
    floor: float = 1e-5,
) -> dict[str, NDArray[np.float64]]:
    """What a perfect method would score: percentiles of KLoM of oracles against oracles.

    `oracle` (models, points) is smoothed per point; each of `repeats` simulations draws
    `unlearned_models` and `oracle_models` models from it (both as many as `oracle` has, unless
    given) and takes the percentile over every set of columns, so that one simulation serves all
    sets. Returns (repeats,) percentiles by the set's name: their mean is the null floor. The other
    settings are those of `klom`. The same seed gives the same numbers.
    """
    check_settings(mode, direction, bins, clip, floor)
    margins = as_margins(oracle, "oracle")
    used, columns = _used(sets, margins.shape[1])
    check_percentile(percentile)
    if repeats < 1:
        raise ValueError(f"repeats is {repeats}: at least 1 simulation is needed")
    sizes = [len(margins) if n is None else n for n in (unlearned_models, oracle_models)]
    if min(sizes) < 1:
        raise ValueError(f"the null floor of {sizes} models was asked for: at least 1 is needed")
    smoothed = SmoothedPopulation(margins[:, used], clip)
    return _redrawn(
        [smoothed, smoothed],
        sizes,
        columns,
        repeats,
        seed,
        percentile,
        {"mode": mode, "direction": direction, "bins": bins, "clip": clip, "floor": floor},
    )


def klom_intervals(
    unlearned: ArrayLike,
    oracle: ArrayLike,
    sets: Sets,
    *,
    level: float = 0.95,
    repeats: int = 20,
    seed: int = 0,
    percentile: float = 95.0,
    mode: str = "ours",
    direction: str = "unlearned||oracle",
    bins: int = 20,
    clip: float = 100.0,
    floor: float = 1e-5,
) -> dict[str, Interval]:
    """The percentile of KLoM over each set of columns, with its interval over models.

    A smoothed bootstrap (Silverman and Young, 1987): both populations are redrawn `repeats` times,
    models as wholes and independently of each other; the standard deviation of the redrawn
    percentiles is the standard error, and the interval is score -+ t * standard error with
    `repeats` - 1 degrees of freedom, its lower end not below 0. It covers the expectation, over
    repetitions of both populations, of the score with this many models: the finite-sample bias is
    not taken off (see `null_floor`), and the points are those given.

    The jackknife is not used: a percentile of histogram distances is not smooth, so that deleting
    one or a few models at a time gives up to twice the true standard error.

    The other settings are those of `klom`; the same seed gives the same numbers. In the modes that
    can give NaN, a NaN score in a set makes its interval NaN. ValueError for fewer than two models
    in a population, since one model says nothing of the spread.
    """
    check_settings(mode, direction, bins, clip, floor)
    populations = as_populations(unlearned, oracle)
    used, columns = _used(sets, populations[0].shape[1])
    check_percentile(percentile)
    sizes = [len(population) for population in populations]
    if min(sizes) < 2:
        raise ValueError(
            f"the interval of {sizes[0]} unlearned and {sizes[1]} oracle models was asked for: "
            "at least 2 of each are needed"
        )
    if repeats < 2:
        raise ValueError(f"repeats is {repeats}: an interval needs at least 2")
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}: it must lie between 0 and 1")
    settings = {"mode": mode, "direction": direction, "bins": bins, "clip": clip, "floor": floor}
    parts = [population[:, used] for population in populations]
    scores = set_percentiles(klom(*parts, **settings), columns, percentile=percentile)  # type: ignore[arg-type]
    redrawn = _redrawn(
        [SmoothedPopulation(part, clip) for part in parts],
        sizes,
        columns,
        repeats,
        seed,
        percentile,
        settings,
    )
    return {name: interval_of(float(scores[name]), redrawn[name], level) for name in columns}


def interval_of(score: float, redrawn: NDArray[np.float64], level: float = 0.95) -> Interval:
    """The interval of a score from its redrawn values (repeats,), Student's t.

    Not below 0, unless the score is (that of easydub-2026 can be).
    """
    from scipy.special import stdtrit  # here, because it takes longer to load than all the rest

    reach = float(stdtrit(len(redrawn) - 1, (1 + level) / 2))
    error = float(redrawn.std(ddof=1))
    low = score - reach * error
    return Interval(
        score, max(low, min(score, 0.0)) if low == low else low, score + reach * error, error
    )


def _redrawn(
    populations: list[SmoothedPopulation],
    sizes: list[int],
    columns: dict[str, NDArray[np.intp]],
    repeats: int,
    seed: int,
    percentile: float,
    settings: dict[str, object],
) -> dict[str, NDArray[np.float64]]:
    """Percentiles (repeats,) over each set, of populations drawn anew.

    The kernel noise of a draw is rows of one pool, dealt anew for each repeat: drawing normals
    for every repeat would cost as much as scoring them.
    """
    generator = np.random.default_rng(seed)
    points = populations[0].points
    pool = generator.standard_normal((_POOL * sum(sizes), points), dtype=np.float32)
    together = max(1, _BATCH // (points * max(sizes)))
    parts = []
    for start in range(0, repeats, together):
        drawn: list[list[Array]] = [[], []]
        for _ in range(min(together, repeats - start)):
            dealt = np.split(generator.permutation(len(pool))[: sum(sizes)], [sizes[0]])
            for population, rows, draws in zip(populations, dealt, drawn, strict=True):
                draws.append(population.draw(pool[rows], generator))
        unlearned, oracle = (np.concatenate(draws, axis=1) for draws in drawn)
        scores = klom(unlearned, oracle, **settings).reshape(-1, points)  # type: ignore[arg-type]
        parts.append(set_percentiles(scores, columns, percentile=percentile))
    return {name: np.concatenate([part[name] for part in parts]) for name in columns}


def _used(sets: Sets, points: int) -> tuple[NDArray[np.intp], dict[str, NDArray[np.intp]]]:
    """The columns that any set uses, and the sets as positions among these."""
    columns = as_columns(sets, points)
    used = np.unique(np.concatenate(list(columns.values())))
    return used, {name: np.searchsorted(used, where) for name, where in columns.items()}
