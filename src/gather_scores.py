"""Join what was scored forget set by forget set and method by method into the study's tables."""

import argparse
from pathlib import Path

import pandas as pd

from palimpsest.data.splits import Split
from palimpsest.files import read_json
from palimpsest.margins import Margins
from palimpsest.programs import run_program
from palimpsest.results import read_part, settings_columns
from palimpsest.scores import accuracy_rows
from palimpsest.tables import write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--klom", type=Path, nargs="+", required=True, help="of each method (.csv)")
    parser.add_argument("--accuracy", type=Path, nargs="+", required=True, help="likewise (.csv)")
    parser.add_argument("--costs", type=Path, nargs="+", required=True, help="likewise (.json)")
    parser.add_argument("--number-of-models", type=Path, nargs="+", required=True, help="(.csv)")
    parser.add_argument("--null-check", type=Path, nargs="+", required=True, help="(.csv)")
    parser.add_argument("--out-klom", type=Path, required=True)
    parser.add_argument("--out-accuracy", type=Path, required=True)
    parser.add_argument("--out-sharing", type=Path, required=True, help="saving by shared epochs")
    parser.add_argument("--out-number-of-models", type=Path, required=True)
    parser.add_argument("--out-null-check", type=Path, required=True)
    oracles = parser.add_argument_group("oracles, in the order of their forget sets")
    oracles.add_argument("--forget-sets", nargs="+", required=True)
    oracles.add_argument("--splits", type=Path, nargs="+", required=True)
    oracles.add_argument("--oracles", type=Path, nargs="+", required=True, help="margins (.npz)")
    args = parser.parse_args()

    write_table(_joined(args.klom), args.out_klom)
    blocks = len(args.oracles) // len(args.forget_sets)
    oracle_rows = []
    for number, forget_set in enumerate(args.forget_sets):
        split = Split.load(args.splits[number])
        own = args.oracles[number * blocks : (number + 1) * blocks]
        rows = accuracy_rows(Margins.load(own).of(split.points), split)
        oracle_rows += [{"forget_set": forget_set, "method": "oracle"} | row for row in rows]
    write_table(_joined(args.accuracy, pd.DataFrame(oracle_rows)), args.out_accuracy)
    columns = ["forget_set", "method", "epochs_separate", "epochs_shared"]
    sharing = pd.DataFrame([read_json(path) for path in args.costs])[columns]
    write_table(sharing.sort_values(columns[:2]), args.out_sharing)
    write_table(_concatenated(args.number_of_models), args.out_number_of_models)
    write_table(_concatenated(args.null_check), args.out_null_check)


def _concatenated(paths: list[Path]) -> pd.DataFrame:
    return pd.concat([read_part(path) for path in paths], ignore_index=True)


def _joined(paths: list[Path], more: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of all tables, settings in their columns, sorted by forget set, method and setting."""
    tables = [read_part(path) for path in paths] + ([] if more is None else [more])
    joined = pd.concat(tables, ignore_index=True)
    names = {"forget_set", "method", "split"}
    settings = {
        name
        for table in tables
        for name in table.columns[: table.columns.get_loc("split")]
        if name not in names
    }
    order = ["forget_set", "method", *settings_columns(settings), "split"]
    results = [name for name in joined.columns if name not in order]
    return joined[order + results].sort_values(order, na_position="first", ignore_index=True)


if __name__ == "__main__":
    run_program(main)
