"""What is installed is pinned, and free to use as we use it."""

import re
from pathlib import Path

from finetone.commands.licences import licence, locked

ROOT = Path(__file__).parents[2]
FREE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|Public Domain|Zlib"
)


def test_the_page_lists_every_locked_package_with_a_free_licence():
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!package)([\w.-]+) \| ([^ ]+) \| (.+) \|$", page, re.M)
    assert {name: version for name, version, _ in rows} == locked(ROOT / "requirements.lock")
    for name, _, written in rows:
        assert written == licence(name), f"{name}: run make lock"
        assert FREE.search(written) and not re.search(r"\bA?GPL", written), f"{name}: {written}"
