"""The short case: jobs on SLURM, each with a GPU, give the bits of a local run."""

import re

import yaml
from on_slurm import LOCAL, PATIENCE, contents, programs, start


def fill_in(text: str) -> str:
    """The profile with its lines on GPUs in use, as a user would who has some of the type `fake`.

    The jobs of the test's run need no GPU (device: cpu), so they are made to ask for one.
    """
    begin, end = text.index("# set-resources:"), text.index("\nresources:")
    lines = re.sub(r"^# ", "", text[begin:end], flags=re.M)
    lines = lines.replace("gpu_model: a100", "gpu_model: fake").replace(": gpu ", ": main ")
    return text[:begin] + lines.replace("&gpu\n", "&gpu\n    gpu: 1\n") + text[end:]


def test_jobs_on_slurm_give_the_bits_of_a_local_run(slurm, folder, local):
    profile = folder / "profiles" / "slurm" / "profile.yaml"
    profile.write_text(fill_in(profile.read_text(encoding="utf-8")), encoding="utf-8")
    asked = yaml.safe_load(profile.read_text(encoding="utf-8"))["set-resources"]
    assert asked["unlearn_block"] == {
        "gpu": 1, "gpu_model": "fake", "slurm_partition": "main", "runtime": "120 * attempt",
    }  # fmt: skip
    run = start(slurm, folder, *LOCAL)
    devices: set[str] = set()

    def have_trained() -> bool:
        devices.update(each.environ()["CUDA_VISIBLE_DEVICES"] for each in programs(folder))
        return run.has_ended()

    slurm.wait_for(have_trained, "two jobs", PATIENCE)
    assert run.end() == 0, run.text
    assert devices == {"0", "1"}
    assert slurm.jobs(run.name, "%T %l") == ["COMPLETED 2:00:00"] * 2
    assert contents(folder) == contents(local)
