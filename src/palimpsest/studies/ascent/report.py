"""Tables and sentences of the report on the study of ascent, from the tables of a run."""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from palimpsest.data.splits import PARTS
from palimpsest.files import InputError
from palimpsest.plots.style import BATCH_NORM_NAMES, SPLIT_NAMES, forget_set_name, method_name
from palimpsest.selection import compare, with_accuracy
from palimpsest.studies.ascent.measures import outcomes
from palimpsest.tables import describe_setting, setting_columns, varying
from palimpsest.verdicts import FAILS, HOLDS, UNDECIDED

_OUTCOMES = ("unlearns", "improves but breaks", "breaks", "nothing", "undecided")
_RULES = {"by_oracle": "looks at the oracle", "without_oracle": "does not look"}


def as_html(table: pd.DataFrame) -> str:
    """A table as HTML: text to the left, numbers to the right, no index."""
    numbers = list(table.select_dtypes("number"))
    text = [name for name in table if name not in numbers]
    style = table.style.hide(axis="index").format(precision=2, na_rep="–")
    # a name of its own, since the styles of tables with one name would mix, and always the same
    style = style.set_uuid(hashlib.sha256(table.to_csv().encode()).hexdigest()[:12])
    style = style.set_properties(subset=text, **{"text-align": "left"})
    style = style.set_properties(subset=numbers, **{"text-align": "right"})
    short = [name for name in text if table[name].astype(str).str.len().max() < 25]
    style = style.set_properties(subset=short, **{"white-space": "nowrap"})
    heads = [{"selector": "th", "props": "text-align: left; vertical-align: bottom"}]
    return str(style.set_table_styles(heads).to_html())


def image(folder: Path, name: str) -> bytes:
    """The bytes of a figure's PNG; InputError if it is missing."""
    path = folder / f"{name}.png"
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; the report shows this figure")
    return path.read_bytes()


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


def agreement(found: dict[str, Any]) -> str:
    """What agreement.json says, as a sentence."""
    estimators = {"half_subsets": "half-subset datamodels", "trak": "projected gradients (TRAK)"}
    sign = "which is above 0" if found["ci_low"] > 0 else "which does not exclude 0"
    return (
        f"The rank correlation between predicted and measured margins on {found['subsets']} "
        f"held-out subsets is **{found['correlation']:.2f}** (95 % interval "
        f"{found['ci_low']:.2f} to {found['ci_high']:.2f}, {sign}). Estimator: "
        f"{estimators.get(found['estimator'], found['estimator'])}, {found['models']} models, "
        f"of which {found['diverged_models']} diverged."
    )


def outcome_counts(settings: pd.DataFrame) -> pd.DataFrame:
    """How many settings of each kind did what, over all forget sets."""
    table = settings.assign(outcome=outcomes(settings))
    table = table[table["method"] != "nothing"]
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


def verdicts(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims with their verdicts and the counts behind them, to read."""
    place = [
        row["place"]
        if row["paper"] == "Ascent Fails to Forget"
        else f"{row['paper']}, {row['place']}"
        for row in claims.to_dict("records")
    ]
    return pd.DataFrame({
        "place": place,
        "claim": claims["text"].to_numpy(),
        "verdict": claims["verdict"].to_numpy(),
        "evidence": claims["quantifier"].to_numpy() + ": " + claims["evidence"].to_numpy(),
    })  # fmt: skip


def verdict_counts(claims: pd.DataFrame) -> str:
    """How many of the paper's claims hold, fail, or are not decided, as a sentence."""
    of_paper = claims[claims["paper"] == "Ascent Fails to Forget"]
    counts = of_paper["verdict"].value_counts()
    found = [int(counts.get(verdict, 0)) for verdict in (HOLDS, FAILS, UNDECIDED)]
    return (
        f"Of the paper's {len(of_paper)} claims judged below, this run finds {found[0]} to hold "
        f"and {found[1]} to fail; {found[2]} are not decided at this scale."
    )
