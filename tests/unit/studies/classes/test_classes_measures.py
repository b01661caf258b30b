"""Claims of the study of classes: each rule says yes where it must and no where it must."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic_classes import CLASSES, write_tables

from palimpsest.claims import read_claims
from palimpsest.data.splits import Split
from palimpsest.files import InputError
from palimpsest.population import Population
from palimpsest.records import Record
from palimpsest.studies.classes import measures, worlds
from palimpsest.studies.classes.results import INPUTS, TRIALS, Results, read_results
from palimpsest.tables import write_table
from palimpsest.verdicts import FAILS, HOLDS, UNDECIDED

ROOT = Path(__file__).parents[4]
CLAIMS = ROOT / "reports/classes/claims.yaml"
PRINTED = ROOT / "reports/classes/printed.csv"
NUMBERS = {name: number for number, name in enumerate(CLASSES)}
POINTS = 80


def originals(folder: Path, overlap: np.ndarray | None = None) -> dict[str, list[Path]]:
    """Records of three originals with features of two numbers, and the base split."""
    labels = np.arange(POINTS) % len(CLASSES)
    generator = np.random.default_rng(0)
    angles = np.linspace(0, 2, len(CLASSES)) if overlap is None else overlap
    means = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    features = means[labels] + 0.01 * generator.standard_normal((3, POINTS, 2))
    margins = (5.0 + labels + 0.1 * generator.standard_normal((3, POINTS))).astype(np.float32)
    kept = {"margin": margins, "correct": margins > 0, "features": features.astype(np.float16)}
    split = Split(np.arange(60), np.arange(60, POINTS))
    split.save(folder / "base.json")
    of = Population.of("original", split)
    Record(kept, split.points, np.arange(3), labels, of).save(folder / "originals.npz")
    return {"base": [folder / "base.json"], "originals": [folder / "originals.npz"]}


def inputs_of(folder: Path) -> dict[str, list[Path]]:
    tables = {
        name: [folder / name.replace("_", "/", 1)]
        for name in INPUTS
        if name.split("_")[0] in TRIALS
    }
    tables = {name: [path.with_suffix(".csv") for path in own] for name, own in tables.items()}
    return {"claims": [CLAIMS], "printed": [PRINTED], **tables, **originals(folder)}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("classes")
    write_tables(folder)
    return inputs_of(folder)


@pytest.fixture(scope="module")
def verdicts(inputs: dict[str, list[Path]]) -> pd.Series:
    table = measures.judge(inputs, margin=2.0, classes=NUMBERS)
    return table.set_index("id")["verdict"]


@pytest.fixture(scope="module")
def judged_worlds(inputs: dict[str, list[Path]]) -> pd.DataFrame:
    return worlds.judge(inputs, margin=2.0, classes=NUMBERS)


def test_verdicts_follow_the_known_levels(verdicts: pd.Series) -> None:
    """LEVELS: CE-FT loses RA, ICE-FT less, KL-FT none; FT does not forget; the zero row does."""
    wanted = {
        "ft_does_not_forget": HOLDS, "wrong_labels_raise_ua": HOLDS, "ce_loses_much_ra": HOLDS,
        "ice_keeps_more_than_ce": HOLDS, "kl_keeps_more_than_ice": HOLDS,
        "ra_of_ce_falls_with_alpha": FAILS,  # it rises
        "zero_row_is_no_worse": HOLDS, "ft_forgets_at_some_rate": HOLDS,
        "rbm_forgets_more_than_ft": FAILS,  # all masks are at FT's level
        "a_choice_parts_kl_from_ice": HOLDS,  # KL-FT is at 97.5, ICE-FT at 92
        "overlap_predicts_forgetting": UNDECIDED,  # four classes
    }  # fmt: skip
    assert {name: verdicts[name] for name in wanted} == wanted


def test_in_worlds_of_known_truth_each_verdict_is_what_it_must_be(
    judged_worlds: pd.DataFrame,
) -> None:
    demanded = judged_worlds[judged_worlds["must_be"].notna()]
    wrong = demanded[demanded["verdict"] != demanded["must_be"]]
    assert wrong.empty, wrong[["id", "world", "verdict", "must_be"]].to_string()


def test_every_claim_that_a_run_can_decide_holds_in_some_world_and_fails_in_another(
    judged_worlds: pd.DataFrame,
) -> None:
    undecidable = {
        "overlap_predicts_forgetting", "margin_predicts_forgetting",  # four classes
        "a_choice_parts_kl_from_ice",  # no world has it
    }  # fmt: skip
    for name, own in judged_worlds.groupby("id"):
        if name not in undecidable:
            assert {HOLDS, FAILS} <= set(own["verdict"]), f"{name}: {set(own['verdict'])}"


def test_the_papers_own_tables_refute_what_it_says_of_them(verdicts: pd.Series) -> None:
    table = pd.read_csv(PRINTED)
    svhn = table[(table["table"] == 2) & (table["dataset"] == "SVHN")]
    ce = svhn[(svhn["method"] == "CE-FT") & (svhn["quantity"] == "RA")].iloc[0]
    assert (ce["mean"], ce["gap"]) == (97.27, 3.73)  # 100 - 97.27 = 2.73
    wanted = {
        "printed_gaps_are_differences": FAILS, "printed_ua_is_perfect_on_svhn": FAILS,
        "printed_ice_has_the_best_ta_on_svhn": FAILS,
        "printed_ice_above_ce_at_every_alpha": FAILS,  # 80.18 and 80.97 at 0.6
        "printed_ra_of_ce_falls_with_alpha": FAILS,  # it rises from 68.48 to 81.49
    }  # fmt: skip
    assert {name: verdicts[name] for name in wanted} == wanted


def test_one_class_decides_nothing_about_classes(tmp_path: Path) -> None:
    write_tables(tmp_path)
    for path in tmp_path.glob("*/*.csv"):
        table = pd.read_csv(path)
        write_table(table[table["forget_set"] == "class_0"], path, seal=True)
    table = measures.judge(inputs_of(tmp_path), margin=2.0, classes=NUMBERS)
    by_class = table[table["measured_by"].isin(["above", "below", "alike", "gap_below"])]
    assert (by_class["verdict"] == UNDECIDED).all()
    assert by_class["evidence"].str.contains("3 or more").all()


def test_klom_tells_a_method_with_the_oracles_ua_from_the_oracle(
    inputs: dict[str, list[Path]], tmp_path: Path
) -> None:
    """Of the synthetic methods with UA near 100 the score on the forget set is what UA says."""
    results = read_results(inputs, 2.0, NUMBERS)
    (claim,) = (c for c in read_claims(CLAIMS, measures.MEASURES, measures.KEYS)
                if c["id"] == "perfect_ua_is_not_the_oracle")  # fmt: skip
    cases = measures.MEASURES["not_the_oracle"](results, claim)
    asked = {case.name.split(":")[0] for case in cases}
    ua = results.trials["klom"].groupby("variant")["UA"].mean()
    near = ua[(ua - ua["Retrain"]).abs() < 2].index
    assert asked == set(near) - {"Retrain", "original"}
    shifted = results.klom.assign(klom=results.klom["klom"] + 5)
    redraws = results.klom_redraws.copy()
    columns = [name for name in redraws if name.startswith("redraw_")]
    redraws[columns] += 5
    far = Results(results.trials, shifted, redraws, results.overlaps, results.printed, 2.0)
    assert all(case.answer for case in measures.MEASURES["not_the_oracle"](far, claim))


def test_a_margin_has_to_be_above_zero(inputs: dict[str, list[Path]]) -> None:
    with pytest.raises(InputError, match="margin is 0; allowed: above 0, in points of percent"):
        measures.judge(inputs, margin=0, classes=NUMBERS)


def test_overlap_that_orders_classes_is_seen(tmp_path: Path) -> None:
    """Eight classes whose UA rises with the overlap, and eight of which it falls."""
    classes = {f"class_{n}": n for n in range(8)}
    rising = np.linspace(5, 60, 8)
    for values, answer in ((rising, True), (rising[::-1], False)):
        trials = pd.DataFrame({
            "forget_set": np.repeat(list(classes), 2), "method": "ft", "seed": [0, 1] * 8,
            "variant": "FT", "UA": np.repeat(values, 2), "RA": 99.0, "TA": 90.0, "MIA": 50.0,
        })  # fmt: skip
        rows = pd.DataFrame({"forget_set": list(classes), "overlap": np.linspace(0.1, 0.9, 8)})
        empty = pd.DataFrame()
        results = Results({"table": trials}, empty, empty, rows, empty, 2.0)
        (case,) = measures.MEASURES["overlap_predicts"](results, {"quantity": "overlap"})
        assert case.answer is answer
