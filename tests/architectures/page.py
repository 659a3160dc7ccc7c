"""Write docs/models.md from the table of architectures: python -m tests.architectures.page"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import transformers
import yaml

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
TABLE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "table.yaml").read_text())
MEANING = {
    "unpadded": "Layers see real tokens only: fastest.",
    "padded": "Batches are padded on the right; on a CPU texts of similar length go together.",
    "padded on the left": "As before, but on the left: the head reads the last position.",
    "padded to equal length": "A text's logits depend on the padding beside it. Texts are predicted "
    "with texts of equal length alone, and trained as in a plain loop of padded batches.",
}
HEAD = """\
# Which models

Any checkpoint whose architecture transformers {version} classifies texts with can be named under
`models:`. For every architecture below a test saves a small pretrained body with plain transformers
and lets the project prepare, tokenize, train two epochs and predict it. It compares with plain
transformers, one text at a time, in fp32: start weights are equal, logits and losses without dropout
differ by less than 1e-5 relative. The texts have one token, the most tokens, end in the pad token, and
have special tokens as words. (`pytest tests/architectures`; this page is written by
`python -m tests.architectures.page`.)

What is new in a model, its classifier and perhaps a pooler, is in its manifest and on the page of
results. What was chosen for a run is in its `run.json`, under `execution`.
"""


def page() -> str:
    """The page, as Markdown."""
    parts = [HEAD.format(version=".".join(transformers.__version__.split(".")[:2]))]
    ways: dict[str, list[str]] = defaultdict(list)
    for kind, way in TABLE["compared"].items():
        ways[way].append(kind)
    for way, meaning in MEANING.items():
        names = ", ".join(f"`{kind}`" for kind in ways[way])
        parts.append(f"## {way.capitalize()}\n\n{meaning}\n\n{names}\n")
    parts.append("## Exceptions\n\n| architecture | |\n|---|---|")
    exceptions = [
        (kind, sentence)
        for part in ("fp32_only", "no_history", "other_attention", "not_compared")
        for kind, sentence in TABLE[part].items()
    ]
    parts.append("\n".join(f"| `{kind}` | {sentence} |" for kind, sentence in sorted(exceptions)))
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
