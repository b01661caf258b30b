"""What each measure says of a case of a claim, in terms of `claims.larger`, and the judging.

Cases are settings (of the claim's methods on its forget sets; the control of learning rate 0 only
where the claim asks for it), forget sets, pairs of forget sets, or numbers of models.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from palimpsest import claims
from palimpsest.claims import Case, Measure, larger, matches
from palimpsest.data.splits import PARTS
from palimpsest.tables import (
    by_setting,
    describe_setting,
    read_accuracy,
    read_klom,
    read_number_of_models,
    setting_columns,
)
from palimpsest.verdicts import both, negation

INPUTS = ("claims", "klom", "accuracy", "number_of_models")
KEYS = ("forget_sets", "methods", "families", "models", "control")  # of claims, that measures read
Row = dict[str, Any]
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Results:
    """The tables that claims are judged by.

    settings: see `tables.by_setting`; accuracy and number_of_models as `tables` reads them;
    sizes: points of each forget set, where known.
    """

    settings: pd.DataFrame
    accuracy: pd.DataFrame
    number_of_models: pd.DataFrame
    sizes: dict[str, int] = field(default_factory=dict)


def judge(inputs: Mapping[str, Sequence[Path]], *, sizes: dict[str, int]) -> pd.DataFrame:
    """One row per claim of the file `claims`, by klom, accuracy and number_of_models.

    sizes: points of the forget sets, for the claims that speak of size.
    """
    results = Results(
        settings=by_setting(read_klom(inputs["klom"][0])),
        accuracy=read_accuracy(inputs["accuracy"][0]),
        number_of_models=read_number_of_models(inputs["number_of_models"][0]),
        sizes=sizes,
    )
    return claims.judge(claims.read_claims(inputs["claims"][0], MEASURES, KEYS), results, MEASURES)


def _rise(row: Row, base: Row, split: str) -> bool | None:
    """Whether a setting's score on a split lies above another's."""
    threshold = max(row[f"{split}_null"], base[f"{split}_null"])
    low = row[f"{split}_low"] - base[f"{split}_high"]
    return larger(low, row[f"{split}_high"] - base[f"{split}_low"], threshold)


def _breaks(row: Row, original: Row) -> bool | None:
    """Farther from the oracle than the original is, on validation or retain set."""
    if row["diverged"]:
        return True
    kept = both(negation(_rise(row, original, "val")), negation(_rise(row, original, "retain")))
    return negation(kept)


def _improves(row: Row, original: Row) -> bool | None:
    """Nearer to the oracle than the original is, on the forget set.

    A no says something only where there was something to gain: where the original itself lies
    above the floor by more than the floor.
    """
    answer = False if row["diverged"] else _rise(original, row, "forget")
    return None if answer is False and not _above_floor(original, "forget") else answer


def _above_floor(row: Row, split: str) -> bool | None:
    """Whether a score lies above the null floor by more than the floor."""
    null = row[f"{split}_null"]
    return larger(row[f"{split}_low"] - null, row[f"{split}_high"] - null, null)


def _unlearns(row: Row, original: Row) -> bool | None:
    """Nearer to the oracle on the forget set, and not farther on validation and retain set."""
    return both(_improves(row, original), negation(_breaks(row, original)))


def _nothing_or_breaks(row: Row, original: Row) -> bool | None:
    return negation(_unlearns(row, original))


def _improves_but_breaks(row: Row, original: Row) -> bool | None:
    return both(_improves(row, original), _breaks(row, original))


def _stays(row: Row, original: Row) -> bool | None:
    """No split's score lies above or below the original's."""
    if row["diverged"]:
        return False
    answer: bool | None = True
    for split in PARTS:
        answer = both(answer, negation(_rise(row, original, split)))
        answer = both(answer, negation(_rise(original, row, split)))
    return answer


def _retain_like_val(row: Row, original: Row) -> bool | None:
    """The scores on retain and validation set differ by no more than the floor."""
    threshold = max(row["retain_null"], row["val_null"])
    above = larger(
        row["retain_low"] - row["val_high"], row["retain_high"] - row["val_low"], threshold
    )
    below = larger(
        row["val_low"] - row["retain_high"], row["val_high"] - row["retain_low"], threshold
    )
    return both(negation(above), negation(below))


def _rows(results: Results, claim: dict[str, Any], control: bool = False) -> dict[str, list[Row]]:
    """By forget set, the rows of the claim's methods."""
    settings = results.settings
    rows = settings[settings["control"] == control]
    if "methods" in claim:
        rows = rows[rows["method"].isin(claim["methods"])]
    names = [
        name
        for name in dict.fromkeys(settings["forget_set"])
        if matches(name, claim.get("forget_sets"))
    ]
    records = {name: rows[rows["forget_set"] == name].to_dict("records") for name in names}
    return {name: found for name, found in records.items() if found}


def _original(results: Results, forget_set: str) -> Row:
    settings = results.settings
    found = settings[(settings["forget_set"] == forget_set) & (settings["method"] == "nothing")]
    if len(found) != 1:
        raise ValueError(f"forget set {forget_set} needs one row of method nothing, the original")
    row: Row = found.iloc[0].to_dict()
    return row


def _of_settings(question: Any) -> Measure:
    """The measure that asks `question(row, original)` of each setting."""

    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        columns = [name for name in setting_columns(results.accuracy) if name in results.settings]
        cases = []
        for forget_set, rows in _rows(results, claim, claim.get("control", False)).items():
            original = _original(results, forget_set)
            for row in rows:
                setting = describe_setting(pd.Series(row), columns)
                name = f"{row['method']} on {forget_set}" + (f" ({setting})" if setting else "")
                cases.append(Case(name, question(row, original)))
        return cases

    return measure


def _excess(split: str) -> Measure:
    """Whether the original's score on a split lies above the null floor by more than the floor."""

    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        cases = []
        for forget_set in _rows(results, {**claim, "methods": ["nothing"]}):
            answer = _above_floor(_original(results, forget_set), split)
            cases.append(Case(forget_set, answer))
        return cases

    return measure


def _no_excess(split: str) -> Measure:
    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        return [Case(c.name, negation(c.answer)) for c in _excess(split)(results, claim)]

    return measure


def _mean(row: Row) -> Row:
    """The means over the splits; the interval is that of fully dependent splits, the widest."""
    ends = ("klom", "low", "high", "null")
    return {f"mean_{end}": sum(row[f"{split}_{end}"] for split in PARTS) / 3 for end in ends}


def _worse_than_best(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Of the settings but the best: whether their mean KLoM lies above the best one's."""
    cases = []
    for forget_set, rows in _rows(results, claim).items():
        sound = [row for row in rows if not row["diverged"]]
        if not sound:
            continue
        best = min(sound, key=lambda row: _mean(row)["mean_klom"])
        for row in rows:
            if row is not best:
                worse = True if row["diverged"] else _rise(_mean(row), _mean(best), "mean")
                cases.append(Case(f"{row['method']} on {forget_set}", worse))
    return cases


def _harder_than_others(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Pairs of a claimed forget set and another: whether its best setting is farther off.

    The best setting has the smallest largest KLoM of the three splits.
    """
    best = {}
    for name, rows in _rows(results, {"methods": claim["methods"]}).items():
        sound = [row for row in rows if not row["diverged"]]
        if sound:
            row = min(sound, key=lambda row: row["worst_klom"])
            split = max(PARTS, key=lambda split: row[f"{split}_klom"])
            ends = ("low", "high", "null")
            best[name] = {f"best_{end}": row[f"{split}_{end}"] for end in ends}
    own = [name for name in best if matches(name, claim["forget_sets"])]
    return [
        Case(f"{name} against {other}", _harder(best[name], best[other]))
        for name in own
        for other in best
        if other not in own
    ]


def _harder(first: Row, second: Row) -> bool | None:
    """Yes if the first lies above, no if the second does."""
    if _rise(first, second, "best"):
        return True
    return False if _rise(second, first, "best") else None


def _larger_unlearns_less(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Pairs of one family: whether a smaller share of settings unlearns the larger set.

    A share lies between that of the settings that surely unlearn and that of those that may.
    """
    shares = {}
    for name, rows in _rows(results, {"methods": claim["methods"]}).items():
        original = _original(results, name)
        answers = [_unlearns(row, original) for row in rows]
        sure, open_ones = answers.count(True), answers.count(None)
        shares[name] = (sure / len(rows), (sure + open_ones) / len(rows))
    cases = []
    for family in claim["families"]:
        names = [name for name in shares if matches(name, [family]) and name in results.sizes]
        for pair in combinations(names, 2):
            small, large = sorted(pair, key=lambda name: results.sizes[name])
            if results.sizes[small] == results.sizes[large]:
                continue
            less = shares[large][1] < shares[small][0]
            more = shares[large][0] >= shares[small][1]
            cases.append(
                Case(f"{large} against {small}", True if less else False if more else None)
            )
    return cases


def _by_number(question: Any) -> Measure:
    """The measure that asks `question(row, last)` of the originals' rows of the claim's numbers.

    Retain and validation set; `last` is the row with the most models. Asked only where the run has
    models beyond the number asked about.
    """

    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        table = results.number_of_models
        table = table[(table["comparison"] == "original") & table["split"].isin(["retain", "val"])]
        cases = []
        for (forget_set, split), rows in table.groupby(["forget_set", "split"], sort=False):
            last = rows.loc[rows["n_models"].idxmax()]
            for row in rows[rows["n_models"].isin(claim["models"])].to_dict("records"):
                if row["n_models"] < last["n_models"]:
                    name = f"{forget_set}, {split}, N = {row['n_models']}"
                    cases.append(Case(name, question(row, last)))
        return cases

    return measure


def _above_last(row: Row, last: Row) -> bool | None:
    """The score lies above that of all models by more than their floor."""
    fall = row["klom"] - last["klom"]
    return larger(fall, fall, last["null"])


def _as_last(row: Row, last: Row) -> bool | None:
    fall = abs(row["klom"] - last["klom"])
    return negation(larger(fall, fall, last["null"]))


def _falls_like_floor(row: Row, last: Row) -> bool | None:
    """The excess over the floor is the same, to within the floor of all models."""
    change = abs((row["klom"] - row["null"]) - (last["klom"] - last["null"]))
    return negation(larger(change, change, last["null"]))


def _oracle_accuracy(results: Results, claim: dict[str, Any]) -> list[Case]:
    """The oracles' mean accuracies on forget and validation set differ within Hoeffding's bound.

    Lemma 1: at the 95 % level the bound is sqrt(ln(2 / 0.05) / (2 |F|)).
    """
    table = results.accuracy[results.accuracy["method"] == "oracle"]
    cases = []
    for forget_set, rows in table.groupby("forget_set", sort=False):
        name = str(forget_set)
        if matches(name, claim.get("forget_sets")) and name in results.sizes:
            accuracy = rows.set_index("split")["accuracy"]
            bound = math.sqrt(math.log(2 / (1 - _CONFIDENCE)) / (2 * results.sizes[name]))
            cases.append(Case(name, bool(abs(accuracy["forget"] - accuracy["val"]) <= bound)))
    return cases


def outcomes(settings: pd.DataFrame) -> pd.Series:
    """What became of each setting, as one word, by the convention of the claims.

    unlearns; improves but breaks; breaks; nothing (neither improves nor breaks); undecided. The
    table is that of `tables.by_setting` and holds the originals; their own entry is `original`.
    """
    originals = settings[settings["method"] == "nothing"].set_index("forget_set")
    bases = {str(name): row.to_dict() for name, row in originals.iterrows()}
    words = []
    for row in settings.to_dict("records"):
        improves, breaks = (ask(row, bases[row["forget_set"]]) for ask in (_improves, _breaks))
        if row["method"] == "nothing":
            words.append("original")
        elif breaks:
            words.append("improves but breaks" if improves else "breaks")
        elif breaks is None or improves is None:
            words.append("undecided")
        else:
            words.append("unlearns" if improves else "nothing")
    return pd.Series(words, index=settings.index)


MEASURES: dict[str, Measure] = {
    "original_like_oracle_on_val": _no_excess("val"),
    "original_unlike_oracle_on_forget": _excess("forget"),
    "breaks": _of_settings(_breaks),
    "improves_on_forget": _of_settings(_improves),
    "unlearns": _of_settings(_unlearns),
    "does_nothing_or_breaks": _of_settings(_nothing_or_breaks),
    "improves_but_breaks": _of_settings(_improves_but_breaks),
    "stays": _of_settings(_stays),
    "retain_like_val": _of_settings(_retain_like_val),
    "worse_than_the_best": _worse_than_best,
    "harder_than_others": _harder_than_others,
    "larger_unlearns_less": _larger_unlearns_less,
    "larger_than_with_all_models": _by_number(_above_last),
    "as_with_all_models": _by_number(_as_last),
    "falls_like_the_floor": _by_number(_falls_like_floor),
    "oracle_forget_accuracy_like_val": _oracle_accuracy,
}
