"""The work of jobs, against counts by hand."""

import json

import pytest
from toy import smoke, train_job, unlearn_job

from palimpsest.forecast.jobs import Job
from palimpsest.forecast.work import Counted, Steps, Work

# Stacks of 7 at width 4 are filled up to a multiple of 4: of 8 models 7 run as 8, and 1 as 4.
RUN = 12
POINTS = 400


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    return Counted(smoke(), tmp_path_factory.mktemp("empty"))


def test_training_takes_every_point_of_the_retain_set_once_an_epoch(counted):
    work = counted.of(train_job())
    assert work.training == (Steps(RUN, 7, steps=3 * 5, passes=3 * 300),)
    assert work.evaluations == ((7, RUN * POINTS),)
    oracles = counted.of(train_job("oracle/random_8", "random_8"))
    assert oracles.training == (Steps(RUN, 7, steps=3 * 5, passes=3 * 292),)


def test_records_and_weights_are_what_training_writes(counted):
    weights = counted.network.weights
    assert counted.of(train_job()).disk == 8 * (4 * weights + POINTS * (4 + 1))


def test_ascent_shares_the_epochs_of_a_learning_rate(counted):
    """Two rates, 1 and 3 passes over 8 points in one batch: 6 epochs in place of 8."""
    settings = [{"lr": lr, "epochs": epochs} for lr in (0.1, 0.2) for epochs in (1, 3)]
    work = counted.of(unlearn_job("ga", settings))
    assert work.epochs == (8, 6)
    assert work.training == (Steps(RUN, 7, steps=6, passes=6 * 8),)
    assert work.evaluations == ((7, RUN * 4 * POINTS),)
    assert work.disk == 4 * 8 * POINTS * 5


def test_settings_that_are_one_run_are_counted_once(counted):
    """Batches of 32 and 64 of 8 points are the same; each setting is evaluated all the same."""
    settings = [{"lr": 0.1, "epochs": 1, "forget_batch": batch} for batch in (32, 64)]
    work = counted.of(unlearn_job("ga", settings))
    assert work.epochs == (2, 1)
    assert work.training == (Steps(RUN, 7, steps=1, passes=8),)
    assert work.evaluations == ((7, RUN * 2 * POINTS),)


def test_scrub_asks_a_teacher_and_descends_on_the_retain_set(counted):
    """Two epochs, one with an ascent: 8 + 2 * 292 points, 1 + 2 * 5 steps; 1,797 taught points."""
    work = counted.of(unlearn_job("scrub", [{"lr": 0.1, "epochs": 2, "ascent_epochs": 1}]))
    assert work.training == (Steps(RUN, 7, steps=11, passes=592),)
    assert work.evaluations == ((7, RUN * (POINTS + 1797)),)


def test_doing_nothing_takes_one_evaluation(counted):
    work = counted.of(unlearn_job("nothing", [{}]))
    assert work.training == (Steps(RUN, 7, 0, 0),)
    assert work.evaluations == ((7, RUN * POINTS),)


def test_a_score_works_out_every_redrawn_population(counted):
    metrics = json.dumps({"klom": {"redraws": 4}, "accuracy": {}})
    words = {"--metrics": [metrics], "--settings": ["[{}, {}]"], "--models": ["8"]}
    work = counted.of(Job("score", words=words))
    assert work.scored == 2 * POINTS * 8 * (5 + 4)
    assert work.attacked == 0


def test_a_target_does_nothing(counted):
    assert counted.of(Job("all")) == Work()
