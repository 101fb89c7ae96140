"""Animated pictures as they occur: what their structure says is what is shown, for palette, compress and animate alike."""

import io
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

import codec
from codec.batch import CompressTask, PaletteTask
from codec.errors import BitstreamError, CodecError, LimitError, ParameterError, TruncatedError
from codec.formats import animation, gif, pictures
from codec.formats.composition import lay
from codec.palette import png

COLORS = np.array([[0, 0, 255], [255, 0, 0], [0, 255, 0], [255, 255, 255]], np.uint8)


def codes_of(indices):
    """LZW codes of 3 bits: each index after a clear code, so that the table never grows."""
    bits = "".join(f"{code:03b}"[::-1] for index in indices for code in (4, int(index))) + "101"
    return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


def frame(x, y, width, height, index=1, *, ticks=10, disposal=0, transparent=None, codes=None, interlaced=False):
    if codes is None:
        codes = codes_of(np.full(width * height, index) if np.isscalar(index) else np.asarray(index).ravel())
    flags = disposal << 2 | (transparent is not None)
    blocks = b"".join(bytes([len(part)]) + part for part in (codes[i : i + 255] for i in range(0, len(codes), 255)))
    return (
        struct.pack("<BBBBHBB", 0x21, 0xF9, 4, flags, ticks, transparent or 0, 0)
        + struct.pack("<BHHHHBB", 0x2C, x, y, width, height, 0x40 * interlaced, 2)
        + blocks
        + b"\0"
    )


def gif_file(width, height, *frames, loops=0, table=COLORS, tail=b";"):
    looping = b"" if loops is None else b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loops) + b"\0"
    colors = b"" if table is None else table.tobytes()
    head = struct.pack("<HHBBB", width, height, 0x70 if table is None else 0xF1, 0, 0)
    return b"GIF89a" + head + colors + looping + b"".join(frames) + tail


def apng_file(width, height, frames, *, plays=0, hidden=None, depth=8, kind=6, announced=None):
    """`frames`: (x, y, pixels, (numerator, denominator), dispose, blend)."""

    def packed(pixels):
        return zlib.compress(png.unfiltered(pixels.reshape(len(pixels), -1)))

    count = len(frames) if announced is None else announced
    parts = [png.SIGNATURE, png.chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))]
    parts.append(png.chunk(b"acTL", struct.pack(">II", count, plays)))
    if hidden is not None:
        parts.append(png.chunk(b"IDAT", packed(hidden)))
    number = 0
    for place, (x, y, pixels, delay, dispose, blend) in enumerate(frames):
        high, wide = pixels.shape[:2]
        parts.append(png.chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, wide, high, x, y, *delay, dispose, blend)))
        number += 1
        if place or hidden is not None:
            parts.append(png.chunk(b"fdAT", struct.pack(">I", number) + packed(pixels)))
            number += 1
        else:
            parts.append(png.chunk(b"IDAT", packed(pixels)))
    return b"".join([*parts, png.chunk(b"IEND", b"")])


def solid(height, width, *color):
    return np.broadcast_to(np.array(color, np.uint8), (height, width, len(color))).copy()


# ---------------------------------------------------------------- GIF


def test_a_gif_is_transparent_where_nothing_was_painted_or_all_was_cleared():
    data = gif_file(40, 40, frame(10, 10, 20, 20, disposal=2), frame(0, 0, 8, 8, 2))
    first, second = animation.load(data).pictures
    assert (first[..., 3] == 0).sum() == 1200 and (first[10:30, 10:30] == (255, 0, 0, 255)).all()
    assert (second[..., 3] > 0).sum() == 64 and (second[:8, :8] == (0, 255, 0, 255)).all()


def test_stills_of_a_gif_are_the_first_frame_of_its_animation():
    data = gif_file(40, 40, frame(10, 10, 20, 20, disposal=2), frame(0, 0, 8, 8, 2))
    made = Image.open(io.BytesIO(PaletteTask()(data).data)).convert("RGBA")
    assert (np.asarray(made)[..., 3] == 0).sum() == 1200
    jpeg = CompressTask()(data)
    assert codec.decode(jpeg.data)[:5, :5].min() > 235
    assert any("laid on white" in warning for warning in jpeg.warnings)
    assert any("2 frames" in warning for warning in jpeg.warnings)


def test_a_gif_restores_what_was_there_before():
    data = gif_file(4, 4, frame(0, 0, 4, 4, 1, disposal=1), frame(1, 1, 2, 2, 2, disposal=3), frame(0, 0, 1, 1, 3))
    _, middle, last = animation.load(data).pictures
    assert (middle[1:3, 1:3, 1] == 255).all() and (last[1:3, 1:3] == (255, 0, 0, 255)).all() and last[0, 0, 2] == 255


def test_transparent_indices_leave_the_canvas():
    index = np.array([[0, 1], [1, 0]])
    data = gif_file(2, 2, frame(0, 0, 2, 2, 2), frame(0, 0, 2, 2, index, transparent=0))
    assert animation.load(data).pictures[1][..., 0].tolist() == [[0, 255], [255, 0]]


def test_frames_are_cut_off_at_the_screen():
    data = gif_file(20, 20, frame(0, 0, 20, 20), frame(15, 10, 20, 20, 2), frame(30, 30, 5, 5, 3))
    made = codec.animate(data, lossy=0)
    shown = animation.load(data).pictures
    assert (made.width, made.height, made.frames) == (20, 20, 3)
    assert (shown[1][..., 1] == 255).sum() == 50 and np.array_equal(shown[1], shown[2])


def test_a_screen_without_a_size_has_that_of_the_first_picture():
    assert animation.load(gif_file(0, 0, frame(0, 0, 6, 5), frame(0, 0, 6, 5, 2))).pictures[0].shape == (5, 6, 4)


def test_interlaced_pictures():
    rows = np.arange(11)[:, None] % 4 * np.ones((1, 3), int)
    data = gif_file(3, 11, frame(0, 0, 3, 11, rows[gif.passes(11)], interlaced=True))
    assert np.array_equal(pictures.load(data).pixels, COLORS[rows])
    theirs = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.array_equal(pictures.load(data).pixels, theirs)


@pytest.mark.parametrize("colors", [2, 4, 16, 255])
def test_codes_are_decoded_as_by_pillow(picture, colors):
    image = Image.fromarray(picture(120, 300)).quantize(colors)
    buffer = io.BytesIO()
    image.save(buffer, "GIF")
    assert np.array_equal(pictures.load(buffer.getvalue()).pixels, np.asarray(image.convert("RGB")))


def test_a_gray_colour_table_stays_gray():
    buffer = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(buffer, "GIF")
    assert np.array_equal(pictures.load(buffer.getvalue()).pixels, np.arange(256).reshape(16, 16))


@pytest.mark.parametrize("data", [
    b"GIF89a\xff\xff\x80\x3e\0\0\0,\0\0\0\0\xff\xff\x80\x3e\0\2\0;", gif_file(8, 8, frame(0, 0, 8, 8), frame(0, 0, 65535, 65535, codes=b"\x2c")),
    apng_file(60000, 60000, [(0, 0, solid(1, 1, 1, 2, 3, 4), (1, 10), 0, 0)]),
])  # fmt: skip
def test_huge_pictures_are_refused_before_they_are_allocated(data):
    for read in (codec.animate, animation.load, pictures.load):
        if read is not pictures.load or data[:3] == b"GIF":
            with pytest.raises(LimitError):
                read(data)


def test_a_gif_that_is_cut_off_is_truncated_and_short_pictures_are_told():
    data = gif_file(8, 8, frame(0, 0, 8, 8), frame(0, 0, 8, 8, 2))
    with pytest.raises(TruncatedError):
        animation.load(data[:-10])
    assert any("trailer" in warning for warning in animation.load(data[:-1]).warnings)
    short = animation.load(gif_file(8, 8, frame(0, 0, 8, 8), frame(0, 0, 8, 8, codes=codes_of([2] * 10))))
    assert short.warnings == ("frame 1 lacks 54 of its 64 pixels: left unpainted",)
    assert (short.pictures[1][..., 1] > 0).sum() == 10 and (short.pictures[1][..., 3] == 255).all()
    with pytest.raises(BitstreamError, match="table"):
        animation.load(gif_file(8, 8, frame(0, 0, 8, 8), frame(0, 0, 8, 8, codes=b"\xff\xff")))
    with pytest.raises(BitstreamError, match="no pictures"):
        animation.load(gif_file(8, 8))


@pytest.mark.parametrize("make", [
    lambda: gif_file(9, 7, frame(0, 0, 9, 7, disposal=2), frame(3, 2, 4, 4, 2, transparent=2)),
    lambda: apng_file(5, 4, [(0, 0, solid(4, 5, 1, 2, 3, 99), (1, 10), 1, 0), (1, 1, solid(2, 2, 9, 9, 9, 50), (1, 0), 2, 1)]),
])  # fmt: skip
def test_only_codec_errors_escape_from_damaged_animations(make):
    data, rng = make(), np.random.default_rng(3)
    for _ in range(400):
        bad = bytearray(data)
        for place in rng.integers(6, len(data), 1 + rng.integers(3)):
            bad[place] = rng.integers(256)
        for read in (animation.load, pictures.load):
            try:
                read(
                    bytes(bad[: rng.integers(6, len(bad) + 1)] if rng.random() < 0.3 else bad),
                    limits=codec.Limits(pixels=10**6),
                )
            except CodecError:
                pass


# ---------------------------------------------------------------- APNG


def test_a_default_image_outside_of_the_animation_is_not_shown():
    frames = [(0, 0, solid(4, 6, 0, 255, 0, 255), (1, 2), 0, 0), (0, 0, solid(4, 6, 0, 0, 255, 255), (1, 2), 0, 0)]
    data = apng_file(6, 4, frames, hidden=solid(4, 6, 255, 0, 0, 255))
    found = animation.load(data)
    assert len(found.pictures) == 2 and (found.pictures[0] == (0, 255, 0, 255)).all() and sum(found.seconds) == 1
    assert (pictures.load(data).pixels == (255, 0, 0)).all()
    one = animation.load(apng_file(6, 4, frames[:1], hidden=solid(4, 6, 255, 0, 0, 255)))
    assert len(one.pictures) == 1 and (one.pictures[0] == (0, 255, 0, 255)).all()


def test_an_apng_is_composed_by_its_disposals_and_blending():
    red, half = solid(4, 4, 200, 0, 0, 255), solid(2, 2, 0, 0, 200, 128)
    found = animation.load(apng_file(4, 4, [
        (0, 0, red, (1, 10), 0, 0), (0, 0, half, (1, 10), 2, 1), (2, 2, half, (1, 10), 1, 0), (0, 0, solid(1, 1, 0, 0, 0, 0), (1, 10), 0, 1),
    ])).pictures  # fmt: skip
    assert found[1][0, 0].tolist() == [100, 0, 100, 255] and found[2][0, 0].tolist() == [200, 0, 0, 255]
    assert found[2][3, 3].tolist() == [0, 0, 200, 128] and found[3][3, 3].tolist() == [0, 0, 0, 0]
    assert found[3][0, 0].tolist() == [200, 0, 0, 255]


def test_alpha_over_alpha_is_that_of_floating_point():
    rng = np.random.default_rng(1)
    over, under = rng.integers(0, 256, (2, 500, 1, 4), dtype=np.uint8)
    a, b = over[..., 3:] / 255, under[..., 3:] / 255
    both = a + (1 - a) * b
    exact = np.concatenate([(over[..., :3] * a + under[..., :3] * (1 - a) * b) / both, 255 * both], -1)
    lay(over, under)
    assert np.abs(under - exact).max() <= 0.5 + 1e-9


def test_an_apng_out_of_order_or_beyond_its_canvas_is_damaged():
    frames = [(0, 0, solid(4, 4, 1, 1, 1, 255), (1, 10), 0, 0), (2, 2, solid(4, 4, 1, 1, 1, 255), (1, 10), 0, 0)]
    with pytest.raises(BitstreamError, match="beyond"):
        animation.load(apng_file(4, 4, frames))
    data = apng_file(4, 4, frames[:1] * 2)
    with pytest.raises(TruncatedError):
        animation.load(data[:-12])
    assert any(
        "announces" in warning for warning in animation.load(apng_file(4, 4, frames[:1] * 2, announced=3)).warnings
    )


# ---------------------------------------------------------------- time


def test_short_frames_keep_their_times_and_gif_drops_those_it_cannot_show():
    data = apng_file(4, 4, [(0, 0, solid(4, 4, 40 * i, 0, 0, 255), (1, 60), 0, 0) for i in range(6)])
    kept, dropped = codec.animate(data, format="apng"), codec.animate(data, format="gif")
    assert kept.seconds == dropped.seconds == Fraction(1, 10) and (kept.frames, dropped.frames) == (6, 3)
    assert any("3 of 6 frames were dropped" in warning for warning in dropped.warnings)
    again = codec.animate(kept.data, format="apng")
    assert again.seconds == Fraction(1, 10) and again.frames == 6


def test_webp_keeps_short_frames():
    buffer = io.BytesIO()
    images = [Image.new("RGB", (9, 9), (40 * i, 0, 0)) for i in range(6)]
    images[0].save(buffer, "WEBP", save_all=True, append_images=images[1:], duration=[17, 17, 16, 17, 17, 16], loop=2)
    found = animation.load(buffer.getvalue())
    assert sum(found.seconds) == Fraction(1, 10) and found.loops == 1  # plays twice, restarts once


def test_single_ticks_of_a_gif_count_where_other_frames_are_longer():
    ticks = (2, 1, 2, 2, 1, 2)
    data = gif_file(4, 4, *(frame(0, 0, 4, 4, i % 4, ticks=t) for i, t in enumerate(ticks)))
    assert sum(animation.load(data).seconds) == Fraction(1, 10)
    made = codec.animate(data)
    assert made.seconds == Fraction(1, 10) and made.frames == 4


@pytest.mark.parametrize("ticks", [0, 1])
def test_frames_without_a_time_are_shown_for_a_tenth_of_a_second_and_it_is_told(ticks):
    found = animation.load(gif_file(4, 4, *(frame(0, 0, 4, 4, i, ticks=ticks) for i in range(3))))
    assert found.seconds == [Fraction(1, 10)] * 3 and "100 ms each" in found.warnings[0]


# ---------------------------------------------------------------- loops


@pytest.mark.parametrize("loops", [None, 0, 1, 2, 7])
@pytest.mark.parametrize("format", ["gif", "apng"])
def test_an_animation_plays_as_often_as_its_source(format, loops):
    data = gif_file(4, 4, frame(0, 0, 4, 4), frame(0, 0, 4, 4, 2), loops=loops)
    plays = 0 if loops == 0 else 1 + (loops or 0)
    assert plays_of(data) == plays
    made = codec.animate(data, format=format).data
    assert plays_of(made) == plays
    back = codec.animate(made, format="gif").data
    assert plays_of(back) == plays
    assert plays_of(codec.animate(data, format=format, loops=None).data) == 1
    assert plays_of(codec.animate(data, format=format, loops=0).data) == 0


def plays_of(data):
    """As browsers play it: a GIF counts restarts, an APNG plays; 0 is forever in both."""
    if data[:3] == b"GIF":
        loop = Image.open(io.BytesIO(data)).info.get("loop")
        return 1 if loop is None else loop + 1 if loop else 0
    at = data.index(b"acTL")
    return struct.unpack_from(">I", data, at + 8)[0]


def test_more_plays_than_a_gif_can_state_are_told():
    frames = [(0, 0, solid(2, 2, level, 0, 0, 255), (1, 10), 0, 0) for level in (0, 255)]
    made = codec.animate(apng_file(2, 2, frames, plays=70000), format="gif")
    assert plays_of(made.data) == 65536 and any("65535" in warning for warning in made.warnings)


def test_stills_play_forever():
    stills = [b"P5 2 1 255\n" + bytes(pair) for pair in ([0, 9], [9, 0])]
    assert plays_of(codec.animate(stills).data) == 0


def test_durations_of_stills_can_be_given():
    stills = [b"P5 2 1 255\n" + bytes(pair) for pair in ([0, 9], [9, 0])]
    assert codec.animate(stills, seconds=[1, 0.5]).seconds == Fraction(3, 2)
    with pytest.raises(ParameterError, match="durations"):
        codec.animate(stills, seconds=[1])


def test_an_animation_that_grows_says_so():
    data = codec.animate(gif_file(40, 40, frame(0, 0, 40, 40), frame(3, 3, 9, 9, 2))).data
    noise = np.random.default_rng(0).integers(0, 4, (60, 60))
    small = gif_file(60, 60, frame(0, 0, 60, 60, noise), frame(3, 3, 9, 9, 2))
    assert not any("larger" in warning for warning in codec.animate(small).warnings)
    grown = codec.animate(data, comment="x" * 300)
    assert grown.size > len(data) and "larger than its source" in grown.warnings[-1]


# ---------------------------------------------------------------- what would grow


def tiny(**options):
    """Frames without a graphic control extension, which this package always writes: the result is larger."""
    return gif_file(2, 2, frame(0, 0, 2, 2)[8:], frame(0, 0, 2, 2, 2)[8:], **options)


def test_an_animation_that_would_grow_is_kept(tmp_path):
    data = tiny(loops=3)
    for options in ({}, {"lossy": 0}, {"loops": 3}, {"target": "size:300"}, {"dither_strength": 0.0}):
        made = codec.animate(data, tmp_path / "o.gif", **options)
        assert made.kept and made.data == data == (tmp_path / "o.gif").read_bytes()
        assert (made.frames, made.seconds, made.width, made.lossy, made.warnings) == (2, Fraction(1, 5), 2, 0, ())


@pytest.mark.parametrize("options", [
    {"fps": 5}, {"seconds": 1}, {"width": 1}, {"colors": 4}, {"loops": 0}, {"comment": "x"}, {"strip": True},
], ids=str)  # fmt: skip
def test_what_was_asked_for_is_done_though_it_grows(options):
    made = codec.animate(tiny(loops=3), **options)
    assert not made.kept and any("larger than its source" in warning for warning in made.warnings)


def test_other_formats_damaged_files_and_lists_are_not_kept():
    assert not codec.animate(tiny(), format="apng").kept and not codec.animate([tiny(), tiny()]).kept
    damaged = codec.animate(tiny(tail=b""))
    assert not damaged.kept and any("trailer" in warning for warning in damaged.warnings)
    assert any("larger than its source" in warning for warning in damaged.warnings)


def test_an_apng_that_would_grow_is_kept():
    pixels = solid(2, 2, 1, 2, 3, 255)
    data = apng_file(2, 2, [(0, 0, pixels, (1, 10), 0, 0)] * 2)
    made = codec.animate(data, format="apng")
    bigger = codec.animate(data, format="apng", loops=7)
    assert made.kept == (bigger.size > len(data)) and (not made.kept or made.data == data)
