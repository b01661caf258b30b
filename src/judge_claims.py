"""Judge the paper's claims by the tables of a run: holds, fails, or not decided at this scale."""

import argparse
from pathlib import Path

from palimpsest.claim_measures import MEASURES
from palimpsest.claims import Results, judge, read_claims
from palimpsest.files import atomic_path
from palimpsest.programs import run_program
from palimpsest.tables import by_setting, read_accuracy, read_klom, read_number_of_models


def _size(text: str) -> tuple[str, int]:
    name, _, points = text.rpartition("=")
    if not name or not points.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=POINTS")
    return name, int(points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--klom", type=Path, required=True, help="klom.csv of the study")
    parser.add_argument("--accuracy", type=Path, required=True, help="accuracy.csv")
    parser.add_argument("--number-of-models", type=Path, required=True, help="its table (.csv)")
    parser.add_argument("--claims", type=Path, required=True, help="the claims (.yaml)")
    parser.add_argument(
        "--sizes", type=_size, nargs="*", default=[], metavar="NAME=POINTS",
        help="points of the forget sets, for the claims that speak of size",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="one row per claim (.csv)")
    args = parser.parse_args()
    claims = read_claims(args.claims, MEASURES)
    results = Results(
        settings=by_setting(read_klom(args.klom)),
        accuracy=read_accuracy(args.accuracy),
        number_of_models=read_number_of_models(args.number_of_models),
        sizes=dict(args.sizes),
    )
    with atomic_path(args.out) as path:
        judge(claims, results, MEASURES).to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    run_program(main)
