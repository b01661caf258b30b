"""CPU seconds that a job on SLURM costs beyond its program: Snakemake starts twice in each.

    python tests/slurm/overhead.py

Three jobs of toy size run once on this machine and once on a SLURM of its own (cluster.py). What
the login node and the nodes spend beyond the local run, over the number of jobs, is the overhead.
CPU seconds, not time: they are the same on a busy machine.
"""

import argparse
import resource
import tempfile
from pathlib import Path

import psutil
from cluster import NODES, Cluster, cluster
from on_slurm import JOBS, LOCAL, copy_with_overlay, run_here, start


def of_children() -> float:
    """CPU seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_nodes(slurm: Cluster) -> float:
    """CPU seconds of all jobs that have ended on the nodes."""
    used = 0.0
    for name in NODES:
        (first,) = psutil.Process(slurm.daemons[name].pid).children()  # of the node's processes
        used += first.cpu_times().children_user + first.cpu_times().children_system
    return used


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    with tempfile.TemporaryDirectory() as base, cluster() as slurm:
        before = of_children()
        run_here(copy_with_overlay(Path(base, "here")))
        here = of_children() - before
        before = of_children()
        run = start(slurm, copy_with_overlay(Path(base, "slurm")), *LOCAL)
        if run.end():
            raise RuntimeError(run.text)
        login, nodes = of_children() - before, of_nodes(slurm)
    print(f"{JOBS} jobs: {here:.1f} CPU s without SLURM; with it {nodes:.1f} on nodes, {login:.1f}")
    print(f"on the login node: {(nodes + login - here) / JOBS:.1f} CPU s more for each job")


if __name__ == "__main__":
    main()
