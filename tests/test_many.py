"""`encode_many` and `decode_many`: the results of one by one, in order, taken as they are needed; errors in their place."""

import gc
import itertools
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import codec


def pictures(n, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        yield rng.integers(0, 256, (8 + i, 60 - i, 3), dtype=np.uint8)


@pytest.mark.parametrize("threads", [0, 1, 2, 3])
def test_files_and_pixels_are_those_of_one_by_one(threads):
    images = list(pictures(40))
    files = list(codec.encode_many(iter(images), 80, effort=2, threads=threads))
    assert files == [codec.encode(image, 80, effort=2) for image in images]
    for pixels, data in zip(codec.decode_many(iter(files), threads=threads), files, strict=True):
        np.testing.assert_array_equal(pixels, codec.decode(data))


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_is_raised_in_its_turn(threads):
    good = codec.encode(np.zeros((8, 8), np.uint8))
    results = codec.decode_many([good, good, b"no JPEG", good], threads=threads)
    assert next(results).shape == next(results).shape == (8, 8)
    with pytest.raises(codec.BitstreamError, match="not a JPEG"):
        next(results)
    assert list(results) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_can_stand_for_its_result(threads, tmp_path):
    good = codec.encode(np.zeros((8, 8), np.uint8))
    results = list(codec.decode_many([good, tmp_path / "absent.jpg", good], threads=threads, errors="return"))
    assert isinstance(results[1], codec.FileError) and results[0].shape == results[2].shape == (8, 8)
    images = [np.zeros((8, 8), np.uint8), np.zeros((8, 8)), np.zeros((8, 8), np.uint8)]
    files = list(codec.encode_many(images, threads=threads, errors="return"))
    assert isinstance(files[1], codec.ParameterError) and files[0] == files[2] == codec.encode(images[0])


@pytest.mark.parametrize("size", [8, 300])
def test_items_are_taken_as_they_are_needed(size):
    """Two threads: four groups of at most 16 small items, or of one large one, before the first result is taken."""
    taken = itertools.count()
    images = (np.zeros((size, size, 3), np.uint8) for _ in taken)
    results = codec.encode_many(images, effort=1, threads=2)
    next(results)
    assert next(taken) <= (4 * 16 if size == 8 else 4) + 1
    results.close()


def test_items_are_shared_among_threads():
    """Each waits until the other has begun."""
    meeting = threading.Barrier(2, timeout=30)

    class Source:
        def read(self, size):
            if not self.met:
                meeting.wait()
            self.met, data = True, b"" if self.met else self.data
            return data

        def __init__(self, data):
            self.data, self.met = data, False

    data = codec.encode(np.zeros((8, 8), np.uint8))
    assert len(list(codec.decode_many([Source(data), Source(data)], threads=2))) == 2


def test_views_of_many():
    files = list(codec.encode_many(pictures(3)))
    for pixels, data in zip(codec.decode_many(files, scale=0.5, color="gray"), files, strict=True):
        np.testing.assert_array_equal(pixels, codec.decode(data, scale=0.5, color="gray"))


@pytest.mark.parametrize("call", [codec.encode_many, codec.decode_many])
def test_impossible_options_are_refused_at_once(call):
    with pytest.raises(codec.ParameterError, match="errors must be 'raise' or 'return', not 'ignore'"):
        call([], errors="ignore")
    with pytest.raises(codec.ParameterError, match="threads is -1"):
        call([], threads=-1)


def test_options_of_the_encoder_are_checked_at_once():
    with pytest.raises(codec.ParameterError, match="did you mean 'effort'"):
        codec.encode_many([], efort=3)


def test_options_of_the_decoder_are_checked_at_once():
    for wrong in ({"scale": 0.3}, {"on_error": "y"}, {"color": "x"}, {"limits": 5}, {"region": 3}):
        with pytest.raises(codec.ParameterError):
            codec.decode_many([], errors="return", **wrong)


def test_no_thread_stays_after_an_error():
    """Nor does the error keep the iteration alive until the garbage collector finds it, in whatever thread that runs."""
    good, threads = codec.encode(np.zeros((8, 8), np.uint8)), set(threading.enumerate())
    gc.disable()
    try:
        for _ in range(3):
            with pytest.raises(codec.CodecError):
                list(codec.decode_many([good] * 17 + [b"bad"] + [good] * 100, threads=4))
        for _ in range(100):
            if set(threading.enumerate()) <= threads:
                break
            time.sleep(0.05)
        assert set(threading.enumerate()) <= threads
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "one", [np.zeros((8, 9), np.uint8), np.zeros((8, 9, 1), np.uint8), np.zeros((8, 9, 3), np.uint8)]
)
def test_one_image_is_no_list_of_images(one):
    """Its rows would become pictures."""
    with pytest.raises(codec.ParameterError, match=r"pass a list, \[image\]"):
        codec.encode_many(one)
    assert len(list(codec.encode_many(np.zeros((4, 8, 9), np.uint8)))) == 4


@pytest.mark.parametrize("one", ["a.jpg", Path("a.jpg"), b"\xff\xd8"])
def test_one_source_is_no_list_of_sources(one):
    """Its characters would be paths."""
    with pytest.raises(codec.ParameterError, match=r"pass a list, \[source\]"):
        codec.decode_many(one)
