"""Processes that are forked with all imports done, which take most of the seconds of a short one."""

import atexit
import contextlib
import multiprocessing
import os
import re
import runpy
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import cache
from importlib import import_module
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, NoReturn

from snakemake import cli
from snakemake.script import PythonScript

from finetone.config import catalogue, checking
from tests import ROOT

# What every dry run imports and reads of the workflow itself, so that no fork does.
for rules in (ROOT / "workflow/rules").glob("*.smk"):
    for name in re.findall(r"^from (finetone[\w.]*) import", rules.read_text(), re.M):
        import_module(name)
checking._rules(ROOT / "workflow/schemas/config.schema.yaml")
catalogue.load()


def in_fork(work: Callable[[], Any]) -> Any:
    """The result of `work`, called in a copy of this process, whatever it does to its globals.

    It must not compute with torch: where this process has, its threads would be waited for in vain.
    """
    return _result(multiprocessing.get_context("fork"), work, ())


def in_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a module's function, called in a process that has none of this one's threads."""
    return _result(_server(), work, arguments)


def snakemake(
    arguments: list[str], folder: Path, environment: dict[str, str], timeout: float, umask: int
) -> subprocess.CompletedProcess[str]:
    """The command with these arguments, after it has ended; its jobs are forked from it."""
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place, name) for name in ("out", "err")]
        given = (arguments, folder, environment, files, umask)
        process = _server().Process(target=_command, args=given)
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, timeout)
        texts = [file.read_text() for file in files]
    return subprocess.CompletedProcess(arguments, process.exitcode, *texts)


@cache
def _server() -> Any:
    """Where processes are forked from another that has only imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.workflow.preloaded"])
    with contextlib.chdir(ROOT):  # where it finds that module
        forkserver.ensure_running()
    return context


def _result(context: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    ours, theirs = context.Pipe()
    process = context.Process(target=_call, args=(theirs, work, arguments))
    process.start()
    theirs.close()
    try:
        result, error = ours.recv()
    except EOFError:
        result, error = None, "the process died"
    process.join()
    if error:
        raise RuntimeError(error)
    return result


def _call(connection: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        connection.send((work(*arguments), None))
    except BaseException as error:
        connection.send((None, f"{error}\n{traceback.format_exc()}"))


def _command(
    arguments: list[str], folder: Path, environment: dict[str, str], files: list[Path], umask: int
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for file, descriptor in zip(files, (1, 2), strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    if umask >= 0:
        os.umask(umask)
    sys.argv = ["snakemake", *arguments]
    PythonScript._execute_cmd = _start
    cli.main(arguments)


def _start(script: Any, command: str, *, fname: str, **_: Any) -> None:
    """Run the file of a script as Snakemake does, but for the start of another Python."""
    child = os.fork()
    if not child:
        _run(fname, str(script.threads))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise subprocess.CalledProcessError(status, fname)


def _run(file: str, threads: str) -> NoReturn:
    atexit._clear()  # what ends the process of Snakemake is not to end here
    # other threads, which are not in this process, may have held the locks of the old ones
    sys.stdout, sys.stderr = (os.fdopen(i, "w", buffering=1, closefd=False) for i in (1, 2))
    sys.argv = [file]
    os.environ["OMP_NUM_THREADS"] = threads
    status = 1
    try:
        runpy.run_path(file, run_name="__main__")
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(status)
