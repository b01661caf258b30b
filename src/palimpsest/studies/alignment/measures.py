"""What each measure says of a case of a claim, and the judging (see `paired` for differences)."""

import itertools
from collections.abc import Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palimpsest import claims
from palimpsest.claims import Case, Measure
from palimpsest.contrasts import Contrasts, Scores, joined
from palimpsest.studies.alignment.paired import (
    RFA,
    UNLEARNED,
    WIDE,
    Difference,
    Run,
    Values,
    apart,
    as_cases,
    gap_less,
    gaps,
    judged,
    places,
    unit,
    why_open,
)
from palimpsest.studies.alignment.printed import PRINTED
from palimpsest.studies.alignment.results import (
    INPUTS,
    METHODS,
    ORACLE,
    ORIGINAL,
    SCENARIOS,
    Results,
    read_results,
)
from palimpsest.verdicts import both, either, negation

__all__ = ["INPUTS", "MEASURES", "judge"]

KEYS = (
    "tasks", "experiment", "scenarios", "subsets", "than", "methods", "against", "quantity",
    "averaged", "points", "nats", "value", "rank", "table", "model", "printed_differences",
)  # fmt: skip
"""of claims, that measures read"""
FINETUNE = METHODS["ft"]
TIMING = 1.2
"""a time is measured once: within this factor of what is asked it decides nothing"""


def judge(
    inputs: Mapping[str, Sequence[Path]],
    *,
    task: str,
    scenarios: Mapping[str, str],
    tuning_models: int,
    margin: float,
    beside: Mapping[str, str],
    epochs: int,
    stack: int = 1,
) -> pd.DataFrame:
    """One row per claim of the file `claims`, by the tables.

    margin: points of percent. The others: see `results.read_results`.
    """
    results = read_results(
        inputs, task=task, scenarios=scenarios, tuning_models=tuning_models, margin=margin,
        beside=beside, epochs=epochs, stack=stack,
    )  # fmt: skip
    return verdicts(claims.read_claims(inputs["claims"][0], MEASURES, KEYS), results)


def verdicts(asked: Sequence[dict[str, Any]], results: Results) -> pd.DataFrame:
    """One row per claim; one about other tasks than the run's says so."""
    run = Run.of(results)
    table = claims.judge(list(asked), run, MEASURES, run.asked(strict=True))
    for row, claim in enumerate(asked):
        if not _is_asked(run, claim):
            told = f"about {' and '.join(claim['tasks'])}; this run is {results.task}"
            table.loc[row, "evidence"] = told
    return table


def _is_asked(run: Run, claim: Mapping[str, Any]) -> bool:
    """Whether a claim is about the run's task."""
    return run.results.task in claim.get("tasks", [run.results.task])


def _pairs(run: Run, claim: Mapping[str, Any]) -> list[Difference]:
    """Each method of a claim less another, on each subset that the run has."""
    table, quantity, against = run.table(claim), run.quantity(claim), claim["against"]
    found = []
    for (scenario, subset), method in itertools.product(places(claim), claim["methods"]):
        place = scenario, subset, quantity
        if table.has(*place, method, against):
            values = apart(
                quantity, table.of(*place, method), table.of(*place, against), table.floor(*place)
            )
            name = f"{quantity} of {method} on {subset}, {scenario}, less that of {against}"
            blind = table.blind(scenario, quantity, run.results.margin)
            found.append(Difference(name, values, unit(quantity), blind))
    return found


def _compared(question: str) -> Measure:
    """Whether a quantity of each method lies above, below or within the margin of another's."""

    def measure(run: Run, claim: dict[str, Any]) -> list[Case]:
        pairs = _pairs(run, claim)
        return as_cases(pairs, judged(run, question, pairs, claim.get("points")))

    return measure


def _not_below(run: Run, claim: dict[str, Any]) -> list[Case]:
    """A quantity of each method does not lie below another's by the margin."""
    pairs = _pairs(run, claim)
    answers = judged(run, "below", pairs, claim.get("points"))
    return as_cases(pairs, [negation(answer) for answer in answers])


def _above_where_they_differ(run: Run, claim: dict[str, Any]) -> list[Case]:
    """A quantity of each method lies above another's; what is surely alike is no case."""
    pairs, margin = _pairs(run, claim), claim.get("points")
    same = judged(run.asked(strict=False), "alike", pairs, margin)
    cases = as_cases(pairs, judged(run, "above", pairs, margin))
    return [case for case, alike in zip(cases, same, strict=True) if not alike]


def _above_value(run: Run, claim: dict[str, Any]) -> list[Case]:
    """A quantity of each method lies above a number."""
    table, quantity, found = run.table(claim), run.quantity(claim), []
    for (scenario, subset), method in itertools.product(places(claim), claim["methods"]):
        if table.has(scenario, subset, quantity, method):
            own = table.of(scenario, subset, quantity, method)
            values = apart(quantity, own, 0.0) - claim["value"]
            name = f"{quantity} of {method} on {subset}, {scenario}, less {claim['value']:g}"
            found.append(Difference(name, values, unit(quantity)))
    return as_cases(found, judged(run, "above", found, claim.get("points")))


# --- how far methods are from retraining


def _groups(table: Values, quantity: str, claim: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """(scenario, subsets) whose gaps are averaged: each subset alone, or all of a scenario."""
    known = [one for one in places(claim) if table.has(*one, quantity, ORACLE)]
    if not claim.get("averaged"):
        return [(scenario, [subset]) for scenario, subset in known]
    return [
        (scenario, [subset for _, subset in own])
        for scenario, own in itertools.groupby(known, lambda one: one[0])
    ]


def _gap_pairs(
    run: Run, claim: Mapping[str, Any], methods: Sequence[str], against: str
) -> list[tuple[tuple[str, list[str]], Difference]]:
    """Each method's gap less that of another, in each group."""
    table, quantity, found = run.table(claim), run.quantity(claim), []
    for (scenario, subsets), method in itertools.product(_groups(table, quantity, claim), methods):
        if all(table.has(scenario, one, quantity, method, against) for one in subsets):
            own, other = (
                gaps(table, scenario, subsets, quantity, one) for one in (method, against)
            )
            told = "all subsets" if claim.get("averaged") else subsets[0]
            name = f"{quantity} gap of {method} on {told}, {scenario}, less that of {against}"
            values, blind = (
                gap_less(own, other),
                table.blind(scenario, quantity, run.results.margin),
            )
            found.append(((scenario, subsets), Difference(name, values, unit(quantity), blind)))
    return found


def _gap_is(question: str) -> Measure:
    """Whether the gap of each method lies above or below that of another."""

    def measure(run: Run, claim: dict[str, Any]) -> list[Case]:
        found = _gap_pairs(run, claim, claim["methods"], claim["against"])
        pairs = [one for _, one in found]
        return as_cases(pairs, judged(run, question, pairs, claim.get("points")))

    return measure


def _among_the_closest(run: Run, claim: dict[str, Any]) -> list[Case]:
    """Fewer than `rank` other methods are closer to Retrain by the margin, on each subset or on
    the average of all."""
    (method,), rank = claim["methods"], claim["rank"]
    quantity, others = run.quantity(claim), [one for one in UNLEARNED if one != method]
    found = _gap_pairs(run, claim, others, method)
    answers = judged(run, "below", [one for _, one in found], claim.get("points"))
    cases = []
    groups = itertools.groupby(zip(found, answers, strict=True), lambda one: one[0][0])
    for (scenario, subsets), own in groups:
        rows = list(own)
        closer = [answer for _, answer in rows]
        sure, possible = closer.count(True), closer.count(True) + closer.count(None)
        answer = False if sure >= rank else True if possible < rank else None
        told = "all subsets" if claim.get("averaged") else subsets[0]
        name = f"{quantity} on {told}, {scenario}: {sure} surely closer than {method}"
        cases.append(Case(name, answer, why_open(answer, [one for (_, one), _ in rows])))
    return cases


def _uncertain_and_keeps(run: Run, claim: dict[str, Any]) -> list[Case]:
    """In class unlearning a method lies `points` below the original on D_f, and not below it by
    the margin on D_r and D_rt."""
    told = {"quantity": "accuracy", "scenarios": ["class"], "against": ORIGINAL}
    cases = []
    methods = [one for one in claim["methods"] if _pairs(run, told | {"methods": [one]})]

    def of(subset: str) -> list[Difference]:
        return _pairs(run, told | {"methods": methods, "subsets": [subset]})

    parts = [of(subset) for subset in ("D_f", "D_r", "D_rt")]
    falls = judged(run, "below", parts[0], claim["points"])
    lost = judged(run, "below", [*parts[1], *parts[2]])
    for place, (method, fallen) in enumerate(zip(methods, falls, strict=True)):
        answer = both(fallen, negation(either(lost[place], lost[place + len(methods)])))
        own = [part[place] for part in parts]
        means = ", ".join(f"{one.values.mean():+.1f}" for one in own)
        name = f"{method} on D_f, D_r, D_rt less the original: {means} points"
        cases.append(Case(name, answer, why_open(answer, own)))
    return cases


# --- gamma


def _over_gamma(question: str, *, ends: bool) -> Measure:
    """Whether a quantity of RFA at a gamma lies above, below or within the margin of that at the
    smallest one: at the largest, or at each other one."""

    def measure(run: Run, claim: dict[str, Any]) -> list[Case]:
        tables, quantity, found = run.gammas, run.quantity(claim), []
        first, *more = [*tables] or [np.nan]
        asked = more[-1:] if ends else more
        for (scenario, subset), gamma in itertools.product(places(claim), asked):
            place = scenario, subset, quantity
            if tables[gamma].has(*place, RFA) and tables[first].has(*place, RFA):
                values = apart(
                    quantity, tables[gamma].of(*place, RFA), tables[first].of(*place, RFA),
                    tables[first].floor(*place),
                )  # fmt: skip
                name = f"{quantity} on {subset}, {scenario}, from gamma {first:g} to {gamma:g}"
                found.append(Difference(name, values, unit(quantity)))
        return as_cases(found, judged(run, question, found, claim.get("points")))

    return measure


def _subset_is(question: str) -> Measure:
    """Whether a distance of RFA on a subset lies above or below that on the subset `than`, at each
    gamma."""

    def measure(run: Run, claim: dict[str, Any]) -> list[Case]:
        quantity, than, found = run.quantity(claim), claim["than"], []
        for gamma, table in run.gammas.items():
            for scenario, subset in places(claim):
                place, other = (scenario, subset, quantity), (scenario, than, quantity)
                if table.has(*place, RFA) and table.has(*other, RFA):
                    values = apart(
                        quantity, table.of(*place, RFA), table.of(*other, RFA), table.floor(*other)
                    )
                    name = f"{quantity} on {subset} less that on {than}, {scenario}, "
                    found.append(Difference(f"{name}gamma {gamma:g}", values, unit(quantity)))
        return as_cases(found, judged(run, question, found, claim.get("points")))

    return measure


def _gap_below_gamma_0(run: Run, claim: dict[str, Any]) -> list[Case]:
    """The average gap of RFA at a gamma lies below that at gamma 0, where no feature is aligned."""
    tables, quantity, found = run.gammas, run.quantity(claim), []
    if 0.0 not in tables:
        return []
    for scenario, subsets in _groups(tables[0.0], quantity, {"averaged": True}):
        base = gaps(tables[0.0], scenario, subsets, quantity, RFA)
        for gamma, table in tables.items():
            if gamma > 0:
                values = gap_less(gaps(table, scenario, subsets, quantity, RFA), base)
                name = f"average gap at gamma {gamma:g}, {scenario}, less that at 0"
                found.append(Difference(name, values, unit(quantity)))
    return as_cases(found, judged(run, "below", found, claim.get("points")))


# --- KLoM and cost


def _klom_is(question: str) -> Measure:
    """Whether KLoM of each method on a split lies above its floor, or that of the method `against`,
    or below, by `nats`."""

    def measure(run: Run, claim: dict[str, Any]) -> list[Case]:
        table, split, against = run.results.klom, claim["quantity"], claim.get("against")
        if table is None or split not in run.results.klom_redrawn:
            return []
        every = Scores(table[f"{split}_klom"].to_numpy(float), run.results.klom_redrawn[split])
        row = {key: n for n, key in enumerate(zip(table["scenario"], table["method"], strict=True))}
        names, found = [], []
        for scenario, method in itertools.product(SCENARIOS, claim["methods"]):
            if (scenario, method) in row and (against is None or (scenario, against) in row):
                own = every.at([row[scenario, method]])
                if against is None:
                    floor = table[f"{split}_null"].to_numpy(float)[[row[scenario, method]]]
                    found.append(own.less(floor))
                else:
                    found.append(own.minus(every.at([row[scenario, against]])))
                names.append(f"KLoM of {method}, {scenario}, less {against or 'its floor'}")
        if not found:
            return []
        scores = joined(found)
        contrasts = Contrasts.of(scores, claim["nats"], strict=run.results.strict)
        answers = getattr(contrasts, question)()
        return [
            Case(f"{name}: {value:+.1f} nats", answer, None if answer is not None else WIDE)
            for name, value, answer in zip(names, scores.value, answers, strict=True)
        ]

    return measure


def _saves_time(run: Run, claim: dict[str, Any]) -> list[Case]:
    """A method takes `value` per cent less time than retraining would for the paper's epochs, in
    each scenario: it is measured in epochs of retraining. Where a pass of Finetune, which is one of
    retraining, took another time than that, the times are no measure.
    """
    costs, cases, left = run.results.costs, [], 1 - claim["value"] / 100
    for scenario, method in itertools.product(SCENARIOS, claim["methods"]):
        own = costs[costs["scenario"] == scenario].set_index("method")
        epochs = _printed_epochs(run.results, scenario)
        if not {method, ORACLE, FINETUNE} <= set(own.index) or epochs is None:
            continue
        seconds, name = own["seconds"], f"{method}, {scenario}"
        taken = seconds[method] / (seconds[ORACLE] / run.results.epochs)
        same = seconds[FINETUNE] / (seconds[ORACLE] * own["relative_cost"][FINETUNE])
        doubt = None
        if not np.isfinite(taken):
            doubt = "seconds were left out of this run"
        elif run.results.stacked:
            doubt = "trainings were stacked, and adapters are not"
        elif not 1 / TIMING <= same <= TIMING:
            doubt = f"a pass of {FINETUNE} took {same:.1f} times as long as one of {ORACLE}"
        if doubt:
            cases.append(Case(name, None, doubt))
            continue
        part = taken / epochs
        answer = True if part <= left / TIMING else False if part > left * TIMING else None
        doubt = "a time is measured once" if answer is None else None
        told = f"as long as {taken:.1f} epochs, {100 * (1 - part):.1f} % less than {epochs:.0f}"
        cases.append(Case(f"{name}: {told}", answer, doubt))
    return cases


def _printed_epochs(results: Results, scenario: str) -> float | None:
    """The epochs of the paper's retraining, by its Table XI, where fine-tuning is one epoch."""
    rows = results.printed[results.printed["table"] == "11"]
    rows = rows[(rows["model"] == results.model) & (rows["scenario"] == scenario)]
    seconds = rows.set_index("method")["value"]
    if not {ORACLE, FINETUNE} <= set(seconds.index):
        return None
    return float(seconds[ORACLE] / seconds[FINETUNE])


def _of_its_tasks(measure: Measure) -> Measure:
    """The measure where a claim is about the run's task; elsewhere it has no cases."""

    @wraps(measure)
    def asked(run: Run, claim: dict[str, Any]) -> list[Case]:
        return measure(run, claim) if _is_asked(run, claim) else []

    return asked


_ALL: dict[str, Measure] = {
    "above": _compared("above"),
    "below": _compared("below"),
    "alike": _compared("alike"),
    "not_below": _not_below,
    "above_where_they_differ": _above_where_they_differ,
    "above_value": _above_value,
    "gap_above": _gap_is("above"),
    "gap_below": _gap_is("below"),
    "among_the_closest": _among_the_closest,
    "uncertain_and_keeps": _uncertain_and_keeps,
    "level_over_gamma": _over_gamma("alike", ends=False),
    "falls_with_gamma": _over_gamma("below", ends=True),
    "rises_with_gamma": _over_gamma("above", ends=True),
    "subset_above": _subset_is("above"),
    "subset_below": _subset_is("below"),
    "gap_below_gamma_0": _gap_below_gamma_0,
    "klom_above": _klom_is("above"),
    "klom_below": _klom_is("below"),
    "saves_time": _saves_time,
    **PRINTED,
}
MEASURES = {name: _of_its_tasks(measure) for name, measure in _ALL.items()}
