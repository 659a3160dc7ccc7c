"""Write the table of locked packages and their licences, as their own metadata state them.

python workflow/scripts/licences.py > docs/dependencies.md
"""

from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAD = """# Dependencies

Every package that `make` installs, at its pinned version, with the licence that its metadata state
(`make lock` renews this page). All are permissive, or weakly copyleft (MPL-2.0) and unmodified.

Known vulnerabilities: `make audit` asks PyPI's advisories about every pin, with pip-audit; it needs
the network, so the tests do not run it. (The one database that PyPI carries for use without it,
safety-db, ends in 2021, before all of these versions.)

Kept although they are hardly maintained:

- **vaderSentiment** (last release 2020): it *is* the lexicon method that is compared, in its authors'
  own implementation; pure Python, and a test checks its accuracy on IMDB against the value known.
- argparse-dataclass, conda-inject, connection-pool, humanfriendly, interface-meta and throttler come
  with Snakemake or statsmodels, which decide about them; none reads foreign data here.

| package | version | licence |
|---|---|---|
"""
# Of packages whose metadata name none: what their repositories' licence file says.
STATED_ELSEWHERE = {
    "conda-inject": "MIT",
    "snakemake-interface-common": "MIT",
    "snakemake-interface-logger-plugins": "MIT",
    "snakemake-interface-report-plugins": "MIT",
    "snakemake-interface-scheduler-plugins": "MIT",
    "snakemake-interface-storage-plugins": "MIT",
}


def locked() -> dict[str, str]:
    """Version by package of requirements.lock."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line)


def licence(package: str) -> str:
    """As the metadata of the installed package state it: SPDX expression, classifier or text."""
    facts = metadata(package)
    stated = [facts.get("License-Expression")]
    stated += [
        c.split(" :: ")[-1] for c in facts.get_all("Classifier", []) if c.startswith("License")
    ]
    stated += [(facts.get("License") or "").split("\n")[0], STATED_ELSEWHERE.get(package)]
    return next((text for text in stated if text), "unknown")


def page() -> str:
    rows = [f"| {name} | {version} | {licence(name)} |" for name, version in locked().items()]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(page(), end="")
