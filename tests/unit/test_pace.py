"""The time left, on made-up runs with the seconds that jobs of the run `digits` really took."""

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from palimpsest import pace

ROOT = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(ROOT / "tools" / "show_progress.py"))
SETS = ["random_100", "pc1_top_30", "pc2_top_30"]
METHODS = ["ga", "gda", "scrub", "nothing"]
FIGURES = [f"figure_{number}" for number in (1, 2, 3, 6, 7)] + ["lemma_1", "number_of_models"]
TABLES = ["klom", "klom_redraws", "accuracy", "sharing", "null_check", "numbers", "numbers_redraws"]
# Seconds of two runs on one machine, from their benchmark files; the second was much disturbed.
QUIET = {
    "prepare_data": [4.7], "select_forget_set": [0.7, 0.7, 0.7],
    "train_block": [121.4, 97.9, 101.5, 200.8, 139.8],
    "unlearn_block": [97.6, 39.5, 38.1, 13.1, 127.1, 68.0, 79.6, 28.0, 87.3, 47.1, 61.0, 15.6],
    "score_oracles": [5.7, 4.5, 5.7], "score_number_of_models": [12.5, 10.5, 12.5],
    "score": [29.4, 6.4, 5.7, 5.9, 41.5, 6.7, 6.4, 5.4, 47.7, 6.2, 6.6, 5.7],
    "score_worlds": [31.0, 27.1, 30.7], "gather": [2.9, 2.9, 3.0, 3.2, 2.3, 3.7, 3.4],
    "judge_ascent": [7.6], "judge_worlds": [14.0], "draw": [8.0] * 7, "report_ascent": [74.3],
}  # fmt: skip
DISTURBED = {
    "prepare_data": [10.8], "select_forget_set": [1.8, 1.3, 1.5],
    "train_block": [121.4, 97.9, 101.5, 200.8, 139.8],
    "unlearn_block": [98, 111.8, 139.4, 13.1, 127.1, 124.5, 113.8, 28.0, 87.3, 116.0, 116.8, 15.6],
    "score_oracles": [8.7, 8.0, 6.3], "score_number_of_models": [19.0, 19.0, 17.6],
    "score": [87.7, 11.3, 9.1, 10.9, 40.1, 13.5, 10.5, 10.0, 67.0, 14.2, 12.8, 8.8],
    "score_worlds": [56.3, 49.5, 54.1], "gather": [4.5, 3.7, 4.3, 4.2, 6.7, 5.8, 5.4],
    "judge_ascent": [10.1], "judge_worlds": [18.3], "draw": [12.0] * 7, "report_ascent": [15.7],
}  # fmt: skip


def names() -> dict[str, list[str]]:
    """The jobs of each rule, as their benchmark files are called, in the order of the seconds."""
    pairs = [f"{forget_set}/{method}" for forget_set in SETS for method in METHODS]
    populations = ["original", "second_oracle/random_100", *(f"oracle/{name}" for name in SETS)]
    single = ("prepare_data", "judge_ascent", "judge_worlds", "report_ascent")
    return {
        "prepare_data": [""], "select_forget_set": SETS,
        "train_block": [f"{name}/0" for name in populations],
        "unlearn_block": [f"{pair}/0" for pair in pairs],
        "score_oracles": SETS, "score_number_of_models": SETS,
        "score": [f"ascent/{pair}" for pair in pairs], "score_worlds": SETS,
        "gather": TABLES, "draw": FIGURES, **{rule: [""] for rule in single},
    }  # fmt: skip


def benchmarks(seconds: dict[str, list[float]]) -> dict[str, float]:
    """Benchmark file -> seconds."""
    found = {}
    for rule, jobs in names().items():
        assert len(jobs) == len(seconds[rule])
        for job, took in zip(jobs, seconds[rule], strict=True):
            path = "/".join(filter(None, ("results/digits/benchmarks", rule, job)))
            found[f"{path}.tsv"] = took
    return found


# A job may start when all jobs of these rules are done: stricter than the workflow.
AFTER = {
    "select_forget_set": "prepare_data", "train_block": "select_forget_set",
    "unlearn_block": "train_block", "score_oracles": "train_block",
    "score_number_of_models": "train_block", "score_worlds": "train_block",
    "score": "unlearn_block", "gather": "score", "draw": "gather", "judge_ascent": "gather",
    "judge_worlds": "score_worlds", "report_ascent": "judge_ascent",
}  # fmt: skip


def events(seconds: dict[str, float], cores: int) -> Iterator[tuple[float, list[str]]]:
    """What Snakemake says, and when: the longest job that may start does, on each free core."""
    yield 0.0, [f"Provided cores: {cores}", "Job stats:", "job      count", "-----  -----"]
    for rule in names():
        yield 0.0, [f"{rule}    {len(names()[rule])}"]
    yield 0.0, [f"total     {len(seconds)}", ""]
    waiting, now = dict(seconds), 0.0
    running: list[tuple[float, str]] = []
    numbers = {path: number for number, path in enumerate(seconds)}
    while waiting or running:
        undone = {pace.rule_of(path) for path in [*waiting, *(path for _, path in running)]}
        ready = [path for path in waiting if AFTER.get(pace.rule_of(path)) not in undone]
        for path in sorted(ready, key=lambda path: -seconds[path])[: cores - len(running)]:
            rule = pace.rule_of(path)
            running.append((now + waiting.pop(path), path))
            yield now, [f"localrule {rule}:", "    input: x", f"    jobid: {numbers[path]}",
                        f"    benchmark: {path}"]  # fmt: skip
        running.sort()
        now, path = running.pop(0)
        yield now, [f"Finished jobid: {numbers[path]} (Rule: {pace.rule_of(path)})"]


def guesses(
    seconds: dict[str, float], kept: dict[str, float], cores: int = 2
) -> tuple[list[tuple[float, float]], float]:
    """(time, what the whole run was then expected to take) after each event, and what it took."""
    now = 0.0
    log = TOOL["Log"](lambda: now)
    log.pace.kept = kept
    found = []
    for now, lines in events(seconds, cores):
        for line in lines:
            log.hear(line)
        if log.pace.total == len(seconds):
            found.append((now, now + log.pace.left(now)))
    assert not log.pace.running and len(log.pace.finished) == len(seconds)
    return found, now


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        (benchmarks(QUIET), benchmarks(QUIET)),
        (benchmarks(DISTURBED), benchmarks(QUIET)),
        (benchmarks(QUIET), benchmarks(DISTURBED)),
        (benchmarks(QUIET), {}),
        (benchmarks(DISTURBED), {}),
        ({path: 2 * took for path, took in benchmarks(QUIET).items()}, benchmarks(QUIET)),
    ],
    ids=["again", "disturbed", "quieter", "nominal", "nominal_disturbed", "half_the_speed"],
)
def test_after_a_tenth_of_the_time_the_estimate_is_right_within_half(
    seconds: dict[str, float], kept: dict[str, float]
) -> None:
    found, took = guesses(seconds, kept)
    late = [guess / took for now, guess in found if now >= took / 10]
    assert len(late) > 50
    assert min(late) > 1 / 1.5 and max(late) < 1.5


def test_with_kept_times_the_first_estimate_is_right_too() -> None:
    found, took = guesses(benchmarks(QUIET), benchmarks(QUIET))
    assert 1 / 1.3 < found[0][1] / took < 1.3


def test_times_are_kept_by_run_and_taken_from_runs_that_are_alike(tmp_path: Path) -> None:
    for run, seconds in (("digits", 80), ("smoke", 1)):
        file = tmp_path / run / "benchmarks" / "train_block" / "original" / "0.tsv"
        file.parent.mkdir(parents=True)
        file.write_text(f"s\tcpu_time\n{seconds}.5\t1\n")
        pace.keep_about(tmp_path, run, f"about {run}")
    damaged = tmp_path / "digits" / "benchmarks" / "prepare_data.tsv"
    damaged.write_text("s\n")
    damaged.with_name("draw.tsv").write_text("half")
    own = str(tmp_path / "digits" / "benchmarks" / "train_block" / "original" / "0.tsv")
    assert pace.kept(tmp_path, "digits", "about digits")[own] == 80.5
    shifted = pace.kept(tmp_path, "shifted", "about digits")
    assert shifted[own.replace("digits", "shifted")] == 80.5
    assert pace.kept(tmp_path, "fashion", "about fashion") == {}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"), (89.4, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"),
        (129599, "36.0 h"), (129600, "1.5 d"),
    ],
)  # fmt: skip
def test_a_duration_in_words(seconds, words):
    assert pace.in_words(seconds) == words
