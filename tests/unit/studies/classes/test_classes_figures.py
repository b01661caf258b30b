"""What the figures of the study show, found in their tables and in the drawn objects."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr, t
from synthetic_classes import CLASSES, LEVELS, write_tables

from palimpsest.config import combinations
from palimpsest.data.splits import Split
from palimpsest.files import write_json
from palimpsest.plots.style import save_figure
from palimpsest.population import Population
from palimpsest.records import Record
from palimpsest.studies.classes import overlap
from palimpsest.studies.classes.figures import (
    divergence,
    dots,
    figure_3,
    figure_4,
    figure_5,
    klom_plane,
    rates,
)
from palimpsest.studies.classes.figures import overlap as overlap_figure
from palimpsest.tables import write_table

TABLES = [dots, figure_3, figure_4, klom_plane, rates, divergence]
TRAIN, VAL, WIDTH = 80, 20, 6


def name_of(figure):
    return figure.__name__.rpartition(".")[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    write_tables(folder)
    return folder


def tables_in(folder, figure):
    """The paths of a figure's inputs that are tables."""
    parts = [name.partition("_") for name in figure.INPUTS]
    return {f"{e}_{t}": [folder / e / f"{t}.csv"] for e, _, t in parts}


def accuracies(folder, experiment, split="retain", table="accuracy_models"):
    rows = pd.read_csv(folder / experiment / f"{table}.csv")
    return rows[rows["split"] == split]


def altered(folder, target, change):
    """A copy of all tables, each put through `change`(name, rows)."""
    for path in folder.glob("*/*.csv"):
        own = target / path.parent.name
        own.mkdir(parents=True, exist_ok=True)
        write_table(change(path.stem, pd.read_csv(path)), own / path.name, seal=True)
    return target


@pytest.mark.parametrize("figure", TABLES, ids=name_of)
def test_a_figure_is_drawn_with_its_table(folder, tmp_path, figure):
    drawn, table = figure.draw(tables_in(folder, figure), note="N = 3, made up")
    save_figure(drawn, [tmp_path / "a.png"])
    assert len(table) and (tmp_path / "a.png").stat().st_size > 10_000
    sizes = [text.get_fontsize() for ax in drawn.get_axes() for text in ax.texts]
    assert all(size >= 7 for size in sizes)


def test_the_dots_are_means_over_classes_with_their_interval(folder):
    drawn, table = dots.draw(tables_in(folder, dots))
    rows = accuracies(folder, "table")
    classes = 100 * rows[rows["method"] == "ce_ft"].groupby("forget_set")["accuracy"].mean()
    half = t.ppf(0.975, 3) * classes.std(ddof=1) / 2
    found = table[(table["variant"] == "CE-FT") & (table["quantity"] == "RA")].iloc[0]
    assert found["mean"] == pytest.approx(classes.mean())
    assert found[["low", "high"]].to_numpy(float) == pytest.approx(
        [classes.mean() - half, classes.mean() + half]
    )
    assert found["classes"] == len(CLASSES)
    labels = [label.get_text() for label in drawn.get_axes()[0].get_yticklabels()]
    assert labels[:3] == ["Retrain", "original", "FT"]
    assert len(labels) == table["variant"].nunique() == 18
    panels = [ax for ax in drawn.get_axes() if ax.get_xlabel()]
    assert [ax.get_xlabel() for ax in panels] == ["UA (%)", "RA (%)", "MIA-efficacy (%)", "TA (%)"]


def test_the_polygons_are_parts_of_the_best(folder):
    _, table = figure_3.draw(tables_in(folder, figure_3))
    assert set(table["variant"]) == {"Retrain", "FT", "sparse FT", "CE-FT", "ICE-FT", "KL-FT"}
    own = table.set_index(["variant", "quantity"])
    assert own.loc[("Retrain", "Run Time"), "normalised"] == pytest.approx(1 / 4)
    assert own.loc[("FT", "Run Time"), "normalised"] == 1
    best = own.xs("RA", level="quantity")
    assert best["best"].nunique() == 1
    assert (best["normalised"] == best["value"] / best["value"].max()).all()
    assert best["normalised"].idxmax() == "FT"


def test_without_measured_times_there_is_no_axis_of_them(folder, tmp_path):
    def without(_, rows):
        return rows.assign(seconds=np.nan) if "seconds" in rows else rows

    drawn, table = figure_3.draw(tables_in(altered(folder, tmp_path, without), figure_3))
    assert set(table["quantity"]) == {"UA", "MIA", "RA", "TA"}
    assert len(drawn.get_axes()[0].get_xticks()) == 4


def test_the_lines_over_alpha_are_means_over_classes(folder):
    drawn, table = figure_4.draw(tables_in(folder, figure_4))
    rows = accuracies(folder, "alpha")
    rows = rows[(rows["method"] == "ce_ft") & (rows["alpha"] == 0.3)]
    wanted = 100 * rows.groupby("forget_set")["accuracy"].mean().mean()
    chosen = (table["method"] == "ce_ft") & (table["alpha"] == 0.3) & (table["quantity"] == "RA")
    assert table.loc[chosen, "mean"].item() == pytest.approx(wanted)
    panels = [ax for ax in drawn.get_axes() if ax.get_xlabel() == "alpha"]
    lines = [[line for line in ax.lines if len(line.get_xdata()) == 9] for ax in panels]
    assert [len(own) for own in lines] == [4, 8, 6]
    assert set(table["method"]) == {"kl_ft", "ce_ft", "ice_ft"}


def test_the_rates_mark_the_default_and_the_oracle(folder):
    drawn, table = rates.draw(tables_in(folder, rates))
    assert sorted(table["lr"].unique()) == [0.001, 0.01, 0.1, 0.3]
    at = table[(table["lr"] == 0.3) & (table["quantity"] == "UA")]
    assert at["mean"].item() == pytest.approx(100, abs=0.5)
    ax = drawn.get_axes()[0]
    assert ax.get_xscale() == "log"
    assert [0.01, 0.01] in [list(line.get_xdata()) for line in ax.lines]
    flat = [line.get_ydata()[0] for line in ax.lines if list(line.get_xdata()) == [0, 1]]
    assert flat == [pytest.approx(LEVELS["oracle"][0], abs=1.5)]


def test_settings_are_named_by_what_they_change(folder):
    _, table = divergence.draw(tables_in(folder, divergence))
    by_method = table.groupby("method")["setting"].agg(set)
    assert by_method["ice_ft"] == {divergence.SAME, "forward joint", "BatchNorm frozen"}
    assert by_method["kl_ft"] == {
        divergence.SAME, "divided by classes", "divided by classes, forward joint",
        "divided by classes, smoothing 0.1",
        "divided by classes, smoothing 0.1, KL(model||labels)",
    }  # fmt: skip
    assert len(table) == 3 * 16
    rows = accuracies(folder, "divergence")
    rows = rows[(rows["kl_reduction"] == "batchmean") & (rows["alpha"] == 0.9)]
    chosen = (table["setting"] == divergence.SAME) & (table["method"] == "kl_ft")
    own = table[chosen & (table["alpha"] == 0.9) & (table["quantity"] == "RA")]
    assert own["mean"].item() == pytest.approx(100 * rows["accuracy"].mean())


def test_the_plane_has_every_variant_with_its_ua(folder):
    _, table = klom_plane.draw(tables_in(folder, klom_plane))
    klom = accuracies(folder, "klom", "forget", "klom")
    assert len(table) == len(klom) == 18
    own = table.set_index("variant")
    score = klom[klom["method"] == "zero_row"].iloc[0]
    assert own.loc["zero row", ["forget_klom", "forget_average"]].to_list() == pytest.approx(
        score[["klom", "klom_mean"]].to_list()
    )
    rows = accuracies(folder, "klom", "forget")
    rows = rows[(rows["method"] == "ga") & (rows["lr"] == 0.001)]
    assert own.loc["GA, lr 0.001", "UA"] == pytest.approx(100 * (1 - rows["accuracy"].mean()))
    assert own.loc["GA, lr 0.001", "further"] == "lr 0.001"
    assert own.loc["FT + rbm mask, zero", "further"] == "rbm mask, zero"


@pytest.mark.parametrize("figure", TABLES, ids=name_of)
def test_one_class_has_no_interval(folder, tmp_path, figure):
    first = altered(folder, tmp_path, lambda _, rows: rows[rows["forget_set"] == CLASSES[0]])
    drawn, table = figure.draw(tables_in(first, figure))
    drawn.draw_without_rendering()
    if "low" in table:
        assert table[["low", "high"]].isna().all(axis=None)
        assert table["mean"].notna().all()


@pytest.mark.parametrize("figure", TABLES, ids=name_of)
def test_a_missing_method_is_left_out(folder, tmp_path, figure):
    less = altered(folder, tmp_path, lambda _, rows: rows[rows["method"] != "kl_ft"])
    drawn, table = figure.draw(tables_in(less, figure))
    drawn.draw_without_rendering()
    assert "KL-FT" not in {name.split(",")[0] for name in table["variant"]}


@pytest.mark.parametrize("figure", TABLES, ids=name_of)
def test_diverged_models_are_shown_with_a_cross(folder, tmp_path, figure):
    def broken(name, rows):
        own = rows["method"].isin(["ft", "kl_ft"])
        if name.startswith("mia"):
            rows.loc[own, "confidence"] = np.nan
        if name == "accuracy_models":
            rows.loc[own, "diverged"] = True
            rows.loc[own, "accuracy"] = 0.0
        if name == "klom":
            rows.loc[own, ["klom", "klom_mean", "ci_low", "ci_high"]] = np.nan
            rows.loc[own, "nan_points"] = 3
        return rows

    drawn, table = figure.draw(tables_in(altered(folder, tmp_path, broken), figure))
    drawn.draw_without_rendering()
    lost = table[table["method"].isin(["ft", "kl_ft"])]
    assert len(lost) and (lost["diverged"] > 0).all()
    legends = [text.get_text() for foot in drawn.subfigs for own in foot.legends
               for text in own.get_texts()]  # fmt: skip
    assert any("diverged" in label for label in legends)


def record(seeds, wrong, generator, of, settings=None):
    """Models whose features point where their class does; they answer `wrong` points wrongly."""
    labels = np.arange(TRAIN + VAL) % 4
    shape = (*([settings] if settings else []), len(seeds), TRAIN + VAL)
    features = np.eye(WIDTH)[labels] + 0.05 * generator.standard_normal((*shape, WIDTH))
    margins = np.broadcast_to(np.where(wrong, -1.0, 2.0 + labels), shape)
    statistics = {
        "margin": margins.astype(np.float32), "correct": margins > 0,
        "features": features.astype(np.float16),
    }  # fmt: skip
    return Record(statistics, np.arange(TRAIN + VAL), np.asarray(seeds), labels, of)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Records and splits of a run that forgets class 1 of four."""
    folder, generator = tmp_path_factory.mktemp("records"), np.random.default_rng(0)
    labels = np.arange(TRAIN + VAL) % 4
    base = Split(np.arange(TRAIN), np.arange(TRAIN, TRAIN + VAL))
    base.save(folder / "base.json")
    split = base.with_forget(np.flatnonzero(labels[:TRAIN] == 1))
    split.save(folder / "split.json")
    settings = [{**PLAIN, "lr": 0.5, "prepare": None}, {**PLAIN, "prepare": None}]
    original, oracle = (Population.trained_on(own) for own in (base, split))
    unlearned = Population.unlearned(split, "ft", settings)
    record([0, 1, 2], labels == -1, generator, original).save(folder / "originals.npz")
    record([10, 11], labels == 1, generator, oracle).save(folder / "oracles.npz")
    swept = record([0, 1], labels == -1, generator, unlearned, settings=2)
    swept["correct"][1, 0, 1:21:4] = False  # five of the twenty forgotten
    swept.save(folder / "ft_records.npz")
    costs = {
        "of": unlearned.as_map(), "method": "ft", "settings": settings, "models": 2,
        "seeds": [0, 1], "passes": [1, 1], "seconds": [1, 1], "epochs_separate": 1,
        "epochs_shared": 1,
    }  # fmt: skip
    write_json(folder / "ft_costs.json", costs)
    return folder


PLAIN = combinations("ft", [{}])[0]


def inputs_of(records, figure):
    return {name: [path] for name in figure.INPUTS for path in records.glob(f"{name}.*")}


def test_the_features_are_shown_with_the_ua_of_their_model(records):
    inputs = inputs_of(records, figure_5)
    drawn, table = figure_5.draw(inputs, forget_set="class_1", setting=PLAIN, most=40)
    assert list(table.drop_duplicates("model")["UA"]) == [0, 25, 100]
    titles = [ax.get_title() for ax in drawn.get_axes() if ax.get_title()]
    assert titles == ["original: UA 0.0 %", "FT: UA 25.0 %", "oracle (Retrain): UA 100.0 %"]
    for _, own in table.groupby("model"):
        assert len(own) == 40 and own["forgotten"].sum() == 20
        assert (own.loc[own["forgotten"], "class"] == 1).all()
        assert np.isfinite(own[["component_1", "component_2"]]).all(axis=None)
    assert figure_5.draw(inputs, forget_set="class_1", setting=PLAIN, most=40)[1].equals(table)


def test_features_that_are_not_finite_are_told(records, tmp_path):
    broken = Record.load([records / "oracles.npz"])
    broken["features"][0] = np.nan
    broken.save(tmp_path / "oracles.npz")
    inputs = inputs_of(records, figure_5) | {"oracles": [tmp_path / "oracles.npz"]}
    drawn, table = figure_5.draw(inputs, forget_set="class_1", setting=PLAIN, most=40)
    assert table.groupby("model")["component_1"].apply(lambda own: own.isna().sum()).max() == 40
    told = [text.get_text() for ax in drawn.get_axes() for text in ax.texts]
    assert told == ["features are not finite"]


def test_costs_without_the_plain_setting_are_refused():
    settings = [{**PLAIN, "prepare": {"name": "zero_row"}}]
    with pytest.raises(ValueError, match="nothing was recorded for the setting of FT"):
        figure_5.place_of(settings, PLAIN)


def test_the_overlap_is_the_largest_cosine_of_class_means():
    features = np.array([[[1, 0], [1, 0], [0, 2], [1, 1], [3, 1]]], np.float16)
    statistics = {
        "margin": np.array([[1, 3, 5, 7, 100]], np.float32), "correct": np.ones((1, 5), bool),
        "features": features,
    }  # fmt: skip
    made = Record(statistics, np.arange(5), np.array([0]), np.array([4, 4, 5, 7, 7]))
    found = overlap.overlaps(made, np.arange(4)).set_index("class")  # the last is no training point
    assert found["overlap"].to_list() == pytest.approx([0.5**0.5] * 3)
    assert found["nearest"].to_list() == [7, 7, 4]
    assert found["margin"].to_list() == [2, 5, 7]
    assert found[["overlap_sd", "margin_sd"]].isna().all(axis=None)


def test_the_rank_correlation_is_spearmans():
    generator = np.random.default_rng(1)
    x = generator.standard_normal(10)
    y = np.round(x + generator.standard_normal(10))
    rho, low, high = overlap.rank_correlation(x, y)
    assert rho == pytest.approx(spearmanr(x, y).statistic)
    assert -1 <= low < rho < high <= 1
    assert overlap.rank_correlation(x, y) == (rho, low, high)
    assert overlap.rank_correlation(x, x)[0] == pytest.approx(1)
    assert np.isnan(overlap.rank_correlation(x, np.ones(10))).all()
    assert np.isnan(overlap.rank_correlation(x[:1], y[:1])).all()
    few = overlap.rank_correlation([1, 2, 3], [3, 2, 1])
    assert few[0] == pytest.approx(-1) and np.isnan(few[1:]).all()


def test_the_overlap_stands_beside_ua_after_ft(folder, records):
    inputs = inputs_of(records, overlap_figure) | tables_in(folder, dots)
    classes = {name: number for number, name in enumerate(CLASSES)}
    drawn, table = overlap_figure.draw(inputs, classes=classes)
    drawn.draw_without_rendering()
    rows = accuracies(folder, "table", "forget")
    rows = rows[(rows["method"] == "ft") & rows["prepare"].isna()]
    wanted = 100 * (1 - rows.groupby("forget_set")["accuracy"].mean())
    assert table.set_index("forget_set")["UA"].to_dict() == pytest.approx(wanted.to_dict())
    assert table["margin"].to_list() == [2, 3, 4, 5]
    rho = spearmanr(table["margin"], table["UA"]).statistic
    assert table["margin_rho"].to_list() == pytest.approx([rho] * 4)
    one, table = overlap_figure.draw(inputs, classes={CLASSES[0]: 0})
    one.draw_without_rendering()
    assert len(table) == 1 and table["overlap_rho"].isna().all()
