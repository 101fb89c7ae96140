"""write_video: files that are complete or absent."""

import contextlib
from fractions import Fraction

import numpy as np
import pytest
from made_clips import moving, noise, write_at

import codec
from codec.errors import ParameterError
from codec.sources import muxing

FRAMES = moving(36, 20, 9)


def test_a_byte_stream_is_what_encode_video_gives(tmp_path):
    path = tmp_path / "a.h264"
    pictures = codec.write_video(path, FRAMES, fps=25, qp=30)
    assert path.read_bytes() == codec.encode_video(FRAMES, fps=25, qp=30)
    assert sorted(one.number for one in pictures) == list(range(9))
    assert [one.type for one in pictures[:3]] == ["I", "P", "B"] and pictures[0].key
    assert sum(one.bits for one in pictures) == 8 * path.stat().st_size


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("fps", [25, "30000/1001"])
def test_containers_hold_every_frame_at_its_time(tmp_path, suffix, fps):
    av = pytest.importorskip("av")
    path = tmp_path / f"a{suffix}"
    codec.write_video(path, FRAMES, fps=fps, keyint=4)
    wanted = list(codec.decode_video(codec.encode_video(FRAMES, fps=fps, keyint=4)))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        times = [frame.pts * stream.time_base for frame in frames]
        keys = [frame.key_frame for frame in frames]
    tolerance = Fraction(1, 1000) if suffix == ".mkv" else 0
    assert len(frames) == 9 and keys == [i % 4 == 0 for i in range(9)]
    assert all(abs(time - i / Fraction(fps)) <= tolerance for i, time in enumerate(times))
    for a, b in zip(codec.decode_video(path), wanted):
        assert all(np.array_equal(x, y) for x, y in zip(a.planes, b.planes))


def test_nothing_is_left_after_an_error(tmp_path):
    def frames():
        yield from FRAMES
        raise KeyboardInterrupt

    for name in ("a.mp4", "a.h264"):
        if name.endswith("mp4"):
            pytest.importorskip("av")
        with pytest.raises(KeyboardInterrupt):
            codec.write_video(tmp_path / name, frames(), fps=25)
    assert list(tmp_path.iterdir()) == []


def test_progress_can_cancel(tmp_path):
    seen = []

    def progress(count):
        seen.append(count)
        if count == 5:
            raise StopAsyncIteration

    with pytest.raises(StopAsyncIteration):
        codec.write_video(tmp_path / "a.h264", FRAMES, fps=25, progress=progress)
    assert seen == [1, 2, 3, 4, 5] and list(tmp_path.iterdir()) == []


def test_wrong_names_and_folders(tmp_path):
    with pytest.raises(codec.ParameterError, match="a.avi: H.264 is written to files that end with .h264"):
        codec.write_video(tmp_path / "a.avi", FRAMES, fps=25)
    with pytest.raises(codec.FileError):
        codec.write_video(tmp_path / "missing" / "a.h264", FRAMES, fps=25)


@pytest.mark.parametrize("path", [b"clip.mp4", None, 3])
def test_a_path_is_a_path(path):
    with pytest.raises(ParameterError, match="path must be a path or a binary file object"):
        codec.write_video(path, moving(32, 32, 2), fps=25)


@pytest.mark.parametrize("options", [{"metrics": None}, {"metrics": 3}, {"progress": 3}])
def test_arguments_of_other_types(tmp_path, options):
    with pytest.raises(ParameterError, match="metrics are|progress is called"):
        codec.write_video(tmp_path / "clip.264", moving(32, 32, 2), fps=25, **options)


def test_matroska_refuses_frames_that_it_cannot_tell_apart(tmp_path):
    codec.write_video(tmp_path / "clip.mkv", moving(32, 32, 2), fps=1000)
    with pytest.raises(ParameterError, match="rounds times to milliseconds"):
        codec.write_video(tmp_path / "fast.mkv", moving(32, 32, 2), fps=10_000)
    codec.write_video(tmp_path / "fast.mp4", moving(32, 32, 2), fps=10_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mkv", "fast.mp4"]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_file_that_cannot_be_written_is_one_error(tmp_path, capfd, monkeypatch, suffix):
    """FFmpeg goes on after a failed write, and PyAV would print each further exception."""

    class Full:
        def __init__(self):
            self.written = 0

        def write(self, data):
            self.written += len(data)
            if self.written > 2000:
                raise OSError(28, "No space left on device")
            return len(data)

        def seek(self, offset, whence=0):
            return offset

        def tell(self):
            return self.written

        def seekable(self):
            return True

    @contextlib.contextmanager
    def full(path, **_):
        yield Full()

    monkeypatch.setattr(muxing, "writing", full)
    with pytest.raises(OSError, match="No space left"):
        codec.write_video(tmp_path / f"clip.{suffix}", noise(64, 64, 8), fps=25, qp=20)
    assert capfd.readouterr().err == ""


def test_samples_of_uneven_mp4_last_as_long_as_their_frames(tmp_path):
    """A sample lasts until the decoding time of the next one; browsers seek by that."""
    av = pytest.importorskip("av")
    ticks, source, path = [0, 40, 80, 600, 640, 1000, 1020], tmp_path / "source.mkv", tmp_path / "a.mp4"
    write_at(source, FRAMES, ticks)
    assert "B" in {one.type for one in codec.write_video(path, source, qp=30)}
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        step = 1000 * container.streams.video[0].time_base
    shown = dict(zip(ticks, np.diff([*ticks, 1060])))
    assert all(packet.dts <= packet.pts for packet in packets)
    lasts = np.diff([packet.dts for packet in packets])  # of all but the last one
    assert [(packet.pts * step, last * step) for packet, last in zip(packets, lasts)] == [
        (packet.pts * step, shown[packet.pts * step]) for packet in packets[:-1]
    ]
