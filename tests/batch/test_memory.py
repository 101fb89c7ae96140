"""Large pictures wait for each other where memory is short."""

import threading

import numpy as np
import pytest
from PIL import Image

from codec import batch
from codec.batch import memory
from codec.formats.pictures import pixels_of


class Watching:
    """A task that records how many pixels are worked on at once."""

    suffixes, formats, bytes_per_pixel = (".png",), ("PNG",), 10

    def __init__(self):
        self.now, self.most, self.lock, self.together = 0, 0, threading.Lock(), threading.Event()

    def rename(self, name):
        return name

    def check(self, target):
        pass

    def __call__(self, data, job=None):
        with self.lock:
            self.now += pixels_of(data)
            self.most = max(self.most, self.now)
        self.together.wait(0.05)
        with self.lock:
            self.now -= pixels_of(data)
        return batch.Result(data)


@pytest.mark.parametrize("room, most", [(10_000, 1_000), (4_000, 400), (1, 100)])
def test_no_more_pixels_at_once_than_the_room_allows(room, most, tmp_path, monkeypatch):
    for number in range(10):
        Image.fromarray(np.zeros((10, 10), np.uint8)).save(tmp_path / f"{number}.png")
    monkeypatch.setattr(memory, "room", lambda: memory.Room(room))
    task = Watching()
    rows = batch.run(batch.plan([str(tmp_path)], str(tmp_path / "out"), task), task, threads=10)
    assert [row.status for row in rows] == ["done"] * 10
    assert task.most <= most


def test_a_failure_gives_its_memory_back():
    room = memory.Room(10)
    with pytest.raises(ZeroDivisionError), room.taken(30):
        assert room.left == 0
        1 / 0
    assert room.left == 10


def test_available_memory_is_positive():
    assert memory.available() > 0


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_pixels_by_the_header(format, tmp_path):
    path = tmp_path / "picture"
    Image.new("L", (7, 5)).save(path, format)
    assert pixels_of(path.read_bytes()) == 35
    assert pixels_of(path.read_bytes()[:6]) == 0
