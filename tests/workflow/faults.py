"""A series of random faults against a run of toy size: each ends with the right bits or a sentence.

    python tests/workflow/faults.py --count 100 --seed 0 --out faults.csv

Every fault starts from a copy of a finished run of which a part was deleted. Either the run is
started and something is done to it (a process of it is killed, a source file is edited, no file may
grow beyond a size, as on a full disk), or something is done to a file that is left (it is cut, or a
bit of it is flipped, and its time kept) and the run is started. Then it is started again, without
faults, as a user would. The series fails where a table has other bytes than in the undisturbed run,
or where the run does not end and says no sentence beginning with "error:".
"""

import argparse
import contextlib
import csv
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from running import NO_BYTECODE, TIMEOUT, command, copy_folder, copy_sources

OVERLAY = "config/smoke.yaml"
CHANGES = (  # fewer jobs
    "run=smoke", "populations={second_oracle: []}",
    "ascent={forget_sets: [random_8], methods: [nothing, ga],"
    " figures: {figure_1: {forget_sets: [random_8]}, figure_3: {forget_sets: [random_8]}}}",
)  # fmt: skip
TABLES = ("klom.csv", "klom_redraws.csv", "accuracy.csv", "number_of_models.csv", "claims.csv")
RESULTS = Path("results/smoke")
ARGUMENTS = (
    "-c", "2", *(str(RESULTS / "ascent" / name) for name in TABLES), "--configfile", OVERLAY,
    "--config", *CHANGES,
)  # fmt: skip
SOURCES = (
    "src/palimpsest/training/loop.py", "src/palimpsest/klom/smoothing.py",
    "src/palimpsest/records.py", "src/unlearn_block.py", "src/palimpsest/methods/ga.py",
)  # fmt: skip


def start(folder: Path, largest: int | None = None) -> subprocess.Popen[str]:
    """The run, in a process group of its own; with `largest` no file may have more bytes."""

    def limit() -> None:
        if largest is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    return subprocess.Popen(
        command(*ARGUMENTS), cwd=folder, env=NO_BYTECODE, text=True, preexec_fn=limit,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and all that it said; what outlives it stays as it is."""
    said, _ = process.communicate(timeout=TIMEOUT)
    return process.returncode, said


def results_of(folder: Path) -> list[Path]:
    """The files of results, in the order of their names; no job reads those of benchmarks."""
    found = sorted(path for path in (folder / RESULTS).rglob("*") if path.is_file())
    return [path for path in found if "benchmarks" not in path.parts]


def delete_some(folder: Path, chance: random.Random) -> float:
    """Delete what a random stage, and all after it, made, as if the run had come so far; about
    which part of its time is left."""
    stages = {"populations": 0.8, "unlearned": 0.6, "ascent/scores": 0.5, "ascent": 0.4}
    first = chance.randrange(len(stages))
    for stage in list(stages)[first:]:
        shutil.rmtree(folder / RESULTS / stage, ignore_errors=True)
    return list(stages.values())[first]


def kill(folder: Path, chance: random.Random, usual: float) -> str | None:
    """SIGKILL for a random process of the run at a random moment; None if it had ended before."""
    run = start(folder)
    time.sleep(chance.uniform(1, usual))
    with contextlib.suppress(psutil.Error):
        own = psutil.Process(run.pid)
        victims = [own, *own.children(recursive=True)]
        victim = victims[chance.randrange(len(victims))]
        name = next((word for word in victim.cmdline() if word.endswith(".py")), victim.name())
        victim.kill()
        if victim.pid == run.pid:
            run.stdout.close()
            run.wait()
            return f"killed {name}"
        finish(run)
        return f"killed {name}"
    finish(run)
    return None


def edit(folder: Path, chance: random.Random, usual: float) -> str | None:
    """A source file gets a new last line while the run goes on; None if it had ended before."""
    run = start(folder)
    time.sleep(chance.uniform(1, usual))
    name = chance.choice(SOURCES)
    if run.poll() is not None:
        finish(run)
        return None
    with (folder / name).open("a", encoding="utf-8") as source:
        source.write("# edited\n")
    finish(run)
    return f"edited {name}"


def fill(folder: Path, chance: random.Random, usual: float) -> str:
    """No file may grow beyond a random size while the run goes on."""
    largest = int(10 ** chance.uniform(3, 6))
    finish(start(folder, largest))
    return f"no file beyond {largest} bytes"


def cut(folder: Path, chance: random.Random, usual: float) -> str:
    """A random file of results is cut at a random place; its time is kept."""
    path = chance.choice(results_of(folder))
    times, size = path.stat(), path.stat().st_size
    os.truncate(path, chance.randrange(size) if size else 0)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return f"cut {path.relative_to(folder / RESULTS)}"


def flip(folder: Path, chance: random.Random, usual: float) -> str:
    """A random bit of a random file of results is flipped; its time is kept."""
    path = chance.choice([path for path in results_of(folder) if path.stat().st_size])
    times, content = path.stat(), bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return f"flipped a bit of {path.relative_to(folder / RESULTS)}"


FAULTS = (kill, edit, fill, cut, flip)


def outcome(folder: Path, right: dict[str, bytes]) -> str:
    """What the run ends with when it is started again: right bits, a sentence, or a defect."""
    code, said = finish(start(folder))
    if "Traceback" in said:
        return "DEFECT: a traceback"
    sentences = [line for line in said.splitlines() if line.startswith("error: ")]
    if code:
        return f"a sentence: {sentences[0]}" if sentences else "DEFECT: no end and no sentence"
    for name, content in right.items():
        if (folder / RESULTS / "ascent" / name).read_bytes() != content:
            return f"DEFECT: {name} is another"
    return "the right bits"


def series(count: int, seed: int, base: Path, report=print) -> list[dict[str, str]]:
    """So many faults, below the folder `base`; a row for each."""
    finished, begun = copy_sources(base / "finished"), time.monotonic()
    code, said = finish(start(finished))
    if code:
        raise RuntimeError(said)
    usual = time.monotonic() - begun
    right = {name: (finished / RESULTS / "ascent" / name).read_bytes() for name in TABLES}
    rows = []
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        fault = FAULTS[number % len(FAULTS)]
        done = None
        while done is None:  # a run that ended before its fault says nothing
            folder = copy_folder(finished, base / str(number))
            left = delete_some(folder, chance)
            done = fault(folder, chance, left * usual)
            if done is None:
                shutil.rmtree(folder)
        rows.append({"number": str(number), "fault": done, "outcome": outcome(folder, right)})
        report(f"{number + 1} of {count}: {done}: {rows[-1]['outcome']}")
        shutil.rmtree(folder)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a row for each fault (.csv)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        rows = series(args.count, args.seed, Path(base))
    if args.out:
        with args.out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    defects = [row for row in rows if row["outcome"].startswith("DEFECT")]
    print(f"{len(rows)} faults, {len(defects)} defects")
    sys.exit(bool(defects))


if __name__ == "__main__":
    main()
