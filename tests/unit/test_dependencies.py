"""What is installed is pinned, and free to use as we use it."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
FREE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|Public Domain|Zlib"
)


def test_the_page_lists_every_locked_package_with_a_free_licence():
    script = runpy.run_path(str(ROOT / "workflow/scripts/licences.py"))
    written = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!package)([\w.-]+) \| ([^ ]+) \| (.+) \|$", written, re.M)
    assert {name: version for name, version, _ in rows} == script["locked"](), "run make lock"
    for name, _, licence in rows:
        assert licence == script["licence"](name), f"{name}: run make lock"
        assert FREE.search(licence) and not re.search(r"\bA?GPL", licence), f"{name}: {licence}"
