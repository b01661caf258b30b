"""Planned against measured, on made-up benchmark files."""

import pytest
from toy import train_job, unlearn_job

from palimpsest.files import InputError
from palimpsest.forecast.measured import busy_seconds, compared, seconds_in
from palimpsest.forecast.stages import Task
from palimpsest.forecast.work import Work


@pytest.mark.parametrize(
    ("wall", "sampled", "busy"),
    [
        (10.2, 10.0, 10.2),  # sampled at 10.0, all of it busy
        (10.0, 5.0, 5.0),
        (45.0, 15.5, 45.0),  # sampled at 15.5, all of it busy
        (75.5, 37.75, 37.75),
        (0.3, 0.0, 0.3),  # never sampled
    ],
)
def test_what_comes_after_the_last_sample_is_filled_up(wall, sampled, busy):
    assert busy_seconds(wall, sampled) == pytest.approx(busy)


def write(folder, name, wall, sampled):
    file = folder / "benchmarks" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"s\th:m:s\tcpu_time\n{wall}\t0:00:10\t{sampled}\n")


def test_stages_are_compared_where_both_are_known(tmp_path):
    results = tmp_path / "smoke"
    write(results, "train_block/original/0.tsv", 10.0, 5.0)
    tasks = [Task(train_job(block=block), Work(), 6.0) for block in range(2)]
    tasks.append(Task(unlearn_job("ga", [{}]), Work(), 1.0))
    (row,) = compared(tasks, results)
    assert (row.stage, row.jobs, row.of) == ("originals", 1, 2)
    assert (row.planned, row.measured, row.wall) == (6.0, 5.0, 10.0)
    assert row.ratio == pytest.approx(1.2)
    gpu = [Task(train_job(gpu=True), Work(), 6.0)]
    assert compared(gpu, results)[0].measured == 10.0


def test_a_folder_of_another_name_is_read_too_and_no_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "kept", "train_block/original/0.tsv", 10.0, 5.0)
    write(tmp_path / "results" / "smoke", "train_block/original/0.tsv", 30.0, 15.0)
    (row,) = compared([Task(train_job(), Work(), 6.0)], tmp_path / "kept")
    assert row.wall == 10.0
    (tmp_path / "kept" / "benchmarks" / "train_block" / "original" / "0.tsv").unlink()
    with pytest.raises(InputError, match="which has no benchmark file of a job"):
        compared([Task(train_job(), Work(), 6.0)], tmp_path / "kept")


def test_a_folder_without_benchmarks_is_named(tmp_path):
    tasks = [Task(train_job(), Work(), 6.0)]
    with pytest.raises(InputError, match="which has no benchmarks; needed: results/RUN"):
        compared(tasks, tmp_path)
    write(tmp_path, "other.tsv", 1.0, 1.0)
    with pytest.raises(InputError, match="no benchmark file of a job of this configuration"):
        compared(tasks, tmp_path)


@pytest.mark.parametrize(("wall", "sampled"), [(0.0, 0.0), ("nan", 1.0), (3.0, "inf"), (3.0, -1.0)])
def test_a_time_that_is_none_is_no_time(tmp_path, wall, sampled):
    write(tmp_path, "train_block/original/0.tsv", wall, sampled)
    assert seconds_in(tmp_path / "benchmarks/train_block/original/0.tsv") is None
