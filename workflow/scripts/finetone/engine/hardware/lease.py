"""How the processes of a machine share its GPUs: each holds one until it ends."""

import errno
import re
import socket
import subprocess
import time
from collections.abc import Sequence

from finetone.log import logger

LISTED = re.compile(r"UUID: ((?:GPU|MIG)-[^)\s]+)\)")


class Lease:
    """One device of `names`, held by this process alone until it closes the lease or dies.

    The lease is a socket bound to the device's name in Linux's abstract namespace, which knows no
    folders: processes with different temporary folders, environments or users contend for the same
    name. The kernel drops it when its holder dies, however that happens, so no device is ever lost
    and none has two holders. A program that is executed does not inherit it. A forked process does:
    close the lease before forking workers that outlive the parent.

    Parameters
    ----------
    names
        What the hardware itself is called, so that one device has one name in every process.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._socket: socket.socket | None = None

    def try_acquire(self) -> str | None:
        """The name of a free device, now held; None when all are taken."""
        for name in self.names:
            held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                held.bind(f"\0finetone/{name}")
            except OSError as error:
                held.close()
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            self._socket = held
            return name
        return None

    def acquire(self, poll_seconds: float = 0.2) -> str:
        """The name of a free device, now held, waiting for one if need be."""
        waiting = False
        while (name := self.try_acquire()) is None:
            if not waiting:
                logger.info("all of GPUs %s are leased; waiting", ", ".join(self.names))
                waiting = True
            time.sleep(poll_seconds)
        return name

    def close(self) -> None:
        """Free the device."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def slices(visible: str) -> list[str]:
    """The slices of NVIDIA cards (MIG) in a list of visible devices, by their full names.

    Parameters
    ----------
    visible
        Content of CUDA_VISIBLE_DEVICES, which may abbreviate names.
    """
    names = [name for each in visible.split(",") if (name := each.strip()).startswith("MIG-")]
    known = _listed() if names else []
    found = [[full for full in known if full.startswith(name)] for name in names]
    full = [them[0] if len(them) == 1 else name for name, them in zip(names, found, strict=True)]
    return list(dict.fromkeys(full))


def _listed() -> list[str]:
    """The names of this machine's NVIDIA cards and of their slices; none if it cannot tell."""
    try:
        command = ["nvidia-smi", "-L"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return LISTED.findall(answer.stdout)
