"""A batch that is killed at any moment loses nothing, and the next run goes on (`killing.py` is the full version)."""

import os
import sys

import killing
import pytest

from codec import errors

FILES, KILLS = (5000, 20) if os.environ.get("CODEC_ROBUSTNESS") == "full" else (300, 5)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")


@pytest.fixture(autouse=True)
def same_package(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(errors.__file__)))


def test_killed_runs_lose_nothing_and_the_next_one_goes_on(tmp_path):
    killing.to_folder(str(tmp_path), FILES, KILLS)


def test_killed_runs_in_place_leave_every_original_or_its_successor(tmp_path):
    killing.in_place(str(tmp_path), FILES, KILLS)


def test_the_check_sees_what_is_lost(tmp_path):
    """Without this, the tests above could not fail."""
    expected = {name: killing.digest(data) for name, data in killing.make(str(tmp_path), 2, ".png").items()}
    killing.check(str(tmp_path), expected, all_there=True)
    (tmp_path / "000" / "000001.png").write_bytes(b"half")
    with pytest.raises(killing.Lost, match="000001.png is not what it must be"):
        killing.check(str(tmp_path), expected)
    os.unlink(tmp_path / "000" / "000001.png")
    with pytest.raises(killing.Lost, match="1 files are absent"):
        killing.check(str(tmp_path), expected, all_there=True)
    with pytest.raises(killing.Lost, match="exit code 2"):
        killing.run(["--nonsense"])
    assert killing.run([str(tmp_path), "-o", str(tmp_path / "out")], kill_when=lambda process: True) is None
