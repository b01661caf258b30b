"""The jobs of a run as a shell script, for a machine with Python and torch but without Snakemake.

    python tools/as_script.py --configfile benchmarks/gpu/cifar10.yaml --out cifar10.sh
    sh cifar10.sh SECONDS

Commands and their order are those of a dry run (snakemake -n), block by block: the first block of
every population is trained, and put through the methods, before the second one begins. A job whose
results are there, and no older than those it is made from, is passed over, so that a script that
was ended goes on where it was; after so many SECONDS (without them: never) no job begins any more.
What a killed job left half-done is not in place, as ever. Notebooks are for the machine that has
Snakemake.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from palimpsest.files import atomic_path
from palimpsest.forecast.jobs import Job, dry_run, names
from palimpsest.programs import Parser, run_program

HEAD = """\
#!/bin/sh
# Made by tools/as_script.py: {count} jobs, to be run in the folder of the repository.
#     sh THIS [SECONDS, after which no job begins]
export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-1}}"
limit=${{1:-0}}
started=$(date +%s)
job() {{ # the command, how many files it makes, these, and the results that it reads
    command=$1 makes=$2
    shift 2
    name=$1 last= missing=0
    for file in "$@"; do
        if [ "$makes" -gt 0 ]; then
            makes=$((makes - 1)) last="$last $file"
            [ -e "$file" ] || missing=1
        else
            for made in $last; do
                [ "$file" -nt "$made" ] && missing=1
            done
        fi
    done
    [ $missing = 1 ] || return 0
    spent=$(($(date +%s) - started))
    if [ "$limit" -gt 0 ] && [ $spent -ge "$limit" ]; then
        echo "$spent s: the time is up"
        exit 0
    fi
    echo "$spent s: $name"
    sh -c "$command" || {{
        echo "failed: $command"
        exit 1
    }}
}}
"""


def by_blocks(jobs: Sequence[Job]) -> list[Job]:
    """In an order in which every job comes after what it reads, and the work on a block of seeds
    before that on the next one; what reads all blocks comes last."""
    makers = {output: job for job in jobs for output in job.outputs}
    blocks: dict[int, int] = {}

    def block(job: Job) -> int:
        """The last block that it is of, or that it waits for; -1 of none."""
        if id(job) not in blocks:
            own = job.wildcards.get("block", "")
            waits = [block(makers[path]) for path in job.inputs if path in makers]
            blocks[id(job)] = max([int(own) if own.isdecimal() else -1, *waits])
        return blocks[id(job)]

    return sorted(jobs, key=block)


def line_of(job: Job) -> str:
    """What runs a job, once the folders are there that it writes to."""
    words = shlex.split(job.command)
    log = [words[place + 1] for place, word in enumerate(words[:-1]) if word == ">"]
    folders = sorted({str(Path(path).parent) for path in (*job.outputs, *log)})
    command = f"mkdir -p {shlex.join(folders)} && {job.command}"
    reads = [path for path in job.inputs if Path(path).parts[0] == "results"]
    files = shlex.join([*job.outputs, *reads])
    return f"job {shlex.quote(command)} {len(job.outputs)} {files}"


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--configfile", nargs="+", default=[], metavar="FILE", help="overlays")
    parser.add_argument(
        "--target", nargs="+", default=[], metavar="NAME", help="of Snakemake (default: the run)"
    )
    parser.add_argument("--out", type=Path, required=True, help="the script (.sh)")
    args: argparse.Namespace = parser.parse_args()
    jobs = [job for job in dry_run(names(args.configfile), args.target) if job.command]
    lines = [line_of(job) for job in by_blocks(jobs) if job.rule.split("_")[0] != "report"]
    with atomic_path(args.out) as temporary:
        temporary.write_text(HEAD.format(count=len(lines)) + "\n".join(lines) + "\n")
    print(f"{args.out}: {len(lines)} jobs")


if __name__ == "__main__":
    run_program(main)
