"""The trials of an experiment and what they say of a setting: means over classes, with intervals.

A trial is one model on one forgotten class. All quantities are in percent:

    UA   wrong answers on the forget set          RA   right answers on the retain set
    TA   right answers on the test set, the forgotten class left out     TA_all   with it
    MIA  part of the forget set that the attack on the confidence calls non-members

Trials of one class share it, and classes differ (FT forgets some and keeps others), so what is
said of a method over classes has the spread between the classes as its error: means of each class,
then Student's t with one degree of freedom less than there are classes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

from palimpsest.intervals import interval
from palimpsest.plots.style import method_name
from palimpsest.tables import describe_setting, read_table, varying

QUANTITIES = ("UA", "RA", "MIA", "TA")
"""in the order of the paper's tables"""
ORACLE = "Retrain"
"""the variant that the oracles are, in the paper's word"""


def read_trials(accuracy: str | Path, mia: str | Path | None = None) -> pd.DataFrame:
    """accuracy_models.csv (and mia_models.csv) of an experiment: a row for each trial.

    Columns: forget_set, method, the settings, seed, `variant` (method and what tells its settings
    apart, in words), UA, RA, TA, TA_all, MIA (NaN where no attack was made) and `diverged`.
    """
    wide = _wide(read_table(accuracy, ["forget_set", "method", "split", "seed", "accuracy"]))
    trials = wide["keys"].assign(
        UA=100 * (1 - wide["accuracy"]["forget"]),
        RA=100 * wide["accuracy"]["retain"],
        TA=100 * wide["accuracy"]["val"],
        TA_all=100 * wide["all_classes"]["val"],
        MIA=np.nan,
        diverged=wide["diverged"]["val"].astype(bool),
    )
    if mia is not None:
        attacked = _wide(read_table(mia, ["forget_set", "method", "split", "seed", "confidence"]))
        efficacy = attacked["keys"].assign(MIA=100 * attacked["confidence"]["forget"])
        keys = list(attacked["keys"])
        if not set(keys) <= set(trials):
            raise ValueError(f"{mia}: has other settings than {accuracy}")
        trials = trials.drop(columns="MIA").merge(efficacy, how="left", on=keys)
    return trials.assign(variant=_variants(trials))


def _wide(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`keys`, a row for each trial, and by column of results a table (trials, splits)."""
    keys = [*rows.columns[: rows.columns.get_loc("split")], "seed"]
    place = rows.groupby(keys, dropna=False, sort=False).ngroup()
    numbered = rows.assign(trial=place)
    results = [name for name in rows if name not in (*keys, "split")]
    parts = {n: numbered.pivot(index="trial", columns="split", values=n) for n in results}
    return {"keys": numbered.drop_duplicates("trial").set_index("trial")[keys], **parts}


def _variants(trials: pd.DataFrame) -> pd.Series:
    """Method, preparation, and those settings that have several values, in words."""
    columns = [name for name in trials.columns[: trials.columns.get_loc("seed")]]
    settings = [name for name in columns if name not in ("forget_set", "method")]
    words = pd.Series("", trials.index)
    for _, own in trials.groupby("method", sort=False):
        telling = [n for n in varying(own, settings) if not n.startswith("prepare")]
        distinct = own.drop_duplicates(settings)
        for _, row in distinct.iterrows():
            masks = own[own["prepare"] == row["prepare"]] if "prepare" in own else own[:0]
            more = [n for n in varying(masks, settings) if n.startswith("prepare_")]
            more = [n for n in more if n != "prepare_action"]
            same = own[settings].eq(row[settings]) | (own[settings].isna() & row[settings].isna())
            words[own.index[same.all(axis=1)]] = variant_name(row, [*telling, *more])
    return words


def variant_name(row: pd.Series, telling: Sequence[str] = ()) -> str:
    """A setting in words: `FT`, `FT + rbm mask, freeze`, `KL-FT, alpha 0.3`."""
    method = str(row["method"])
    name = ORACLE if method == "oracle" else method_name(method)
    prepare = row.get("prepare")
    if isinstance(prepare, str):
        name += f" + {prepare.replace('_', ' ')}"
        if isinstance(row.get("prepare_action"), str):
            name += f", {row['prepare_action']}"
    told = describe_setting(row, list(telling))
    return f"{name}, {told}" if told else name


def class_means(trials: pd.DataFrame, quantities: Sequence[str] = QUANTITIES) -> pd.DataFrame:
    """The mean over the trials of each class: rows (variant, forget_set), a column a quantity."""
    grouped = trials.groupby(["variant", "forget_set"], sort=False)
    return grouped[list(quantities)].mean()


def average_gaps(means: pd.DataFrame) -> pd.DataFrame:
    """The mean of a variant's gaps over the quantities, of each class: (variant, forget_set).

    The sign that each difference from the oracles has over all classes makes it a gap; with it the
    differences of one class are averaged, so the mean over the classes is the mean of the gaps.
    """
    found = {}
    for variant in means.index.unique(level="variant"):
        apart = (means.loc[variant] - means.loc[ORACLE])[list(QUANTITIES)]
        found[variant] = (apart * np.sign(apart.mean())).mean(axis=1)
    return pd.DataFrame(found).T


def summary(trials: pd.DataFrame, against: str = "FT") -> pd.DataFrame:
    """A row for each variant and quantity: what the paper prints, and what can be said of it.

    Columns: variant, quantity; `mean`, `sd` over all trials (as the paper prints them), `gap`, the
    absolute difference from the oracles' mean; `low`, `high`, the 95 % interval clustered by class;
    `difference` from the variant `against`, paired by class, with `difference_low`,
    `difference_high` and the `p` of its t-test; `classes`, `trials`, `diverged`.
    """
    means, rows = class_means(trials), []
    base = means.xs(against) if against in means.index else None
    for variant, own in trials.groupby("variant", sort=False):
        for quantity in QUANTITIES:
            by_class = means.loc[variant, quantity].dropna()
            oracle = means.loc[ORACLE, quantity].reindex(by_class.index).mean()
            values = own[quantity].dropna()
            row = {
                "variant": variant, "quantity": quantity, "mean": by_class.mean(),
                "sd": values.std(ddof=1), "gap": abs(by_class.mean() - oracle),
            }  # fmt: skip
            own_base = None if base is None or variant == against else base[quantity]
            row |= over_classes(by_class, own_base)
            rows.append(row | {"trials": len(values), "diverged": int(own["diverged"].sum())})
    return pd.DataFrame(rows)


def over_classes(by_class: pd.Series, base: pd.Series | None = None) -> dict[str, float]:
    """What is said of one value a class: the interval of its mean, and its difference from `base`,
    paired by class."""
    mean, _, half, _ = interval(by_class.to_numpy())
    row: dict[str, float] = {"low": mean - half, "high": mean + half}
    if base is not None:
        difference, error, width, freedom = interval((by_class - base).dropna().to_numpy())
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * t.sf(abs(difference) / error, freedom) if freedom else np.nan
        row |= {
            "difference": difference, "difference_low": difference - width,
            "difference_high": difference + width, "p": p,
        }  # fmt: skip
    return row | {"classes": len(by_class)}
