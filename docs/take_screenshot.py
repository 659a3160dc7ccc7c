"""Take the picture of a page that README shows: python docs/take_screenshot.py results/demo/report.html

Needs Chromium, and the page of a finished experiment.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).parent / "images" / "report.png"
SIZE = (1280, 900)  # of the window, in CSS pixels


def take(page: Path, target: Path, size: tuple[int, int] = SIZE) -> None:
    """Write what a window of `size` shows of `page` to the PNG file `target`."""
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if browser is None:
        sys.exit("take_screenshot: no Chromium on PATH; on Debian: apt install chromium")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(browser, "--headless", "--disable-gpu", "--hide-scrollbars", "--no-sandbox"),
                *(f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"),
                *("--virtual-time-budget=2000", f"--screenshot={target.resolve()}"),
                page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--target", type=Path, default=TARGET)
    given = parser.parse_args()
    if not given.page.is_file():
        sys.exit(f"take_screenshot: no file {given.page}; make demo first")
    take(given.page, given.target)
