"""KLoM of each set of points, in both directions, with its null floor and what its spread is.

The measure itself is `palimpsest.klom`.
"""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from palimpsest.data.splits import PARTS, Split
from palimpsest.klom import (
    clipped_points,
    interval_of,
    klom,
    nan_points,
    null_floor,
    redrawn_percentiles,
    reverse,
    set_percentiles,
)
from palimpsest.records import Record
from palimpsest.values import Bins, Percentile, Positive, Repeats, Share

NEEDS = ("margin",)
OF_ORACLES = False
_FLOORS = ("null", "reversed_null")


def _whole(floors: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """ValueError unless each set has both floors."""
    for part in PARTS:
        if {*floors.get(part, {})} != {*_FLOORS}:
            raise ValueError(f"needed of {part}: {' and '.join(_FLOORS)}")
    return floors


Floors = Annotated[dict[str, dict[str, float]], AfterValidator(_whole)]


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
) -> Floors:
    """The null floor of each set, in both directions: what a population of oracles scores against
    another."""
    floors = {
        name: null_floor(
            oracle["margin"],
            {part: split.columns(part) for part in PARTS},
            repeats=null_repeats,
            percentile=percentile,
            mode=mode,
            direction=way,
            bins=bins,
            clip=clip,
            floor=floor,
        )
        for name, way in zip(_FLOORS, (direction, reverse(direction)), strict=True)
    }
    return {
        part: {name: float(values[part].mean()) for name, values in floors.items()}
        for part in PARTS
    }


def rows(
    record: Record,
    original: Record,
    oracle: Record,
    split: Split,
    reference: Floors,
    *,
    mode: Literal["ours", "easydub-2025", "easydub-2026", "georgiev"],
    direction: Literal["unlearned||oracle", "oracle||unlearned"],
    bins: Bins,
    clip: Positive,
    floor: Share,
    percentile: Percentile,
    null_repeats: Repeats,
    redraws: Annotated[Repeats, Field(ge=2)],
) -> list[dict[str, Any]]:
    """A percentile over the points of each set, in nats; `klom.klom` says what the settings mean.

    `null_repeats` simulated oracle pairs are behind the floor. `redraws` populations are redrawn
    from the unlearned models, paired with the originals, and from the oracles (`klom.redraws`):
    their spread gives the interval of 95 %, and they are kept, since every comparison with another
    setting is made from them. `halves` are the scores of the even models against the even oracles,
    and of the odd against the odd: what is chosen by the one is judged by the other. `margin_gap`
    is how much larger the mean margin is than the oracles', over the points: where populations lie
    so far apart that KLoM is at its end, it still tells how far.
    """
    unlearned, oracles = record["margin"], oracle["margin"]
    columns = {part: split.columns(part) for part in PARTS}
    settings: dict[str, Any] = {
        "mode": mode, "direction": direction, "bins": bins, "clip": clip, "floor": floor,
    }  # fmt: skip

    def percentiles(points: np.ndarray) -> dict[str, float]:
        found = set_percentiles(points, columns, percentile=percentile)
        return {part: float(value) for part, value in found.items()}

    scores = klom(unlearned, oracles, **settings)
    reversed_scores = klom(unlearned, oracles, **settings | {"direction": reverse(direction)})
    gaps = unlearned.clip(-clip, clip).mean(axis=0) - oracles.clip(-clip, clip).mean(axis=0)
    whole, backwards = percentiles(scores), percentiles(reversed_scores)
    halves = [
        percentiles(klom(unlearned[start::2], oracles[start::2], **settings)) for start in (0, 1)
    ]
    redrawn = redrawn_percentiles(
        unlearned,
        original["margin"],
        oracles,
        columns,
        percentile=percentile,
        repeats=redraws,
        **settings,
    )
    found = []
    for part, where in columns.items():
        interval = interval_of(whole[part], redrawn[part])
        found.append({
            "split": part,
            "points": len(where),
            "percentile": percentile,
            "klom": whole[part],
            "ci_low": interval.ci_low,
            "ci_high": interval.ci_high,
            "null": reference[part]["null"],
            "klom_mean": scores[where].mean(),
            "margin_gap": float(gaps[where].mean()),
            "reversed": backwards[part],
            "reversed_null": reference[part]["reversed_null"],
            "even_half": halves[0][part],
            "odd_half": halves[1][part],
            "n_models": len(unlearned),
            "nan_points": nan_points(unlearned[:, where]),
            "oracle_nan_points": nan_points(oracles[:, where]),
            "clipped_points": clipped_points(unlearned[:, where], oracles[:, where], clip=clip),
            "redraws": redrawn[part].tolist(),
        })  # fmt: skip
    return found
