"""The log of a job: progress and uncaught tracebacks are written to the rule's log file."""

import atexit
import logging
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from finetone import attempts
from finetone.errors import UserError
from finetone.masking import mask

logger = logging.getLogger("finetone")

# Libraries read these when they are imported, so a script opens its log first. Their progress bars
# and notes ("classifier.weight is newly initialized") would hide Snakemake's progress.
QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
MEMORY = (
    "memory ended; run fewer jobs at once (--cores, --resources mem_mb=…), lower the recipe's "
    "batch_size or max_length, or give the job more (resources: mem_mb); what was saved stays"
)
INTERRUPTED = "interrupted; run again to go on"


class MaskedRecord(logging.LogRecord):
    """A log record, of any logger, in which passwords are masked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0]:  # handlers use this text instead of formatting one
            self.exc_text = mask("".join(traceback.format_exception(*self.exc_info))).rstrip()

    def getMessage(self) -> str:
        """The message, masked."""
        return mask(super().getMessage())


logging.setLogRecordFactory(MaskedRecord)


def to_file(path: str | Path) -> None:
    """Send everything that `finetone` logs, warnings and uncaught exceptions to a file.

    A UserError is one line in the log and on the terminal, and the job is not sent again. For any other error, the traceback is in
    the log, and on the terminal is its last line, or that memory ran out. An interruption (Ctrl-C,
    a scheduler's SIGTERM) is one line. What failed attempts wrote there is kept. Passwords are
    masked.

    Parameters
    ----------
    path
        The log file.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    ended_well = attempts.begin(Path(path))
    atexit.register(ended_well)
    handler = logging.FileHandler(path, mode="a", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)
    logging.captureWarnings(True)

    def uncaught(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        atexit.unregister(ended_well)
        if isinstance(error, KeyboardInterrupt):
            for number in (signal.SIGINT, signal.SIGTERM):  # a second one must not interrupt this
                signal.signal(number, signal.SIG_IGN)
            logger.error(INTERRUPTED)
            on_terminal(INTERRUPTED)
        elif isinstance(error, UserError):
            attempts.refuse(Path(path))
            logger.error("%s", error)
            on_terminal(str(error))
        else:
            logger.error("".join(traceback.format_exception(kind, error, trace)))
            said = mask(f"{kind.__name__}: {error}")
            if out_of_memory(error):
                said = MEMORY
                logger.error(said)
            on_terminal(f"{said} (traceback in {path})")

    def uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
        logger.error("a thread ended early", exc_info=args.exc_value)

    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    refuse_endpoint()


def on_terminal(line: str) -> None:
    """Print a line to standard error.

    It is one write, because Snakemake writes its own lines to the same stream at the same time.
    """
    sys.stderr.write(f"finetone: {line}\n")
    sys.stderr.flush()


def refuse_endpoint() -> None:
    """Refuse an address of the hub that its client cannot parse.

    The client would fail while it is imported, and print the address with its password.

    Raises
    ------
    UserError
        HF_ENDPOINT is not an address.
    """
    try:
        _ = urlsplit(os.environ.get("HF_ENDPOINT", "")).port
    except ValueError:
        raise UserError(
            "HF_ENDPOINT: is no address like https://host:port; in a user's name or password write "
            "the characters / ? # @ : as %2F %3F %23 %40 %3A"
        ) from None


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out.

    It may be of Python, numpy or pyarrow, of torch on a GPU, or a bare RuntimeError of torch on a
    CPU. C code that got no memory and set no exception leaves a SystemError "… without exception
    set".
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    words = str(error)
    if isinstance(error, SystemError):
        return "without exception set" in words
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in words or "not enough memory" in words
    )
