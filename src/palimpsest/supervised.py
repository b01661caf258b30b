"""A command and all that it starts, ended together, however the one ends who started it.

The command leads a process group of its own: Ctrl-C does not reach it but through `end`. A watcher,
which outlives even a SIGKILL of the process that started the command, then ends what is left.
"""

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence

import psutil

PATIENCE = 5.0  # seconds that processes have to end by themselves
TICK = 1.0  # seconds


class Supervised:
    """A command that runs, its output, and its end.

    Args:
        command: words of it; its output and its errors are read by `lines`.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.child = subprocess.Popen(
            command, text=True, errors="replace", process_group=0,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.group = self.child.pid
        self._release = _watch(self.group)

    def lines(self) -> Iterator[str | None]:
        """What the command says, line by line; None whenever it says nothing for a second."""
        said: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            assert self.child.stdout is not None
            for line in self.child.stdout:
                said.put(line.rstrip("\n"))
            said.put(None)

        threading.Thread(target=read, daemon=True).start()
        while True:
            try:
                line = said.get(timeout=TICK)
            except queue.Empty:
                if self.child.poll() is not None:  # a process that it left holds the pipe
                    return
                yield None
                continue
            if line is None:
                return
            yield line

    def suspend(self) -> None:
        """Stop the command and this process, until this one is continued (Ctrl-Z, fg)."""
        os.killpg(self.group, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.killpg(self.group, signal.SIGCONT)

    def end(self) -> None:
        """End what still runs of the command, and the watcher."""
        end(self.group)
        with contextlib.suppress(OSError):
            os.write(self._release, b".")
            os.close(self._release)


def end(group: int) -> None:
    """End a process group and what its leader started beyond it: asked first, then killed."""
    left = _members(group)
    if not left:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGCONT)
        os.killpg(group, signal.SIGINT)
    psutil.wait_procs(left, timeout=PATIENCE)
    left = [*(process for process in left if process.is_running()), *_members(group)]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=PATIENCE)


def _members(group: int) -> list[psutil.Process]:
    """The living processes of a group, and all that descends from its leader."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process)
    with contextlib.suppress(psutil.Error):
        found.update(psutil.Process(group).children(recursive=True))
    return list(found)


def _watch(group: int) -> int:
    """Start the watcher of a group. A byte for what is returned releases it; its end alone, as at
    this process's end, makes the watcher end the group."""
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            os.setsid()  # away from this process's terminal and its signals
            os.close(write)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            if not os.read(read, 1):
                end(group)
        finally:
            os._exit(0)
    os.close(read)
    return write
