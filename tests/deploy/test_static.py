"""Static files are collected when they have to be, and not each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import static
from deploy.local.manage import CommandFailed


class Collections:
    """Stands for the command; `fails` makes it end with an error."""

    def __init__(self, root: Path) -> None:
        self.root, self.count, self.fails = root, 0, False

    @contextmanager
    def managing(self, env: Mapping[str, str], *arguments: str) -> Iterator[None]:
        assert arguments[0] == "collectstatic"
        self.count += 1
        yield
        if self.fails:
            raise CommandFailed("It ended.")
        self.root.mkdir(exist_ok=True)
        (self.root / "staticfiles.json").write_text("{}")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collections:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.css").write_text("a")
    own = Collections(tmp_path / "out")
    monkeypatch.setattr(static, "ROOT", tmp_path)
    monkeypatch.setattr(static, "PLACES", (tmp_path / "static",))
    monkeypatch.setattr(static, "managing", own.managing)
    return own


def collect(tmp_path: Path, debug: str = "0") -> None:
    with static.collecting({"DEBUG": debug, "STATIC_ROOT": str(tmp_path / "out")}, tmp_path):
        pass


def test_unchanged_sources_are_collected_once(made: Collections, tmp_path: Path) -> None:
    collect(tmp_path)
    collect(tmp_path)
    assert made.count == 1

    (tmp_path / "static" / "b.css").write_text("b")
    collect(tmp_path)
    assert made.count == 2

    (tmp_path / "out" / "staticfiles.json").unlink()
    collect(tmp_path)
    assert made.count == 3


def test_failed_collection_is_repeated(made: Collections, tmp_path: Path) -> None:
    made.fails = True
    with pytest.raises(CommandFailed):
        collect(tmp_path)

    made.fails = False
    collect(tmp_path)

    assert made.count == 2


@pytest.mark.parametrize("debug", ["1", "true", "ON"])
def test_debug_needs_no_collection(made: Collections, tmp_path: Path, debug: str) -> None:
    collect(tmp_path, debug)

    assert made.count == 0
