"""The questions of SQuAD v1.1: downloaded by a job with network, read by one that trains."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetone import files
from finetone.config.blocks import Hub
from finetone.errors import UserError
from finetone.hub import client, faults
from finetone.hub.repository import Repository
from finetone.provenance import Provenance, keys_of
from finetone.squad.windows import Question


def download(
    source: Hub, config_key: str, target: Path, provenance: Provenance | None = None
) -> None:
    """Write `train.jsonl`, `validation.jsonl` and `manifest.json` of a hub data set to a folder.

    Parameters
    ----------
    source
        Has `id`, and may have `revision` and `config`.
    config_key
        Where `source` is in the configuration, for messages.
    target
        Folder to write.
    provenance
        Is recorded.

    Raises
    ------
    UserError
        As `load_questions` does.
    """
    train, validation, commit = load_questions(source, config_key)
    with files.atomic(target) as partial:
        partial.mkdir()
        for split, questions in {"train": train, "validation": validation}.items():
            with (partial / f"{split}.jsonl").open("w", encoding="utf-8") as stream:
                for question in questions:
                    stream.write(json.dumps(asdict(question), ensure_ascii=False) + "\n")
        rows = {"train": len(train), "validation": len(validation)}
        asked = source.get("revision", "main")
        hashes = {file.name: files.sha256(file) for file in sorted(partial.iterdir())}
        facts = keys_of(provenance) | {
            "id": source["id"],
            "asked": asked,
            "revision": commit,
            "rows": rows,
            "files": hashes,
            "content": files.checksum(hashes),
        }
        files.write_json(partial / "manifest.json", facts)


def read(path: Path) -> list[Question]:
    """The questions of a file that `download` wrote."""
    with path.open(encoding="utf-8") as stream:
        return [Question(**json.loads(line)) for line in stream]


def load_questions(source: Hub, config_key: str) -> tuple[list[Question], list[Question], str]:
    """Load a data set of the hub.

    Parameters
    ----------
    source, config_key
        As of `download`.

    Returns
    -------
    tuple
        Training questions, validation questions, and the commit they are of.

    Raises
    ------
    UserError
        The hub or the data set cannot be reached, or has another layout than SQuAD.
    """
    from datasets import load_dataset

    repository = Repository.of("dataset", source, config_key)
    repo = repository.id
    commit, _ = client.dataset_commit(repository)
    try:
        data = load_dataset(repo, name=repository.config, revision=commit)
        train, validation = ([_question(row) for row in data[s]] for s in ("train", "validation"))
        return train, validation, commit
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{config_key}.hub: {repo} is not laid out as SQuAD v1.1 ({error}); it needs the splits "
            "train and validation with id, question, context and answers"
        ) from None
    except Exception as error:  # the data set client wraps errors of the hub in many of its own
        raise UserError(faults.sentence(error, repository)) from error


def _question(row: dict[str, Any]) -> Question:
    answers = row["answers"]
    return Question(
        row["id"], row["question"], row["context"], answers["text"], answers["answer_start"]
    )
