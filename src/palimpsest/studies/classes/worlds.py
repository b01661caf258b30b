"""Worlds of known truth: what each verdict would be, had the methods done this or that.

The trials of a run's methods are replaced (its classes and oracles stay), and the claims judged as
ever: a rule that cannot say yes where it must, or no where it must, is no rule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from palimpsest import claims
from palimpsest.randomness import generator
from palimpsest.studies.classes.measures import KEYS, MEASURES
from palimpsest.studies.classes.results import INPUTS, Results, read_results
from palimpsest.studies.classes.trials import ORACLE, QUANTITIES
from palimpsest.verdicts import FAILS, HOLDS

__all__ = ["INPUTS", "judge"]

COLUMNS = ("id", "world", "verdict", "must_be", "cases", "yes", "no", "undecided")
SPREAD = 0.3
"""standard deviation, in points, that trials are given where their values are made up"""
SCALES: Mapping[str, str] = {"alpha": "alpha", "rates": "lr"}


def _numbers(results: Results, variant: str) -> pd.DataFrame:
    """The means by class of a variant of the experiment `table`: (forget_set, quantities)."""
    return results.means("table").loc[variant][list(QUANTITIES)]


def _like(results: Results, of: Callable[[pd.Series], Mapping[str, float] | None]) -> Results:
    """Every trial but the oracles' and the originals' with other values: `of` its row, in percent;
    None leaves it as it is. Values are spread by SPREAD, and lie in 0 to 100."""
    trials = {}
    for place, (name, table) in enumerate(results.trials.items()):
        noise = SPREAD * generator(0, "worlds", place).standard_normal((len(table), 4))
        rows = []
        for (_, row), draw in zip(table.iterrows(), noise, strict=True):
            values = None if row["method"] in ("oracle", "nothing") else of(row)
            for place_of, quantity in enumerate(QUANTITIES):
                if values is not None and np.isfinite(values[quantity]):
                    row[quantity] = float(np.clip(values[quantity] + draw[place_of], 0, 100))
            rows.append(row)
        trials[name] = pd.DataFrame(rows)
    return replace(results, trials=trials)


def _with_klom(results: Results, of: Callable[[pd.DataFrame], pd.Series]) -> Results:
    """Every method with another KLoM: `of` the table's rows, in nats; redraws spread about it."""
    klom, redraws = results.klom.copy(), results.klom_redraws.copy()
    columns = [name for name in redraws if str(name).startswith("redraw_")]
    noise = 0.1 * generator(0, "worlds klom").standard_normal((len(klom), len(columns)))
    scores = of(klom)
    klom["klom"] = scores
    redraws[columns] = scores.to_numpy()[:, None] + noise
    return replace(results, klom=klom, klom_redraws=redraws)


def _as_original(klom: pd.DataFrame) -> pd.Series:
    """On each split the original's KLoM."""
    own = klom[klom["method"] == "nothing"].set_index("split")["klom"]
    return klom["split"].map(own)


def the_original(results: Results) -> Results:
    """No method does anything."""
    own = _like(results, lambda row: _at(_numbers(results, "original"), row))
    return _with_klom(own, _as_original)


def the_oracle(results: Results) -> Results:
    """Every method leaves an oracle."""
    own = _like(results, lambda row: _at(_numbers(results, ORACLE), row))
    return _with_klom(own, lambda klom: klom["null"])


def half_way(results: Results) -> Results:
    """Every method stops half way between the original and the oracle."""
    middle = (_numbers(results, "original") + _numbers(results, ORACLE)) / 2
    return _like(results, lambda row: _at(middle, row))


def as_told(results: Results) -> Results:
    """Methods do what the paper says of them, in points beside the oracle."""

    def told(row: pd.Series) -> Mapping[str, float]:
        oracle = _at(_numbers(results, ORACLE), row)
        shifts = dict(_TOLD.get(str(row["variant"]).split(", alpha")[0].split(", lr")[0], _FAR))
        if "alpha" in row and pd.notna(row["alpha"]) and row["method"] != "ice_ft":
            shifts["RA"] -= 10 * row["alpha"]
        return {name: oracle[name] + shifts[name] for name in QUANTITIES}

    return _with_klom(_like(results, told), _as_original)


def broken(results: Results) -> Results:
    """Every method breaks the model: little of anything is right."""
    return _like(results, lambda row: {"UA": 90.0, "RA": 20.0, "MIA": 90.0, "TA": 20.0})


_FAR = {"UA": -80.0, "RA": -10.0, "MIA": -40.0, "TA": -10.0}
_TOLD: Mapping[str, Mapping[str, float]] = {
    "FT": {"UA": -80.0, "RA": 0.0, "MIA": -25.0, "TA": 0.0},
    "CE-FT": {"UA": 0.0, "RA": -24.0, "MIA": 0.0, "TA": -26.0},
    "ICE-FT": {"UA": 0.0, "RA": -8.0, "MIA": 0.0, "TA": -10.0},
    "KL-FT": {"UA": -1.0, "RA": -1.0, "MIA": 0.0, "TA": -2.0},
    "FT + rbm mask, zero": {"UA": 0.0, "RA": -1.0, "MIA": 0.0, "TA": -1.0},
}


def _at(numbers: pd.DataFrame, row: pd.Series) -> dict[str, float]:
    """The numbers of a row's class, or the mean over classes where it has none of its own."""
    own = numbers.loc[row["forget_set"]] if row["forget_set"] in numbers.index else numbers.mean()
    return {str(name): float(value) for name, value in own.items()}


WORLDS: Mapping[str, Callable[[Results], Results]] = {
    "the original": the_original,
    "half way": half_way,
    "the oracle": the_oracle,
    "all broken": broken,
    "as the paper says": as_told,
}
MUST: Mapping[str, Mapping[str, str]] = {
    "the original": {
        "ft_does_not_forget": HOLDS,
        "wrong_labels_raise_ua": FAILS,
        "ce_and_ice_unlearn_perfectly": FAILS,
        "kl_forgets_and_keeps": FAILS,
        "ice_keeps_more_than_ce": FAILS,
        "kl_keeps_more_than_ice": FAILS,
        "ice_above_ce_at_every_alpha": FAILS,
        "ra_of_kl_falls_with_alpha": FAILS,
        "ra_of_ce_falls_with_alpha": FAILS,
        "rbm_forgets_more_than_ft": FAILS,
        "rbm_keeps_more_than_other_masks": FAILS,
        "rbm_has_the_smallest_gap": FAILS,
        "ft_forgets_at_some_rate": FAILS,
        "a_choice_parts_kl_from_ice": FAILS,
        "zero_row_is_no_worse": HOLDS,
    },
    "half way": {
        "ft_does_not_forget": HOLDS,
        "wrong_labels_raise_ua": FAILS,
        "ce_and_ice_unlearn_perfectly": FAILS,
        "ft_forgets_at_some_rate": FAILS,
        "ice_keeps_more_than_ce": FAILS,
        "rbm_has_the_smallest_gap": FAILS,
    },
    "the oracle": {
        "ft_does_not_forget": FAILS,
        "ft_keeps_the_rest": HOLDS,
        "mia_of_ft_is_below": FAILS,
        "wrong_labels_raise_ua": FAILS,
        "ce_and_ice_unlearn_perfectly": HOLDS,
        "kl_forgets_and_keeps": HOLDS,
        "ce_loses_much_ra": FAILS,
        "ice_above_ce_at_every_alpha": FAILS,
        "ft_forgets_at_some_rate": HOLDS,
        "zero_row_is_no_worse": HOLDS,
        "perfect_ua_is_not_the_oracle": FAILS,
    },
    "all broken": {
        "ft_keeps_the_rest": FAILS,
        "ce_loses_much_ra": HOLDS,
        "ce_and_ice_unlearn_perfectly": FAILS,
        "ice_keeps_more_than_ce": FAILS,
        "wrong_labels_raise_ua": FAILS,
        "kl_forgets_and_keeps": FAILS,
    },
    "as the paper says": {
        "ft_does_not_forget": HOLDS,
        "ft_keeps_the_rest": HOLDS,
        "mia_of_ft_is_below": HOLDS,
        "wrong_labels_raise_ua": HOLDS,
        "ce_and_ice_unlearn_perfectly": HOLDS,
        "kl_forgets_and_keeps": HOLDS,
        "ce_loses_much_ra": HOLDS,
        "ice_keeps_more_than_ce": HOLDS,
        "kl_keeps_more_than_ice": HOLDS,
        "ice_above_ce_at_every_alpha": HOLDS,
        "ra_of_kl_falls_with_alpha": HOLDS,
        "ra_of_ce_falls_with_alpha": HOLDS,
        "rbm_forgets_more_than_ft": HOLDS,
        "rbm_keeps_more_than_other_masks": HOLDS,
        "rbm_has_the_smallest_gap": HOLDS,
        "zero_row_is_no_worse": FAILS,
    },
}
"""world -> claim -> the verdict that its truth demands, where it demands one"""


def judge(
    inputs: Mapping[str, Sequence[Path]], *, margin: float, classes: Mapping[str, int]
) -> pd.DataFrame:
    """The verdict on each claim in each world, and what it must be: the columns are COLUMNS.

    Claims about printed numbers have no worlds.
    """
    results = read_results(inputs, margin, classes)
    asked = claims.read_claims(inputs["claims"][0], MEASURES, KEYS)
    asked = [one for one in asked if not one["measured_by"].startswith("printed")]
    parts = []
    for world, make in WORLDS.items():
        own = make(results)
        verdicts = claims.judge(asked, own, MEASURES, replace(own, strict=True))
        must = verdicts["id"].map(MUST[world])
        parts.append(verdicts.assign(world=world, must_be=must))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]
