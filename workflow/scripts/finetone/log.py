"""Logging of a job: progress and uncaught tracebacks end up in the rule's log file."""

import logging
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType

from finetone.errors import UserError

logger = logging.getLogger("finetone")

# Libraries read these when imported, so a door opens its log first. Their progress bars and notes
# ("classifier.weight is newly initialized") would drown Snakemake's own progress.
QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}


def to_file(path: str | Path) -> None:
    """Send everything `finetone` logs, warnings and uncaught exceptions to `path`.

    A UserError is one line in the log and on the terminal; anything else leaves its traceback in
    the log and its last line on the terminal.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)
    logging.captureWarnings(True)

    def uncaught(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if isinstance(error, UserError):
            logger.error("%s", error)
            print(f"finetone: {error}", file=sys.stderr)
        else:
            logger.error("".join(traceback.format_exception(kind, error, trace)))
            print(f"finetone: {kind.__name__}: {error} (traceback in {path})", file=sys.stderr)

    sys.excepthook = uncaught
