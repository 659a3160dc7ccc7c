"""How fast a table of texts becomes the split files of a dataset, and with how much memory.

    python benchmarks/reading.py --rows 2000000 --megabytes 1000        # CSV; --kind jsonl, json …
    python benchmarks/reading.py --propose                              # by `finetone new`

Writes a table of reviews (words, commas, some quotes and line breaks) into a temporary folder, then
prepares it in a process of its own that may use one core: a fifth is cut off as test rows.
"""

import argparse
import csv
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

WORDS = [
    "film", "the", "of", "a", "wonderful", "dull", "plot,", "and", "café", "actor", "was", "it",
    "scene", "not", "very", "1999", '"great"', "music;", "<br />", "never", "again.", "story",
]  # fmt: skip
LABELS = ["negative", "positive"]


def write(path: Path, kind: str, rows: int, size: int) -> None:
    """A table of `rows` rows and about `size` bytes."""
    draw = random.Random(0)
    mean = size // rows - 10
    pool = [" ".join(draw.choices(WORDS, k=mean // 5)) for _ in range(2000)]
    texts = (f"{i} {pool[draw.randrange(2000)]}"[:mean] for i in range(rows))
    with path.open("w", newline="", encoding="utf-8") as stream:
        if kind in ("csv", "tsv"):
            writer = csv.writer(stream, delimiter="," if kind == "csv" else "\t")
            writer.writerow(["id", "text", "label"])
            for i, text in enumerate(texts):
                said = text.replace('"', "") if kind == "tsv" else text
                writer.writerow([i, said, LABELS[i % 2]])
            return
        start, between, end = ("[", ",\n", "]") if kind == "json" else ("", "\n", "\n")
        stream.write(start)
        for i, text in enumerate(texts):
            row = {"text": text, "label": LABELS[i % 2]}
            stream.write(between * (i > 0) + json.dumps(row, ensure_ascii=False))
        stream.write(end)


def prepare(path: Path, target: Path, told: Any) -> None:
    """Prepare the dataset on one core; tell seconds and the peak of memory in MB."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import pyarrow as pa

    from finetone.data import download

    pa.set_cpu_count(1)
    block = {"file": str(path), "text": "text", "label": "label", "labels": LABELS}
    begun, used = time.perf_counter(), time.process_time()
    download.prepare("reviews", {**block, "split": {"test": 0.2}}, target, None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    told.put((time.perf_counter() - begun, time.process_time() - used, peak))


def propose(path: Path, target: Path, told: Any) -> None:
    """Look at the table as `finetone new` does; tell the same."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from finetone import cli

    begun, used = time.perf_counter(), time.process_time()
    cli.main(["new", str(path), "--offline", "--output", f"{target}.yaml"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    told.put((time.perf_counter() - begun, time.process_time() - used, peak))


def main() -> None:
    """Write, prepare, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--kind", choices=["csv", "tsv", "jsonl", "json"], default="csv")
    parser.add_argument("--propose", action="store_true", help="measure `finetone new` instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"reviews.{options.kind}")
        write(path, options.kind, options.rows, options.megabytes * 10**6)
        size = path.stat().st_size / 1e6
        context = multiprocessing.get_context("spawn")
        told = context.Queue()
        work = propose if options.propose else prepare
        process = context.Process(target=work, args=(path, Path(folder, "data"), told))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(process.exitcode)
        wall, used, peak = told.get()
    print(
        f"{options.kind}: {options.rows:,} rows, {size:,.0f} MB in {wall:.1f} s ({used:.1f} s of one "
        f"core, {size / used:.0f} MB/s), peak of memory {peak:,} MB"
    )


if __name__ == "__main__":
    main()
