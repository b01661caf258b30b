"""Which damage do the verdicts see? The share of worlds in which a known shift is found.

In each world originals, oracles and unlearned models are drawn anew: margins of every point scatter
about the point's own mean, with a part that all points of a model share. The unlearned models are
the originals, moved down by `shift` standard deviations at every point, and moved at random so that
they correlate with the originals and have their distribution; so at shift 0 every finding is a
false alarm. What is judged is what the verdicts judge: the paired difference of the two KLoM scores
(`palimpsest.contrasts`).
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import report

from palimpsest.contrasts import Contrasts, Scores
from palimpsest.klom import klom, redrawn_percentiles, set_percentiles

SHARED = 0.3  # part of the variance that all points of a model share


def drawn(generator, models, points, shift, correlation):
    """Originals, unlearned models and oracles, (models, points) each, float32."""
    means = generator.normal(4, 3, points)

    def deviations():
        own = generator.normal(size=(models, points)) * (1 - SHARED) ** 0.5
        return own + generator.normal(size=(models, 1)) * SHARED**0.5

    original, oracle = deviations(), deviations()
    unlearned = correlation * original + (1 - correlation**2) ** 0.5 * deviations() - shift
    return [(means + a).astype(np.float32) for a in (original, unlearned, oracle)]


def difference(populations, redraws, margin):
    """The contrast of the unlearned models' score with the originals'."""
    original, unlearned, oracle = populations
    sets = {"all": np.arange(original.shape[1])}
    value, spread = [], []
    for population in (unlearned, original):
        value.append(float(set_percentiles(klom(population, oracle), sets)["all"]))
        spread.append(
            redrawn_percentiles(population, original, oracle, sets, repeats=redraws)["all"]
        )
    scores = Scores(np.array([value[0] - value[1]]), (spread[0] - spread[1])[None])
    return Contrasts.of(scores, margin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--shifts", type=float, nargs="+", default=[0, 0.25, 0.5, 1.0, 1.5, 2.0])
    parser.add_argument("--points", type=int, default=300)
    parser.add_argument("--correlation", type=float, default=0.9, help="with the originals")
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--redraws", type=int, default=20)
    parser.add_argument("--margin", type=float, default=0.7, help="of equivalence, nats")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows = []
    for models in args.models:
        for shift in args.shifts:
            found = []
            for world in range(args.worlds):
                generator = np.random.default_rng([models, int(100 * shift), world])
                populations = drawn(generator, models, args.points, shift, args.correlation)
                found.append(difference(populations, args.redraws, args.margin))
            rows.append({
                "models": models,
                "shift": shift,
                "difference": round(float(np.mean([f.value[0] for f in found])), 2),
                "half_width": round(float(np.mean([(f.high - f.low)[0] / 2 for f in found])), 2),
                "surely_above_0": sum(bool(f.low[0] > 0) for f in found) / args.worlds,
                "surely_below_0": sum(bool(f.high[0] < 0) for f in found) / args.worlds,
                "above_the_margin": sum(f.above() == [True] for f in found) / args.worlds,
                "within_the_margin": sum(f.alike() == [True] for f in found) / args.worlds,
            })  # fmt: skip
            print(rows[-1], flush=True)
    report({"benchmark": "power of the paired comparison", "worlds": args.worlds, "rows": rows},
           args.out)  # fmt: skip


if __name__ == "__main__":
    main()
