"""Figures of the theory: what they draw, the tables of what they show, files that repeat."""

import inspect
from importlib import import_module

import numpy as np
import pytest
from matplotlib.figure import Figure

from palimpsest.plots.style import save_figure
from palimpsest.registry import names
from palimpsest.studies.theory.figures import (
    figure_4,
    figure_5,
    fine_tuning_a1,
    fine_tuning_overparameterised,
    solutions,
)

FIGURES = [
    import_module(f"palimpsest.studies.theory.figures.{name}")
    for name in names("studies/theory/figures")
]


def panels(figure):
    """The axes of what is drawn above the legend."""
    return figure.subfigs[0].axes


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_gives_itself_and_the_table_of_what_it_shows(figure):
    assert figure.INPUTS == ()
    assert list(inspect.signature(figure.draw).parameters)[:2] == ["inputs", "note"]
    drawn, table = figure.draw({}, note="a note")
    assert isinstance(drawn, Figure)
    assert "a note" in [text.get_text() for text in drawn.subfigs[1].texts]
    assert len(table) > 100 and table.notna().all(axis=1).sum() > 5


def test_figure_4_states_its_parameters_and_says_where_no_window_is():
    figure, table = figure_4.draw({}, points=40)
    titles = [axis.get_title() for axis in panels(figure)]
    assert titles == [
        f"$f$ = {f:g}, $\\mu$ = {mu:g}" for mu in (0.01, 1) for f in (0.1, 0.25, 0.5, 1)
    ]
    texts = [[text.get_text() for text in axis.texts] for axis in panels(figure)]
    assert [printed == "no window" for _, printed in texts] == [False] * 4 + [True] * 3 + [False]
    for axis in panels(figure):
        assert len(axis.lines) == 4 and axis.get_yscale() == "linear"
        assert axis.get_ylim() == panels(figure)[0].get_ylim()
    assert len(table) == 2 * 2 * 4 * 40 * 2
    one = table[(table.thresholds == "printed") & (table.strength == 1) & (table.fraction == 0.5)]
    ends = one.pivot(index="correlation", columns="bound", values="alpha")
    assert (ends.lower >= ends.upper).all()


def test_figure_5_counts_right_and_wrong_points():
    figure, table = figure_5.draw({})
    titles = [a.get_title() for part in figure.subfigs[0].subfigs for a in part.axes]
    assert titles[:3] == [
        "original: global 13/1, local 10/4", "retraining: global 11/1, local 10/2",
        "descent-ascent: global 10/0",
    ]  # fmt: skip
    assert titles[5] == "retraining: global 10/2, local 11/1"
    best = table[table.what == "global minimum"].set_index(["reading", "problem"])
    assert best.loc[("matching", "retrain"), ["right", "wrong"]].tolist() == [11, 1]
    assert best.loc[("literal", "retrain"), ["right", "wrong"]].tolist() == [10, 2]


@pytest.mark.parametrize("figure", [fine_tuning_a1, fine_tuning_overparameterised])
def test_fine_tuning_shows_where_the_printed_theorem_is_exact(figure):
    drawn, table = figure.draw({})
    titles = [a.get_title()[:2] for a in panels(drawn)]
    assert titles == ["1a", "1b", "1c", "1d", "2a", "2b"]
    shown = table[table.panel.str.startswith("2a") & (table.loss == "UL")]
    by_model = shown.pivot(index="n_t", columns="model", values="value")
    agree = np.allclose(by_model["fine-tuned"], by_model.printed, rtol=1e-9)
    assert agree == (figure is fine_tuning_a1)
    lines = [line.get_ydata() for line in panels(drawn)[4].lines]
    assert any(np.array_equal(line, by_model["fine-tuned"]) for line in lines)


def test_solutions_show_the_range_of_lemma_3():
    figure, table = solutions.draw({})
    of = {name: rows.set_index("alpha").w for name, rows in table.groupby("solution")}
    w_d, w_r, w_da = (of[k] for k in ("original", "oracle", "descent-ascent, minimum"))
    f = solutions.FORGET / solutions.RETAIN
    inside = w_d.index[(w_d.index > f**2 / (1 + 2 * f) + 1e-3) & (w_d.index < f - 1e-3)]
    assert len(inside) > 50
    assert (w_da[inside] < w_d[inside]).all() and (w_d[inside] < w_r[inside]).all()
    drawn = [line.get_ydata() for line in panels(figure)[0].lines]
    assert sum(np.array_equal(line, w_d) or np.array_equal(line, w_r) for line in drawn) == 2


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_files_are_the_same_at_every_run(tmp_path, suffix):
    outputs = [tmp_path / f"{name}.{suffix}" for name in ("one", "other")]
    for output in outputs:
        save_figure(fine_tuning_a1.draw({})[0], [output])
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
