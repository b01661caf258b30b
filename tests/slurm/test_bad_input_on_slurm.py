"""What a cluster cannot do for a run: one sentence before any job is submitted."""

import pytest
from cluster import Cluster, cluster
from on_slurm import LOCAL, OnSlurm, start

PROFILE = "profiles/slurm/profile.yaml, or the profile that is used"
NONE = "error: SLURM keeps no accounting on this cluster"
TOO_LARGE = "error: SLURM would never run train_block, since "
SEE = f"; see set-resources and resources in {PROFILE}"
CASES = {
    "no such partition": (
        ["slurm_partition: main ", "slurm_partition: night "],
        [],
        "error: SLURM has no partition night; allowed: main, as slurm_partition in " + PROFILE,
    ),
    "more memory than a node has": (
        [],
        ["--set-resources", "train_block:mem_mb=100000"],
        TOO_LARGE + "Requested node configuration is not available; it asks for partition main,"
        " 181 minutes, 100000 MB, 1 CPU" + SEE,
    ),
    "more time than the partition gives": (
        ["runtime: 1440", "runtime: 5000"],
        ["--set-resources", "train_block:runtime=4000"],
        TOO_LARGE + "Requested time limit is invalid (missing or exceeds some limit); it asks for"
        " partition main, 4000 minutes, 3002 MB, 1 CPU" + SEE,
    ),
    "a type of GPU that is not there": (
        [],
        ["--set-resources", "train_block:gpu=1", "train_block:gpu_model=a100"],
        TOO_LARGE + "Requested node configuration is not available; it asks for partition main,"
        " 181 minutes, 3002 MB, 1 CPU, 1 GPU, of type a100" + SEE,
    ),
    "states from sacct without accounting": (
        [],
        ["--slurm-status-command", "sacct"],
        f"{NONE}, so that sacct cannot say how jobs are; write slurm-status-command: squeue in"
        f" {PROFILE}",
    ),
    "an account without accounting": (
        ["# slurm_account: my_account", "slurm_account: my_account"],
        [],
        f"{NONE}, so that no account can be checked; remove slurm_account from {PROFILE}",
    ),
}  # fmt: skip
"""what is changed in the profile, on the command line -> the sentence"""


def assert_refused(slurm: Cluster, run: OnSlurm, sentence: str) -> None:
    """The run has ended with this sentence and has sent no job."""
    assert run.end() == 1
    assert [line for line in run.text.splitlines() if line.startswith("error: ")] == [sentence]
    assert "Traceback" not in run.text
    assert "has been submitted" not in run.text


@pytest.mark.parametrize("case", CASES)
def test_a_cluster_that_cannot_do_it(case, slurm, folder):
    change, options, sentence = CASES[case]
    profile = folder / "profiles" / "slurm" / "profile.yaml"
    text = profile.read_text(encoding="utf-8")
    if change:
        assert change[0] in text
        profile.write_text(text.replace(*change), encoding="utf-8")
    run = start(slurm, folder, *LOCAL, options=options)
    assert_refused(slurm, run, sentence)
    assert slurm.jobs(run.name) == []


def test_a_cluster_that_forgets_its_jobs_too_soon(folder):
    with cluster(remembered=10) as forgetful:
        run = start(forgetful, folder, *LOCAL)
        sentence = (
            f"{NONE} and it forgets jobs 10 seconds after their end (MinJobAge); needed:"
            f" slurm-init-seconds-before-status-checks of at most 3 in {PROFILE}"
        )
        assert_refused(forgetful, run, sentence)


def test_a_controller_that_does_not_answer(slurm, folder):
    slurm.kill("controller")
    try:
        run = start(slurm, folder, *LOCAL)
        sentence = (
            "error: SLURM does not answer (sinfo); run this on a node where jobs are submitted"
        )
        assert_refused(slurm, run, sentence)
    finally:
        slurm.restart_controller()
