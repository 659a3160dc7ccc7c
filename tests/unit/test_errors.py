"""The parts of messages that several modules share."""

from finetone.errors import did_you_mean


def test_a_name_like_a_known_one_is_suggested() -> None:
    known = ["train", "test", "dev"]
    assert did_you_mean("tran", known, "known: all") == "; did you mean 'train'?"
    assert did_you_mean("xyz", known, "known: all") == "; known: all"
    assert did_you_mean("xyz", known) == ""
    assert did_you_mean("ab", ["abc", "abd"], most=2) == "; did you mean 'abd' or 'abc'?"
