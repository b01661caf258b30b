"""Judge a study's claims in its worlds of known truth: a row for each claim and world."""

import math
from pathlib import Path

import pandas as pd

from palimpsest.claims import read_claims
from palimpsest.files import InputError
from palimpsest.parts import read_parts
from palimpsest.programs import Parser, run_program, study_module
from palimpsest.tables import write_table


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--study", required=True, help="its name, a folder of studies/")
    parser.add_argument("--parts", type=Path, nargs="+", required=True, help="of jobs (.json)")
    parser.add_argument("--claims", type=Path, required=True, help="claims.yaml")
    parser.add_argument("--margin", type=float, required=True, help="of equivalence, nats")
    parser.add_argument("--out", type=Path, required=True, help="verdicts (.csv)")
    args = parser.parse_args()
    measures = study_module(args.study, "measures")
    if not 0 < args.margin < math.inf:
        raise InputError(f"--margin is {args.margin}; allowed: a number above 0, in nats")
    worlds = study_module(args.study, "worlds")
    claims = read_claims(args.claims, measures.MEASURES, measures.KEYS)
    tables = {
        name: pd.concat(read_parts(args.parts, name)[0], ignore_index=True)
        for name in study_module(args.study, "results").TABLES
    }
    write_table(worlds.judged(tables, claims, args.margin), args.out, seal=True)


if __name__ == "__main__":
    run_program(main)
