"""Draw Lemma 1 of "Ascent Fails to Forget" against the oracles and originals of a run."""

import argparse
from pathlib import Path

from palimpsest.data.splits import Split
from palimpsest.figures.lemma_1 import Accuracies, draw_lemma_1, lemma_1_table
from palimpsest.margins import Margins
from palimpsest.plots.style import check_formats, save_figure
from palimpsest.programs import run_program
from palimpsest.tables import write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forget-sets", nargs="+", required=True, help="names of random sets")
    parser.add_argument("--splits", type=Path, nargs="+", required=True, help="in their order")
    parser.add_argument("--originals", type=Path, nargs="+", required=True, help="margins (.npz)")
    parser.add_argument(
        "--oracles", type=Path, nargs="+", required=True, help="margins, all blocks of each set"
    )
    parser.add_argument("--note", default="", help="line at the foot: models, data set, device")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help=".pdf, .svg, .png")
    parser.add_argument("--out-table", type=Path, required=True, help="(.csv)")
    args = parser.parse_args()
    check_formats(args.out)

    originals = Margins.load(args.originals)
    blocks = len(args.oracles) // len(args.forget_sets)
    accuracies = {}
    for number, name in enumerate(args.forget_sets):
        split = Split.load(args.splits[number])
        own = args.oracles[number * blocks : (number + 1) * blocks]
        populations = {"oracle": Margins.load(own), "original": originals}
        correct = {which: record.of(split.points).correct for which, record in populations.items()}
        accuracies[name] = Accuracies(
            forget_points=len(split.forget),
            test_points=len(split.val),
            forget={w: c[:, split.columns("forget")].mean(1) for w, c in correct.items()},
            test={w: c[:, split.columns("val")].mean(1) for w, c in correct.items()},
        )
    write_table(lemma_1_table(accuracies), args.out_table)
    save_figure(draw_lemma_1(accuracies, note=args.note), args.out)


if __name__ == "__main__":
    run_program(main)
