"""The tests on a real SLURM, or why they are not run here.

    python tests/slurm/run.py              all of them
    python tests/slurm/run.py --short      one run, for a machine that tests every change

They need root, for nodes that see no process of each other, and SLURM's daemons. Root on Debian
gets these from Debian's packages, and is told so; nobody else gets anything installed.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from cluster import APART, missing

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
MINUTES = 60
"""after which the tests are ended, and the cluster with them"""


def why_not() -> str | None:
    """What this machine lacks, in words; installs SLURM where that may be done."""
    if sys.platform != "linux":
        return "they need Linux"
    if os.geteuid() != 0:
        return "they need root"
    if subprocess.run([*APART, "true"], capture_output=True).returncode:
        return "no process namespace can be made here (unshare --pid --mount-proc)"
    if absent := missing():
        if not (Path("/etc/debian_version").exists() and shutil.which("apt-get")):
            return f"no {', '.join(absent)} here, and only Debian's packages are known"
        print(f"installing Debian's packages {' '.join(PACKAGES)}, since this is root", flush=True)
        if not install():
            return "Debian's packages could not be installed"
    return f"still no {', '.join(missing())} here" if missing() else None


def install() -> bool:
    """Install Debian's packages; none of their services is started where that can be helped."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    words = ("install", "--yes", "--quiet=2", "--no-install-recommends", *PACKAGES)
    return all(
        subprocess.run(["apt-get", *given], env=quiet).returncode == 0
        for given in (("update", "--quiet=2"), words)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="one run alone")
    args = parser.parse_args()
    if reason := why_not():
        print(f"the tests on SLURM were NOT RUN: {reason}")
        return
    tests = Path(__file__).parent / ("test_same_bits.py" if args.short else "")
    pytest = [sys.executable, "-m", "pytest", str(tests), "--durations=0"]
    limit = ["timeout", "--kill-after=10", f"{MINUTES}m"]
    sys.exit(subprocess.run([*limit, *pytest]).returncode)


if __name__ == "__main__":
    main()
