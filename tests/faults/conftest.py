"""The given files, and their frames as FFmpeg shows them."""

import pytest


@pytest.fixture(scope="session")
def given(data_folder):
    """given(name): path of one of the given files; the test skips if they are not there."""

    def given(name):
        path = data_folder / "faults" / name
        if not path.exists():
            pytest.skip(f"no {path}")
        return path

    return given


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """The test runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def by_ffmpeg():
    """by_ffmpeg(path): samples of each frame of the H.264 stream, plane after plane, as FFmpeg shows them."""
    av = pytest.importorskip("av")

    def by_ffmpeg(path):
        with av.open(str(path)) as container:
            stream = next(one for one in container.streams.video if one.codec_context.name == "h264")
            return [frame.to_ndarray().tobytes() for frame in container.decode(stream)]

    return by_ffmpeg
