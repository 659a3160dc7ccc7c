import time

import pytest

from finetone.labelling.progress import Progress, ahead


def test_progress_tells_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    told: list[str] = []
    progress = Progress(told.append, 20)
    progress.skip(0.5)  # half was done before
    clock[0] += 10
    progress.update(1000, 100, 0.55)
    assert told == []
    clock[0] += 90
    progress.update(2000, 900, 0.6)
    assert told == ["2,000 rows (60 %), 10 texts/s, 6 min 40 s left"]
    clock[0] += 3600
    progress.update(2100, 100, 0.61)
    assert told[1].endswith("3 h 39 min left") or " h " in told[1]


def test_one_item_is_prepared_ahead_and_errors_arrive_in_their_place() -> None:
    made: list[int] = []

    def items():
        for i in range(5):
            made.append(i)
            yield i
        raise ValueError("the end")

    found = ahead(items())
    assert next(found) == 0
    deadline = time.monotonic() + 5
    while len(made) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert 2 <= len(made) <= 3
    assert [next(found) for _ in range(4)] == [1, 2, 3, 4]
    with pytest.raises(ValueError, match="the end"):
        next(found)


def test_a_reader_that_is_left_alone_ends_its_thread() -> None:
    made: list[int] = []

    def items():
        for i in range(1000):
            made.append(i)
            yield i

    found = ahead(items())
    next(found)
    found.close()
    assert len(made) < 10
