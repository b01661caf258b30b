"""What fits a budget, on made-up seconds."""

import pytest
from toy import smoke, train_job, unlearn_job

from palimpsest.forecast.budget import fitting, in_one_line
from palimpsest.forecast.jobs import Job
from palimpsest.forecast.stages import Task
from palimpsest.forecast.work import Work

STEPS = Work(epochs=(2, 1))
SETS = ("random_8", "pc1_top_8")


@pytest.fixture(scope="module")
def tasks():
    """Two blocks of everything, an hour each; the datamodel behind the second set takes four."""
    every = []
    for block in range(2):
        every.append(Task(train_job(block=block, gpu=True), Work(), 3600.0))
        for name in SETS:
            every.append(Task(train_job(f"oracle/{name}", name, block, gpu=True), Work(), 3600.0))
            for method, work in (("nothing", Work()), ("ga", STEPS), ("gda", STEPS)):
                job = unlearn_job(method, [{}], name, block, gpu=True)
                every.append(Task(job, work, 3600.0 if work == STEPS else 0.0))
    split = "results/smoke/splits/pc1_top_8.json"
    choose = Job("select_forget_set", ("estimate.json",), (split,), words={"--out": [split]})
    estimate = Job("estimate_datamodel", (), ("estimate.json",), gpu=True)
    return [*every, Task(choose, Work(), 7200.0), Task(estimate, Work(), 4 * 3600.0)]


def bought(tasks, hours):
    """(what, models) that fit."""
    parts = fitting(tasks, smoke(), hours, lambda task: task.job.gpu)
    assert sum(part.hours for part in parts) <= hours
    return [(part.what, part.models) for part in parts]


def test_what_does_not_fit_whole_is_taken_block_by_block(tasks):
    assert bought(tasks, 0.5) == [("originals", 0)]
    assert bought(tasks, 1.5) == [("originals", 8)]
    assert bought(tasks, 3) == [("originals", 16), ("random_8: oracles", 8)]


def test_a_set_has_its_oracles_and_the_first_method_before_the_next(tasks):
    first = [("originals", 16), ("random_8: oracles", 16), ("random_8: nothing", 16)]
    assert bought(tasks, 6) == [*first, ("random_8: ga", 16), ("pc1_top_8: oracles", 0)]


def test_a_datamodel_is_bought_with_the_first_set_that_needs_it(tasks):
    """Six hours for all of the first set, four for the estimate; choosing it takes no GPU."""
    assert bought(tasks, 11.5)[-1] == ("pc1_top_8: oracles", 8)


def test_a_budget_in_one_line(tasks):
    parts = fitting(tasks, smoke(), 11.5, lambda task: task.job.gpu)
    assert in_one_line(parts) == (
        "16 originals, oracles of 1 forget set, nothing of 1 forget set, ga of 1 forget set, "
        "8 of 16 models of pc1_top_8: oracles"
    )


def test_the_other_methods_come_after_all_sets(tasks):
    last = [("pc1_top_8: ga", 16), ("random_8: gda", 16), ("pc1_top_8: gda", 16)]
    assert bought(tasks, 18)[-3:] == last
