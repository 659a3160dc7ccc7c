"""Print the page of locked packages with their licences, as their own metadata state them.

Reads requirements.lock; the packages must be installed.

    finetone licences > docs/dependencies.md
"""

import argparse
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from finetone.commands import clone
from finetone.errors import UserError

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
# Licences of packages whose metadata name none, from the licence file in their repositories.
STATED_ELSEWHERE = {
    "conda-inject": "MIT",
    "snakemake-interface-common": "MIT",
    "snakemake-interface-logger-plugins": "MIT",
    "snakemake-interface-report-plugins": "MIT",
    "snakemake-interface-scheduler-plugins": "MIT",
    "snakemake-interface-storage-plugins": "MIT",
    "sysrsync": "MIT",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--lock", type=Path, metavar="FILE", help="default: requirements.lock")


def run(options: argparse.Namespace) -> int:
    """Print the page.

    Raises
    ------
    UserError
        The lock does not exist, or a package in it is not installed.
    """
    print(page(options.lock or clone.find("requirements.lock")), end="")
    return 0


def locked(lock: Path) -> dict[str, str]:
    """Versions by package, from a lock file."""
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"--lock {lock}: {error.strerror}") from None
    return dict(line.split("==") for line in lines if line)


def licence(package: str) -> str:
    """Licence of an installed package from its metadata: SPDX expression, classifier or text."""
    try:
        facts: Any = metadata(package)
    except PackageNotFoundError:
        raise UserError(f"{package}: locked but not installed; run make env") from None
    stated = [facts.get("License-Expression")]
    stated += [
        c.split(" :: ")[-1] for c in facts.get_all("Classifier", []) if c.startswith("License")
    ]
    stated += [(facts.get("License") or "").split("\n")[0], STATED_ELSEWHERE.get(package)]
    return next((text for text in stated if text), "unknown")


def page(lock: Path) -> str:
    """Return the content of docs/dependencies.md."""
    rows = [f"| {name} | {version} | {licence(name)} |" for name, version in locked(lock).items()]
    return HEAD + "\n".join(rows) + "\n"
