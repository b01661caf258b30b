"""Worlds of known truth: what each claim is judged where one knows what its verdict should be.

A world takes the records of a run and puts others in their place: an unlearned population that is
the original, one that is an oracle, one that is broken in a known way. Each has every method of the
study at a few learning rates, and its control. Then everything is scored and judged as in earnest.
A claim that no world can make hold, or none can make fail, says nothing.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from palimpsest.claims import judge, matches
from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.klom.smoothing import SmoothedPopulation
from palimpsest.metrics import klom
from palimpsest.records import Record
from palimpsest.registry import accepted
from palimpsest.scoring import Rows, metric_rows, number_of_models_rows
from palimpsest.studies.ascent.measures import MEASURES
from palimpsest.studies.ascent.results import TABLES, Results
from palimpsest.tables import join_tables, key_columns

RATES = (1.0e-3, 1.0e-2, 5.0e-2)
"""learning rates that stand for a method's settings in a world"""
CONTROL = -1
"""the place of the control, learning rate 0, in place of one in RATES"""
METHODS = ("ga", "gda", "scrub")
COST = {"relative_cost": 0.0}
COLUMNS = ("id", "world", "verdict", "cases", "yes", "no", "undecided")
CLIP = 100.0
SHIFT = 3.0
"""standard deviations of the oracles' margins that a broken model is off by"""


@dataclass(frozen=True)
class Truth:
    """The records of one forget set, as a run has them; all of the same points, the split's.

    perfect: oracles of other seeds, as many as there are originals; a second oracle population
    where the run has one, else drawn from the smoothed oracles.
    large: whether the set is the larger one of its family.
    """

    forget_set: str
    split: Split
    original: Record
    oracle: Record
    perfect: Record
    large: bool


@dataclass(frozen=True)
class World:
    """The records of one forget set in a world: `unlearned` by the place of the rate in RATES, or
    CONTROL."""

    original: Record
    oracle: Record
    unlearned: Callable[[int], Record]


def perfect_models(oracle: Record, models: int, seed: int = 0) -> Record:
    """Oracles of other seeds, drawn from the smoothed ones: what a perfect method would leave."""
    generator = np.random.default_rng(seed)
    margins = oracle["margin"]
    normals = generator.standard_normal((models, margins.shape[1]), dtype=np.float32)
    drawn = SmoothedPopulation(margins, CLIP).draw(normals, generator)
    return _with(Record(oracle.statistics, oracle.points, np.arange(models), oracle.labels), drawn)


def truth_of(
    forget_set: str, split: Split, original: Record, oracle: Record, second: Record | None,
    large: bool,
) -> Truth:  # fmt: skip
    """The records of a forget set, with perfect models made where the run has too few."""
    models = len(original["margin"])
    enough = second is not None and len(second["margin"]) >= models
    perfect = perfect_models(oracle, models)
    if second is not None and enough:
        perfect = _with(second, second["margin"][:models])
    return Truth(forget_set, split, original, oracle, perfect, large)


def _with(record: Record, margins: np.ndarray) -> Record:
    """The record with other margins, and right where these are above 0."""
    margins = margins.astype(np.float32)
    kept = {"margin": margins, "correct": margins > 0}
    return Record(kept, record.points, np.arange(len(margins)), record.labels)


def _same(truth: Truth, margins: np.ndarray) -> World:
    """A world in which every setting leaves these margins."""
    return World(truth.original, truth.oracle, lambda _: _with(truth.original, margins))


def the_original(truth: Truth) -> World:
    """No method does anything."""
    return _same(truth, truth.original["margin"])


def perfect(truth: Truth) -> World:
    """Every method leaves an oracle."""
    return _same(truth, truth.perfect["margin"])


def half_perfect(truth: Truth) -> World:
    """Every other model is an oracle, the rest are the originals."""
    margins = truth.original["margin"].copy()
    margins[::2] = truth.perfect["margin"][::2]
    return _same(truth, margins)


def one_diverged(truth: Truth) -> World:
    """Every method leaves an oracle, but one model has diverged."""
    margins = truth.perfect["margin"].copy()
    margins[0] = np.nan
    return _same(truth, margins)


def all_diverged(truth: Truth) -> World:
    """Every model has diverged."""
    return _same(truth, np.full_like(truth.original["margin"], np.nan))


def broken_outside(truth: Truth) -> World:
    """The forget set is an oracle's, the validation set is SHIFT deviations off."""
    margins = truth.perfect["margin"].copy()
    _shift(margins, truth, "val", -SHIFT)
    return _same(truth, margins)


def broken(truth: Truth) -> World:
    """Every margin is SHIFT deviations below the original's."""
    margins = truth.original["margin"].copy()
    for part in ("forget", "retain", "val"):
        _shift(margins, truth, part, -SHIFT)
    return _same(truth, margins)


def one_setting_perfect(truth: Truth) -> World:
    """The first rate leaves an oracle, the others break the model."""
    others = broken(truth)

    def unlearned(place: int) -> Record:
        return truth.perfect if place == 0 else others.unlearned(place)

    return World(truth.original, truth.oracle, unlearned)


def highest_rate_breaks(truth: Truth) -> World:
    """The highest rate breaks the model, the others do nothing."""
    worst, rest = broken(truth), the_original(truth)
    highest = len(RATES) - 1
    return World(
        truth.original, truth.oracle,
        lambda place: (worst if place == highest else rest).unlearned(place),
    )  # fmt: skip


def first_component_resists(truth: Truth) -> World:
    """Methods are perfect but on the first component, where they do nothing."""
    return the_original(truth) if matches(truth.forget_set, ["pc1_*"]) else perfect(truth)


def large_sets_resist(truth: Truth) -> World:
    """Methods are perfect on the smallest set of each family, and do nothing on the others."""
    return the_original(truth) if truth.large else perfect(truth)


def small_sets_resist(truth: Truth) -> World:
    """The other way round."""
    return perfect(truth) if truth.large else the_original(truth)


def nothing_to_forget(truth: Truth) -> World:
    """The originals are oracles, as if the set had never been learnt."""
    own = truth.perfect
    return World(own, truth.oracle, lambda _: own)


def originals_broken(truth: Truth) -> World:
    """The originals are broken everywhere, but nearer on the retain set than on the others."""
    margins = truth.original["margin"].copy()
    for part, size in (("forget", 3 * SHIFT), ("retain", SHIFT / 3), ("val", 3 * SHIFT)):
        _shift(margins, truth, part, -size)
    own = _with(truth.original, margins)
    return World(own, truth.oracle, lambda _: own)


def late_models_diverged(truth: Truth) -> World:
    """The last fifth of the originals have diverged."""
    margins = truth.original["margin"].copy()
    margins[-max(1, len(margins) // 5) :] = np.nan
    own = _with(truth.original, margins)
    return World(own, truth.oracle, lambda _: own)


def oracles_saw_the_set(truth: Truth) -> World:
    """The oracles are as right on the forget set as the originals, which have seen it."""
    margins = truth.oracle["margin"].copy()
    where = truth.split.columns("forget")
    rows = np.arange(len(margins)) % len(truth.original["margin"])
    margins[:, where] = truth.original["margin"][rows][:, where]
    own = replace(truth, oracle=_with(truth.oracle, margins))
    return the_original(own)


def _shift(margins: np.ndarray, truth: Truth, part: str, deviations: float) -> None:
    where = truth.split.columns(part)
    margins[:, where] += deviations * truth.oracle["margin"][:, where].std(axis=0, ddof=1)


PERFECT = "perfect"
WORLDS: Mapping[str, Callable[[Truth], World]] = {
    PERFECT: perfect,
    "the original": the_original,
    "half perfect, half original": half_perfect,
    "perfect, one model diverged": one_diverged,
    "all models diverged": all_diverged,
    "forget set perfect, validation broken": broken_outside,
    "all broken": broken,
    "one setting perfect, the others broken": one_setting_perfect,
    "only the highest rate breaks": highest_rate_breaks,
    "perfect but on the first component": first_component_resists,
    "perfect on small sets, nothing on large": large_sets_resist,
    "nothing on small sets, perfect on large": small_sets_resist,
    "originals are oracles": nothing_to_forget,
    "originals are broken": originals_broken,
    "the last originals have diverged": late_models_diverged,
    "oracles have seen the forget set": oracles_saw_the_set,
}
"""name in tables -> what it makes of a run's records"""


def settings_of(truth: Truth, world: World) -> list[tuple[dict[str, Any], Record]]:
    """The rows of a world: keys of a setting, and its record; the original first."""
    head = {"forget_set": truth.forget_set}
    empty = {"lr": None, "batch_norm": None}
    rows: list[tuple[dict[str, Any], Record]] = [
        ({**head, "method": "nothing", **empty}, world.original)
    ]
    for method in METHODS:
        for place, rate in enumerate(RATES):
            own = {"lr": rate, "batch_norm": "train"}
            rows.append(({**head, "method": method, **own}, world.unlearned(place)))
    frozen = {"lr": RATES[0], "batch_norm": "frozen"}
    control = {"lr": 0.0, "batch_norm": "train"}
    rows.append(({**head, "method": "ga", **frozen}, world.unlearned(0)))
    rows.append(({**head, "method": "ga", **control}, world.unlearned(CONTROL)))
    return rows


def scored(
    truth: Truth,
    metrics: Mapping[str, Mapping[str, Any]],
    numbers: Sequence[int],
    report: Callable[[str], None] = print,
) -> Rows:
    """All worlds of a forget set, as rows of the tables of a run with the column `world`.

    metrics: klom and accuracy, with their settings; numbers: of models; report: receives a line for
    each world.
    """
    rows: Rows = {}

    @functools.cache  # most worlds have the run's own originals and oracles
    def floors(oracle: Record) -> dict[str, dict[str, float]]:
        settings = accepted(klom.reference, metrics["klom"])
        return klom.reference(oracle, truth.split, **settings)

    @functools.cache
    def of_numbers(original: Record, oracle: Record) -> Rows:
        return number_of_models_rows(
            original, oracle, None, truth.split, numbers,
            {"forget_set": truth.forget_set}, **metrics["klom"],
        )  # fmt: skip

    for number, (name, make) in enumerate(WORLDS.items()):
        world = make(truth)
        done: dict[bytes, Rows] = {}
        parts: list[Rows] = []
        for head, record in settings_of(truth, world):
            key = record["margin"].tobytes()
            if key not in done:  # most settings of a world leave the same models
                done[key] = metric_rows(
                    metrics, record, world.original, world.oracle, truth.split,
                    {"klom": floors(world.oracle)}, {}, COST,
                )  # fmt: skip
            parts.append({t: [{**head, **row} for row in part] for t, part in done[key].items()})
        own = {"forget_set": truth.forget_set, "method": "oracle", "lr": None, "batch_norm": None}
        parts.append(
            metric_rows(
                {"accuracy": metrics["accuracy"]}, world.oracle, None, world.oracle, truth.split,
                {}, own, COST,
            )
        )  # fmt: skip
        parts.append(of_numbers(world.original, world.oracle))
        for part in parts:
            for table, found in part.items():
                rows.setdefault(table, []).extend({"world": name, **row} for row in found)
        report(f"{number + 1} of {len(WORLDS)} worlds scored: {name}")
    return {table: found for table, found in rows.items() if found}


def check_whole(tables: Mapping[str, pd.DataFrame]) -> None:
    """InputError unless each table has every world, once, and as many rows of each as of others."""
    for name in TABLES:
        table = tables[name]
        twice = table.duplicated(key_columns(table))
        if twice.any():
            forget_set, world = table.loc[twice, ["forget_set", "world"]].iloc[0]
            raise InputError(f"{name}: a row of {forget_set} in the world {world!r} stands twice")
        sizes = table.groupby(["forget_set", "world"]).size().unstack(fill_value=0)
        sizes = sizes.reindex(columns=[*WORLDS], fill_value=0)
        most = sizes.max(axis=None)
        for (forget_set, world), size in sizes.stack().items():
            if size != most:
                raise InputError(
                    f"{name}: of {forget_set} in the world {world!r} there are {size} rows; "
                    f"needed: {most}, as elsewhere; delete the parts of {forget_set}, then run "
                    "again"
                )


def judged(
    tables: Mapping[str, pd.DataFrame], claims: list[dict[str, Any]], margin: float
) -> pd.DataFrame:
    """The verdict on each claim in each world: the columns are COLUMNS.

    InputError for tables that lack a world, or rows that others have.
    """
    check_whole(tables)
    parts = []
    for world in dict.fromkeys(tables["klom"]["world"]):
        own = {
            name: join_tables([table[table["world"] == world].drop(columns="world")])
            for name, table in tables.items()
            if name in TABLES
        }
        results = Results(**own, margin=margin, thinned=False)
        verdicts = judge(claims, results, MEASURES, results.strictly())
        parts.append(verdicts.assign(world=world))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]
