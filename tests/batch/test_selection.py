"""Which files are taken, and where listed files go."""

import os

import pytest

from codec import batch
from codec.batch import CompressTask, Selection
from codec.batch.running import run


@pytest.mark.parametrize(
    "path, is_folder, include, exclude, left_out",
    [
        ("a.png", False, (), (), False),
        ("deep/a.png", False, ("*.png",), (), False),
        ("deep/a.jpg", False, ("*.png", "b*"), (), True),
        ("deep", True, ("*.png",), (), False),  # what is in it may match
        ("deep", True, (), ("deep",), True),
        ("deep/er/a.png", False, (), ("deep/*.png",), True),
        ("deep/er", True, (), ("er",), True),
        ("a.png", False, ("*.png",), ("a.*",), True),
        ("A.PNG", False, (), ("*.png",), True),  # on every system
        ("Deep/a.PNG", False, ("deep/*.png",), (), False),
        ("a.png", False, ("*.PNG",), (), False),
        ("[1].png", False, ("[[]1].png",), (), False),
    ],
)
def test_patterns(path, is_folder, include, exclude, left_out):
    assert Selection(include, exclude).leaves_out(path.replace("/", os.sep), is_folder) is left_out


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ("in/a.png", "in/b.jpg", "in/thumbs/c.png", "in/2020/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)


def planned(inputs, **options):
    jobs = batch.plan(inputs, "out", CompressTask(), **options)
    return {job.source.replace(os.sep, "/"): (job.target or job.reason).replace(os.sep, "/") for job in jobs}


def test_what_is_left_out_is_listed_and_excluded_folders_are_not_entered(tree):
    assert planned(["in"], selection=Selection(("*.png",), ("thumbs",))) == {
        "in/a.png": "out/a.jpg",
        "in/b.jpg": "excluded",
        "in/thumbs": "excluded",
        "in/2020/d.png": "out/2020/d.jpg",
    }
    in_place = batch.plan_in_place(["in"], CompressTask(), selection=Selection(exclude=("b*",)))
    assert {job.reason for job in in_place} == {"would become a .jpg file", "excluded"}


def test_named_files_are_taken_whatever_the_patterns_say(tree):
    assert planned(["in/b.jpg", "in/a.png"], selection=Selection(("*.gif",))) == {
        "in/b.jpg": "out/b.jpg",
        "in/a.png": "out/a.jpg",
    }


def test_listed_files_keep_their_folders(tree, tmp_path):
    names = ["in/a.png", "in/2020/../b.jpg", str(tmp_path / "in" / "2020" / "d.png"), "../elsewhere.png"]
    assert list(planned(names, keep_paths=True).values()) == [
        "out/in/a.jpg",
        "out/in/b.jpg",
        "out/d.jpg",
        "out/elsewhere.jpg",
    ]
    assert planned(names[:1], keep_paths=True) == {"in/a.png": "out/in/a.jpg"}


def test_rows_are_told_as_they_are_known_the_largest_file_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name, size in (("a.png", 1), ("b.png", 300), ("c.txt", 5), ("d.png", 20)):
        (tmp_path / "in" / name).write_bytes(b"!" * size)
    told = []
    rows = run(batch.plan(["in"], "out", CompressTask()), CompressTask(), threads=1, told=told.append)
    assert [row.input[-5:] for row in rows] == ["a.png", "b.png", "c.txt", "d.png"]
    assert [row.input[-5:] for row in told] == ["c.txt", "b.png", "d.png", "a.png"]
    assert sorted(told, key=lambda row: row.input) == rows
