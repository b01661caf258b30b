"""KLoM of each set of points, with its null floor and its interval over models.

The measure itself is `palimpsest.klom`.
"""

from typing import Any, Literal

from palimpsest.data.splits import PARTS, Split
from palimpsest.klom import clipped_points, klom, klom_intervals, nan_points, null_floor
from palimpsest.records import Record
from palimpsest.values import Count, Percentile, Positive, Several, Share

NEEDS = ("margin",)
OF_ORACLES = False


def reference(
    oracle: Record,
    split: Split,
    *,
    mode: str,
    direction: str,
    bins: int,
    clip: float,
    floor: float,
    percentile: float,
    null_repeats: int,
) -> dict[str, float]:
    """The null floor of each set: what one population of oracles scores against another."""
    floors = null_floor(
        oracle["margin"],
        {part: split.columns(part) for part in PARTS},
        repeats=null_repeats,
        percentile=percentile,
        mode=mode,
        direction=direction,
        bins=bins,
        clip=clip,
        floor=floor,
    )
    return {part: float(values.mean()) for part, values in floors.items()}


def rows(
    record: Record,
    oracle: Record,
    split: Split,
    reference: dict[str, float],
    *,
    mode: Literal["ours", "easydub-2025", "easydub-2026", "georgiev"],
    direction: Literal["unlearned||oracle", "oracle||unlearned"],
    bins: Several,
    clip: Positive,
    floor: Share,
    percentile: Percentile,
    null_repeats: Count,
    interval_repeats: Several,
) -> list[dict[str, Any]]:
    """A percentile over the points of each set, in nats; `klom.klom` says what the settings mean.

    `null_repeats` simulated oracle pairs are behind the floor, `interval_repeats` redrawn pairs of
    populations behind the interval.
    """
    unlearned, oracles = record["margin"], oracle["margin"]
    columns = {part: split.columns(part) for part in PARTS}
    settings: dict[str, Any] = {
        "mode": mode, "direction": direction, "bins": bins, "clip": clip, "floor": floor,
    }  # fmt: skip
    scores = klom(unlearned, oracles, **settings)
    intervals = klom_intervals(
        unlearned, oracles, columns, percentile=percentile, repeats=interval_repeats, **settings
    )
    return [
        {
            "split": part,
            "percentile": percentile,
            "klom": intervals[part].score,
            "ci_low": intervals[part].ci_low,
            "ci_high": intervals[part].ci_high,
            "null": reference[part],
            "klom_mean": scores[where].mean(),
            "n_models": len(unlearned),
            "nan_points": nan_points(unlearned[:, where], oracles[:, where]),
            "clipped_points": clipped_points(unlearned[:, where], oracles[:, where], clip=clip),
        }
        for part, where in columns.items()
    ]
