"""A real SLURM on this machine, for tests: two nodes with fake GPUs, all of it on 127.0.0.1.

Root on Linux, with SLURM's daemons and munge installed. Each node is a PID namespace: to kill it
is to pull its plug, its jobs are gone at once. So is `Cluster.login`, from where no process of a
node is seen, as on a real login node. Whatever was started ends with the process that started it,
however that one ends.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "unshare")
NODES = ("node1", "node2")
CPUS, MEMORY_MB, GPUS, MINUTES = 4, 64_000, 2, 24 * 60
"""what each node says it has, and the partition's limit; nothing holds a job to its CPUs here"""
SECONDS_TO_START = 60.0
APART = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
SETTINGS = """\
ClusterName=palimpsest
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
EnforcePartLimits=ALL
ReturnToService=2
SlurmdTimeout=10
KillWait=5
MinJobAge={remembered}
MpiDefault=none
MailProg=/bin/true
GresTypes=gpu
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus}"
NODE += " RealMemory={memory} Gres=gpu:fake:{gpus}\n"
PARTITION = "PartitionName=main Nodes=ALL Default=YES MaxTime={minutes} State=UP\n"
_KILL_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def missing() -> list[str]:
    """The programs of a cluster that are not installed here."""
    return [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]


class Cluster:
    """A cluster that runs. Call it for a command of SLURM, run as by a user on the login node.

    Args:
        folder: of its files: short, since paths of sockets are.
        remembered: seconds for which it tells of a job that has ended (MinJobAge).
    """

    def __init__(self, folder: Path, remembered: int = 600) -> None:
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = dict(zip(("controller", *NODES), _free_ports(1 + len(NODES)), strict=True))
        self._write_settings(remembered)
        self.environment = {
            **{name: os.environ[name] for name in os.environ if not name.startswith("SLURM")},
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{_path()}",
        }

    def __call__(self, *command: str) -> str:
        """What a command of SLURM prints; CalledProcessError if it fails."""
        return subprocess.run(
            command, env=self.environment, check=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        ).stdout  # fmt: skip

    def login(self, *command: str) -> list[str]:
        """The command, on a login node: it sees no process of the nodes."""
        return [*APART, *command]

    def start(self) -> None:
        """Start all daemons and wait until every node is idle."""
        self._start("munged", "munged", "--foreground", "--force", *self._munge_files())
        self.wait_for(lambda: (self.folder / "munge.socket").exists(), "munged")
        self.start_controller()
        for name in NODES:
            self.start_node(name)
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait until no node is down or has a job."""
        self.wait_for(lambda: self._states() == {"idle": len(NODES)}, "idle nodes")

    def start_controller(self) -> None:
        """Start the controller, anew with what it had saved if it ran before."""
        self._start("controller", "slurmctld", "-D", "-f", self.environment["SLURM_CONF"])
        self.wait_for(self._answers, "the controller")

    def restart_controller(self) -> None:
        """Start a controller that was killed, and wait until every node has told of itself."""
        self.start_controller()
        self.wait_for(lambda: "unknown" not in self._states(), "nodes that are known")

    def start_node(self, name: str) -> None:
        """Start a node."""
        daemon = f"slurmd -D -N {name} -f {self.environment['SLURM_CONF']} & wait"
        self._start(name, *APART, "bash", "-c", daemon)

    def kill(self, name: str) -> None:
        """SIGKILL for a daemon; a node goes with all that runs on it."""
        daemon = self.daemons.pop(name)
        daemon.kill()
        daemon.wait(timeout=30)

    def stop(self) -> None:
        """End every process of the cluster."""
        for name in reversed(list(self.daemons)):
            self.kill(name)

    def jobs(self, name: str, of: str = "%T") -> list[str]:
        """A line for each job of this name that waits, runs or ended lately (squeue's --format)."""
        asked = ("--noheader", "--states=all", f"--name={name}", f"--format={of}")
        return self("squeue", *asked).splitlines()

    def wait_for(
        self, condition: Callable[[], object], what: str, seconds: float = SECONDS_TO_START
    ) -> None:
        """Wait until a condition holds; TimeoutError with the end of all logs if it never does."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}\n{self._last_words()}")
            time.sleep(0.2)

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=end_with_parent, start_new_session=True,
            )  # fmt: skip

    def _answers(self) -> bool:
        with contextlib.suppress(subprocess.CalledProcessError):
            return "UP" in self("scontrol", "ping")
        return False

    def _states(self) -> dict[str, int]:
        states = self("sinfo", "--noheader", "--Node", "--format=%T").split()
        return {state: states.count(state) for state in states}

    def _munge_files(self) -> list[str]:
        names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
        names["log-file"] = "log"
        return [f"--{option}={self.folder}/munge.{name}" for option, name in names.items()]

    def _write_settings(self, remembered: int) -> None:
        """Everything that the daemons read: settings, key, fake GPUs, a wrapper of srun."""
        for name in ("state", *NODES, "bin"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        host = socket.gethostname()
        text = SETTINGS.format(
            host=host, controller=self.ports["controller"], folder=self.folder,
            remembered=remembered,
        )  # fmt: skip
        gpus = "AutoDetect=off\n"
        for name in NODES:
            text += NODE.format(
                name=name, host=host, port=self.ports[name], cpus=CPUS, memory=MEMORY_MB, gpus=GPUS
            )
            for number in range(GPUS):
                device = self.folder / f"{name}.gpu{number}"
                os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))  # as /dev/null is
                gpus += f"NodeName={name} Name=gpu Type=fake File={device} Flags=nvidia_gpu_env\n"
        text += PARTITION.format(minutes=MINUTES)
        (self.folder / "slurm.conf").write_text(text, encoding="utf-8")
        (self.folder / "gres.conf").write_text(gpus, encoding="utf-8")
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n", encoding="utf-8")
        # A step of a job forgets SLURM_CONF, and finds SLURM by /etc/slurm on a real cluster
        wrapper = self.folder / "bin" / "srun"
        wrapper.write_text(
            f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"\n'
        )
        wrapper.chmod(0o755)

    def _last_words(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1000:]}" for log in logs)


@contextlib.contextmanager
def cluster(remembered: int = 600) -> Iterator[Cluster]:
    """A cluster that runs, and is gone in the end with its files."""
    if absent := missing():
        raise RuntimeError(f"{', '.join(absent)} are not installed; see tests/slurm/run.py")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    made = Cluster(folder, remembered)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


def _path() -> str:
    """Where programs are, those of daemons included."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def end_with_parent() -> None:
    """In a process that is being started: SIGKILL for it when who started it ends."""
    ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
