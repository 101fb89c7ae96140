"""What is read while modules load is what reading later gives; everything else is left to the run."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from codec.batch import CompressTask, plan, run_by_folder
from codec.formats import plain_png
from codec.formats.ahead import Ahead
from codec.formats.chunks import Inflated, filtered_bytes, inflated
from codec.sources.files import read_bytes

PIXELS = np.random.default_rng(3).integers(0, 256, (20, 30, 3), np.uint8)


def waited(inputs):
    ahead = Ahead(inputs)
    ahead._thread.join()
    return ahead


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "in"
    home.mkdir()
    Image.fromarray(PIXELS).save(home / "a.png")
    Image.fromarray(PIXELS[:4]).save(home / "small.PNG")
    return home


def test_the_files_of_a_folder_are_there_once_with_their_rows(folder):
    ahead = waited([str(folder)])
    for name, pixels in ("a.png", PIXELS), ("small.PNG", PIXELS[:4]):
        path = os.path.join(str(folder), name)
        found, data = ahead.take(path)
        assert data == (folder / name).read_bytes() and found.st_ino == os.stat(path).st_ino
        assert data.filtered == inflated(bytes(data)) and len(data.filtered) == filtered_bytes(data)
        assert np.array_equal(plain_png.pixels(data), pixels)
        assert ahead.take(path) is None


def test_what_is_no_usual_picture_or_too_large_is_left_to_the_run(folder, monkeypatch):
    (folder / "damaged.png").write_bytes((folder / "a.png").read_bytes()[:-30])
    (folder / "empty.png").write_bytes(b"")
    (folder / ".hidden.png").write_bytes((folder / "a.png").read_bytes())
    Image.fromarray(PIXELS).quantize(8).save(folder / "palette.png")
    Image.fromarray(PIXELS).save(folder / "b.jpg")
    os.symlink("a.png", folder / "link.png")
    os.mkfifo(folder / "fifo.png")
    ahead = waited([str(folder), str(folder / "absent"), "nul\0"])
    assert {os.path.basename(path) for path in ahead._found} == {"a.png", "small.PNG"}
    monkeypatch.setattr("codec.formats.ahead.ROOM_BYTES", 1000)
    assert [os.path.basename(path) for path in waited([str(folder)])._found] == ["small.PNG"]


@pytest.mark.parametrize("changed", [False, True])
def test_a_run_uses_what_was_read_unless_the_file_changed_since(folder, tmp_path, changed, monkeypatch):
    task, ahead = CompressTask(), waited([str(folder)])
    if changed:
        Image.fromarray(255 - PIXELS).save(folder / "a.png")
    expected = {name: task((folder / name).read_bytes()).data for name in ("a.png", "small.PNG")}
    read = []
    monkeypatch.setattr("codec.batch.worker.read_source", lambda path: read.append(path) or read_bytes(path))
    jobs = plan([str(folder)], str(tmp_path / "out"), task)
    (rows,) = run_by_folder([jobs], task, ahead=ahead)
    assert [row.status for row in rows] == ["done" if row.output.endswith(".jpg") else "kept" for row in rows]
    assert [os.path.basename(path) for path in read] == (["a.png"] if changed else [])
    for row in rows:
        if row.status == "done":
            with open(row.output, "rb") as stream:
                assert stream.read() == expected[os.path.basename(row.input)]


def test_the_rows_of_a_file_are_used_and_not_made_again():
    made = Inflated(b"no PNG")
    made.filtered = b"rows"
    assert inflated(made) == b"rows" and inflated(b"no PNG") is None


def test_reading_ahead_loads_neither_numpy_nor_the_encoder():
    code = "import sys, codec.formats.ahead; print(*({'numpy', 'codec._core', 'codec.jpeg', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_a_quality_on_the_command_line_does_not_load_the_encoder():
    code = (
        "import sys; from codec.cli.compress import compress\n"
        "compress.make_context('compress', ['a.png', '-o', 'b.jpg', '-q', '80', '--effort', '1'])\n"
        "print(*({'numpy', 'codec.jpeg'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
