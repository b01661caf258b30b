"""Check the theory of two papers: one row per statement, with its verdict, as CSV.

The verdict comes from random cases by the rule in palimpsest/studies/theory/verdicts.py.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import pandas as pd

from palimpsest.files import atomic_path
from palimpsest.studies.theory.statements import STATEMENTS
from palimpsest.studies.theory.verdicts import COLUMNS, HOLDS, Statement, judge


def check(statements: tuple[Statement, ...], cases: int, seed: int) -> pd.DataFrame:
    """Judge each statement and print its verdict, with the counterexample if there is one."""
    rows = []
    for statement in statements:
        row = judge(statement, seed, cases)
        rows.append(dataclasses.asdict(row))
        print(f"{row.verdict}: {row.statement} [{row.paper}, {row.place}]")
        if row.verdict != HOLDS:
            print(f"    {row.violations} of {row.cases} cases; {row.condition}")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def main(arguments: list[str] | None = None) -> None:
    """Read the arguments, check every statement, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="table to write (CSV)")
    parser.add_argument("--cases", type=int, default=400, help="random cases per statement")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random cases")
    options = parser.parse_args(arguments)
    if options.cases < 100:
        parser.error(f"--cases is {options.cases}; at least 100 are needed")
    table = check(STATEMENTS, options.cases, options.seed)
    with atomic_path(options.out) as path:
        table.to_csv(path, index=False, float_format="%.3g", lineterminator="\n")
    print(table.verdict.value_counts().to_string(), file=sys.stdout)


if __name__ == "__main__":
    main()
