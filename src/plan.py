"""What a run will take, before anything is spent: jobs, hours, disk, and what fits a budget.

python src/plan.py --configfile config/cifar10.yaml --hours 8

The jobs are those of a dry run (snakemake -n), their work is counted from their own settings, and
seconds come from benchmarks/throughputs.yaml. What is done already is not counted.
"""

import argparse
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palimpsest import config as configuration
from palimpsest.config.checking import check
from palimpsest.config.plain_yaml import read_yaml
from palimpsest.files import InputError
from palimpsest.pace import in_words
from palimpsest.programs import Parser, add_run, run_program, whole

if TYPE_CHECKING:
    from palimpsest.forecast.budget import Part
    from palimpsest.forecast.devices import Device
    from palimpsest.forecast.measured import Row
    from palimpsest.forecast.stages import Slots, Task

BASE = "config.yaml"
GB, HOUR = 1e9, 3600


def hours(text: str) -> float:
    """An argparse type: a number of hours above 0."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a number") from None
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text[:60]} is no number of hours; allowed: above 0")
    return value


def main() -> None:
    parser = Parser(__doc__)
    add_run(parser)
    parser.add_argument("--hours", type=hours, help="what fits into so many hours of the device")
    parser.add_argument("--device-profile", metavar="NAME", help="in benchmarks/throughputs.yaml")
    parser.add_argument(
        "--workflow-profile", type=Path, metavar="FOLDER",
        help="says how many jobs run side by side (default: profiles/default, or /gpu for cuda)",
    )  # fmt: skip
    parser.add_argument("--cores", type=whole(1), help="jobs side by side (default: the profile's)")
    parser.add_argument(
        "--check", type=Path, metavar="results/RUN",
        help="planned against measured, by the benchmark files of a run of this configuration",
    )  # fmt: skip
    args = parser.parse_args()

    # Here, so that wrong words need not wait for torch.
    from palimpsest.forecast.budget import fitting
    from palimpsest.forecast.devices import device_named, devices
    from palimpsest.forecast.jobs import dry_run, names
    from palimpsest.forecast.measured import check_results, compared
    from palimpsest.forecast.stages import tasks_of
    from palimpsest.forecast.work import Counted

    if args.check is not None:
        check_results(args.check)
    overlays = names(args.configfile)
    files = [BASE, *(file for file in overlays if file != BASE)]
    config = configuration.load(files)
    check(config, files=files, machine=False)
    known = devices()
    name = device_named(args.device_profile, config["device"], known)
    default = "gpu" if config["device"] == "cuda" else "default"
    profile = args.workflow_profile or Path("profiles", default)
    slots = slots_of(profile, args.cores, known[name].gpu)
    jobs = dry_run(overlays, args.target, every=args.check is not None)

    counted = Counted(config)
    tasks = tasks_of(jobs, counted, name, known)
    if counted.guessed:
        data = config["data"]["name"]
        print(f"The size of {data} is known once it is here; taken as 60,000 points.")
    if args.check is not None:
        print_check(compared(tasks, args.check))
        return
    print_plan(config, tasks, slots, name, known)
    if args.hours is not None and tasks:
        device = known[name]
        parts = fitting(tasks, config, args.hours, lambda task: task.job.gpu or not device.gpu)
        print_budget(parts, args.hours, unit_of(device))


def slots_of(profile: Path, cores: int | None, gpu: bool) -> "Slots":
    """What a profile of Snakemake lets run side by side, its own file or its folder; how many on
    GPUs where the device is one."""
    from palimpsest.forecast.stages import Slots

    if not profile.exists():
        raise InputError(
            f"--workflow-profile is {profile}, which is not there; needed: a folder with one"
        )
    file = profile / "profile.yaml" if profile.is_dir() else profile
    found = read_yaml(file)
    if not isinstance(found, dict):
        raise InputError(f"{file}: is no profile; needed: a folder with a profile.yaml")
    given = found.get("jobs", found.get("cores"))
    here = os.cpu_count() or 1
    jobs = cores or (given if isinstance(given, int) else here)
    resources = found.get("resources") or {}
    if isinstance(resources, list):
        resources = dict(str(one).partition("=")[::2] for one in resources)
    gpus = str(resources.get("gpu", jobs)) if isinstance(resources, dict) else str(resources)
    if jobs < 1 or not gpus.isdecimal() or int(gpus) < gpu:
        raise InputError(f"{file}: has {jobs} jobs and gpu={gpus}; allowed: 1 or more of both")
    return Slots(jobs, min(jobs, int(gpus)) if gpu else jobs)


def unit_of(device: "Device") -> str:
    """What its hours are called."""
    return "GPU-hours" if device.gpu else "core-hours"


def print_plan(
    config: dict[str, Any],
    tasks: "Sequence[Task]",
    slots: "Slots",
    name: str,
    known: "dict[str, Device]",
) -> None:
    """The table of stages, and what is said beneath it."""
    from palimpsest.forecast.stages import alone, epochs_of, stages_of, wall_seconds

    device = known[name]
    print(f"run {config['run']} on {name}: {device.about}")
    for one in [device, *([known[device.host]] if device.host else [])]:
        word = "RECKONED, NOT MEASURED" if one.reckoned else "measured"
        print(f"  {word}, {one.date}: {one.command}")
    if not tasks:
        print("Nothing to be done.")
        return
    line = "{:<28}{:>7}{:>12}{:>12}{:>10}{:>12}{:>8}"
    print(
        "\n" + line.format("stage", "jobs", "GPU-hours", "core-hours", "disk GB", "wall", "files")
    )
    rows = [*stages_of(tasks).items(), ("all", list(tasks))]
    for stage, own in rows:
        gpu = sum(task.seconds for task in own if task.job.gpu)
        core = sum(task.seconds for task in own if not task.job.gpu)
        wall = wall_seconds(own, slots) if stage == "all" else alone(own, slots)
        disk = sum(task.work.disk for task in own) / GB
        files = sum(len(task.job.outputs) + 2 for task in own if task.job.words)
        print(
            line.format(
                stage, len(own), f"{gpu / HOUR:.2f}", f"{core / HOUR:.2f}", f"{disk:.2f}",
                in_words(wall), files,
            )
        )  # fmt: skip
    beside = known[device.host or name].snakemake_s * len(tasks)
    side = f"{slots.jobs} jobs side by side" + (f", {slots.gpus} on GPUs" if device.gpu else "")
    print(f"\nwall: {side}; of a stage by itself, of all with what waits for what")
    print(f"Snakemake itself: {in_words(beside)} of a core; files count logs and benchmarks")
    separate, shared = epochs_of(tasks)
    if shared:
        print(
            f"the sweep tree: {shared:,} epochs of unlearning in place of {separate:,}"
            f" ({separate / shared:.1f} times)"
        )
    longest = max(tasks, key=lambda task: task.seconds)
    print(f"longest job: {longest.stage}, {in_words(longest.seconds)}")


def print_budget(parts: "Sequence[Part]", limit: float, unit: str) -> None:
    """What fits, in one line and part by part."""
    from palimpsest.forecast.budget import in_one_line

    print(f"\nin {limit:g} {unit}: {in_one_line(parts)}")
    print("originals first, then set by set oracles and the first method, then the other methods:")
    for part in parts:
        share = "all" if part.whole else f"{part.models} of"
        print(f"  {part.what:<40}{f'{share} {part.asked} models':>18}{part.hours:>10.2f}")
    spent = sum(part.hours for part in parts)
    left = (
        "; all models fit, the rest is for scores and figures"
        if all(part.whole for part in parts)
        else ""
    )
    print(f"  {'together':<40}{'':>18}{spent:>10.2f}{left}")


def print_check(rows: "Sequence[Row]") -> None:
    """Planned against measured, stage by stage."""
    line = "{:<28}{:>10}{:>12}{:>12}{:>12}{:>9}"
    print(line.format("stage", "jobs", "planned s", "measured s", "wall s", "ratio"))
    for row in rows:
        print(
            line.format(
                row.stage, f"{row.jobs}/{row.of}", f"{row.planned:.0f}", f"{row.measured:.0f}",
                f"{row.wall:.0f}", f"{row.ratio:.2f}",
            )
        )  # fmt: skip
    planned, measured = (sum(getattr(row, key) for row in rows) for key in ("planned", "measured"))
    print(f"all: {planned:.0f} planned, {measured:.0f} measured, ratio {planned / measured:.2f}")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    run_program(main)
