"""The whole run `smoke` on SLURM, from its data to its notebook: the results of a local run."""

from pathlib import Path

import pandas as pd
from on_slurm import RESULTS, contents, start
from running import SMOKE, copy_folder, copy_sources, snakemake

ALL = ("all", "--configfile", SMOKE)
JOBS = 40
"""at least; it is some fifty, and those that only name others are none of SLURM"""
HOUR = 3600.0


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table of the study, without what its models took."""
    found = {}
    for path in sorted((folder / RESULTS / "ascent").glob("**/*.csv")):
        table = pd.read_csv(path)
        found[path.name] = table.drop(columns="seconds", errors="ignore")
    return found


def test_the_whole_run_on_slurm_gives_the_results_of_a_local_one(slurm, tmp_path):
    here = copy_sources(tmp_path / "here")
    there = copy_folder(here, tmp_path / "there")
    done = snakemake(here, "-c", "2", *ALL)
    assert done.returncode == 0, done.stdout
    run = start(slurm, there, *ALL)
    assert run.end(HOUR) == 0, run.text
    assert run.text.count("has been submitted with SLURM jobid") >= JOBS
    assert "Trying to restart" not in run.text
    assert contents(there, ".").keys() == contents(here, ".").keys()
    assert contents(there, ".") == contents(here, ".")
    made, expected = tables(there), tables(here)
    assert made.keys() == expected.keys()
    for name, table in expected.items():
        pd.testing.assert_frame_equal(made[name], table, check_exact=True, obj=name)
    assert (there / RESULTS / "ascent" / "report.html").exists()
