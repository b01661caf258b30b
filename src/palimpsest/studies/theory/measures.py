"""The theory judged: a row for each variant of each statement, with its verdict."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from palimpsest.config.origins import Origins
from palimpsest.config.sentences import validate
from palimpsest.studies.theory import tally
from palimpsest.studies.theory.judging import COLUMNS
from palimpsest.studies.theory.judging import judge as judge_statement
from palimpsest.studies.theory.settings import Settings
from palimpsest.studies.theory.statements import STATEMENTS
from palimpsest.verdicts import HOLDS

INPUTS: tuple[str, ...] = ()


def judge(inputs: Mapping[str, Sequence[Path]], *, cases: int, seed: int) -> pd.DataFrame:
    """Judge every statement from `cases` random cases; no inputs are needed.

    Each verdict is logged, with the counterexample if there is one; ValueError for settings out
    of their range.
    """
    settings = validate(Settings, Origins({"cases": cases, "seed": seed}, []))
    rows = []
    for statement in STATEMENTS:
        row = judge_statement(statement, settings.seed, settings.cases)
        rows.append(dataclasses.asdict(row))
        name = f"{row.statement} ({row.variant})" if row.variant else row.statement
        logging.info("%s: %s [%s, %s]", row.verdict, name, row.paper, row.place)
        if row.verdict != HOLDS:
            logging.info("    %d of %d cases; %s", row.violations, row.cases, row.condition)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    logging.info("%s", tally.sentence(table))
    return table
