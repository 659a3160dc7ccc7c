"""Draw the packages of the library into docs/architecture.md: python docs/draw_architecture.py

Arrows between the packages of a stage are read from their imports, so that the picture changes with
the code; those that follow from others are left out. A package may also import those of the stages
before its own, which would fill the picture with arrows; the other way round is refused.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "workflow/scripts/finetone"
PAGE = ROOT / "docs/architecture.md"
BLOCK = re.compile(r"(?<=```mermaid\n).*?(?=```\n)", re.DOTALL)

# stage: its packages
STAGES = {
    "Obtain": ["hub", "readers", "data", "models"],
    "Train and predict": ["resampling", "engine", "engine/fast", "baselines", "tuning", "squad"],
    "Measure": ["statistics", "comparison", "tables", "published", "claims", "reproduction"],
    "Show": ["plots", "checks", "report", "cards"],
    "Use": ["labelling", "exporting"],
}
# what flows into the stages and out of the last, below results/<experiment> in between
FLOW = [
    "the hub,<br>wheels,<br>your files",
    "data/<br>models/<br>tokens/",
    "tuning/<br>runs/<br>speed/<br>predictions/",
    "tables/",
    "figures/<br>report.html<br>results.json<br>checkpoints/",
    "labelled/<br>export/",
]
# of no stage: the command line, what it proposes and shows, and what all use
COMMON = {"commands", "config", "experiment", "formats", "proposal", "proposal/looking"}
COMMON |= {"scheduling", "terminal"}
AGAINST = {
    ("cards", "engine"),  # a run that has ended writes the card of its checkpoint
    ("cards", "baselines"),  # and a probe that is fitted
    ("statistics", "engine"),  # a metric on the dev split chooses the epoch
    # and one on held-out training rows the strength of a probe's penalty
    ("statistics", "baselines"),
    ("statistics", "tuning"),  # and the setting
}

CLOSER = '%%{init: {"flowchart": {"nodeSpacing": 20, "rankSpacing": 24, "padding": 8}}}%%'

WITHIN = (
    "engine/hardware",
    "plots/",
    "report/",
    "statistics/",
    "tables/",
)  # shown as what they are in
Arrow = tuple[str, str]  # a package, and one that imports it


def arrows() -> list[Arrow]:
    """All imports within a stage that do not follow from others."""
    stage_of = {package: stage for stage, packages in STAGES.items() for package in packages}
    found = {str(file.parent.relative_to(LIBRARY)) for file in LIBRARY.glob("*/**/__init__.py")}
    # one stage, one box
    found = {path for path in found if not path.startswith(WITHIN)}
    if unknown := found ^ {*stage_of, *COMMON}:
        raise SystemExit(f"{__file__}: correct STAGES or COMMON: {', '.join(sorted(unknown))}")
    users: dict[str, set[str]] = {package: set() for package in stage_of}
    for file in LIBRARY.rglob("*.py"):
        user = package_of(str(file.relative_to(LIBRARY)), stage_of)
        for used in {package_of(name, stage_of) for name in imports(file)} - {user, ""}:
            if user:
                users[used].add(user)
    order = list(STAGES)
    pairs = [(used, user) for used in stage_of for user in stage_of if user in users[used]]
    for used, user in set(pairs) - AGAINST:
        if order.index(stage_of[used]) > order.index(stage_of[user]):
            raise SystemExit(f"{user} imports {used} of a later stage")
    return [
        (used, user)
        for used, user in pairs
        if stage_of[used] == stage_of[user]
        and not any(user in above(other, users, {used}) for other in users[used] - {user})
    ]


def package_of(path: str, packages: Iterable[str]) -> str:
    """The innermost of `packages` that a path below the library is in, or is; else ""."""
    return max((p for p in packages if f"{path}/".startswith(f"{p}/")), key=len, default="")


def imports(file: Path) -> list[str]:
    """Paths below the library of all that a module imports from it."""
    nodes = [
        node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)
    ]
    names = [f"{node.module}.{alias.name}" for node in nodes for alias in node.names]
    return [
        name.partition(".")[2].replace(".", "/") for name in names if name.startswith("finetone.")
    ]


def above(package: str, users: dict[str, set[str]], seen: set[str]) -> set[str]:
    """All packages that import `package`, directly or not, on ways that avoid `seen`."""
    new = users[package] - seen
    return new.union(*(above(user, users, seen | new) for user in new))


def picture() -> str:
    """The picture in the language of mermaid, which GitHub draws."""
    lines = [CLOSER, "flowchart LR", f'  files0(["{FLOW[0]}"])']
    for number, ((stage, packages), files) in enumerate(zip(STAGES.items(), FLOW[1:], strict=True)):
        inner = [f'{node(package)}["{package}"]' for package in packages]
        inner += [f"{node(used)} --> {node(user)}" for used, user in arrows() if user in packages]
        lines += [
            f'  subgraph stage{number}["{stage}"]',
            "    direction TB",
            *(f"    {line}" for line in inner),
            "  end",
            f'  files{number} ==> stage{number} ==> files{number + 1}(["{files}"])',
        ]
    return "\n".join(lines) + "\n"


def node(package: str) -> str:
    return package.replace("/", "_")


if __name__ == "__main__":
    PAGE.write_text(BLOCK.sub(lambda _: picture(), PAGE.read_text()))
