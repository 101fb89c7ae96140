"""Pillow with this package as its codec (codec/compat/pillow.py), beside Pillow alone."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFile, JpegImagePlugin

import codec
import codec.compat.pillow as plugin


@pytest.fixture(autouse=True)
def registered():
    plugin.register()
    yield
    plugin.unregister()


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


# ---------------------------------------------------------------- JPEG


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB"), (4, "CMYK")])
def test_saving_and_opening_go_through_this_package(picture, channels, mode):
    pixels = picture(40, 56, channels)
    data = saved(Image.fromarray(pixels, mode) if mode != "CMYK" else Image.frombytes(mode, (56, 40), pixels.tobytes()))
    color = {"color": "ycck"} if mode == "CMYK" else {}
    assert data == codec.encode(pixels, quality=75, **color)
    image = opened(data)
    assert isinstance(image, plugin.JpegImageFile) and (image.mode, image.size, image.format) == (
        mode,
        (56, 40),
        "JPEG",
    )
    np.testing.assert_array_equal(np.asarray(image), codec.decode(data))


def test_what_pillow_alone_reads_is_the_same_within_rounding(picture):
    data = codec.encode(picture(40, 56), subsampling="4:4:4")
    ours = np.asarray(opened(data)).astype(int)
    plugin.unregister()
    theirs = opened(data)
    assert type(theirs) is JpegImagePlugin.JpegImageFile
    assert np.abs(ours - np.asarray(theirs)).max() <= 4


def test_metadata_and_info_are_those_of_pillow(picture):
    exif = Image.Exif()
    exif[0x010F] = "maker"
    data = saved(
        Image.fromarray(picture(16, 16)), exif=exif, icc_profile=b"icc", xmp=b"<x/>", comment="hi", dpi=(72, 72)
    )
    info = opened(data).info
    assert (info["icc_profile"], info["xmp"], info["comment"], info["dpi"]) == (b"icc", b"<x/>", b"hi", (72, 72))
    assert opened(data).getexif()[0x010F] == "maker"
    plugin.unregister()
    assert opened(data).info == info


def test_options_of_both(picture):
    image = Image.fromarray(picture(40, 56))
    assert saved(image, quality=60, effort=3, subsampling=0) == codec.encode(
        np.asarray(image), quality=60, effort=3, subsampling="4:4:4"
    )
    assert saved(image, progressive=True) == codec.encode(np.asarray(image), progressive=True)
    assert len(saved(image, target="size:1000")) <= 1000
    with pytest.raises(ValueError, match="effort"):
        saved(image, effort=20)


def test_what_only_pillow_can_do_pillow_does(picture):
    image = Image.fromarray(picture(40, 56))
    written = {
        "preset": saved(image, quality="web_low"),
        "keep": saved(opened(saved(image)), quality="keep"),
        "mode": saved(image.convert("YCbCr")),
    }
    with pytest.raises(ValueError, match="leave one out"):
        saved(image, quality="web_low", effort=7)
    original = opened(saved(image))
    plugin.unregister()
    assert written["preset"] == saved(image, quality="web_low")
    assert written["mode"] == saved(image.convert("YCbCr"))
    assert opened(written["keep"]).quantization == original.quantization
    with pytest.raises(OSError, match="RGBA"):
        saved(image.convert("RGBA"))


def test_modes_that_jpeg_has_not_are_refused_as_before(picture):
    with pytest.raises(OSError, match="cannot write mode RGBA as JPEG"):
        saved(Image.fromarray(picture(8, 8, 4), "RGBA"))
    assert opened(saved(Image.new("1", (16, 8), 1))).mode == "L"


def test_damage_is_an_oserror_or_a_warning(picture, monkeypatch):
    data = codec.encode(picture(64, 64), progressive=False)[:-200]
    with pytest.raises(OSError, match="entropy-coded data"):
        opened(data).load()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    image = opened(data)
    with pytest.warns(codec.DamageWarning):
        image.load()
    assert image.size == (64, 64)


def test_images_behave_as_images(picture, tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(64, 96)).save(path, quality=90)
    with Image.open(path) as image:
        small = image.copy()
        small.thumbnail((24, 24))
        image.load()
        assert image.fp is None
        assert small.size == (24, 16) and image.size == (96, 64) and image.convert("L").mode == "L"
    image = Image.open(path)
    image.thumbnail((24, 24))
    assert image.size == (24, 16)
    path.unlink()


def test_arithmetic_coding_which_pillow_may_not_read(picture):
    data = codec.encode(picture(32, 32), coding="arithmetic")
    np.testing.assert_array_equal(np.asarray(opened(data)), codec.decode(data))


# ---------------------------------------------------------------- H.264


@pytest.fixture(scope="module")
def stream():
    frames = [np.full((32, 48, 3), (40 * number, 90, 200), np.uint8) for number in range(6)]
    return codec.encode_video(frames, fps=25, qp=20)


def test_frames_of_a_stream(stream, tmp_path):
    path = tmp_path / "clip.h264"
    path.write_bytes(stream)
    shown = [frame.to_rgb() for frame in codec.decode_video(stream)]
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("H264", "RGB", (48, 32))
        assert (image.n_frames, image.is_animated, image.info["fps"]) == (6, True, 25)
        for number in (0, 3, 5, 1, 1):
            image.seek(number)
            assert image.tell() == number
            np.testing.assert_array_equal(np.asarray(image), shown[number])
        with pytest.raises(EOFError, match="there are 6 frames"):
            image.seek(6)
        np.testing.assert_array_equal(np.asarray(image), shown[1])


def test_a_damaged_stream_is_an_oserror_or_a_warning(stream, monkeypatch):
    data = bytearray(stream)
    data[data.rfind(b"\0\0\1") + 14 :] = b"\x55" * 20
    image = opened(bytes(data))
    with pytest.raises(OSError):
        image.seek(5)
    assert image.tell() == 0 and np.array_equal(np.asarray(image), next(codec.decode_video(stream)).to_rgb())
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.warns(codec.DamageWarning):
        for number in range(6):
            image.seek(number)


def test_ten_bits_are_refused_and_say_why(streams):
    found = [path for row, path in streams.values() if path.suffix in (".264", ".jsv", ".avc", ".26l", ".h264")]
    for path in found:
        try:
            info = codec.h264.probe(path)
        except codec.CodecError:
            continue
        if info.bit_depth > 8:
            with pytest.raises(OSError, match="use codec.decode_video"):
                opened(path.read_bytes())
            return
    pytest.skip("no stream of more than 8 bits among the test data")


def test_nothing_stays_after_unregister(stream):
    plugin.unregister()
    assert "H264" not in Image.ID and ".h264" not in Image.registered_extensions()
    with pytest.raises(Image.UnidentifiedImageError):
        opened(stream)
    plugin.unregister()  # a second time: nothing


@pytest.mark.parametrize("quality", [-5, -1, 0, 1, 100, 101, 1000, True])
def test_qualities_are_clamped_as_pillow_does(picture, quality):
    image = Image.fromarray(picture(24, 32))
    ours = saved(image, quality=quality, tune="annex-k", subsampling=0)
    plugin.unregister()
    theirs = opened(saved(image, quality=quality, subsampling=0))
    assert opened(ours).quantization == theirs.quantization


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("dpi", [(300, 300), (0, 0), (-1, -1), (300, 0)])
def test_dots_per_inch(picture, mode, dpi):
    image = Image.fromarray(picture(24, 32)).convert(mode)
    data = saved(image, dpi=dpi)
    plugin.unregister()
    assert opened(data).info.get("dpi") == opened(saved(image, dpi=dpi)).info.get("dpi")
