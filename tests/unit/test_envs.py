"""The pinned environments agree with the one lock file."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(line.split("==") for line in lines if line)


@pytest.mark.parametrize("file", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda f: f.name)
def test_every_pin_of_an_environment_is_the_locks(file):
    pins = next(
        d["pip"] for d in yaml.safe_load(file.read_text())["dependencies"] if isinstance(d, dict)
    )
    assert len(pins) > 5
    assert dict(pin.split("==") for pin in pins).items() <= locked().items()


def test_hooks_check_with_the_locked_versions():
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    pins = dict(re.findall(r"\[(ruff|snakefmt)==([\d.]+)\]", text))
    assert len(pins) == 2 and pins.items() <= locked().items()


def test_the_lock_satisfies_the_project_and_names_no_build_or_place():
    lock = locked()
    project = (ROOT / "pyproject.toml").read_text()
    for name in re.findall(r'^    "([A-Za-z0-9._-]+)[>=]', project, re.M):
        assert name.lower() in lock, f"{name} is not locked: run make lock"
    text = (ROOT / "requirements.lock").read_text()
    assert "+" not in text and "://" not in text and "@" not in text


def test_environments_named_by_rules_exist():
    for rules in (ROOT / "workflow/rules").glob("*.smk"):
        for path in re.findall(r'"(\.\./\.\./envs/[^"]+)"', rules.read_text()):
            assert (rules.parent / path).exists(), f"{rules.name}: {path}"
