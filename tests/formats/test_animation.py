"""Frames from files: pictures, animated pictures and clips, with their times."""

import io
from fractions import Fraction

import numpy as np
import pytest
from clips import clip, y4m
from PIL import Image

import codec
from codec.errors import BitstreamError, LimitError, ParameterError, TruncatedError, UnsupportedError
from codec.formats import animation


def saved(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def moving(picture, format, **options):
    images = [Image.fromarray(picture(20, 30, seed=seed)) for seed in range(4)]
    return saved(images[0], format, save_all=True, append_images=images[1:], **options), images


def test_pictures_one_after_the_other(picture):
    pixels = [picture(9, 8), picture(9, 8, 1), np.dstack([picture(9, 8), picture(9, 8, 1)])]
    found = animation.load([saved(Image.fromarray(p)) for p in pixels], fps="30000/1001")
    assert (
        all(np.array_equal(a, b) for a, b in zip(pixels, found.pictures))
        and found.seconds == [Fraction(1001, 30000)] * 3
    )
    assert animation.load(saved(Image.fromarray(pixels[0]))).seconds == [Fraction(1, 25)]


def test_animated_pictures_have_their_own_times(picture):
    data, images = moving(picture, "WEBP", duration=[40, 80, 1000, 120], lossless=True)
    found = animation.load(data)
    assert [1000 * s for s in found.seconds] == [40, 80, 1000, 120]
    assert all(np.array_equal(np.asarray(image), pixels[..., :3]) for image, pixels in zip(images, found.pictures))
    assert animation.load(data, fps=10).seconds == [Fraction(1, 10)] * 4


def test_times_that_browsers_do_not_believe(picture):
    """Frames of zero or one hundredth of a second, common in GIFs, are shown for a tenth."""
    data, _ = moving(picture, "GIF", duration=10)
    assert animation.load(data).seconds == [Fraction(1, 10)] * 4


def test_a_clip_is_sampled_in_time():
    video = clip(20, fps=Fraction(50))
    data, shown = y4m(video), list(video.pictures())
    whole, half, double = animation.load(data), animation.load(data, fps=25), animation.load(data, fps=100)
    assert len(whole.pictures) == 20 and whole.seconds[0] == Fraction(1, 50)
    assert len(half.pictures) == 10 and np.array_equal(half.pictures[3], shown[6])
    assert (
        len(double.pictures) == 40
        and np.array_equal(double.pictures[7], shown[3])
        and sum(double.seconds) == sum(whole.seconds)
    )
    fast = animation.load(y4m(clip(12, fps=Fraction(120))), fps_max=50)
    assert len(fast.pictures) == 4 and fast.seconds[0] == Fraction(1, 40) and "120" in fast.warnings[0]


def test_clips_of_other_formats():
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((16, 32, 3), 50 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
    made = codec.animate(buffer.getvalue(), lossy=0)
    assert (made.frames, made.seconds, made.width, made.height) == (5, Fraction(1, 5), 32, 16)


def clip_at(times, rotation=0, size=(16, 32)):
    """A clip shown at `times` in ms, and its pictures."""
    av = pytest.importorskip("av")
    buffer, shown = io.BytesIO(), []
    with av.open(buffer, "w", format="mov") as container:
        stream = container.add_stream("mjpeg", rate=1000)
        stream.height, stream.width, stream.pix_fmt = *size, "yuvj444p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for number, time in enumerate(times):
            pixels = np.full((*size, 3), 20 * number, np.uint8)
            pixels[:8, :8] = 255
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuvj444p")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
            shown.append(pixels)
        container.mux(stream.encode())
    return buffer.getvalue(), shown


def test_a_clip_keeps_its_own_times():
    data, shown = clip_at([0, 100, 200, 1200, 1300, 1400])
    found = animation.load(data)
    assert [1000 * s for s in found.seconds][:5] == [100, 100, 1000, 100, 100] and not found.warnings
    assert all(np.abs(a.astype(int) - b)[9:].max() < 8 for a, b in zip(found.pictures, shown))
    regular = animation.load(data, fps=10)
    assert [round(int(p[12, 12, 0]) / 20) for p in regular.pictures][:13] == [0, 1] + [2] * 10 + [3]
    # GIF shows no frame for less than 20 ms: the others absorb its time.
    fast = animation.load(clip_at([0, 10, 50, 100, 105, 110, 200])[0], fps_max=50)
    assert [1000 * s for s in fast.seconds] == [50, 50, 101]
    assert "left out" in fast.warnings[0]


def test_a_turned_clip_becomes_upright():
    data, shown = clip_at([0, 40, 80], rotation=-90)
    found = animation.load(data)
    assert found.pictures[0].shape == (32, 16, 3)
    assert found.pictures[1][0, -1].min() > 200 and found.pictures[1][0, 0].max() < 100


def test_what_is_written_can_be_taken_up_again(picture, tmp_path):
    stills = [saved(Image.fromarray(picture(20, 30, seed=seed))) for seed in range(4)]
    first = codec.animate(stills, tmp_path / "a.gif", fps=20, colors=60)
    again = codec.animate(tmp_path / "a.gif", tmp_path / "b.gif", colors=240)
    assert again.seconds == first.seconds == Fraction(1, 5)
    for number in range(4):
        shown = []
        for name in ("a.gif", "b.gif"):
            image = Image.open(io.BytesIO((tmp_path / name).read_bytes()))
            image.seek(number)
            shown.append(np.asarray(image.convert("RGB")))
        assert np.array_equal(*shown)


@pytest.mark.parametrize("error, make", [
    (ParameterError, lambda good: []), (TruncatedError, lambda good: b""),
    (UnsupportedError, lambda good: [good, b"no picture of any kind"]),
    (ParameterError, lambda good: [good, saved(Image.new("RGB", (9, 9)))]),
    (BitstreamError, lambda good: [good, good[:-60]]),
    (UnsupportedError, lambda good: saved(Image.new("CMYK", (4, 4)), "TIFF")),
    (BitstreamError, lambda good: b"YUV4MPEG2 W2"),
], ids=range(7))  # fmt: skip
def test_what_cannot_be_read_is_told_and_nothing_written(picture, tmp_path, error, make):
    good = saved(Image.fromarray(picture(20, 30)))
    with pytest.raises(error):
        codec.animate(make(good), tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


def test_damaged_animations(picture):
    data, _ = moving(picture, "GIF", duration=100)
    for end in range(len(data) // 2, len(data) - 40, 97):
        try:
            animation.load(data[:end])
        except codec.CodecError:
            pass


def test_limits(picture):
    data, _ = moving(picture, "GIF", duration=100)
    for source in (data, [data, data], y4m(clip(2))):
        with pytest.raises(LimitError):
            animation.load(source, limits=codec.Limits(pixels=100))


def test_one_statement_of_time(tmp_path):
    frames = [np.full((4, 6), 80 * i, np.uint8) for i in range(3)]
    for make in (codec.animate, codec.palette.animate):
        with pytest.raises(ParameterError, match="fps and seconds contradict each other"):
            make(frames, fps=10, seconds=0.2)


def test_an_unknown_option_is_answered_by_the_known_ones(picture):
    with pytest.raises(ParameterError, match=r"unknown option 'seed' for animations \(options: .*fps.*dither_strength"):
        codec.animate([np.zeros((4, 4), np.uint8)], seed=3)


def test_a_source_is_not_overwritten(tmp_path):
    path = tmp_path / "a.gif"
    codec.animate([np.full((4, 6), 80 * i, np.uint8) for i in range(3)], path)
    before = path.read_bytes()
    for sources in (path, str(path), [path]):
        with pytest.raises(ParameterError, match="would overwrite the file that it is made of"):
            codec.animate(sources, path)
    assert path.read_bytes() == before
