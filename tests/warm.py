"""Programs in processes of their own that need not import large libraries anew.

A server has imported them, and forks for each program: its folder, its environment, its output and
its exit code are its own, as in a run by hand. The modules of this project are never imported by
the server, so every program reads them as they are when it starts.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path


class Warm:
    """Runs programs after `modules` were imported; threads run theirs side by side."""

    def __init__(self, *modules: str) -> None:
        self.modules = modules
        self._own = threading.local()

    def run(
        self,
        words: Sequence[str | Path],
        *,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: int = 600,
        merge: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run `words`, a file or -m and a module, then arguments, as Python would.

        With `merge` errors are said in `stdout`, too, where they occur.
        """
        words = [str(word) for word in words]
        with tempfile.TemporaryDirectory() as folder:
            out, err = (Path(folder, name) for name in ("stdout", "stderr"))
            err.touch()
            asked = {
                "words": words, "cwd": str(cwd or Path.cwd()),
                "streams": [str(out), str(out if merge else err)],
                "env": dict(os.environ if env is None else env), "timeout": timeout,
            }  # fmt: skip
            server = self._server()
            assert server.stdin is not None and server.stdout is not None
            server.stdin.write(json.dumps(asked) + "\n")
            server.stdin.flush()
            code = int(server.stdout.readline())
            said = [stream.read_text(encoding="utf-8") for stream in (out, err)]
        return subprocess.CompletedProcess(words, code, *said)

    def _server(self) -> subprocess.Popen[str]:
        """The server of this thread; it ends with the process that reads it."""
        if not hasattr(self._own, "server"):
            self._own.server = subprocess.Popen(
                [sys.executable, __file__, *self.modules], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        server: subprocess.Popen[str] = self._own.server
        return server


def _serve(modules: Sequence[str]) -> list[str]:
    """Fork for every request; in the child, set up what was asked for, return the words to run."""
    for module in modules:
        import_module(module)
    answers, requests = os.dup(1), os.fdopen(os.dup(0), encoding="utf-8")
    while line := requests.readline():
        asked = json.loads(line)
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
            continue
        for stream, place in ((os.devnull, 0), *zip(asked["streams"], (1, 2), strict=True)):
            opened = os.open(stream, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            os.dup2(opened, place)
            os.close(opened)
        os.close(answers)
        requests.close()
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.dont_write_bytecode = bool(asked["env"].get("PYTHONDONTWRITEBYTECODE"))
        signal.alarm(asked["timeout"])
        words: list[str] = asked["words"]
        return words
    return []


if __name__ == "__main__":
    words = _serve(sys.argv[1:])
    if words[:1] == ["-m"]:
        sys.argv, sys.path[0] = words[1:], os.getcwd()
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words:
        sys.argv, sys.path[0] = words, str(Path(words[0]).resolve().parent)
        runpy.run_path(words[0], run_name="__main__")
