"""Two rules of choosing a method's setting: one looks at the oracle, one may not.

"Ascent Fails to Forget", Section 3: a setting has to be chosen before the final metric is
measured, since nobody who unlearns in earnest has the oracle. What the second rule loses against
the first is its regret. The control of learning rate 0 is no setting of a method and is left out
by both rules, and so is a setting with a diverged model, which anyone can see.

The smallest of many scores is too small: it was chosen for its luck as well. So the regret is
worked out on other models than the oracle's choice: chosen by the even models (and oracles), judged
by the odd ones, and the other way round.
"""

import pandas as pd

from palimpsest.data.splits import PARTS
from palimpsest.tables import setting_columns

TOLERANCE = 0.01  # validation accuracy that a setting may lose or gain against the original
RULES = ("by_oracle", "without_oracle")
_HALVES = ("even_half", "odd_half")


def with_accuracy(settings: pd.DataFrame, accuracy: pd.DataFrame) -> pd.DataFrame:
    """`settings` (see `tables.by_setting`) with S_accuracy for each split S and diverged_models.

    ValueError for a setting that has no accuracy.
    """
    keys = ["forget_set", "method", *setting_columns(accuracy)]
    for split in PARTS:
        part = accuracy.loc[accuracy["split"] == split, [*keys, "accuracy", "diverged_models"]]
        part = part.rename(columns={"accuracy": f"{split}_accuracy"})
        if split != PARTS[0]:
            part = part.drop(columns="diverged_models")
        settings = settings.merge(part, on=keys, how="left", validate="one_to_one")
        if settings[f"{split}_accuracy"].isna().any():
            row = settings[settings[f"{split}_accuracy"].isna()].iloc[0]
            raise ValueError(
                f"the table of accuracies has no row of split {split} for a setting of method "
                f"{row['method']} on forget set {row['forget_set']}"
            )
    return settings


def by_oracle(settings: pd.DataFrame, by: str = "worst_klom") -> pd.DataFrame:
    """The setting with the smallest largest KLoM of the three splits; ties to the cheaper.

    One row per forget set and method, from settings as `with_accuracy` gives them. `by` names the
    column of the largest score, that of all models or of a half of them.
    """
    allowed = _allowed(settings)
    return _best(allowed[allowed[by].notna()], [by])


def without_oracle(settings: pd.DataFrame, tolerance: float = TOLERANCE) -> pd.DataFrame:
    """The setting that forgets most like chance, among those that keep the model's accuracy.

    Of the settings whose validation accuracy is within `tolerance` of the original's, the one
    whose forget accuracy is closest to the original's validation accuracy: an oracle sees the
    forget set as it sees new data. Ties to the cheaper. A method that has no such setting has no
    row. ValueError if a forget set has no row of method nothing, the original.
    """
    originals = settings[settings["method"] == "nothing"].set_index("forget_set")["val_accuracy"]
    target = settings["forget_set"].map(originals)
    if target.isna().any():
        name = settings.loc[target.isna(), "forget_set"].iloc[0]
        raise ValueError(f"forget set {name} has no row of method nothing, the original")
    # rounded, so that a difference in the last bit decides nothing
    lost = (settings["val_accuracy"] - target).abs().round(9)
    distance = (settings["forget_accuracy"] - target).abs().round(9)
    kept = _allowed(settings.assign(distance=distance)[lost <= tolerance])
    return _best(kept, ["distance"]).drop(columns="distance")


def compare(settings: pd.DataFrame, tolerance: float = TOLERANCE) -> pd.DataFrame:
    """Both rules side by side: one row per forget set, method and rule, with the regret.

    `regret`, in nats, of the rule without the oracle: its setting's largest KLoM less that of the
    oracle's choice, each on the half of the models that the choice was not made by, averaged over
    the two halves; `naive_regret` on all models, by which the oracle chose. Both are 0 for the rule
    that looks. A rule that finds no setting has a row without them (NaN).
    """
    for half in _HALVES:
        worst = settings[[f"{split}_{half}" for split in PARTS]].max(axis=1, skipna=False)
        settings = settings.assign(**{f"worst_{half}": worst})
    chosen = {
        "by_oracle": by_oracle(settings),
        "without_oracle": without_oracle(settings, tolerance),
    }
    keys = ["forget_set", "method"]
    wanted = settings.loc[settings["method"] != "nothing", keys].drop_duplicates()
    parts = {rule: wanted.merge(found, on=keys, how="left") for rule, found in chosen.items()}
    naive = parts["without_oracle"]["worst_klom"] - parts["by_oracle"]["worst_klom"]
    losses = []
    for choosing, judging in (_HALVES, _HALVES[::-1]):
        best = wanted.merge(by_oracle(settings, f"worst_{choosing}"), on=keys, how="left")
        losses.append(parts["without_oracle"][f"worst_{judging}"] - best[f"worst_{judging}"])
    parts["by_oracle"] = parts["by_oracle"].assign(regret=0.0, naive_regret=0.0)
    regret = sum(losses) / len(losses)
    parts["without_oracle"] = parts["without_oracle"].assign(regret=regret, naive_regret=naive)
    table = pd.concat([part.assign(rule=rule) for rule, part in parts.items()])
    table["rule"] = pd.Categorical(table["rule"], RULES)
    order = {name: place for place, name in enumerate(dict.fromkeys(settings["forget_set"]))}
    table = table.sort_values(
        ["forget_set", "method", "rule"],
        key=lambda column: column.map(order) if column.name == "forget_set" else column,
    )
    return table.assign(rule=table["rule"].astype(str)).reset_index(drop=True)


def _allowed(settings: pd.DataFrame) -> pd.DataFrame:
    """Settings a rule may choose: no control, no diverged model; nothing here needs an oracle."""
    return settings[(settings["diverged_models"] == 0) & ~settings["control"]]


def _best(settings: pd.DataFrame, criteria: list[str]) -> pd.DataFrame:
    """The first row of each forget set and method by the criteria, then by cost, then as given."""
    ordered = settings.sort_values([*criteria, "relative_cost"], kind="stable")
    return ordered.groupby(["forget_set", "method"], sort=False).head(1).reset_index(drop=True)
