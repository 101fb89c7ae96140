"""What is held does not grow with the length of a video."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
from made_clips import moving

import codec
from codec.sources.streaming import stream

SHORT, LONG = 24, 96


class Watched:
    """Frames of a generator, and how many of them were alive at once."""

    def __init__(self, count):
        self.count, self.most, self._alive = count, 0, weakref.WeakSet()

    def __iter__(self):
        source = moving(48, 32, 8)
        for number in range(self.count):
            frame = codec.Frame.from_rgb(source[number % 8])
            self._alive.add(frame)
            self.most = max(self.most, len(self._alive))
            yield frame
            del frame


@pytest.mark.parametrize("preset, threads, most", [("medium", 1, 6), ("medium", 4, 16), ("ultrafast", 2, 8)])
@pytest.mark.parametrize("rate", [{"qp": 30}, {"bitrate": 50_000}])
def test_frames_alive_are_bounded_by_the_delay(tmp_path, preset, threads, most, rate):
    for count in SHORT, LONG:
        frames = Watched(count)
        codec.write_video(tmp_path / "a.h264", iter(frames), fps=25, preset=preset, threads=threads, **rate)
        assert frames.most <= most


def live_pictures(count):
    """How many coded pictures are alive at the end of a long encoding."""
    encoder = codec.h264.Encoder(fps=25, threads=1, qp=30)
    source = moving(48, 32, 8)
    for number in range(count):
        encoder.encode(source[number % 8])
    gc.collect()
    kinds = [type(one).__name__ for one in gc.get_objects()]
    made = kinds.count("Coded")
    encoder.close()
    return made


def test_coded_pictures_are_not_kept():
    """Each holds its bits, its reconstruction, and with it the planes for searches."""
    gc.collect()
    assert live_pictures(LONG) <= live_pictures(SHORT) + 1 <= 13


@pytest.mark.parametrize("threads, most", [(1, 5), (2, 14)])
def test_planes_for_searches_are_bounded_by_the_references_at_work(threads, most):
    """Four planes for each picture that others refer to, whatever pictures had been references."""
    encoder = codec.h264.Encoder(fps=25, threads=threads, crf=30)
    source = moving(48, 32, 8)
    for number in range(LONG):
        encoder.encode(source[number % 8])
    encoder.flush()
    coder = encoder._encoder._coder
    encoder.close()
    assert len(coder._planes) + sum(picture.tag is not None for picture in coder._pool) <= most


def test_a_clip_is_read_while_it_is_encoded(tmp_path):
    path, size = tmp_path / "long.y4m", 0
    with open(path, "wb") as file:
        size += file.write(b"YUV4MPEG2 W320 H240 F25:1 C420\n")
        for number in range(120):
            size += file.write(b"FRAME\n" + np.full(320 * 240 * 3 // 2, number, np.uint8).tobytes())
    tracemalloc.start()
    clip = stream(path)
    assert sum(1 for _ in clip.frames) == 120 == clip.count
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 << 20 < size / 2  # chunks of 1 MiB and a frame
