"""Questions about a text as overlapping windows of tokens, and windows' answers as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from finetone.errors import UserError

CHUNK = 1000  # questions tokenized at a time
BEST = 20  # starts and ends considered per window
LONGEST_ANSWER = 30  # tokens


@dataclass(frozen=True)
class Question:
    """`answers` and, in characters of `context`, where each begins."""

    id: str
    question: str
    context: str
    answers: list[str]
    starts: list[int]


@dataclass(frozen=True, eq=False)
class Window:
    """A question and a stretch of its context: `ids`, `types` int [t], `offsets` int32 [t, 2].

    `offsets` are character ranges in the context, (-1, -1) for tokens that are not of it.
    `start`, `end` are the tokens of the first answer, both `cls` if it is not wholly inside.
    """

    question: int
    ids: np.ndarray
    types: np.ndarray
    offsets: np.ndarray
    cls: int
    start: int
    end: int


def windows(
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[Question],
    max_length: int,
    stride: int,
    config_key: str,
) -> Iterator[Window]:
    """Cut every question's context into windows of `max_length` tokens that overlap by `stride`.

    Raises
    ------
    UserError
        A question is so long, or the stride so large, that no new context fits.
    """
    for begin in range(0, len(questions), CHUNK):
        chunk = questions[begin : begin + CHUNK]
        try:
            encoded = tokenizer(
                # white space in front of a question would count towards its length
                [q.question.strip() for q in chunk],
                [q.context for q in chunk],
                truncation="only_second",
                max_length=max_length,
                stride=stride,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
                return_token_type_ids=True,
            )
        except BaseException as error:
            # the Rust tokenizer panics when the stride leaves no room; a panic is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
                raise
            raise UserError(
                f"{config_key}: with max_length {max_length} and stride {stride} some question leaves "
                "no room for its text; raise max_length or lower stride"
            ) from None
        for i, local in enumerate(encoded["overflow_to_sample_mapping"]):
            ids = np.asarray(encoded["input_ids"][i], dtype=np.int32)
            inside = np.asarray([s == 1 for s in encoded.sequence_ids(i)])
            offsets = np.asarray(encoded["offset_mapping"][i], dtype=np.int32)
            offsets[~inside] = -1
            found = np.flatnonzero(ids == tokenizer.cls_token_id)
            cls = int(found[0]) if len(found) else 0
            start, end = _answer_tokens(chunk[local], offsets, inside, cls)
            types = np.asarray(encoded["token_type_ids"][i], dtype=np.int8)
            yield Window(begin + local, ids, types, offsets, cls, start, end)


def _answer_tokens(
    question: Question, offsets: np.ndarray, inside: np.ndarray, cls: int
) -> tuple[int, int]:
    """First and last token of the question's first answer, or twice `cls`."""
    context = np.flatnonzero(inside)
    if not question.answers or not len(context):
        return cls, cls
    begin = question.starts[0]
    finish = begin + len(question.answers[0])
    if offsets[context[0], 0] > begin or offsets[context[-1], 1] < finish:
        return cls, cls
    first = context[np.flatnonzero(offsets[context, 0] <= begin)[-1]]
    last = context[np.flatnonzero(offsets[context, 1] >= finish)[0]]
    return int(first), int(max(first, last))


def collate(
    batch: Sequence[Window], pad: int, device: torch.device, types: bool
) -> dict[str, torch.Tensor]:
    """Right-padded int64 `input_ids`, `attention_mask` and, if wanted, `token_type_ids` [b, t]."""
    width = max(len(window.ids) for window in batch)
    ids = np.full((len(batch), width), pad, dtype=np.int64)
    mask = np.zeros((len(batch), width), dtype=np.int64)
    kinds = np.zeros((len(batch), width), dtype=np.int64)
    for row, window in enumerate(batch):
        n = len(window.ids)
        ids[row, :n], mask[row, :n], kinds[row, :n] = window.ids, 1, window.types
    inputs = {"input_ids": ids, "attention_mask": mask}
    if types:
        inputs["token_type_ids"] = kinds
    return {name: torch.from_numpy(array).to(device) for name, array in inputs.items()}


def best_span(start: np.ndarray, end: np.ndarray, window: Window) -> tuple[float, int, int] | None:
    """(score, first, last character) of the likeliest answer in `window`; None if there is none.

    `start`, `end`: logits [t]. A span lies in the context, is not inside out and has at most
    LONGEST_ANSWER tokens; its score is the sum of its two logits.
    """
    context = window.offsets[:, 0] >= 0
    starts = [i for i in np.argsort(-start, kind="stable")[:BEST] if context[i]]
    ends = [i for i in np.argsort(-end, kind="stable")[:BEST] if context[i]]
    spans = [
        (float(start[s] + end[e]), int(window.offsets[s, 0]), int(window.offsets[e, 1]))
        for s in starts
        for e in ends
        if s <= e < s + LONGEST_ANSWER
    ]
    return max(spans, default=None)
