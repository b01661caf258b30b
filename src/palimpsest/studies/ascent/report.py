"""Tables and sentences of the report on the study of ascent, from the tables of a run."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from palimpsest.data.splits import PARTS
from palimpsest.datamodels.estimate import PREDICTS, Estimate, predicts
from palimpsest.plots.style import BATCH_NORM_NAMES, SPLIT_NAMES, forget_set_name, method_name
from palimpsest.selection import compare, with_accuracy
from palimpsest.studies.ascent.measures import outcomes
from palimpsest.tables import describe_setting, setting_columns, varying

_OUTCOMES = ("unlearns", "improves but breaks", "breaks", "nothing", "undecided")
_ESTIMATORS = {
    "last_layer": "TRAK on the last layer's gradients",
    "trak": "TRAK on projected gradients of all weights",
    "half_subsets": "a regression on models of random subsets",
}
_RULES = {"by_oracle": "looks at the oracle", "without_oracle": "does not look"}


def populations(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over models of the accuracy of originals and oracles."""
    rows = []
    for method, label in (("nothing", "originals"), ("oracle", "oracles")):
        chosen = accuracy[accuracy["method"] == method]
        for forget_set, part in chosen.groupby("forget_set", sort=False):
            row: dict[str, Any] = {
                "forget set": forget_set_name(str(forget_set)),
                "population": label,
            }
            for split in PARTS:
                found = part[part["split"] == split].iloc[0]
                mean, deviation = 100 * found["accuracy"], 100 * found["accuracy_sd"]
                row[f"accuracy on {SPLIT_NAMES[split]} (%)"] = f"{mean:.2f} ± {deviation:.2f}"
            row["diverged models"] = int(part["diverged_models"].max())
            rows.append(row)
    return pd.DataFrame(rows)


def null_floor(null_check: pd.DataFrame) -> pd.DataFrame:
    """The simulated floor beside what a second oracle population truly scores."""
    table = null_check.assign(
        held=(null_check["ci_low"] <= null_check["null"])
        & (null_check["null"] <= null_check["ci_high"])
    )
    return pd.DataFrame({
        "forget set": [forget_set_name(name) for name in table["forget_set"]],
        "points": [SPLIT_NAMES[split] for split in table["split"]],
        "models": table["n_models"].to_numpy(),
        "floor, simulated": table["null"].to_numpy(),
        "second oracles, measured": table["second_oracle"].to_numpy(),
        "95 % interval": [
            f"{low:.2f} to {high:.2f}"
            for low, high in zip(table["ci_low"], table["ci_high"], strict=True)
        ],
        "floor within it": table["held"].map({True: "yes", False: "no"}).to_numpy(),
    })  # fmt: skip


def agreement(estimate: Estimate) -> str:
    """Whether an estimate of a datamodel is worth believing, as a sentence."""
    content = estimate.content
    found, name = content["agreement"], content["estimator"]["name"]
    estimator = _ESTIMATORS.get(name, name)
    verdict = "predicts" if predicts(found) else "is **not shown to predict**"
    shares = ", ".join(f"{100 * share:.0f} %" for share in content["variance_shares"][:4])
    return (
        f"The sets by principal component come from an estimate of how each training point moves "
        f"each margin ({estimator}, {content['models']} models; {content['diverged_models']} "
        f"diverged). On {found['subsets']} held-out subsets its rank correlation with the mean "
        f"margins of {found['seeds']} models each is **{found['correlation']:.2f}** (95 % interval "
        f"{found['ci_low']:.2f} to {found['ci_high']:.2f}); since seeds differ, a perfect estimate "
        f"would reach **{found['ceiling']:.2f}** (against single models: "
        f"{found['correlation_single']:.2f} of {found['ceiling_single']:.2f}). So it {verdict} "
        f"(asked: surely above 0, and {PREDICTS:g} of the ceiling). The first components have "
        f"{shares} of the variance."
    )


def important_sets(estimate: Estimate) -> pd.DataFrame:
    """How far each set of important points repeats between two halves of the models."""
    rows = []
    for entry in estimate.content["sets"]:
        points = entry["top"] + entry["bottom"]
        numbers = [match["component"] for match in entry["matched"]]
        correlations = [match["correlation"] for match in entry["matched"]]
        rows.append({
            "component": entry["component"], "highest": entry["top"], "lowest": entry["bottom"],
            "points shared by the halves": f"{entry['overlap']} of {points}",
            "found as component": f"{numbers[0]} and {numbers[1]}",
            "correlation with the whole": f"{correlations[0]:.2f} and {correlations[1]:.2f}",
        })  # fmt: skip
    return pd.DataFrame(rows)


def directions(settings: pd.DataFrame, forget_sets: Sequence[str]) -> pd.DataFrame:
    """The originals' and each method's best KLoM on the forget set: both directions, p95 and mean.

    The best setting of a method has the smallest largest score of the three splits.
    """
    rows = []
    sound = settings[~settings["control"] & ~settings["again"]]
    for name in forget_sets:
        of_set = sound[sound["forget_set"] == name]
        best = of_set.loc[of_set.groupby("method", sort=False)["worst_klom"].idxmin().dropna()]
        for row in best.to_dict("records"):
            beyond = row["forget_points"] * (1 - row["percentile"] / 100)
            rows.append({
                "forget set": forget_set_name(name),
                "setting": "original" if row["method"] == "nothing"
                else f"{method_name(row['method'])}, best",
                "KLoM": row["forget_klom"], "its floor": row["forget_null"],
                "reversed": row["forget_reversed"], "floor, reversed": row["forget_reversed_null"],
                "mean over the points": row["forget_average"],
                "points": row["forget_points"], "points beyond the percentile": round(beyond, 1),
            })  # fmt: skip
    return pd.DataFrame(rows)


def outcome_counts(settings: pd.DataFrame) -> pd.DataFrame:
    """How many settings of each kind (`Results.settings`) did what, over all forget sets."""
    table = settings.assign(outcome=outcomes(settings))
    table = table[(table["method"] != "nothing") & (table["outcome"] != "again")]
    way = table["batch_norm"].map(BATCH_NORM_NAMES).fillna("") if "batch_norm" in table else ""
    table = table.assign(way=way)
    table.loc[table["control"], "way"] += ", learning rate 0 (control)"
    rows = []
    for (method, name), part in table.groupby(["method", "way"], sort=False):
        counts = part["outcome"].value_counts()
        rows.append(
            {"method": method_name(str(method)), "kind": name, "settings": len(part)}
            | {word: int(counts.get(word, 0)) for word in _OUTCOMES}
            | {"diverged": int(part["diverged"].sum())}
        )
    return pd.DataFrame(rows)


def numbers_of_models(table: pd.DataFrame) -> pd.DataFrame:
    """Score of the originals, floor, and the floor's part of the score, by number of models.

    Each entry is the median over the forget sets; the numbers are those the paper names, and the
    largest.
    """
    own = table[table["comparison"] == "original"]
    wanted = sorted({20, 50, 80, own["n_models"].max()} & set(own["n_models"]))
    own = own[own["n_models"].isin(wanted)].assign(part=lambda rows: rows["null"] / rows["klom"])
    rows = []
    for split in PARTS:
        medians = own[own["split"] == split].groupby("n_models")[["klom", "null", "part"]].median()
        for models, row in medians.iterrows():
            rows.append({
                "points": SPLIT_NAMES[split], "N": models, "KLoM of the originals": row["klom"],
                "null floor": row["null"], "floor's part (%)": round(100 * row["part"]),
            })  # fmt: skip
    return pd.DataFrame(rows)


def selections(settings: pd.DataFrame, accuracy: pd.DataFrame) -> pd.DataFrame:
    """The setting that each rule selects for each method, what it scores, and the regret."""
    names = setting_columns(accuracy)
    rows = []
    for row in compare(with_accuracy(settings, accuracy)).to_dict("records"):
        of_method = settings[(settings["method"] == row["method"]) & ~settings["control"]]
        found = pd.notna(row["worst_klom"])
        setting = describe_setting(pd.Series(row), varying(of_method, names))
        rows.append({
            "forget set": forget_set_name(row["forget_set"]),
            "method": method_name(row["method"]),
            "rule": _RULES[row["rule"]],
            "setting": setting if found else "none allowed",
            **{f"KLoM, {SPLIT_NAMES[split]}": row[f"{split}_klom"] for split in PARTS},
            "largest": row["worst_klom"],
            "regret": row["regret"],
            "on all models": row["naive_regret"],
            "cost": f"{row['relative_cost']:.2g}" if found else "–",
        })  # fmt: skip
    return pd.DataFrame(rows)


def grids(settings: pd.DataFrame) -> str:
    """How many settings of each method the run has on a forget set, as a sentence."""
    own = settings[(settings["method"] != "nothing") & ~settings["control"]]
    counts = own.groupby(["method", "forget_set"], sort=False).size()
    texts = []
    for method, part in counts.groupby("method", sort=False):
        number = f"{part.min()}" if part.nunique() == 1 else f"{part.min()} to {part.max()}"
        texts.append(f"{number} of {method_name(str(method))}")
    return f"Settings of this run on each forget set, without controls: {', '.join(texts)}."


def sharing(table: pd.DataFrame) -> pd.DataFrame:
    """Epochs run in the shared tree beside those of separate runs, summed over forget sets."""
    sums = table.groupby("method", sort=False)[["epochs_separate", "epochs_shared"]].sum()
    sums = sums[sums["epochs_shared"] > 0]
    return pd.DataFrame({
        "method": [method_name(str(method)) for method in sums.index],
        "epochs, separate runs": sums["epochs_separate"].to_numpy(),
        "epochs, shared": sums["epochs_shared"].to_numpy(),
        "saving": (sums["epochs_separate"] / sums["epochs_shared"]).map("{:.2f} times".format)
        .to_numpy(),
    })  # fmt: skip
