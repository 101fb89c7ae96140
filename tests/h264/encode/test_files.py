"""write_video: files that are complete or absent."""

from fractions import Fraction

import numpy as np
import pytest
from made_clips import moving

import codec

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
