"""What each measure says of a case of a claim, and the judging.

Cases are settings (of the claim's methods on its forget sets; the control of learning rate 0 only
where the claim asks for it; what is one run under two names counts once), forget sets, pairs of
forget sets, or numbers of models.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palimpsest import claims
from palimpsest.claims import Case, Measure, matches
from palimpsest.contrasts import Contrasts, Scores, joined, mean_of
from palimpsest.data.splits import PARTS
from palimpsest.datamodels.estimate import SET_KEYS, Estimate
from palimpsest.files import InputError
from palimpsest.studies.ascent.results import TABLES, Results, read_results
from palimpsest.tables import describe_setting, setting_columns
from palimpsest.verdicts import Answer, both, either, negation

INPUTS = ("claims", *TABLES)
KEYS = (
    "forget_sets", "methods", "settings", "rates", "covers", "families", "models", "control",
    "important",
)  # fmt: skip
"""of claims, that measures read"""
_CONFIDENCE = 0.95


def judge(
    inputs: Mapping[str, Sequence[Path]],
    *,
    margin: float,
    definitions: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """One row per claim of the file `claims`, by the tables.

    margin: of equivalence, in nats. definitions: the forget sets by component, which `estimate`, if
    it is among the inputs, says are of important points or not.
    """
    if not margin > 0:
        raise InputError(f"margin is {margin}; allowed: above 0, in nats")
    doubts = {}
    if inputs.get("estimate"):
        estimate = Estimate.load(inputs["estimate"][0])
        for name, definition in definitions.items():
            doubt = estimate.doubt(*(definition[key] for key in SET_KEYS))
            if doubt:
                doubts[name] = f"{name}: {doubt}"
    results = read_results({name: inputs[name][0] for name in TABLES}, margin, doubts)
    asked = claims.read_claims(inputs["claims"][0], MEASURES, KEYS)
    return claims.judge(asked, results, MEASURES, results.strictly())


def _rows(results: Results, claim: Mapping[str, Any], control: bool = False) -> pd.DataFrame:
    """The settings that a claim is about: of its methods and forget sets, each run once."""
    table = results.settings
    chosen = (table["control"] == control) & ~table["again"] & (table["method"] != "nothing")
    if "methods" in claim:
        chosen &= table["method"].isin(claim["methods"])
    for key, value in claim.get("settings", {}).items():
        # a method that has no such setting is not asked for it
        chosen &= table[key].isna() | (table[key] == value) if key in table else True
    if "rates" in claim:
        chosen &= table["lr"].between(*claim["rates"])
    patterns = claim.get("forget_sets")
    chosen &= table["forget_set"].map(lambda name: matches(str(name), patterns))
    return table[chosen]


def _of_settings(question: str, *, negated: bool = False) -> Measure:
    """The measure that gives the answer `question` of each setting."""

    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        rows = _rows(results, claim, claim.get("control", False))
        names = _names(results, rows)
        answers = [negation(a) if negated else a for a in rows[question]]
        return _cases(results, claim, names, answers, rows["forget_set"])

    return measure


def _names(results: Results, rows: pd.DataFrame) -> list[str]:
    columns = [name for name in setting_columns(results.klom) if name in rows]
    names = []
    for _, row in rows.iterrows():
        setting = describe_setting(row, columns)
        names.append(f"{row['method']} on {row['forget_set']}" + (f" ({setting})" * bool(setting)))
    return names


def _cases(
    results: Results,
    claim: Mapping[str, Any],
    names: Sequence[str],
    answers: Sequence[Answer],
    forget_sets: Sequence[str],
) -> list[Case]:
    """Cases by name.

    Where the claim speaks of important points, those of doubted sets are undecided; and where it
    says that some run does a thing, a no is, as long as values of the paper's grid are missing.
    """
    cases = []
    missing = _missing(results, claim)
    for name, answer, forget_set in zip(names, answers, forget_sets, strict=True):
        doubt = results.doubts.get(forget_set) if claim.get("important") else None
        if doubt is None and answer is False:
            doubt = missing
        cases.append(Case(name, None if doubt else answer, doubt))
    return cases


def _missing(results: Results, claim: Mapping[str, Any]) -> str | None:
    """What the run's settings lack of those values that a no of the claim has to rest on."""
    rows = _rows(results, claim) if results.thinned else None
    for key, needed in claim.get("covers", {}).items():
        if rows is None or key not in rows:
            continue
        lacking = [
            value for value in needed if not np.isclose(rows[key].astype(float), value).any()
        ]
        if lacking:
            listed = ", ".join(f"{value:g}" for value in lacking)
            return f"this run's grid lacks the paper's {key} {listed}"
    return None


def _improves_but_breaks(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Nearer on the forget set, and farther on validation or retain set."""
    rows = _rows(results, claim)
    answers = [both(i, b) for i, b in zip(rows["improves"], rows["breaks"], strict=True)]
    return _cases(results, claim, _names(results, rows), answers, rows["forget_set"])


def _excess(split: str, *, negated: bool = False) -> Measure:
    """Whether the original's score on a split lies above the null floor by more than the margin."""

    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        found = dict(zip(results.forget_sets, results.excess(split).above(), strict=True))
        chosen = [name for name in found if matches(name, claim.get("forget_sets"))]
        answers = [negation(found[n]) if negated else found[n] for n in chosen]
        return _cases(results, claim, chosen, answers, chosen)

    return measure


def _retain_like_val(results: Results, claim: dict[str, Any]) -> list[Case]:
    """The scores on retain and validation set differ by less than the margin."""
    if claim.get("methods") == ["nothing"]:  # the original
        table = results.settings
        rows = table[table["method"] == "nothing"]
    else:
        rows = _rows(results, claim)
    retain, val = (results.scores[split].at(rows.index) for split in ("retain", "val"))
    found = results.contrasts(retain.minus(val))
    return _cases(results, claim, _names(results, rows), found.alike(), rows["forget_set"])


def _original_low_and_alike(results: Results, claim: dict[str, Any]) -> list[Case]:
    """The original's scores on retain and validation set are near the floor, and alike."""
    alike = _retain_like_val(results, {**claim, "methods": ["nothing"]})
    low = [both(*map(negation, pair)) for pair in zip(
        results.excess("retain").above(), results.excess("val").above(), strict=True
    )]  # fmt: skip
    return [
        replace(case, answer=both(case.answer, answer))
        for case, answer in zip(alike, low, strict=True)
    ]


def _worse_than_best(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Of the settings but the best: whether they do worse than the best one on some split.

    The best has the smallest mean over the splits of the even models, and is compared on the odd
    ones. Whether one has to choose is asked only where something surely unlearns; a forget set that
    surely none of the settings unlearns is no case.
    """
    cases: list[Case] = []
    for forget_set, rows in _rows(results, claim).groupby("forget_set", sort=False):
        chance = rows[[f"{split}_even_half" for split in PARTS]].mean(axis=1)
        best, others = chance.idxmin(), rows.index[rows.index != chance.idxmin()]
        success = list(rows["unlearns"])
        if not len(others) or all(answer is False for answer in success):
            continue
        answers: list[Answer] = [None] * len(others)
        if any(success):
            above = (
                results.contrasts(
                    results.odd_half(split, others).minus(results.odd_half(split, [best]))
                ).above()
                for split in PARTS
            )
            answers = [either(*each) for each in zip(*above, strict=True)]
        names = _names(results, rows.loc[others])
        cases += _cases(results, claim, names, answers, [str(forget_set)] * len(others))
    return cases


def _harder_than_others(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Pairs of a claimed forget set and another: whether its best setting is farther off.

    How far off a setting is: its largest score of the three splits. The best setting is chosen by
    the even models, and compared on the odd ones.
    """
    best: dict[str, Scores] = {}
    own_claim = {key: value for key, value in claim.items() if key in ("methods", "settings")}
    for name, rows in _rows(results, own_claim).groupby("forget_set", sort=False):
        halves = rows[[f"{split}_even_half" for split in PARTS]]
        place = halves.max(axis=1).idxmin()
        split = PARTS[int(np.argmax(halves.loc[place]))]
        best[str(name)] = results.odd_half(split, [place])
    own = [name for name in best if matches(name, claim["forget_sets"])]
    pairs = [(name, other) for name in own for other in best if other not in own]
    if not pairs:
        return []
    found = results.contrasts(joined([best[name].minus(best[other]) for name, other in pairs]))
    answers = [
        True if above else False if above is False or below else None
        for above, below in zip(found.above(), found.below(), strict=True)
    ]
    names = [f"{name} against {other}" for name, other in pairs]
    doubted = [other if other in results.doubts else name for name, other in pairs]
    return _cases(results, claim, names, answers, doubted)


def _beside_control(results: Results, claim: dict[str, Any]) -> tuple[pd.DataFrame, pd.Index]:
    """The settings that a claim is about, and beside each the row of its control: the same passes
    with learning rate 0. A setting without one is left out."""
    rows, table = _rows(results, claim), results.settings
    keys = ["forget_set", "method"]
    keys += [name for name in setting_columns(results.klom) if name in table and name != "lr"]
    controls = table[table["control"]].reset_index()[["index", *keys]]
    joined_rows = rows[keys].reset_index(names="own").merge(controls, on=keys, how="inner")
    return rows.loc[joined_rows["own"]], pd.Index(joined_rows["index"])


def _like_control(results: Results, claim: dict[str, Any]) -> list[Case]:
    """A setting's scores are those of its control on all three splits."""
    rows, controls = _beside_control(results, claim)
    alike = (
        results.contrasts(scores.at(rows.index).minus(scores.at(controls))).alike()
        for scores in results.scores.values()
    )
    answers = [both(both(a, b), c) for a, b, c in zip(*alike, strict=True)]
    return _cases(results, claim, _names(results, rows), answers, rows["forget_set"])


def _harms_beyond_control(results: Results, claim: dict[str, Any]) -> list[Case]:
    """A setting is farther from the oracles on validation or retain set than its control."""
    rows, controls = _beside_control(results, claim)
    above = (
        results.contrasts(
            results.scores[split].at(rows.index).minus(results.scores[split].at(controls))
        ).above()
        for split in ("val", "retain")
    )
    answers = [either(*each) for each in zip(*above, strict=True)]
    return _cases(results, claim, _names(results, rows), answers, rows["forget_set"])


def _larger_unlearns_less(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Pairs of one family: whether a smaller share of settings unlearns the larger set.

    A share lies between that of the settings that surely unlearn and that of those that may. Where
    surely none unlearns either, there is nothing to compare.
    """
    shares, sizes = {}, {}
    own_claim = {key: value for key, value in claim.items() if key in ("methods", "settings")}
    for name, rows in _rows(results, own_claim).groupby("forget_set", sort=False):
        answers = list(rows["unlearns"])
        sure, open_ones = answers.count(True), answers.count(None)
        shares[str(name)] = (sure / len(rows), (sure + open_ones) / len(rows))
        sizes[str(name)] = int(rows["forget_points"].iloc[0])
    cases = []
    for family in claim["families"]:
        names = [name for name in shares if matches(name, [family])]
        for pair in combinations(names, 2):
            small, large = sorted(pair, key=lambda name: sizes[name])
            if sizes[small] == sizes[large]:
                continue
            less = shares[large][1] < shares[small][0]
            more = shares[large][0] >= shares[small][1] and shares[large][0] > 0
            answer = True if less else False if more else None
            cases.append(Case(f"{large} against {small}", answer))
    return cases


def _by_number(question: Callable[[Contrasts], list[Answer]], *, above_floor: bool) -> Measure:
    """The measure that asks `question` of the originals' change from some numbers of models to all.

    A case is a forget set and a number of models; the change is that of the mean over retain and
    validation set, of the scores, or of what they have above the floor. Asked only where the run
    has models beyond the number asked about.
    """

    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        table = results.number_of_models
        table = table[table["comparison"] == "original"].reset_index(drop=True)
        keys = ["forget_set", "n_models", "split"]
        redraws = table[keys].merge(results.number_of_models_redraws, on=keys, how="left")
        values = redraws[[name for name in redraws if str(name).startswith("redraw_")]].to_numpy()
        floor = (table["null"] * above_floor).to_numpy(float)
        scores = Scores(table["klom"].to_numpy(float), values).less(floor)
        asked = table[table["split"].isin(["retain", "val"])]
        changes, names = [], []
        for forget_set, part in asked.groupby("forget_set", sort=False):
            rows = part.groupby("n_models").groups
            means = {n: mean_of([scores.at([row]) for row in rows[n]]) for n in rows}
            most = max(means)
            for models in sorted(set(claim["models"]) & set(means) - {most}):
                changes.append(means[models].minus(means[most]))
                names.append(f"{forget_set}, N = {models}")
        if not changes:
            return []
        found = results.contrasts(joined(changes))
        return [Case(name, answer) for name, answer in zip(names, question(found), strict=True)]

    return measure


def _oracle_accuracy(results: Results, claim: dict[str, Any]) -> list[Case]:
    """The oracles' mean accuracies on forget and validation set differ within Hoeffding's bound.

    Lemma 1: at the 95 % level the bound is sqrt(ln(2 / 0.05) / (2 |F|)). A set so small that even
    the originals, which have seen it, are within the bound tells nothing and is no case.
    """
    cases = []
    rows = results.klom[results.klom["split"] == "forget"]
    sizes = rows.groupby("forget_set", sort=False)["points"].first()
    for name, size in sizes.items():
        if not matches(str(name), claim.get("forget_sets")):
            continue
        own = results.accuracy[results.accuracy["forget_set"] == name]
        gaps = {}
        for method in ("oracle", "nothing"):
            found = own[own["method"] == method].set_index("split")["accuracy"]
            gaps[method] = abs(found["forget"] - found["val"])
        bound = math.sqrt(math.log(2 / (1 - _CONFIDENCE)) / (2 * size))
        if gaps["nothing"] > bound:
            cases.append(Case(str(name), bool(gaps["oracle"] <= bound)))
    return cases


def outcomes(settings: pd.DataFrame) -> pd.Series:
    """What became of each setting, as one word, by the convention of the claims.

    unlearns; improves but breaks; breaks; nothing (neither improves nor breaks); undecided; the
    original; again (counted under another name). The table is `Results.settings`.
    """
    words = []
    for row in settings.to_dict("records"):
        improves, breaks = row["improves"], row["breaks"]
        if row["method"] == "nothing":
            words.append("original")
        elif row["again"]:
            words.append("again")
        elif breaks:
            words.append("improves but breaks" if improves else "breaks")
        elif breaks is None or improves is None:
            words.append("undecided")
        else:
            words.append("unlearns" if improves else "nothing")
    return pd.Series(words, index=settings.index)


MEASURES: dict[str, Measure] = {
    "original_like_oracle_on_val": _excess("val", negated=True),
    "original_unlike_oracle_on_forget": _excess("forget"),
    "breaks": _of_settings("breaks"),
    "improves_on_forget": _of_settings("improves"),
    "unlearns": _of_settings("unlearns"),
    "does_nothing_or_breaks": _of_settings("unlearns", negated=True),
    "improves_but_breaks": _improves_but_breaks,
    "stays": _of_settings("stays"),
    "retain_like_val": _retain_like_val,
    "original_low_and_alike": _original_low_and_alike,
    "worse_than_the_best": _worse_than_best,
    "harder_than_others": _harder_than_others,
    "like_its_control": _like_control,
    "harms_beyond_its_control": _harms_beyond_control,
    "larger_unlearns_less": _larger_unlearns_less,
    "larger_than_with_all_models": _by_number(Contrasts.above, above_floor=False),
    "as_with_all_models": _by_number(Contrasts.alike, above_floor=False),
    "falls_like_the_floor": _by_number(Contrasts.alike, above_floor=True),
    "oracle_forget_accuracy_like_val": _oracle_accuracy,
}
