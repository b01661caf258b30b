"""Score one population of models against another by KLoM, from their margins alone.

From folders in the layout of the EasyDUB data set of 2026 (see palimpsest/data/easydub_margins.py),
where --unlearned and --oracle are kinds, that is, folders under margins/cifar10:

    python tools/score_margins.py --folder EasyDUB-dataset --forget-set 2 --models 100 \\
        --unlearned pretrain --oracle oracle --mode easydub-2026

or from records of this project, where they are files:

    python tools/score_margins.py --split splits/pc1_top_30.json \\
        --unlearned populations/original/0.npz --oracle populations/oracle/pc1_top_30/0.npz

Prints for each part of the points the percentile and the mean of KLoM, in nats, and the null floor:
the percentile that a perfect method would score with as many models.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from palimpsest.data.easydub_margins import load_margins
from palimpsest.data.splits import PARTS, Split
from palimpsest.files import InputError, write_json
from palimpsest.klom import DIRECTIONS, MODES, klom, null_floor, set_percentiles
from palimpsest.oracles import check_oracles
from palimpsest.population import Kind
from palimpsest.programs import Parser, run_program, whole
from palimpsest.records import load_population


def arguments() -> argparse.Namespace:
    parser = Parser(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--folder", type=Path, help="holds margins/ and forget_sets/")
    source.add_argument("--split", type=Path, help="split of the records' forget set (.json)")
    parser.add_argument("--unlearned", nargs="+", required=True, help="a kind, or record files")
    parser.add_argument("--oracle", nargs="+", required=True, help="likewise")
    parser.add_argument("--forget-set", type=whole(0), help="its number, with --folder")
    parser.add_argument(
        "--setting", type=whole(0), help="its place in a record of a sweep (0, ...)"
    )
    parser.add_argument("--models", type=whole(1), help="the first so many of each (default: all)")
    parser.add_argument("--mode", choices=MODES, default="ours", help="of KLoM")
    parser.add_argument(
        "--direction", choices=DIRECTIONS, default=DIRECTIONS[0], help="of the divergence"
    )
    parser.add_argument("--bins", type=whole(1, 1000), default=20, help="of the histograms")
    parser.add_argument("--clip", type=float, default=100.0, help="of the margins, either way")
    parser.add_argument("--floor", type=float, default=1e-5, help="least probability")
    parser.add_argument("--percentile", type=float, default=95.0, help="over the points")
    parser.add_argument("--repeats", type=whole(1, 10_000), default=20, help="simulated floors")
    parser.add_argument("--seed", type=whole(0), default=0, help="of the simulation")
    parser.add_argument("--out", type=Path, help="write the numbers to this JSON file, too")
    return parser.parse_args()


def from_folder(args: argparse.Namespace, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Margins (models, points) of both populations on a part, from folders."""
    if args.forget_set is None:
        raise InputError("--forget-set is missing; needed with --folder: its number")
    if args.setting is not None:
        raise InputError("--setting is given with --folder; it belongs to records")
    for name in ("unlearned", "oracle"):
        if len(getattr(args, name)) > 1:
            raise InputError(f"--{name} has several words; needed with --folder: one kind")
    first, second = (
        load_margins(args.folder, kind, part, args.forget_set, models=args.models)
        for kind in (args.unlearned[0], args.oracle[0])
    )
    if first.shape[1] != second.shape[1]:
        raise InputError(
            f"{args.folder}: {first.shape[1]} points of {args.unlearned[0]} and {second.shape[1]} "
            f"of {args.oracle[0]} in the part {part}; needed: the same points"
        )
    check_oracles(second, args.folder, f"{args.forget_set} ({part})")
    return first, second


def from_records(args: argparse.Namespace, name: str, split: Split, *kinds: Kind) -> np.ndarray:
    """Margins (models, points) of one population, its points in the order of the split."""
    paths = getattr(args, name)
    record = load_population(paths, split, *kinds)
    if record["margin"].ndim == 3:
        settings = len(record["margin"])
        number = args.setting if args.setting is not None else 0 if settings == 1 else None
        if number is None or number >= settings:
            raise InputError(
                f"{paths[0]}: holds {settings} settings; needed: --setting, 0 to {settings - 1}"
            )
        record = record.setting(number)
    elif name == "unlearned" and args.setting is not None:
        raise InputError(f"{paths[0]}: is no sweep of settings, and --setting is {args.setting}")
    margins = record["margin"]
    if args.models is not None and args.models > len(margins):
        raise InputError(
            f"{paths[0]}: {args.models} models were asked for; allowed: 1 to {len(margins)}"
        )
    chosen: np.ndarray = margins[: args.models]
    return chosen


def populations(args: argparse.Namespace) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Both populations on each part of the points."""
    if args.folder:
        return {part: from_folder(args, part) for part in PARTS}
    if args.forget_set is not None:
        raise InputError("--forget-set is given with --split, which names it; needed: one of them")
    split = Split.load(args.split)
    split.check_forgets(args.split)
    compared: dict[str, tuple[Kind, ...]] = {
        "unlearned": ("unlearned", "original", "oracle"), "oracle": ("oracle",),
    }  # fmt: skip
    pair = [from_records(args, name, split, *kinds) for name, kinds in compared.items()]
    check_oracles(pair[1], args.oracle[0], args.split.stem)
    return {part: (pair[0][:, w], pair[1][:, w]) for part in PARTS for w in [split.columns(part)]}


def score(args: argparse.Namespace, unlearned: np.ndarray, oracle: np.ndarray) -> dict[str, Any]:
    """Percentile and mean of KLoM over all points, and the null floor of the percentile."""
    settings = {
        name: getattr(args, name) for name in ("mode", "direction", "bins", "clip", "floor")
    }
    everything = {"all": np.arange(oracle.shape[1])}
    points = klom(unlearned, oracle, **settings)
    percentiles = set_percentiles(points, everything, percentile=args.percentile)
    floors = null_floor(
        oracle, everything, unlearned_models=len(unlearned), oracle_models=len(oracle),
        repeats=args.repeats, seed=args.seed, percentile=args.percentile, **settings,
    )  # fmt: skip
    return {
        "points": len(points),
        "unlearned_models": len(unlearned),
        "oracle_models": len(oracle),
        "klom": float(percentiles["all"]),
        "klom_mean": float(points.mean()),
        "null": float(floors["all"].mean()),
    }


def main() -> None:
    args = arguments()
    rows = {part: score(args, *pair) for part, pair in populations(args).items()}
    print(f"KLoM, mode {args.mode}, {args.direction}, in nats")
    print(
        f"{'split':<8}{'points':>8}{'models':>12}{f'P{args.percentile:g}':>10}{'mean':>10}{'null':>10}"
    )
    for part, row in rows.items():
        models = f"{row['unlearned_models']}/{row['oracle_models']}"
        numbers = "".join(f"{row[name]:>10.4f}" for name in ("klom", "klom_mean", "null"))
        print(f"{part:<8}{row['points']:>8}{models:>12}{numbers}")
    if args.out:
        names = ("mode", "direction", "bins", "clip", "floor", "percentile", "repeats", "seed")
        settings = {name: getattr(args, name) for name in names}
        write_json(args.out, {"settings": settings, "parts": rows})


if __name__ == "__main__":
    run_program(main)
