"""Is the standard error that verdicts rest on the true one? Asked of real models.

Two runs that differ in their seeds alone, such as `digits` and `shifted`, have twice the models.
Samples of `--models` are drawn from all of them (originals with what was made of them, oracles),
and the difference of KLoM between a method and the originals is scored in each: the spread over the
samples, corrected for their common models, is the truth. Beside it stands the standard error that
`klom.redrawn_percentiles` gives from one sample, its mean over a few.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import report

from palimpsest.data.splits import Split
from palimpsest.files import read_json
from palimpsest.klom import klom, redrawn_percentiles, set_percentiles
from palimpsest.records import load_population

PARTS = ("forget", "val")


def pooled(runs, name, kind, split, points, setting=None):
    """Margins float32 (models of all runs, points) of the records of a kind in folder `name`."""
    found = []
    for run in runs:
        folder = run / name
        paths = sorted(folder.glob("*.npz"), key=lambda path: int(path.stem))
        record = load_population(paths, split, kind)
        if setting is not None:
            settings = read_json(folder / "0.json")["settings"]
            record = record.setting(settings.index(setting))
        found.append(record.of(points)["margin"])
    return np.concatenate(found).astype(np.float32)


def populations(runs, forget_set, count):
    """Originals, oracles, and what `count` settings of each method made of the originals."""
    split = Split.load(runs[0] / "splits" / f"{forget_set}.json")
    points = np.concatenate([split.points[split.columns(part)] for part in PARTS])
    sizes = np.cumsum([len(split.columns(part)) for part in PARTS])
    sets = {"forget": np.arange(sizes[0]), "val": np.arange(sizes[0], sizes[1])}
    unlearned = {}
    for folder in sorted((runs[0] / "unlearned" / forget_set).iterdir()):
        if folder.name == "nothing":
            continue
        settings = read_json(folder / "0.json")["settings"]
        for place in np.linspace(0, len(settings) - 1, count).astype(int):
            name = f"unlearned/{forget_set}/{folder.name}"
            values = pooled(runs, name, "unlearned", split, points, settings[place])
            unlearned[f"{folder.name} {settings[place]}"] = values
    original = pooled(runs, "populations/original", "original", split, points)
    oracle = pooled(runs, f"populations/oracle/{forget_set}", "oracle", split, points)
    return original, oracle, unlearned, sets


def scored(margins, oracle, sets):
    found = set_percentiles(klom(margins, oracle), sets)
    return np.array([found[part] for part in PARTS])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="results/RUN, alike")
    parser.add_argument("--forget-sets", nargs="+", required=True)
    parser.add_argument("--models", type=int, default=50, help="of a sample")
    parser.add_argument("--samples", type=int, default=60, help="behind the true spread")
    parser.add_argument("--estimates", type=int, default=4, help="samples that are redrawn")
    parser.add_argument("--redraws", type=int, default=30)
    parser.add_argument("--settings", type=int, default=3, help="of each method")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows = []
    for forget_set in args.forget_sets:
        original, oracle, unlearned, sets = populations(args.runs, forget_set, args.settings)
        generator = np.random.default_rng(0)

        def sample(generator=generator, original=original, oracle=oracle):
            return [
                generator.choice(len(population), args.models, replace=False)
                for population in (original, oracle)
            ]

        truth, spread = {name: [] for name in unlearned}, {name: [] for name in unlearned}
        for _ in range(args.samples):
            models, oracles = sample()
            base = scored(original[models], oracle[oracles], sets)
            for name, margins in unlearned.items():
                truth[name].append(scored(margins[models], oracle[oracles], sets) - base)
        for _ in range(args.estimates):
            models, oracles = sample()
            start, against = original[models], oracle[oracles]
            base = redrawn_percentiles(start, start, against, sets, repeats=args.redraws)
            for name, margins in unlearned.items():
                found = redrawn_percentiles(
                    margins[models], start, against, sets, repeats=args.redraws
                )
                errors = [(found[part] - base[part]).std(ddof=1) for part in PARTS]
                spread[name].append(errors)
        common = (1 - args.models / len(original)) ** 0.5
        for name in unlearned:
            for place, part in enumerate(PARTS):
                true = float(np.std(np.array(truth[name])[:, place], ddof=1) / common)
                estimated = float(np.mean(np.array(spread[name])[:, place]))
                rows.append({
                    "forget_set": forget_set, "setting": name, "split": part,
                    "difference": round(float(np.mean(np.array(truth[name])[:, place])), 2),
                    "true": round(true, 3), "estimated": round(estimated, 3),
                })  # fmt: skip
                print(rows[-1], flush=True)
    ratios = [row["estimated"] / row["true"] for row in rows if row["true"] > 0]
    summary = {f"ratio_{q}": round(float(np.percentile(ratios, q)), 2) for q in (10, 50, 90)}
    report({"benchmark": "standard errors of differences of KLoM", "models": args.models,
            "rows": rows} | summary, args.out)  # fmt: skip


if __name__ == "__main__":
    main()
