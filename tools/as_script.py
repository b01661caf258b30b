"""The jobs of a run as a shell script, for a machine with Python and torch but without Snakemake.

    python tools/as_script.py --configfile benchmarks/gpu/cifar10.yaml --out cifar10.sh
    sh cifar10.sh SECONDS

The commands are those of a dry run (snakemake -n), block by block: the first block of every
population is trained, and put through the methods, before the second one begins. What is done
already where the script is written is not in it; take results/ along. After so many SECONDS
(without them: never) no job begins any more.

A script that was ended goes on where it was. It passes over a job that a script has done by the
same command from the same sources, whose results are there and no older than those they are made
from; beside them lies what the script knows it by (.NAME.job). While a job of a killed script
lives, another script of the run is refused (flock). Snakemake takes what a script made for its own,
but does not see later changes of its settings: give another run: name, or --forcerun. Notebooks are
for the machine that has Snakemake.
"""

import argparse
import hashlib
import heapq
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from palimpsest import config as configuration
from palimpsest.config.settings import chosen_studies
from palimpsest.config.study import experiments
from palimpsest.files import atomic_path
from palimpsest.forecast.jobs import Job, dry_run, names
from palimpsest.programs import Parser, add_run, run_program

HEAD = """\
#!/bin/sh
# Made by tools/as_script.py: {count} jobs, to be run in the folder of the repository.
#     sh THIS [SECONDS, after which no job begins]
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
end() {{
    echo "error: $1" >&2
    exit 2
}}
limit=${{1:-0}}
case $limit in *[!0-9]*) end "$limit is no number of seconds; allowed: a whole one" ;; esac
[ -f src/train_block.py ] || end "src/ is not here; run this in the folder of the repository"
command -v python > /dev/null || end "there is no python on the PATH"
mkdir -p results/{run}
if command -v flock > /dev/null; then
    exec 9> results/{run}/.script.lock # held by jobs as well
    flock -n 9 || end "a script of this run, or a job that it left, still runs; end it first"
fi
started=$(date +%s)
job() {{ # digest, command, log, how many files it makes, these, and the results that it reads
    digest=$1 command=$2 log=$3 makes=$4
    shift 4
    name=$1 made= due=0
    mark=$(dirname "$name")/.$(basename "$name").job
    [ "$(cat "$mark" 2> /dev/null)" = "$digest" ] || due=1
    for file in "$@"; do
        if [ "$makes" -gt 0 ]; then
            makes=$((makes - 1)) made="$made $file"
            [ -e "$file" ] || due=1
        else
            for one in $made; do
                [ "$file" -nt "$one" ] && due=1
            done
        fi
    done
    [ $due = 1 ] || return 0
    spent=$(($(date +%s) - started))
    if [ "$limit" -gt 0 ] && [ $spent -ge "$limit" ]; then
        echo "$spent s: the time is up"
        exit 0
    fi
    echo "$spent s: $name"
    if ! sh -c "$command"; then
        echo "failed: $name, see $log" >&2
        tail -n 3 "$log" >&2
        exit 1
    fi
    echo "$digest" > "$mark"
}}
"""
_AT_ONCE, _LAST = -1, 10**9


def by_blocks(jobs: Sequence[Job], methods: Sequence[str] = ()) -> list[Job]:
    """In an order in which every job comes after what it reads, and the work on a block of seeds
    before that on the next one where it can.

    Of a block come the originals, the oracles, the methods in their order, the second oracles. What
    has no block comes as soon as it can, models that only test a datamodel when nothing else can.
    """
    makers = {output: place for place, job in enumerate(jobs) for output in job.outputs}
    waits = [{makers[path] for path in job.inputs if path in makers} for job in jobs]
    followers: list[list[int]] = [[] for _ in jobs]
    for place, earlier in enumerate(waits):
        for one in earlier:
            followers[one].append(place)

    def key(place: int) -> tuple[int, int, int]:
        job = jobs[place]
        block = job.wildcards.get("block", "")
        if job.rule == "datamodel_block":
            return _LAST, 0, place
        if not block.isdecimal():
            return _AT_ONCE, 0, place
        population, method = job.wildcards.get("population", ""), job.wildcards.get("method", "")
        stages = ["original", "oracle", *methods, "second_oracle"]
        stage = population.split("/")[0] or method
        return int(block), stages.index(stage) if stage in stages else len(stages), place

    ready = [key(place) for place, earlier in enumerate(waits) if not earlier]
    heapq.heapify(ready)
    found = []
    while ready:
        place = heapq.heappop(ready)[2]
        found.append(jobs[place])
        for one in followers[place]:
            waits[one].discard(place)
            if not waits[one]:
                heapq.heappush(ready, key(one))
    return found


def line_of(job: Job) -> str:
    """What runs a job, once the folders are there that it writes to."""
    words = shlex.split(job.command)
    log = words[len(words) - words[::-1].index(">")]  # what comes after the last one
    folders = sorted({str(Path(path).parent) for path in (*job.outputs, log)})
    command = f"mkdir -p {shlex.join(folders)} && {job.command}"
    reads = [path for path in job.inputs if Path(path).parts[0] == "results"]
    head = [digest_of(job), command, log, str(len(job.outputs))]
    return shlex.join(["job", *head, *job.outputs, *reads])


def digest_of(job: Job) -> str:
    """Of its command and of the files that it reads which no job makes, such as its sources."""
    found = hashlib.sha256(job.command.encode())
    for path in job.inputs:
        if Path(path).parts[0] != "results" and Path(path).is_file():
            found.update(Path(path).read_bytes())
    return found.hexdigest()


def main() -> None:
    parser = Parser(__doc__)
    add_run(parser)
    parser.add_argument("--out", type=Path, required=True, help="the script (.sh)")
    args: argparse.Namespace = parser.parse_args()
    overlays = names(args.configfile)
    jobs = [job for job in dry_run(overlays, args.target) if job.command]
    config = configuration.load(list(dict.fromkeys(["config.yaml", *overlays])))
    tests = experiments(chosen_studies(config)).values()
    methods = list(dict.fromkeys(name for test in tests for name in test.methods))
    lines = [line_of(job) for job in by_blocks(jobs, methods) if job.rule[:6] != "report"]
    head = HEAD.format(count=len(lines), run=config["run"])
    with atomic_path(args.out) as temporary:
        temporary.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{args.out}: {len(lines)} jobs")


if __name__ == "__main__":
    run_program(main)
