"""How fast devices are: the numbers of benchmarks/throughputs.yaml, and the seconds of a job.

A step of a stack of k models on b points each costs `step_us` whatever it holds, and k * b times
what the network is on one point: numbers that pass through its layers, and arithmetic. On a GPU the
host prepares a step while the device computes, so the longer of both counts; on a CPU their sum.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from palimpsest.config.origins import Origins
from palimpsest.config.plain_yaml import read_yaml
from palimpsest.config.sentences import validate
from palimpsest.files import InputError
from palimpsest.forecast.jobs import Job
from palimpsest.forecast.network import Network
from palimpsest.forecast.work import Work
from palimpsest.values import Closed

FILE = Path("benchmarks/throughputs.yaml")
RULES = Path("workflow/rules")
US = 1e-6

Seconds = Annotated[float, Field(ge=0)]


class Rates(Closed):
    """Of stacks, or of models one at a time.

    Args:
        step_us: microseconds of a step, whatever it holds.
        activation_ns: nanoseconds of a number that a layer puts out, in training.
        gflops: 1e9 operations a second.
        evaluation: what a point costs that is run forward alone, of one that is trained on.
    """

    step_us: Seconds
    activation_ns: Seconds
    gflops: Annotated[float, Field(gt=0)]
    evaluation: Annotated[float, Field(gt=0, le=1)]


class Scoring(Closed):
    """On one core.

    Args:
        klom_ns: nanoseconds of a model at a point in one population.
        attack_ns: nanoseconds of an attack, by the square of the points that it learns from.
        gradient, last_gradient: what a gradient point by point costs, of one in a batch: that of
            all weights, that of the last layer's alone.
    """

    klom_ns: Seconds
    attack_ns: Seconds
    gradient: Seconds
    last_gradient: Seconds


class Device(Closed):
    """A device, with what says where its numbers come from.

    Args:
        about: in words.
        date: of measurement, or of reckoning.
        command: by which it was measured; of what is reckoned, from what.
        reckoned: nobody has measured it.
        gpu: whether only jobs that ask for a GPU run on it; the others run on `host`.
        host: the device of all other jobs; null: itself.
        overlaps: the host prepares steps while the device computes.
        stacked, alone: rates of several models as one network, and of one.
        scoring: what is done without a network.
        start_s: rule -> seconds that its program takes before and beside its work; `other` of all
            others.
        snakemake_s: core-seconds of Snakemake for one job.
        points: what was measured, from which the rates are fitted.
    """

    about: str
    date: str
    command: str
    reckoned: bool
    gpu: bool
    host: str | None = None
    overlaps: bool = False
    stacked: Rates
    alone: Rates
    scoring: Scoring | None = None
    start_s: dict[str, Seconds]
    snakemake_s: Seconds
    points: list[dict[str, Any]] = Field(default=[])

    def seconds(self, job: Job, work: Work, network: Network | None) -> float:
        """What a job takes on it. `network` may be None where the work has none."""
        spent = self.start_s.get(job.rule, self.start_s["other"])
        if network is not None:
            for part in work.training:
                rates = self.stacked if part.stack > 1 else self.alone
                point = self._point(rates, network)
                stacks = part.models / part.stack
                fixed = part.steps * rates.step_us * US * stacks
                spent += self._together(fixed, part.models * part.passes * point)
            for stack, points in work.evaluations:
                rates = self.stacked if stack > 1 else self.alone
                spent += points * self._point(rates, network) * rates.evaluation
            if self.scoring is not None and (work.gradients or work.last_gradients):
                taken = work.gradients * self.scoring.gradient
                taken += work.last_gradients * self.scoring.last_gradient
                spent += taken * self._point(self.alone, network)
        if self.scoring is not None:
            spent += work.scored * self.scoring.klom_ns * 1e-9
            spent += work.attacked * work.members**2 * self.scoring.attack_ns * 1e-9
        return spent

    def _together(self, fixed: float, moving: float) -> float:
        return max(fixed, moving) if self.overlaps else fixed + moving

    @staticmethod
    def _point(rates: Rates, network: Network) -> float:
        """Seconds of one model's gradient at one point, without the step around it."""
        numbers = network.activations * rates.activation_ns * 1e-9
        return numbers + network.flops / (rates.gflops * 1e9)


def devices(path: Path = FILE) -> dict[str, Device]:
    """Every device of a file of throughputs, by name; InputError for what is wrong in it."""
    content = read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds no map; needed: devices by name")
    found: dict[str, Device] = {
        name: validate(Device, Origins(entry, [(f"{path}: {name}", entry)]))
        for name, entry in content.items()
    }
    named = rules()
    for name, device in found.items():
        if device.host is not None and device.host not in found:
            allowed = ", ".join(one for one in found if not found[one].gpu)
            raise InputError(f"{path}: {name}.host is {device.host}; allowed: {allowed}")
        if "other" not in device.start_s:
            raise InputError(f"{path}: {name}.start_s has no other; needed: that of other rules")
        unknown = device.start_s.keys() - named - {"other"}
        if unknown:
            raise InputError(
                f"{path}: {name}.start_s has {min(unknown)}, which is no rule; allowed: other, "
                f"{', '.join(sorted(named))}"
            )
    return found


def rules() -> set[str]:
    """The names of all rules of the workflow."""
    texts = [file.read_text(encoding="utf-8") for file in RULES.glob("*.smk")]
    return {name for text in texts for name in re.findall(r"^rule (\w+):", text, re.M)}


def device_named(name: str | None, asked: str, known: Mapping[str, Device]) -> str:
    """The name of a device: as given, else the first that has what a run asks for, cpu or cuda.

    InputError for one that is not known, or that the run does not compute on.
    """
    fitting = [one for one, device in known.items() if device.gpu == (asked == "cuda")]
    if not fitting:
        kind = "GPU (gpu: true)" if asked == "cuda" else "CPU (gpu: false)"
        raise InputError(f"{FILE}: has no device for a run on {asked}; needed: a {kind}")
    if name is None:
        return fitting[0]
    if name not in known:
        raise InputError(f"--device-profile is {name!r}; allowed: {', '.join(fitting)}")
    if name not in fitting:
        raise InputError(
            f"--device-profile is {name}, and the run's device is {asked}; allowed: "
            f"{', '.join(fitting)}"
        )
    return name
