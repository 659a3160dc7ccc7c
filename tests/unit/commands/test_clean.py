"""`finetone clean`: how files and folders are deleted (what is: tests/workflow/test_clean.py)."""

from pathlib import Path

import pytest

from finetone.commands.clean import delete
from finetone.errors import UserError


def test_of_a_link_what_it_leads_to_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other disk").mkdir()
    (tmp_path / "other disk/mine").write_bytes(bytes(2000))
    link = tmp_path / "epochs"
    link.symlink_to("other disk")
    delete([link], dry_run=False)
    assert not link.is_symlink() and (tmp_path / "other disk/mine").exists()
    assert str(link) in capsys.readouterr().out


def test_what_cannot_be_deleted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.whl").touch()

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(UserError, match=r"a\.whl: cannot be deleted \(Permission denied\); make"):
        delete([tmp_path / "a.whl"], dry_run=False)
