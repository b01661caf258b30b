"""What a run measured, as the paper names it: a value for each method, model, subset and quantity.

A run is of one data set and one model, so of one task. Its values stand in one long frame:

    scenario  class (a whole class is forgotten) | sample (points drawn at random)
    method    in the paper's words (METHODS); `Retrain (second)` is a second retrained model
    place     of the model in its population: the unlearned model, the original that it started
              from and the oracle of one place are compared with each other
    subset    D_r retained, D_f forgotten; test points: D_t, or D_rt and D_ft, those of the classes
              that are retained and of the class that is forgotten
    quantity  accuracy (%) or, of next tokens, perplexity; the distances activation, feature_1
              (to the original) and feature_2 (to the oracle), these two also `_relative`; mia and
              mia_logistic (the part of a subset that an attack calls members), these two also
              `_balanced`

Learning rates are chosen by one rule for all methods, on other models than those that are
reported (`choose_rates`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from palimpsest.files import InputError
from palimpsest.intervals import interval
from palimpsest.plots.style import method_name
from palimpsest.studies.alignment.changes import base_of, changes
from palimpsest.tables import (
    by_setting,
    key_columns,
    read_klom,
    read_redraws,
    read_table,
    redrawn_by_setting,
)

INPUTS = (
    "claims", "printed", "table_quality", "table_quality_models", "table_distances_models",
    "table_mia_models", "gamma_quality_models", "gamma_distances_models",
    "sensitivity_quality_models", "sensitivity_distances_models",
)  # fmt: skip
"""of the verdicts; where the run has them also two_epochs_quality_models, table_klom and
table_klom_redraws. `quality` is the accuracy, or the perplexity"""

ORIGINAL, ORACLE, SECOND = "Original", "Retrain", "Retrain (second)"
METHODS = {
    "nothing": ORIGINAL, "oracle": ORACLE, "ga": "NegGrad", "ft": "Finetune", "badt": "BadT",
    "scrub": "SCRUB", "rfa": "RFA",
}  # fmt: skip
"""method -> its name in the paper, where RFA is "ours"; in the order of its tables"""
ORDER = (ORIGINAL, ORACLE, SECOND, *list(METHODS.values())[2:])
SCENARIOS = ("sample", "class")
SUBSETS: Mapping[str, Mapping[str, str]] = {
    "sample": {"retain": "D_r", "forget": "D_f", "val": "D_t"},
    "class": {"retain": "D_r", "forget": "D_f", "val_retain": "D_rt", "val_forget": "D_ft"},
}
"""scenario -> split -> subset, those that the paper's tables report"""
QUANTITIES: Mapping[str, tuple[str, float]] = {
    "accuracy": ("accuracy", 100.0),
    "perplexity": ("perplexity", 1.0),
    "activation": ("activation", 1.0),
    "feature_original": ("feature_1", 1.0),
    "feature_original_relative": ("feature_1_relative", 1.0),
    "feature_oracle": ("feature_2", 1.0),
    "feature_oracle_relative": ("feature_2_relative", 1.0),
    "svm": ("mia", 1.0),
    "logistic": ("mia_logistic", 1.0),
    "svm_balanced": ("mia_balanced", 1.0),
    "logistic_balanced": ("mia_logistic_balanced", 1.0),
}
"""column of a table -> the quantity, and what it is multiplied by"""
QUALITY = ("accuracy", "perplexity")
TO_ORACLE = ("activation", "feature_2", "feature_2_relative")
"""distances to the oracle of the same place: of an oracle to the next one, the floor of all"""
COLUMNS = ("scenario", "method", "lr", "place", "subset", "quantity", "value")


@dataclass(frozen=True)
class Results:
    """What claims are judged by; all frames have the columns COLUMNS and those named here.

    Args:
        task: image classification | text classification | text generation.
        values: of the experiment `table`, methods at their chosen rates, reported models alone.
        two_epochs: the same of that experiment, sample scenario; empty where the run has none.
        gamma: RFA over `gamma`, with Original, Retrain and its second; all models.
        sensitivity: RFA over its settings (columns), likewise; `setting` names what is changed.
        rates: every rate of every method (`choose_rates`).
        costs: scenario, method, lr, seconds (of one model; NaN where left out), relative_cost (in
            trainings of one oracle).
        klom: a row for each scenario and method (Original too) at its chosen rate, with the columns
            of `tables.by_setting`; None where the run has no KLoM.
        klom_redrawn: split -> redrawn scores (rows of klom, repeats).
        printed: the paper's numbers.
        model: the paper's, whose numbers stand beside the run's.
        epochs: of the run's training.
        stacked: whether the run trains several models as one network, which adapters never are.
        margin: the equivalence margin, in points of percent.
        strict: whether the chance of any false answer is held down, and not the part of false ones.
    """

    task: str
    values: pd.DataFrame
    two_epochs: pd.DataFrame
    gamma: pd.DataFrame
    sensitivity: pd.DataFrame
    rates: pd.DataFrame
    costs: pd.DataFrame
    klom: pd.DataFrame | None
    klom_redrawn: Mapping[str, np.ndarray]
    printed: pd.DataFrame
    model: str
    epochs: float
    stacked: bool
    margin: float
    strict: bool = False


def read_results(
    inputs: Mapping[str, Sequence[Path]],
    *,
    task: str,
    scenarios: Mapping[str, str],
    tuning_models: int,
    margin: float,
    beside: Mapping[str, str],
    epochs: int,
    stack: int = 1,
) -> Results:
    """The tables at these paths; `scenarios`: the scenario of each forget set; `beside`: the
    paper's `dataset` and `model`; `epochs`: of training; `stack`: models that the run trains as
    one network."""
    if not margin > 0:
        raise InputError(f"margin is {margin}; allowed: above 0, in points of percent")
    values, rates = reported(read_values(inputs, "table", scenarios), tuning_models)
    twice = (
        reported(read_values(inputs, "two_epochs", scenarios), tuning_models)[0]
        if inputs.get("two_epochs_quality_models")
        else pd.DataFrame(columns=list(COLUMNS))
    )
    klom, redrawn = read_chosen_klom(inputs, rates, scenarios)
    return Results(
        task=task,
        values=values,
        two_epochs=twice,
        gamma=with_second(read_values(inputs, "gamma", scenarios)),
        sensitivity=read_sensitivity(inputs, scenarios),
        rates=rates,
        costs=chosen(read_costs(inputs["table_quality"][0], scenarios), rates),
        klom=klom,
        klom_redrawn=redrawn,
        printed=read_printed(inputs["printed"][0]),
        model=beside["model"],
        epochs=epochs,
        stacked=stack > 1,
        margin=margin,
    )


def read_printed(path: str | Path) -> pd.DataFrame:
    """The paper's numbers: `table` is its number, or "text"."""
    needed = [
        "table", "task", "dataset", "model", "scenario", "method", "subset", "quantity", "value",
    ]  # fmt: skip
    rows = read_table(path, needed, own=True)
    return rows.assign(table=rows["table"].astype(str))


def read_values(
    inputs: Mapping[str, Sequence[Path]], experiment: str, scenarios: Mapping[str, str]
) -> pd.DataFrame:
    """Every setting and model of an experiment in long form: COLUMNS, and the settings.

    Of quality, distances and membership what is there among `inputs`. The oracles are `Retrain`,
    their distances to the next oracle those of `Retrain (second)`.
    """
    found = []
    for metric in ("quality", "distances", "mia"):
        for path in inputs.get(f"{experiment}_{metric}_models", ())[:1]:
            found.append(_long(read_table(path, ["forget_set", "method", "split", "seed"]),
                               scenarios, path))  # fmt: skip
    values = pd.concat(found, ignore_index=True)
    return values if "lr" in values else values.assign(lr=np.nan)


def _long(rows: pd.DataFrame, scenarios: Mapping[str, str], path: Path) -> pd.DataFrame:
    """A table of single models in long form."""
    known = [name for name in QUANTITIES if name in rows]
    if not known:
        raise InputError(f"{path}: has no column of {', '.join(QUANTITIES)}; needed: one of them")
    if "oracle" not in set(rows["method"]):
        told = ", ".join(rows["method"].unique())
        raise InputError(f"{path}: holds {told}, and not oracle, from which all is measured")
    rows = rows[rows["forget_set"].isin(list(scenarios))]
    keys = key_columns(rows)[:-1]
    place = rows.groupby([*keys, "split"], dropna=False)["seed"].rank(method="first").astype(int)
    scenario = rows["forget_set"].map(scenarios)
    subset = [SUBSETS[one].get(part) for one, part in zip(scenario, rows["split"], strict=True)]
    settings = [name for name in keys if name not in ("forget_set", "method")]
    told = rows.assign(scenario=scenario, place=place - 1, subset=subset)
    long = told[told["subset"].notna()].melt(
        ["scenario", "method", *settings, "place", "subset"], known, "quantity"
    )
    factors = long["quantity"].map({name: factor for name, (_, factor) in QUANTITIES.items()})
    long["value"] = long["value"].astype(float) * factors
    long["quantity"] = long["quantity"].map({name: own for name, (own, _) in QUANTITIES.items()})
    floor = (long["method"] == "oracle") & long["quantity"].isin(TO_ORACLE)
    names = long["method"].map(_in_paper)
    return long.assign(method=names.where(~floor, SECOND))


def with_second(values: pd.DataFrame) -> pd.DataFrame:
    """`values` and beside Retrain a second one: the oracles of the next places, the last one's that
    of the first. Its mean is Retrain's; how far single models are apart is what two retrainings
    are. (Distances to the oracle are those of a second one already.)"""
    oracles = values[(values["method"] == ORACLE) & ~values["quantity"].isin(TO_ORACLE)]
    oracles = oracles.sort_values("place", kind="stable")
    groups = oracles.groupby(["scenario", "subset", "quantity"], sort=False)["value"]
    following = groups.transform(lambda own: np.roll(own, -1))
    return pd.concat([values, oracles.assign(method=SECOND, value=following)], ignore_index=True)


def choose_rates(values: pd.DataFrame, tuning_models: int) -> pd.DataFrame:
    """Every rate of every method, and which is chosen: scenario, method, lr, gap, chosen, at_end.

    Of each of the first `tuning_models` models the difference from the oracle of its place, in
    points of accuracy, or 100 * the logarithm of the ratio of the perplexities; its mean over these
    models, absolute, averaged over the subsets, is the `gap` of a rate. The rate of the smallest is
    chosen, of equal ones the smallest; a gap that is no number, of diverged models, is infinite.
    `at_end`: it is the smallest or the largest of several rates, so a better one may lie beyond.
    """
    own = values[values["quantity"].isin(QUALITY) & (values["place"] < tuning_models)]
    own = own.assign(apart=differences(own, logarithm=True))[own["lr"].notna()]
    keys = ["scenario", "method", "lr"]
    groups = own.groupby([*keys, "subset"], sort=False)["apart"]
    means = groups.agg(lambda models: models.mean(skipna=False))
    gaps = means.abs().groupby(keys).mean().where(lambda one: np.isfinite(one), np.inf)
    rates = gaps.rename("gap").reset_index()
    best = rates.groupby(["scenario", "method"])["gap"].idxmin()
    grids = rates.groupby(["scenario", "method"])["lr"]
    ends = (rates["lr"] == grids.transform("min")) | (rates["lr"] == grids.transform("max"))
    rates = rates.assign(chosen=rates.index.isin(best), at_end=ends & (grids.transform("size") > 1))
    return in_order(rates)


def differences(
    values: pd.DataFrame, against: str = ORACLE, *, logarithm: bool = False
) -> pd.Series:
    """Of each value the difference from that of the method `against` of its place; NaN where there
    is none. `logarithm`: of perplexities 100 times the logarithm of the ratio."""
    keys = ["scenario", "place", "subset", "quantity"]
    base = values[values["method"] == against].drop_duplicates(keys).set_index(keys)["value"]
    other = values[keys].join(base, on=keys)["value"]
    found = values["value"] - other
    if logarithm:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = 100 * np.log(values["value"] / other)
        found = found.where(values["quantity"] != "perplexity", ratio)
    return found


def chosen(table: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table (scenario, method, lr) at the chosen rates, and those without a rate."""
    best = rates[rates["chosen"]].set_index(["scenario", "method"])["lr"]
    own = table[["scenario", "method"]].join(best.rename("best"), on=["scenario", "method"])["best"]
    return table[(table["lr"] == own) | table["lr"].isna()]


def reported(values: pd.DataFrame, tuning_models: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of `read_values` what tables show, and the rates: methods at their chosen rates, with the
    second Retrain, on the models that no rate was chosen on."""
    rates = choose_rates(values, tuning_models)
    kept = chosen(values[values["place"] >= tuning_models], rates)
    return with_second(kept)[list(COLUMNS)], rates


def floor_of(quantity: str) -> str:
    """The method that a quantity is compared with: Retrain, or where it is a distance to the oracle
    the second one, since Retrain is at none from itself."""
    return SECOND if quantity in TO_ORACLE else ORACLE


def apart(values: pd.DataFrame, *, logarithm: bool = False) -> pd.Series:
    """Of each value the difference from `floor_of` its quantity (`differences`)."""
    parts = [
        differences(own, floor_of(str(quantity)), logarithm=logarithm)
        for quantity, own in values.groupby("quantity", sort=False)
    ]
    return pd.concat(parts).reindex(values.index)


def summary(values: pd.DataFrame, keys: Sequence[str] = ()) -> pd.DataFrame:
    """A row for each scenario, method (and `keys`), subset and quantity.

    `mean` and `sd` over models, `low`, `high` the 95 % interval of the mean; `difference` from
    `floor_of` the quantity, paired by place, with its 95 % interval `difference_low`,
    `difference_high`; `models`, and those of them that `diverged`, whose value is not finite and is
    left out.
    """
    own, rows = values.assign(difference=apart(values)), []
    grouped = ["scenario", "method", *keys, "lr", "subset", "quantity"]
    for names, part in own.groupby(grouped, dropna=False, sort=False):
        row = dict(zip(grouped, names, strict=True))
        finite = part[np.isfinite(part["value"])]
        mean, _, half, _ = interval(finite["value"].to_numpy())
        row |= {
            "mean": mean, "sd": finite["value"].std(ddof=1),
            "low": mean - half, "high": mean + half,
        }  # fmt: skip
        if row["method"] != floor_of(row["quantity"]):
            difference, _, width, _ = interval(finite["difference"].dropna().to_numpy())
            row |= {
                "difference": difference, "difference_low": difference - width,
                "difference_high": difference + width,
            }  # fmt: skip
        row |= {"models": len(part), "diverged": len(part) - len(finite)}
        rows.append(row)
    return in_order(pd.DataFrame(rows))


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by scenario and method as the paper has them, other methods behind."""
    places = {name: place for place, name in enumerate([*SCENARIOS, *ORDER])}
    return table.sort_values(
        ["scenario", "method"],
        key=lambda names: names.map(lambda name: places.get(name, len(places))),
        kind="stable",
        ignore_index=True,
    )


def read_costs(path: str | Path, scenarios: Mapping[str, str]) -> pd.DataFrame:
    """scenario, method, lr, seconds, relative_cost of every setting; of Retrain a training."""
    table = read_table(path, ["forget_set", "method", "split", "seconds", "relative_cost"])
    table = table[(table["split"] == "forget") & table["forget_set"].isin(list(scenarios))]
    keys = ["scenario", "method", "lr", "seconds", "relative_cost"]
    return in_order(named(table, scenarios)[keys])


def named(table: pd.DataFrame, scenarios: Mapping[str, str]) -> pd.DataFrame:
    """A table of the engine with `scenario`, the paper's name of the `method`, and `lr`."""
    methods = table["method"].map(_in_paper)
    scenario, rates = table["forget_set"].map(scenarios), table.get("lr", np.nan)
    return table.assign(scenario=scenario, method=methods, lr=rates)


def _in_paper(method: str) -> str:
    """The paper's name of a method, or, where it has none, ours."""
    return METHODS.get(method, method_name(method))


def read_klom_planes(
    inputs: Mapping[str, Sequence[Path]], rates: pd.DataFrame, scenarios: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """KLoM of every rate (`tables.by_setting`) with scenario, the paper's `method` and `chosen`;
    and the redrawn scores of these rows, where there are any."""
    klom = read_klom(inputs["table_klom"][0])
    table = by_setting(klom)
    redrawn = {}
    if inputs.get("table_klom_redraws"):
        redrawn = redrawn_by_setting(klom, read_redraws(inputs["table_klom_redraws"][0]))
    table = named(table, scenarios)
    own = chosen(table[table["scenario"].notna()], rates)
    return table.assign(chosen=table.index.isin(own.index)), redrawn


def read_chosen_klom(
    inputs: Mapping[str, Sequence[Path]], rates: pd.DataFrame, scenarios: Mapping[str, str]
) -> tuple[pd.DataFrame | None, dict[str, np.ndarray]]:
    """Of `read_klom_planes` the chosen rates alone; None where the run has no KLoM."""
    if not inputs.get("table_klom"):
        return None, {}
    table, redrawn = read_klom_planes(inputs, rates, scenarios)
    rows = np.flatnonzero(table["chosen"])
    return table.iloc[rows].reset_index(drop=True), {s: own[rows] for s, own in redrawn.items()}


def read_sensitivity(
    inputs: Mapping[str, Sequence[Path]], scenarios: Mapping[str, str]
) -> pd.DataFrame:
    """RFA over its settings; `setting` says what each changes of their base (`changes`)."""
    values = with_second(read_values(inputs, "sensitivity", scenarios))
    settings = [name for name in values if name not in COLUMNS]
    own = values.loc[values["method"] == METHODS["rfa"], settings].astype(object)
    told = own.where(own.notna(), None).apply(tuple, axis=1)
    each = [dict(zip(settings, one, strict=True)) for one in dict.fromkeys(told)]
    base = base_of(each)
    words = {tuple(one.values()): changes(one, base) for one in each}
    return values.assign(setting=told.map(words).reindex(values.index, fill_value=""))
