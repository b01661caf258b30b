"""Run Snakemake, show what it does and the time left, and end it with all its jobs on a signal.

    python tools/show_progress.py .venv/bin/snakemake -c 2

On a terminal one bar with the jobs that run now, elsewhere a line per finished job. The first line
says what will be done. Errors, and everything Snakemake says outside of jobs that go well, are
passed on, and so is its exit code.
"""

import argparse
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from palimpsest import pace
from palimpsest.supervised import Supervised

RESULTS = Path("results")
RUN = re.compile(r"^run ([^\s:]+): (.*)$")
CORES = re.compile(r"^Provided (?:cores|remote nodes): (\d+)")
COUNT = re.compile(r"^(\w+)\s+(\d+)$")
JOB = re.compile(r"^(?:local)?rule (\w+):")
FACT = re.compile(r"^    (jobid|benchmark|wildcards): (.*)$")
FINISHED = re.compile(r"^Finished jobid: (\d+) ")
NOISE = re.compile(  # what Snakemake says of jobs that go well
    r"^(\[.*\d\d:\d\d:\d\d|Select jobs|Execute \d+ jobs|\d+ of \d+ steps|Job stats|job +count"
    r"|-+ +-+|total +\d+|Building DAG|Using |host:|Provided|Rules claiming|Assuming|Job counts"
    r"|SNAKEMAKE|=+$|Config |Conda environments: ignored|Complete log|Elapsed time|  |\s*$|Shutting"
    r"|localrule |rule )"
)


class Stopped(Exception):
    """A signal has asked for the end."""


class Log:
    """What Snakemake says, as what is to be shown of it.

    Args:
        clock: gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.pace = pace.Pace(clock())
        self.run = self.about = ""
        self.counting = self.failed = False
        self.job: pace.Job | None = None

    def hear(self, text: str) -> str | None:
        """Take in one line; what to show for it, None for nothing."""
        if not text.startswith("    "):
            self.job = None
        self.counting = text.startswith("job ") or (self.counting and text != "")
        if self.counting and (match := COUNT.match(text)):
            if match[1] == "total":
                self.counting = False
                return self._plan()
            self.pace.planned[match[1]] = int(match[2])
        elif match := RUN.match(text):
            self.run, self.about = match[1], match[2]
            self.pace.kept = pace.kept(RESULTS, self.run, self.about)
        elif match := CORES.match(text):
            self.pace.cores = int(match[1])
        elif match := JOB.match(text):
            self.job = pace.Job(match[1], self.clock())
        elif self.job and (match := FACT.match(text)):
            if match[1] == "jobid":
                self.pace.running[match[2]] = self.job
            else:
                setattr(self.job, match[1], match[2])
        elif match := FINISHED.match(text):
            return self._finishes(match[1])
        elif self.failed or not NOISE.match(text):
            self.failed = self.failed or "rror" in text
            return text
        return None

    def state(self) -> str:
        """How far the run is."""
        left = pace.in_words(self.pace.left(self.clock()))
        return f"{len(self.pace.finished)}/{self.pace.total} jobs, about {left} left"

    def running(self) -> str:
        """The jobs that run now, by rule and wildcards."""
        return ", ".join(
            " ".join([job.rule, *re.findall(r"=([^,]+)", job.wildcards)])
            for job in self.pace.running.values()
        )

    def share(self) -> float:
        """The part of the time that is over."""
        spent = self.clock() - self.pace.started
        return spent / (spent + self.pace.left(self.clock()) + 1e-9)

    def _plan(self) -> str:
        if self.run:
            pace.keep_about(RESULTS, self.run, self.about)
        source = "as jobs took before" if self.pace.kept else "as the run digits takes"
        expected = pace.in_words(self.pace.left(self.clock()))
        head = f"run {self.run}: {self.about}; " if self.run else ""
        cores = f"{self.pace.cores} core" + "s" * (self.pace.cores > 1)
        return f"{head}{self.pace.total} jobs, about {expected} on {cores} ({source})"

    def _finishes(self, number: str) -> str | None:
        if number not in self.pace.running:
            return None
        job = self.pace.running[number]
        self.pace.finishes(number, self.clock())
        spent = pace.in_words(self.clock() - self.pace.started)
        done = f"[{len(self.pace.finished)}/{self.pace.total}]"
        left = pace.in_words(self.pace.left(self.clock()))
        return f"{done} {job.rule:<24} {spent:>7}, about {left} left"


def show(run: Supervised, log: Log) -> None:
    """Show what a run says until it ends."""
    terminal = sys.stdout.isatty() and os.get_terminal_size().columns > 0
    bar = tqdm(
        total=1.0, disable=not terminal, file=sys.stdout, leave=False, dynamic_ncols=True,
        bar_format="{percentage:3.0f}% |{bar:20}| {desc}",
    )  # fmt: skip
    with bar:
        for text in run.lines():
            shown = None if text is None else log.hear(text)
            if terminal and log.pace.total:
                if shown is not None and not FINISHED.match(text or ""):
                    tqdm.write(shown)
                bar.n = log.share()
                bar.set_description_str(f"{log.state()}: {log.running()}")
            elif shown is not None:
                print(shown, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="Snakemake and its arguments")
    args = parser.parse_args()
    if not args.command:
        parser.error("needed: a command")
    signals = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) != signal.SIG_IGN  # nohup
    ]

    def stop(number: int, _frame: object) -> None:
        for other in signals:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    os.environ["PYTHONUNBUFFERED"] = "1"
    run, log = Supervised(args.command), Log()
    try:
        for number in signals:
            signal.signal(number, stop)
        signal.signal(signal.SIGTSTP, lambda *_: run.suspend())
        show(run, log)
        code = run.child.wait()
        code = 128 - code if code < 0 else code
    except Stopped as stopped:
        number = stopped.args[0]
        done = f"{len(log.pace.finished)} of {log.pace.total} jobs are done"
        print(f"stopped: {done}; the same command goes on from there", flush=True)
        code = 128 + number
    except BrokenPipeError:  # nobody reads
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    finally:
        run.end()
    sys.exit(code)


if __name__ == "__main__":
    main()
