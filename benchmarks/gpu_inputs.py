"""What gpu.py needs on a machine with a GPU and nothing else: IMDB as tokens, and MiniLM's weights.

    python benchmarks/gpu_inputs.py --train TRAIN.parquet --test TEST.parquet --model FOLDER

The tables have columns `text` and `label` (0 and 1), such as those in `results/…/data/imdb/`; the folder
is a MiniLM-L6 with its tokenizer, such as `results/demo/models/minilm-l6`. All files together have less
than 50 MiB: tokens are 16-bit and, as the bf16 weights, compressed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "workflow" / "scripts")]

from stages.texts import ZSTD, write_weights  # noqa: E402

from finetone.data.tokenization import tokenize  # noqa: E402

MAX_LENGTH = 512
LIMIT = 50 * 2**20  # bytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("train", "test", "model"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE.parent / "results" / "gpu-inputs")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for split in ("train", "test"):
        write_split(getattr(given, split), given.model, given.out / f"{split}.arrow")
    weights = load_file(given.model / "model.safetensors")
    write_weights(given.out / "minilm.arrow", names_of_a_classifier(weights))
    (given.out / "minilm.json").write_bytes((given.model / "config.json").read_bytes())
    sizes = {file.name: file.stat().st_size for file in sorted(given.out.iterdir())}
    for name, size in sizes.items():
        print(f"{name}: {size / 2**20:.1f} MiB")
    if sum(sizes.values()) > LIMIT:
        sys.exit(
            f"{given.out}: {sum(sizes.values()) / 2**20:.1f} MiB, more than the {LIMIT >> 20} allowed"
        )


def write_split(source: Path, model: Path, target: Path) -> None:
    """A token file whose ids are 16-bit and compressed; `read_tokens` reads it as any other."""
    columns = pq.read_table(source, columns=["text", "label"])
    rows = {
        "id": pa.array(range(len(columns)), pa.int64()),
        "text": columns["text"].cast(pa.string()), "label": columns["label"].cast(pa.int16()),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        table, tokens = Path(folder) / "split.parquet", Path(folder) / "tokens.arrow"
        pq.write_table(pa.table(rows), table)
        tokenize(table, model, ["negative", "positive"], MAX_LENGTH, tokens)
        with pa.ipc.open_file(str(tokens)) as reader:
            found = reader.read_all()
    small = found.schema.set(2, pa.field("input_ids", pa.list_(pa.uint16())))
    with pa.ipc.new_file(str(target), small, options=ZSTD) as writer:
        writer.write_table(found.cast(small))


def names_of_a_classifier(weights: dict) -> dict:
    """Weights of a body alone are those of `bert` in a classifier."""
    alone = not any(name.startswith("bert.") for name in weights)
    return {
        f"bert.{name}" if alone else name: weight
        for name, weight in weights.items()
        if weight.is_floating_point() and "classifier" not in name
    }


if __name__ == "__main__":
    main()
