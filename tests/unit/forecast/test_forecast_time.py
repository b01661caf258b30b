"""Seconds of jobs on a device, the devices that are kept, and the time until all jobs end."""

import json

import pytest
from toy import ROOT, train_job, unlearn_job

from palimpsest.files import InputError
from palimpsest.forecast.devices import Device, Rates, Scoring, device_named, devices
from palimpsest.forecast.jobs import Job
from palimpsest.forecast.network import Network
from palimpsest.forecast.stages import Slots, Task, epochs_of, stages_of, wall_seconds
from palimpsest.forecast.work import Steps, Work

FILE = ROOT / "benchmarks" / "throughputs.yaml"
NETWORK = Network(flops=2e6, activations=1e3, weights=10)
RATES = Rates(step_us=500.0, activation_ns=2.0, gflops=1.0, evaluation=0.25)
TOY = Device(
    about="a toy", date="2026-11-29", command="none", reckoned=True, gpu=False,
    stacked=RATES, alone=RATES,
    scoring=Scoring(klom_ns=10.0, attack_ns=1.0, gradient=5.0, last_gradient=0.5),
    start_s={"other": 1.0, "train_block": 3.0}, snakemake_s=0.5,
)  # fmt: skip
POINT = 2e-6 + 2e-3
"""seconds of one point: 1,000 numbers of 2 ns, 2e6 operations at 1e9 a second"""


@pytest.fixture(scope="module")
def known():
    return devices(FILE)


def test_a_job_starts_steps_and_evaluates():
    work = Work((Steps(models=6, stack=3, steps=10, passes=100),), ((3, 50),), scored=10**8)
    seconds = TOY.seconds(Job("train_block"), work, NETWORK)
    steps = 10 * 2 * 500e-6
    assert seconds == pytest.approx(3 + steps + 600 * POINT + 50 * POINT / 4 + 1)


def test_a_gradient_of_the_last_layer_is_not_one_of_all_weights():
    every, last = Work(gradients=1000), Work(last_gradients=1000)
    assert TOY.seconds(Job("x"), every, NETWORK) == pytest.approx(1 + 5000 * POINT)
    assert TOY.seconds(Job("x"), last, NETWORK) == pytest.approx(1 + 500 * POINT)


def test_a_device_that_overlaps_takes_the_longer_of_both():
    gpu = TOY.model_copy(update={"overlaps": True})
    steps, passes = (Steps(1, 1, 10_000, 1),), (Steps(1, 1, 1, 1000),)
    assert gpu.seconds(Job("x"), Work(steps), NETWORK) == pytest.approx(1 + 10_000 * 500e-6)
    assert gpu.seconds(Job("x"), Work(passes), NETWORK) == pytest.approx(1 + 1000 * POINT)


def test_what_is_kept_says_where_it_comes_from(known):
    assert known["h200"].reckoned and known["h200"].gpu
    assert not known["epyc"].reckoned
    assert len(known["epyc"].points) >= 6


def test_the_rates_are_those_of_the_measured_points(known):
    device = known["epyc"]
    for point in device.points:
        rates = device.stacked if point["stack"] > 1 else device.alone
        network = Network(point["flops"], point["activations"], point["weights"])
        work = Work((Steps(1, 1, 0, 1),))
        alone = device.model_copy(update={"alone": rates, "start_s": {"other": 0.0}})
        step = rates.step_us / point["stack"] / point["batch"]
        reckoned = 1e6 * alone.seconds(Job("x"), work, network) + step
        assert reckoned == pytest.approx(point["train_us"], rel=0.3), point


def test_a_device_is_found_by_name_or_by_what_the_run_asks_for(known):
    assert device_named(None, "cpu", known) == "epyc"
    assert device_named(None, "cuda", known) == "h200"
    with pytest.raises(InputError, match="--device-profile is 'h300'; allowed: h200"):
        device_named("h300", "cuda", known)
    with pytest.raises(InputError, match="--device-profile is epyc, and the run's device is cuda"):
        device_named("epyc", "cuda", known)
    with pytest.raises(InputError, match=r"throughputs.yaml: has no device for a run on cuda"):
        device_named(None, "cuda", {"epyc": known["epyc"]})


def test_a_file_of_throughputs_is_checked(tmp_path):
    file = tmp_path / "throughputs.yaml"
    entry = json.loads(TOY.model_dump_json())
    file.write_text(json.dumps({"toy": entry | {"host": "other"}}))
    with pytest.raises(InputError, match=r"toy\.host is other; allowed: toy"):
        devices(file)
    file.write_text(json.dumps({"toy": entry | {"gpus": 2}}))
    with pytest.raises(InputError, match="toy: gpus is an unknown key"):
        devices(file)
    file.write_text(json.dumps({"toy": entry | {"start_s": {"other": 1, "train_blok": 3}}}))
    with pytest.raises(InputError, match=r"toy\.start_s has train_blok, which is no rule;"):
        devices(file)


def test_jobs_wait_for_what_they_read_and_for_a_place():
    originals = [train_job(block=number) for number in range(2)]
    ascent = [unlearn_job("ga", [{}], block=number) for number in range(2)]
    tasks = [Task(job, Work(), 10.0) for job in (*originals, *ascent)]
    assert wall_seconds(tasks, Slots(jobs=4, gpus=4)) == 20
    assert wall_seconds(tasks, Slots(jobs=1, gpus=1)) == 40


def test_jobs_on_a_gpu_wait_for_one_and_the_others_do_not():
    tasks = [Task(train_job(block=number, gpu=True), Work(), 10.0) for number in range(3)]
    tasks += [Task(train_job("oracle/random_8", "random_8"), Work(), 15.0)]
    assert wall_seconds(tasks, Slots(jobs=4, gpus=1)) == 30


def test_stages_come_in_the_order_of_a_run_and_hold_every_job():
    jobs = [Job("all"), Job("draw", words={"--out": ["x"]}), unlearn_job("ga", [{}]), train_job()]
    tasks = [Task(job, Work(epochs=(8, 6)), 1.0) for job in jobs]
    stages = stages_of(tasks)
    assert list(stages) == [
        "originals", "unlearning: ga", "figures, verdicts, reports", "targets (no program)"
    ]  # fmt: skip
    assert sum(map(len, stages.values())) == len(tasks)
    assert epochs_of(tasks) == (8 * 8, 8 * 6)
