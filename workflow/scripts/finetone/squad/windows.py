"""Cut the texts of questions into overlapping windows of tokens, and find answers in them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from finetone.errors import UserError

CHUNK = 1000  # questions tokenized at a time
BEST = 20  # starts and ends considered per window
LONGEST_ANSWER = 30  # tokens


@dataclass(frozen=True)
class Question:
    """A question about `context`; `starts` are the characters where the `answers` begin in it."""

    id: str
    question: str
    context: str
    answers: list[str]
    starts: list[int]


@dataclass(frozen=True, eq=False)
class Window:
    """A question and a part of its context: `ids`, `types` int [t], `offsets` int32 [t, 2].

    `offsets` are character ranges in the context, (-1, -1) for tokens outside it. `start` and `end`
    are the first and last token of the first answer; both are `cls` if the window does not contain
    all of it.
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
    """Cut every question's context into overlapping windows.

    Parameters
    ----------
    tokenizer
        A fast one.
    questions
        Questions with their contexts.
    max_length, stride
        Tokens of a window, and of the overlap.
    config_key
        Where these are in the configuration, for messages.

    Yields
    ------
    Window
        In the order of the questions.

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
    """Pad windows on the right.

    Parameters
    ----------
    batch
        b windows.
    pad
        The id of the padding token.
    device
        Where the tensors go.
    types
        Whether the model takes `token_type_ids`.

    Returns
    -------
    dict of tensor
        `input_ids`, `attention_mask` and, if wanted, `token_type_ids`: int64 [b, t].
    """

    def padded(rows: Iterable[np.ndarray], value: int = 0) -> torch.Tensor:
        tensors = [torch.from_numpy(row).long() for row in rows]
        return pad_sequence(tensors, batch_first=True, padding_value=value).to(device)

    inputs = {
        "input_ids": padded((window.ids for window in batch), pad),
        "attention_mask": padded(np.ones_like(window.ids) for window in batch),
    }
    if types:
        inputs["token_type_ids"] = padded(window.types for window in batch)
    return inputs


def best_span(start: np.ndarray, end: np.ndarray, window: Window) -> tuple[float, int, int] | None:
    """Find the likeliest answer in a window.

    An answer is in the context, does not end before it starts and has at most LONGEST_ANSWER
    tokens. Its score is the sum of its two logits.

    Parameters
    ----------
    start, end
        Logits of first and last tokens, float [t].
    window
        Of t tokens.

    Returns
    -------
    tuple or None
        Score, and the characters where the answer starts and ends; None if there is no answer.
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
