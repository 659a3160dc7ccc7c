"""Stages in processes of their own: one that dies, hangs or breaks the GPU's context is replaced."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[2]
PATHS = [str(ROOT / folder) for folder in ("benchmarks", "", "workflow/scripts")]
BROKEN = 3  # how a worker ends that cannot use the GPU any more
SHORTEST = 10.0  # seconds an item may take at least before it counts as hanging


class Worker:
    """A process with everything imported, which works on the items it is given."""

    command: ClassVar = [sys.executable, "-m", "stages.working"]

    def __init__(self, device: str, threads: int) -> None:
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        paths = os.pathsep.join([*PATHS, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {
            **os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": str(threads),
            "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false",
        }  # fmt: skip
        if device == "cpu":
            environment["CUDA_VISIBLE_DEVICES"] = ""
        self.process = subprocess.Popen(
            self.command, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        self.closed = False  # whether it says nothing more
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def begin(self, task: dict[str, Any]) -> None:
        assert self.process.stdin
        with suppress(OSError):  # it has died already: `said` tells
            print(json.dumps(task), file=self.process.stdin, flush=True)

    def said(self, until: float) -> dict[str, Any] | None:
        """Its next row; None if it has ended, or says nothing before `until`."""
        try:
            line = self.lines.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None
        self.closed = line is None
        return None if line is None else json.loads(line)  # type: ignore[no-any-return]

    def end(self) -> tuple[str, int | None]:
        """End it.

        Returns
        -------
        log
            The end of what it wrote to standard error.
        code
            How it had ended by itself; None if it had not.
        """
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(0.5 if self.closed else 0)
        code = self.process.poll()
        self.process.kill()
        self.process.wait()
        self.log.seek(0)
        return self.log.read()[-2000:], code


def stage_rows(
    name: str, seconds: float, worker: Worker, another: Callable[[], Worker], task: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Rows of a stage until it is done or its clock ends; the last says which."""
    until = time.monotonic() + seconds
    done: list[str] = []
    while time.monotonic() < until:
        worker.begin({**task, "stage": name, "skip": done, "until": until})
        item, limit = None, until
        while (row := worker.said(limit)) is not None and "finished" not in row:
            if "begins" in row:
                item = row["begins"]
                done.append(item)
                limit = min(until, time.monotonic() + max(SHORTEST, 2 * row["share"]))
            else:
                yield row
        how, code = worker.end()
        if row is not None:
            yield row
            return
        if code != BROKEN:  # of which its last row told
            why = "the process died" if code is not None else "it took too long"
            why = "the stage's clock ended" if time.monotonic() >= until else why
            yield {"item": item, "traceback": f"{why}\n{how}"}
        if item is None and code is not None:  # it cannot even begin
            break
        worker = another()
    worker.end()
    yield {"finished": False}
