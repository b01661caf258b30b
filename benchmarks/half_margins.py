"""What float16 does to margins, and to KLoM, at 60,000 points: is half the disk worth it?

float16 holds 11 bits: a margin m moves by at most |m| / 2048, or 3e-8 near 0; beyond 65,504 it
becomes infinite, which KLoM clips to 100 as it clips all that lies beyond. Margins here are like
those of trained models: normal about 8 with another mean and width at each point, some points with
tails of Student's t, and a share of diverged models, up to 1e6 and -1e6.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import report

from palimpsest.klom import MODES, klom


def margins(models: int, points: int, seed: int) -> np.ndarray:
    """float32 (models, points)."""
    shape, chance = np.random.default_rng(0), np.random.default_rng(seed)
    mean, width = shape.normal(8, 4, points), shape.uniform(0.5, 3, points)
    drawn = chance.standard_normal((models, points))
    heavy = shape.random(points) < 0.1
    drawn[:, heavy] = chance.standard_t(2, (models, int(heavy.sum())))
    found = mean + width * drawn
    for scale in (90.0, 1e3, 1e6):  # on both sides of the clip, and beyond float16
        some = chance.random(found.shape) < 2e-4
        found[some] = scale * chance.choice([-1, 1], int(some.sum())) * chance.uniform(1, 1.3)
    return found.astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--points", type=int, default=60_000)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    whole = [margins(args.models, args.points, seed) for seed in (1, 2)]
    with np.errstate(over="ignore"):
        half = [own.astype(np.float16).astype(np.float32) for own in whole]
    clipped = [np.clip(np.stack(pair), -100, 100) for pair in (whole, half)]
    at_clip = [np.abs(own) >= 100 for own in clipped]
    rows = {}
    for mode in MODES:
        exact, rounded = klom(*whole, mode=mode), klom(*half, mode=mode)
        change = np.abs(rounded - exact)
        scores = [float(np.nanpercentile(own, 95)) for own in (exact, rounded)]
        rows[mode] = {
            "score_float32": scores[0],
            "score_float16": scores[1],
            "change_of_a_point_mean": float(np.nanmean(change)),
            "change_of_a_point_max": float(np.nanmax(change)),
            "points_that_change": float((change > 0).mean()),
        }
    report(
        {
            "models": args.models,
            "points": args.points,
            "bytes_of_a_margin": {"float32": 4, "float16": 2},
            "largest_change_of_a_clipped_margin": float(np.abs(clipped[0] - clipped[1]).max()),
            "clip_side_changed": int((at_clip[0] != at_clip[1]).sum()),
            "klom": rows,
        },
        args.out,
    )


if __name__ == "__main__":
    main()
