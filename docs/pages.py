"""Pages whose tables are computed: each between `<!-- its name -->` and `<!-- end -->`."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path


def fill(page: Path, blocks: Mapping[str, Iterable[str]]) -> None:
    """Write the lines of `blocks`, by name, into those blocks that a page has."""
    text = page.read_text(encoding="utf-8")
    for name, lines in blocks.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.S)
        written = "\n".join(lines)
        text = block.sub(lambda match, new=written: f"{match[1]}{new}\n{match[2]}", text)
    page.write_text(text, encoding="utf-8")


def table_row(*cells: str) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
