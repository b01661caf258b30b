"""What the figures of the study of alignment show, in their tables and in the drawn objects."""

import inspect
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from scipy.stats import t
from synthetic_alignment import (
    BEST,
    DISTANCES,
    MODELS,
    RATES,
    SETS,
    TASKS,
    TUNING,
    inputs_of,
    write_tables,
)

from palimpsest.plots.style import save_figure
from palimpsest.registry import names
from palimpsest.studies.alignment.changes import BASE
from palimpsest.studies.alignment.results import METHODS, ORACLE, ORDER, SECOND
from palimpsest.tables import write_table

FIGURES = names("studies/alignment/figures")
SETTINGS = {"scenarios": SETS, "tuning_models": TUNING, "margin": 2.0}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Task -> inputs; texts have KLoM."""
    found = {}
    for task in TASKS:
        folder = tmp_path_factory.mktemp("run")
        write_tables(folder, task, klom=task != TASKS[0])
        found[task] = inputs_of(folder)
    return found


def draw(name, inputs):
    figure = import_module(f"palimpsest.studies.alignment.figures.{name}")
    known = inspect.signature(figure.draw).parameters
    settings = {key: own for key, own in SETTINGS.items() if key in known}
    chosen = {key: inputs[key] for key in figure.INPUTS}
    return figure.draw(chosen, note="N = 8, made up", **settings)


def models_of(inputs, table="table_quality_models", **wanted):
    rows = pd.read_csv(inputs[table][0])
    for name, value in wanted.items():
        rows = rows[rows[name] == value]
    return rows.sort_values("seed")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_with_its_table(runs, tmp_path, name, task):
    if name == "klom_plane" and task == TASKS[0]:
        assert "table_klom" not in runs[task]
        return
    drawn, table = draw(name, runs[task])
    save_figure(drawn, [tmp_path / "a.png"])
    assert len(table) and (tmp_path / "a.png").stat().st_size > 10_000
    sizes = [text.get_fontsize() for ax in drawn.get_axes() for text in ax.texts]
    assert all(size >= 7 for size in sizes)


def test_the_dots_are_paired_differences_in_points(runs):
    drawn, table = draw("dots", runs[TASKS[0]])
    own, oracle = (
        100 * models_of(runs[TASKS[0]], forget_set="class_3", split="val_retain", **wanted)[
            "accuracy"
        ].to_numpy()[TUNING:]
        for wanted in ({"method": "scrub", "lr": BEST["scrub"]}, {"method": "oracle"})
    )  # fmt: skip
    row = table[(table["scenario"] == "class") & (table["method"] == "SCRUB")]
    row = row[(row["subset"] == "D_rt") & (row["quantity"] == "accuracy")].iloc[0]
    apart = own - oracle
    half = t.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / np.sqrt(len(apart))
    assert row["mean"] == pytest.approx(apart.mean())
    assert row["high"] == pytest.approx(apart.mean() + half)
    panels = [ax for ax in drawn.get_axes() if ax.get_visible() and ax.get_xlabel()]
    assert len(panels) == 4 + 5
    labels = [label.get_text() for label in panels[0].get_yticklabels()]
    assert labels == [name for name in ORDER if name != ORACLE]
    for ax in panels:
        low, high = ax.get_xlim()
        points = np.concatenate([own.get_offsets() for own in ax.collections
                                 if len(own.get_offsets())])  # fmt: skip
        assert (points[:, 0] > low).all() and (points[:, 0] < high).all()
        band = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
        assert [patch.get_x() for patch in band] == [-2.0]
    members = table[(table["quantity"] == "mia") & (table["scenario"] == "sample")]
    row = members[members["method"] == "BadT"].iloc[0]
    assert row["mean"] == pytest.approx(100 * (0.10 - 0.60), abs=3)


def test_the_dots_of_perplexities_are_logarithms(runs):
    _, table = draw("dots", runs[TASKS[2]])
    own, oracle = (
        models_of(runs[TASKS[2]], forget_set="class_3", split="forget", **wanted)[
            "perplexity"
        ].to_numpy()[TUNING:]
        for wanted in ({"method": "ft", "lr": BEST["ft"]}, {"method": "oracle"})
    )  # fmt: skip
    row = table[(table["scenario"] == "class") & (table["method"] == "Finetune")]
    row = row[(row["subset"] == "D_f") & (row["quantity"] == "perplexity")]
    assert row["mean"].item() == pytest.approx(100 * np.log(own / oracle).mean())


def test_diverged_models_are_told_in_the_labels(runs, tmp_path):
    rows = pd.read_csv(runs[TASKS[0]]["table_quality_models"][0])
    lost = (rows["method"] == "badt") & (rows["seed"] == TUNING) & (rows["lr"] == BEST["badt"])
    write_table(
        rows.assign(accuracy=rows["accuracy"].where(~lost)), tmp_path / "lost.csv", seal=True
    )
    inputs = {**runs[TASKS[0]], "table_quality_models": [tmp_path / "lost.csv"]}
    for name in ("dots", "distances"):
        drawn, table = draw(name, inputs)
        labels = [label.get_text() for label in drawn.get_axes()[0].get_yticklabels()]
        assert ("BadT (1 diverged)" in labels) == (name == "dots")
        assert np.isfinite(table["mean"]).all()


def test_distances_stand_beside_what_two_retrained_models_have(runs):
    drawn, table = draw("distances", runs[TASKS[0]])
    floor = table[(table["scenario"] == "sample") & (table["quantity"] == "activation")]
    floor = floor[floor["method"] == SECOND].set_index("subset")["mean"]
    panel = next(ax for ax in drawn.get_axes() if "activation" in ax.get_xlabel())
    dashed = {line.get_xdata()[0] for line in panel.lines if line.get_linestyle() == "--"}
    assert dashed == set(floor)
    original = table[(table["method"] == "Original") & (table["quantity"] == "feature_1")]
    assert (original["mean"] == 0).all()


def test_a_method_that_is_far_away_leaves_the_others_their_room(runs, tmp_path):
    write_tables(tmp_path, distances={**DISTANCES, "ga": (0.5, 400.0, 900.0)})
    panels = {ax.get_xlabel(): ax for ax in draw("distances", inputs_of(tmp_path))[0].get_axes()}
    scales = {name.partition(" ")[0]: ax.get_xscale() for name, ax in panels.items() if name}
    assert scales == {"activation": "linear", "feature": "symlog"}
    low, high = panels["feature distance to Retrain"].get_xlim()
    assert low < 0 and high > 900


def test_the_lines_over_gamma_are_means_over_all_models(runs):
    drawn, table = draw("figure_5", runs[TASKS[0]])
    rows = models_of(runs[TASKS[0]], "gamma_quality_models", forget_set="random_128",
                     method="rfa", gamma=0.75, split="forget")  # fmt: skip
    assert len(rows) == MODELS
    row = table[(table["gamma"] == 0.75) & (table["scenario"] == "sample")]
    row = row[(row["subset"] == "D_f") & (row["quantity"] == "accuracy")]
    assert row["mean"].item() == pytest.approx(100 * rows["accuracy"].mean())
    panels = [ax for ax in drawn.get_axes() if ax.get_title()[:1] in "abcd"]
    lines = [[line for line in ax.lines if len(line.get_xdata()) == 5] for ax in panels]
    assert [len(own) for own in lines] == [3, 4, 3, 4]
    assert set(table["method"]) == {METHODS["rfa"], ORACLE}


def test_settings_stand_in_order_beside_the_base(runs):
    drawn, table = draw("sensitivity", runs[TASKS[0]])
    labels = [label.get_text() for label in drawn.get_axes()[0].get_yticklabels()]
    assert labels == [
        "Original", SECOND, BASE, "alpha 0.1", "alpha 10", "forget per batch 4", "layers layer4.*",
        "mu 1", "rank 2", "rank 32",
    ]  # fmt: skip
    own, oracle = (
        100 * models_of(runs[TASKS[0]], "sensitivity_quality_models", forget_set="class_3",
                        split="val_retain", **wanted)["accuracy"].to_numpy()
        for wanted in ({"method": "rfa", "mu": 1.0}, {"method": "oracle"})
    )  # fmt: skip
    row = table[(table["setting"] == "mu 1") & (table["scenario"] == "class")]
    row = row[(row["subset"] == "D_rt") & (row["quantity"] == "accuracy")]
    assert row["mean"].item() == pytest.approx((own - oracle).mean())


def test_the_plane_has_every_rate_and_marks_the_chosen(runs):
    drawn, table = draw("klom_plane", runs[TASKS[1]])
    assert len(table) == 2 * (1 + sum(map(len, RATES.values())))
    best = table[table["chosen"] & table["lr"].notna()]
    assert {(METHODS[m], rate) for m, rate in BEST.items()} == set(
        zip(best["method"], best["lr"], strict=True)
    )
    panels = [ax for ax in drawn.get_axes() if ax.get_xlabel().startswith("KLoM")]
    assert len(panels) == 4
    for ax in panels:
        dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
        assert len(dashed) == 2  # the floor of both axes
