"""Figures of the theory: what they draw, their colours, and files that repeat."""

import numpy as np
import pytest
import seaborn
from matplotlib.colors import to_hex

from palimpsest.studies.theory.drawing import figure_4, figure_5, figures_f, solutions, style


def test_palette_is_seaborns_colour_blind_one():
    assert list(style.COLOURS) == [to_hex(c) for c in seaborn.color_palette("colorblind")[:6]]


def test_figure_4_states_its_parameters_and_says_where_no_window_is():
    figure = figure_4.draw(points=40)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == [
        "printed thresholds, $\\mu$ = 0.01", "exact thresholds, $\\mu$ = 0.01",
        "printed thresholds, $\\mu$ = 1", "exact thresholds, $\\mu$ = 1",
    ]  # fmt: skip
    missing = [[text.get_text() for text in axis.texts] for axis in figure.axes]
    assert [len(words) for words in missing] == [0, 0, 3, 0]
    assert "$f$ = 0.1: no window" in missing[2]
    for axis in figure.axes:
        assert len(axis.lines) == 2 * len(figure_4.FRACTIONS)


def test_figure_5_counts_right_and_wrong_points():
    figure = figure_5.draw()
    titles = [a.get_title() for part in figure.subfigs for a in part.axes]
    assert titles[:3] == [
        "original: global 13/1, local 10/4", "retraining: global 11/1, local 10/2",
        "descent-ascent: global 10/0",
    ]  # fmt: skip
    assert titles[5] == "retraining: global 10/2, local 11/1"


@pytest.mark.parametrize("setting", list(figures_f.SETTINGS))
def test_figures_f_show_where_the_printed_theorem_is_exact(setting):
    figure = figures_f.draw(setting)
    assert [a.get_title()[:2] for a in figure.axes] == ["1a", "1b", "1c", "1d", "2a", "2b"]
    lines = {line.get_label(): line for line in figure.axes[4].lines}
    found = lines["UL, fine-tuned"].get_ydata()[::2]
    printed = lines["UL, Theorem 4.1 as printed"].get_ydata()
    agree = np.allclose(found, printed, rtol=1e-9)
    assert agree == (setting == "a1")


def test_solutions_show_the_range_of_lemma_3():
    axis = solutions.draw().axes[0]
    lines = {line.get_label(): line for line in axis.lines}
    w_d, w_r = (lines[f"{name}"].get_ydata() for name in ("original $w^D$", "oracle $w^R$"))
    w_da = lines["descent-ascent, minimum ($W_0$)"].get_ydata()
    alpha = lines["original $w^D$"].get_xdata()
    f = solutions.FORGET / solutions.RETAIN
    inside = (alpha > f**2 / (1 + 2 * f) + 1e-3) & (alpha < f - 1e-3)
    assert inside.sum() > 50
    assert (w_da[inside] < w_d[inside]).all() and (w_d[inside] < w_r[inside]).all()


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_files_are_the_same_at_every_run(tmp_path, suffix):
    outputs = [tmp_path / f"{name}.{suffix}" for name in ("one", "other")]
    for output in outputs:
        with style.style():
            style.save(figures_f.draw("a1"), [output])
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_bad_input_is_refused(tmp_path):
    with pytest.raises(ValueError, match="allowed: a1, overparameterised"):
        figures_f.draw("b")
    with pytest.raises(ValueError, match="a figure ends in pdf, svg, png"):
        style.save(solutions.draw(), [str(tmp_path / "figure.jpg")])
    assert list(tmp_path.iterdir()) == []
