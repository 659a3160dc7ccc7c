"""Checkpoints in a form that can be published: weights, tokenizer, and a card with our metrics.

A probe takes the frozen model with it that it reads with.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from finetone.baselines.fit_predict import FACTS
from finetone.baselines.probe import encoder_of
from finetone.cards.model_index import About, write_card
from finetone.files import STAMP, atomic, read_json, write_json
from finetone.formats import run_record
from finetone.formats.temperature import read
from finetone.identity import without
from finetone.provenance import Provenance, keys_of

TEMPERATURE = "temperature.json"
ENCODER = "encoder"  # folder of a probe's frozen model


def export_checkpoints(
    checkpoints: Sequence[Path],
    results: Path,
    target: Path,
    temperatures: Sequence[Path] = (),
    data: Sequence[Path] = (),
    languages: Mapping[str, Sequence[str]] | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Fill a folder with `<method>-seed<k>/` for every checkpoint and probe.

    Files are hard links to the run's own where the file system supports them, which costs no space.
    README.md is new: the run's card with use, results and all that model hubs ask for. Where the dataset has a
    dev split, `temperature.json` holds what the logits are to be divided by.

    Parameters
    ----------
    checkpoints
        Every `runs/<method>/seed<k>/checkpoint`, and the `model` of every probe.
    results
        The file results.json.
    target
        The folder to make.
    temperatures
        Every `temperatures/<method>/seed<k>.json`, or none.
    data
        Every `data/<dataset>`.
    languages
        {model: codes of the languages that it reads}, as far as they are known.
    provenance
        Its record.

    Raises
    ------
    UserError
        A checkpoint is not the one that its run.json describes.
    """
    for checkpoint in checkpoints:
        run_record.check(checkpoint.with_name("run.json"), checkpoint.name)
    known = {(path.parent.name, path.stem): path for path in temperatures}
    sources = {path.name: read_json(path / "manifest.json")["source"] for path in data}
    hubs = {name: source["id"] for name, source in sources.items() if source["kind"] == "hub"}
    with atomic(target) as partial:
        partial.mkdir()
        for checkpoint in checkpoints:
            method, seed = checkpoint.parts[-3], int(checkpoint.parts[-2].removeprefix("seed"))
            folder = partial / f"{method}-seed{seed}"
            folder.mkdir()
            found = known.get((method, f"seed{seed}"))
            about = About(hubs, (languages or {}).get(method, ()), read(found) if found else None)
            for file in sorted(checkpoint.iterdir()):
                if file.name == "README.md":
                    write_card(file, results, method, seed, folder / file.name, about)
                elif file.name == FACTS:
                    _with_encoder(file, folder)
                elif file.name != STAMP:
                    _link(file, folder / file.name)
            if found:
                _link(found, folder / TEMPERATURE)
        write_json(partial / "manifest.json", keys_of(provenance))


def _with_encoder(facts: Path, folder: Path) -> None:
    """Put a probe's frozen model into its folder, and say so in what it knows of itself."""
    about = read_json(facts)
    source, target = encoder_of(facts.parent, about["facts"]), folder / ENCODER
    target.mkdir()
    for file in sorted(source.iterdir()):
        if file.name != STAMP:
            _link(file, target / file.name)
    about["facts"]["encoder"] = ENCODER
    write_json(folder / facts.name, without(about, "schema_version", "checksum"))


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
