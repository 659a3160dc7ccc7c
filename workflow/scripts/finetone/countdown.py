"""How far a job is, in its log: lines that people read, and that `finetone run` shows.

Such a line has "<unit> <done>/<total>" somewhere and ends with "<seconds> s left".
"""

import re
import time

from finetone.log import logger

EVERY = 5.0  # seconds between two lines, at least
LINE = re.compile(r"\b(?P<unit>\w+) (?P<done>\d+)/(?P<total>\d+)\b.* (?P<left>\d+) s left$")


class Countdown:
    """Log how far a loop is, but at most every few seconds.

    Parameters
    ----------
    unit
        What is counted: "texts".
    total
        How many there are.
    """

    def __init__(self, unit: str, total: int) -> None:
        self.unit, self.total = unit, total
        self._began = self._logged = time.monotonic()

    def at(self, done: int) -> None:
        """Say that `done` of the total are done, if it is time to."""
        now = time.monotonic()
        if now - self._logged < EVERY or not done:
            return
        self._logged = now
        left = (now - self._began) / done * (self.total - done)
        logger.info("%s %d/%d, %.0f s left", self.unit, done, self.total, left)
