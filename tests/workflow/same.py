"""Compare two finished experiments: everything but measured time must be equal."""

from pathlib import Path

import pandas as pd

# these hold measured seconds, so they differ from run to run
TIMED = {
    "tables/main.csv", "tables/efficiency.csv", "tables/baselines.csv", "figures/accuracy-time.svg", "figures/accuracy-inference.svg",
    "tables/planning.csv", "tables/variance.csv", "tables/recommendation.csv", "report.html", "results.json",
    # their records name the hash of such a table
    "tables/main.csv.json", "tables/efficiency.csv.json", "tables/baselines.csv.json",
    "tables/planning.csv.json", "tables/variance.csv.json", "tables/recommendation.csv.json",
    "figures/accuracy-parameters.svg", "figures/methods.svg",
}  # fmt: skip


def differences(one: Path, other: Path) -> list[str]:
    """Names of final artifacts that differ or are missing: histories and predictions bit for bit,
    tables, pictures, weights and audits byte for byte."""
    found = []
    for file in sorted(p for p in one.rglob("*") if p.is_file()):
        name = str(file.relative_to(one))
        if name in TIMED or not name.startswith(
            ("predictions", "runs", "tables", "figures", "data", "audit", "tokens", "models")
        ):
            continue
        if file.name in ("run.json", "README.md", ".snakemake_timestamp"):
            continue
        if not (other / name).exists():
            found.append(f"{name} is missing")
        elif file.name == "history.parquet":
            a, b = (pd.read_parquet(p).drop(columns="seconds") for p in (file, other / name))
            if not a.equals(b):
                found.append(name)
        elif file.read_bytes() != (other / name).read_bytes():
            found.append(name)
    return found
