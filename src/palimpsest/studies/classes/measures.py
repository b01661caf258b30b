"""What each measure says of a case of a claim, and the judging.

A difference of two methods is taken class by class (the mean over the trials of each), so its error
is the spread between classes (`intervals`); it is asked of the equivalence margin, in points of
percent, as `contrasts` does: surely above it, surely below it, or not decided.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palimpsest import claims
from palimpsest.claims import Case, Measure
from palimpsest.contrasts import Contrasts, Scores
from palimpsest.intervals import interval
from palimpsest.studies.classes.overlap import rank_correlation
from palimpsest.studies.classes.results import INPUTS, Results, read_results
from palimpsest.studies.classes.trials import ORACLE, QUANTITIES, average_gaps
from palimpsest.tables import by_setting, redrawn_by_setting
from palimpsest.verdicts import Answer, both, either, negation

__all__ = ["INPUTS", "MEASURES", "judge"]

KEYS = (
    "methods", "against", "quantity", "quantities", "table", "dataset", "value", "points", "nats",
)  # fmt: skip
"""of claims, that measures read"""
CLASSES = 3
"""from which their spread is taken for an error: two may agree by chance to the last digit"""
_EXACT = 1e-9  # points: the standard error of a difference that does not vary at all
_ROUNDING = 0.0151  # of a difference: both numbers and it are rounded to two digits


def judge(
    inputs: Mapping[str, Sequence[Path]], *, margin: float, classes: Mapping[str, int]
) -> pd.DataFrame:
    """One row per claim of the file `claims`, by the tables.

    margin: points of percent. classes: the class of each forget set that is one.
    """
    results = read_results(inputs, margin, classes)
    asked = claims.read_claims(inputs["claims"][0], MEASURES, KEYS)
    return claims.judge(asked, results, MEASURES, replace(results, strict=True))


def _answers(
    results: Results, question: str, values: Sequence[np.ndarray], margin: float | None = None
) -> list[Answer]:
    """`above`, `below` or `alike` of differences, each one value a class; judged together."""
    found = [interval(own[np.isfinite(own)]) for own in values]
    answers: list[Answer] = [None] * len(values)
    for freedom in {freedom for *_, freedom in found if freedom + 1 >= CLASSES}:
        rows = [n for n, (*_, own) in enumerate(found) if own == freedom]
        chosen = [found[n] for n in rows]
        contrasts = Contrasts(
            np.array([one[0] for one in chosen]),
            np.maximum([one[1] for one in chosen], _EXACT),
            freedom,
            results.margin if margin is None else margin,
            results.strict,
        )
        for row, answer in zip(rows, getattr(contrasts, question)(), strict=True):
            answers[row] = answer
    return answers


def _doubt(classes: int) -> str | None:
    """Why so few classes decide nothing about classes."""
    return None if classes >= CLASSES else f"the spread between classes needs {CLASSES} or more"


def _cases(
    names: Sequence[str], answers: Sequence[Answer], values: Sequence[np.ndarray]
) -> list[Case]:
    """Cases with their differences in the name; a single class decides nothing, and says so."""
    cases = []
    for name, answer, own in zip(names, answers, values, strict=True):
        classes = int(np.isfinite(own).sum())
        cases.append(
            Case(f"{name}: {np.nanmean(own):+.1f}" if classes else name, answer, _doubt(classes))
        )
    return cases


def _pairs(results: Results, claim: Mapping[str, Any]) -> list[tuple[str, np.ndarray]]:
    """(name, differences by class) of each method and quantity of a claim against another."""
    means, found = results.means("table"), []
    wanted = claim.get("quantities", [claim.get("quantity")])
    for method in claim["methods"]:
        for quantity in wanted:
            if method in means.index and claim["against"] in means.index:
                other = means.loc[claim["against"], quantity]
                own = (means.loc[method, quantity] - other).to_numpy()
                found.append((f"{quantity} of {method} less that of {claim['against']}", own))
    return found


def _compared(question: str) -> Measure:
    """Whether a quantity of each method lies above, below or within the margin of another's."""

    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        pairs = _pairs(results, claim)
        names, values = [name for name, _ in pairs], [own for _, own in pairs]
        margin = claim.get("points")
        return _cases(names, _answers(results, question, values, margin), values)

    return measure


def _gap_is(question: str) -> Measure:
    """Whether the average gap of each method lies above or below that of another."""

    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        gaps = average_gaps(results.means("table"))
        chosen = [m for m in claim["methods"] if m in gaps.index and claim["against"] in gaps.index]
        values = [(gaps.loc[m] - gaps.loc[claim["against"]]).to_numpy(float) for m in chosen]
        names = [f"average gap of {m} less that of {claim['against']}" for m in chosen]
        return _cases(names, _answers(results, question, values), values)

    return measure


def _over(experiment: str, setting: str) -> Callable[[Results, str], dict[float, pd.DataFrame]]:
    """Of a method by name: value of a setting -> its means by class (forget_set, quantities)."""

    def read(results: Results, method: str) -> dict[float, pd.DataFrame]:
        trials = results.trials[experiment]
        own = trials[trials["variant"].str.split(",").str[0] == method]
        return {
            float(value): part.groupby("forget_set", sort=False)[list(QUANTITIES)].mean()
            for value, part in own.groupby(setting)
        }

    return read


_by_alpha, _by_rate = _over("alpha", "alpha"), _over("rates", "lr")


def _above_at_every_alpha(results: Results, claim: dict[str, Any]) -> list[Case]:
    """A quantity of the first method lies above that of another, at each alpha."""
    (method,), quantity = claim["methods"], claim["quantity"]
    one, other = _by_alpha(results, method), _by_alpha(results, claim["against"])
    shared = [alpha for alpha in one if alpha in other]
    values = [(one[a][quantity] - other[a][quantity]).to_numpy() for a in shared]
    names = [f"{quantity} of {method} less that of {claim['against']} at {a:g}" for a in shared]
    return _cases(names, _answers(results, "above", values), values)


def _with_alpha(question: str) -> Measure:
    """Whether a quantity at the largest alpha lies above or below that at the smallest."""

    def measure(results: Results, claim: dict[str, Any]) -> list[Case]:
        names, values = [], []
        for method in claim["methods"]:
            found = _by_alpha(results, method)
            if len(found) > 1:
                first, last = found[min(found)], found[max(found)]
                values.append((last[claim["quantity"]] - first[claim["quantity"]]).to_numpy())
                names.append(f"{claim['quantity']} of {method} from {min(found)} to {max(found)}")
        return _cases(names, _answers(results, question, values), values)

    return measure


def _near_the_oracle(
    results: Results, claim: Mapping[str, Any], found: Mapping[float, pd.DataFrame], experiment: str
) -> tuple[list[Answer], list[np.ndarray]]:
    """Of each value of a setting whether none of the claim's quantities lies below the oracle's by
    `points`, and the differences of the first of them."""
    oracle = results.means(experiment).loc[ORACLE]
    below: list[list[Answer]] = []
    for quantity in claim["quantities"]:
        values = [(own[quantity] - oracle[quantity]).to_numpy() for own in found.values()]
        below.append(_answers(results, "below", values, claim["points"]))
    first = claim["quantities"][0]
    joint = [negation(either(*own)) for own in zip(*below, strict=True)]
    return joint, [(own[first] - oracle[first]).to_numpy() for own in found.values()]


def _near_at_some_rate(results: Results, claim: dict[str, Any]) -> list[Case]:
    """At a learning rate FT is near the oracle in all quantities."""
    found = _by_rate(results, "FT")
    answers, values = _near_the_oracle(results, claim, found, "rates")
    names = [f"{claim['quantities'][0]} of FT at {rate:g} less that of {ORACLE}" for rate in found]
    return _cases(names, answers, values)


def _near_at_some_alpha(results: Results, claim: dict[str, Any]) -> list[Case]:
    """A case a method: at some alpha it is near the oracle in all quantities."""
    cases = []
    for method in claim["methods"]:
        found = _by_alpha(results, method)
        if found:
            answers, values = _near_the_oracle(results, claim, found, "alpha")
            classes = min(int(np.isfinite(own).sum()) for own in values)
            cases.append(Case(method, either(*answers), _doubt(classes)))
    return cases


def _choice_parts_them(results: Results, claim: dict[str, Any]) -> list[Case]:
    """With some choice KL-FT has `points` more of RA than ICE-FT as printed, at equal alpha, and
    forgets no less."""
    trials = results.trials["divergence"]
    plain = (trials["forward"] == "retain_first") & (trials["batch_norm"] == "train")
    names, values, answers = [], [], []
    ice = trials[plain & (trials["method"] == "ice_ft")]
    base = {a: part.groupby("forget_set")[["RA", "UA"]].mean() for a, part in ice.groupby("alpha")}
    for variant, part in trials[trials["method"] == "kl_ft"].groupby("variant", sort=False):
        alpha = part["alpha"].iloc[0]
        if alpha not in base:
            continue
        own = part.groupby("forget_set")[["RA", "UA"]].mean() - base[alpha]
        names.append(f"RA of {variant} less that of ICE-FT")
        values.append(own["RA"].to_numpy())
        answers.append(own["UA"].to_numpy())
    more = _answers(results, "above", values, claim["points"])
    worse = _answers(results, "below", answers)
    kept = [None if answer is None else not answer for answer in worse]
    return _cases(names, [both(a, b) for a, b in zip(more, kept, strict=True)], values)


def _not_the_oracle(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Of the variants whose UA is like the oracle's: KLoM lies above its floor by `nats`."""
    table, split = by_setting(results.klom), claim.get("quantity", "forget")
    redrawn = redrawn_by_setting(results.klom, results.klom_redraws)[split]
    score = table[f"{split}_klom"].to_numpy(float) - table[f"{split}_null"].to_numpy(float)
    shifted = redrawn - table[f"{split}_null"].to_numpy(float)[:, None]
    contrasts = Contrasts.of(Scores(score, shifted), claim["nats"], strict=results.strict)
    means = results.trials["klom"].groupby("variant", sort=False)["UA"].mean()
    cases = []
    for (_, row), answer, value in zip(table.iterrows(), contrasts.above(), score, strict=True):
        name = _variant_of(row, results.trials["klom"])
        if row["method"] != "nothing" and abs(means[name] - means[ORACLE]) < results.margin:
            cases.append(Case(f"{name}: {value:.1f} nats above the floor", answer))
    return cases


def _variant_of(row: pd.Series, trials: pd.DataFrame) -> str:
    """The name that a row of `by_setting` has among the trials."""
    keys = list(trials.columns[: trials.columns.get_loc("seed")])
    same = pd.Series(True, trials.index)
    for key in keys:
        value = row.get(key)
        same &= trials[key].isna() if pd.isna(value) else trials[key] == value
    return str(trials.loc[same, "variant"].iloc[0])


def _overlap_predicts(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Spearman's rank correlation with UA after FT over the classes is surely above 0."""
    forgotten = results.means("table").loc["FT", "UA"]
    table = results.overlaps.set_index("forget_set").reindex(forgotten.index)
    values = table[claim["quantity"]].to_numpy(float)
    if len(values) < _FEWEST:
        doubt = f"a rank correlation over {len(values)} classes says nothing"
        return [Case(claim["quantity"], None, doubt)]
    rho, low, high = rank_correlation(values, forgotten.to_numpy())
    answer = True if low > 0 else False if high < 0 else None
    return [Case(f"rho of {claim['quantity']} and UA {rho:.2f} ({low:.2f} to {high:.2f})", answer)]


_FEWEST = 6
"""classes of a rank correlation"""


def _printed(results: Results, claim: Mapping[str, Any]) -> pd.DataFrame:
    """The paper's numbers that a claim is about."""
    rows = results.printed
    for key in ("table", "dataset"):
        if key in claim:
            rows = rows[rows[key] == claim[key]]
    return rows


def _printed_gap_is_the_difference(results: Results, claim: dict[str, Any]) -> list[Case]:
    """Each printed gap is the difference of the printed means."""
    rows, cases = _printed(results, claim), []
    keys = ["table", "dataset", "quantity"]
    retrained = rows[rows["method"] == ORACLE].set_index(keys)["mean"]
    for _, row in rows[rows["gap"].notna()].iterrows():
        true = abs(row["mean"] - retrained[tuple(row[keys])])
        name = f"{row['dataset']}, {row['quantity']} of {row['method']}"
        name += f": {row['gap']:g} printed, {true:.2f}"
        cases.append(Case(name, bool(abs(true - row["gap"]) < _ROUNDING)))
    return cases


def _printed_above(results: Results, claim: dict[str, Any]) -> list[Case]:
    """A printed quantity of each method is above that of another, at each alpha."""
    rows, cases = _printed(results, claim), []
    rows = rows[rows["quantity"] == claim["quantity"]]
    others = rows[rows["method"] == claim["against"]].set_index("alpha", drop=False)["mean"]
    for method in claim["methods"]:
        for _, row in rows[rows["method"] == method].iterrows():
            known = others[others.index.isna()] if pd.isna(row["alpha"]) else others[[row["alpha"]]]
            at = "" if pd.isna(row["alpha"]) else f" at alpha {row['alpha']:g}"
            name = f"{method} {row['mean']:.2f}, {claim['against']} {known.iloc[0]:.2f}{at}"
            cases.append(Case(name, bool(row["mean"] > known.iloc[0])))
    return cases


def _printed_is(results: Results, claim: dict[str, Any]) -> list[Case]:
    """A printed quantity of each method is `value`."""
    rows = _printed(results, claim)
    rows = rows[(rows["quantity"] == claim["quantity"]) & rows["method"].isin(claim["methods"])]
    return [
        Case(f"{row['method']} {row['mean']:.2f}", bool(row["mean"] == claim["value"]))
        for _, row in rows.iterrows()
    ]


def _printed_falls_with_alpha(results: Results, claim: dict[str, Any]) -> list[Case]:
    """From each printed alpha to the next a quantity falls."""
    rows, cases = _printed(results, claim), []
    rows = rows[rows["quantity"] == claim["quantity"]]
    for method in claim["methods"]:
        own = rows[rows["method"] == method].sort_values("alpha")
        steps = list(zip(own["alpha"], own["mean"], strict=True))
        for (alpha, mean), (more, then) in itertools.pairwise(steps):
            name = f"{method} {mean:.2f} at {alpha:g}, {then:.2f} at {more:g}"
            cases.append(Case(name, bool(then < mean)))
    return cases


MEASURES: dict[str, Measure] = {
    "above": _compared("above"),
    "below": _compared("below"),
    "alike": _compared("alike"),
    "gap_above": _gap_is("above"),
    "gap_below": _gap_is("below"),
    "above_at_every_alpha": _above_at_every_alpha,
    "falls_with_alpha": _with_alpha("below"),
    "near_at_some_rate": _near_at_some_rate,
    "near_at_some_alpha": _near_at_some_alpha,
    "choice_parts_them": _choice_parts_them,
    "not_the_oracle": _not_the_oracle,
    "overlap_predicts": _overlap_predicts,
    "printed_gap_is_the_difference": _printed_gap_is_the_difference,
    "printed_above": _printed_above,
    "printed_is": _printed_is,
    "printed_falls_with_alpha": _printed_falls_with_alpha,
}
