"""How fast a file of short texts is labelled, and with how much memory.

    python benchmarks/labelling.py results/demo --rows 1000000 --method minilm-l6

Writes a CSV of snippets made of the experiment's own test texts into a temporary folder and labels it in a
process of its own, as `finetone label` does. Beside it, what the engine alone takes to predict the same texts
once they are tokens (of at most --engine rows), in a process of its own, too.
"""

import argparse
import csv
import multiprocessing
import os
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from finetone import log


def write(path: Path, texts: list[str], rows: int, words: int) -> None:
    """A CSV of `rows` texts of at most so many words."""
    draw = random.Random(0)
    pool = [word for text in texts for word in text.split()]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text"])
        for i in range(rows):
            start, length = draw.randrange(len(pool) - words), draw.randint(3, words)
            writer.writerow([i, " ".join(pool[start : start + length])])


def label(results: Path, file: Path, method: str | None, threads: int, told: Any) -> None:
    """Label the file; tell seconds and the peak of memory in MB."""
    from finetone.labelling import label as labelling
    from finetone.labelling.choice import choose
    from finetone.labelling.progress import for_terminal
    from finetone.labelling.sources import table_in, training_split

    choice = choose(results, method)
    train = training_split(results, choice.runs[0].record.dataset)
    begun = time.perf_counter()
    labelling.label(
        choice, table_in(file, file.name, None, None), "text", file.with_name("out.csv"),
        train=train, threads=threads, progress=for_terminal(),
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    told.put((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10))


def predict(
    results: Path, file: Path, method: str | None, threads: int, rows: int, told: Any
) -> None:
    """Classify so many texts of the file, which are tokens already; tell texts per second."""
    from finetone.labelling.choice import choose
    from finetone.labelling.classifiers import loaded

    with file.open(newline="", encoding="utf-8") as stream:
        texts = [row["text"] for row, _ in zip(csv.DictReader(stream), range(rows), strict=False)]
    with loaded(choose(results, method), threads) as classifier:
        tokens = classifier.prepare(texts)
        classifier.logits(classifier.prepare(texts[:64]))  # loads the model
        begun = time.perf_counter()
        classifier.logits(tokens)
        told.put(len(texts) / (time.perf_counter() - begun))


def main() -> None:
    """Write, label, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--words", type=int, default=12, help="of a text, at most")
    parser.add_argument("--engine", type=int, default=20_000, help="rows for the engine alone")
    parser.add_argument("--method")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    os.environ.update(log.QUIET)
    split = next(options.results.glob("data/*/test.parquet"))
    texts = pq.read_table(split, columns=["text"])["text"].to_pylist()
    fork = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "new.csv")
        write(file, texts, options.rows, options.words)
        told = fork.Queue()
        given = (options.results, file, options.method, options.threads)
        for target, more in ((label, ()), (predict, (options.engine,))):
            process = fork.Process(target=target, args=(*given, *more, told))
            process.start()
            process.join()
            if target is label:
                seconds, peak = told.get()
                print(
                    f"{options.rows:,} rows: {seconds:.0f} s, {options.rows / seconds:,.0f} texts/s, {peak:,} MB"
                )
            else:
                print(f"engine alone: {told.get():,.0f} texts/s")


if __name__ == "__main__":
    main()
