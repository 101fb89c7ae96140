"""imencode, imdecode, imread and imwrite (codec/compat/cv2.py), beside OpenCV where it is installed."""

import numpy as np
import pytest

import codec
from codec.compat import cv2
from codec.jpeg import Metadata

FLAGS = {
    "unchanged": cv2.IMREAD_UNCHANGED,
    "gray": cv2.IMREAD_GRAYSCALE,
    "color": cv2.IMREAD_COLOR,
    "rgb": cv2.IMREAD_COLOR_RGB,
    "anycolor": cv2.IMREAD_ANYCOLOR,
    "anydepth": cv2.IMREAD_ANYDEPTH,
    "color as stored": cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
}


def turned(picture, orientation):
    tag = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation]) + b"\0\0\0\0\0\0"
    return codec.encode(picture(24, 40), subsampling="4:4:4", metadata=Metadata(exif=tag))


def test_the_order_is_blue_green_red():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 2] = 255
    ok, buffer = cv2.imencode(".jpg", red)
    assert ok and buffer.dtype == np.uint8 and buffer.ndim == 1
    assert codec.decode(buffer.tobytes())[8, 8].tolist() == pytest.approx([255, 0, 0], abs=2)
    assert cv2.imdecode(buffer)[8, 8].tolist() == pytest.approx([0, 0, 255], abs=2)
    assert cv2.imdecode(buffer, cv2.IMREAD_COLOR_RGB)[8, 8].tolist() == pytest.approx([255, 0, 0], abs=2)


@pytest.mark.parametrize(
    "params, options",
    [
        ([], {"quality": 95}),
        ([cv2.IMWRITE_JPEG_QUALITY, 60], {"quality": 60}),
        ([cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_OPTIMIZE, 1], {"quality": 95, "progressive": True}),
        ([cv2.IMWRITE_JPEG_RST_INTERVAL, 4], {"quality": 95, "restart_interval": 4}),
        ([cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_CHROMA_QUALITY, 50], {"quality": 90, "chroma_quality": 50}),
        ([cv2.IMWRITE_JPEG_LUMA_QUALITY, 50], {"quality": 50, "chroma_quality": 95}),
        (
            [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
            {"quality": 95, "subsampling": "4:4:4"},
        ),
    ],
)
def test_parameters_are_options_of_encode(picture, params, options):
    pixels = picture(40, 56)
    expected = codec.encode(pixels[..., ::-1], **{"progressive": False, "subsampling": "4:2:0", **options})
    assert cv2.imencode(".JPG", pixels, params)[1].tobytes() == expected


@pytest.mark.parametrize("flags", FLAGS)
def test_shapes_and_turns(picture, flags):
    data, found = turned(picture, 6), cv2.imdecode(turned(picture, 6), FLAGS[flags])
    stored = flags in ("unchanged", "color as stored")
    assert found.shape[:2] == ((24, 40) if stored else (40, 24))
    assert found.ndim == (2 if flags in ("gray", "anydepth") else 3)
    if found.ndim == 3:
        rgb = codec.decode(data, upright=not stored)
        np.testing.assert_array_equal(found, rgb if flags == "rgb" else rgb[..., ::-1])


@pytest.mark.parametrize("flags", FLAGS)
def test_as_opencv_reads(picture, flags):
    opencv = pytest.importorskip("cv2")
    for data in (turned(picture, 1), turned(picture, 8), codec.encode(picture(24, 40, 1))):
        ours, theirs = cv2.imdecode(data, FLAGS[flags]), opencv.imdecode(np.frombuffer(data, np.uint8), FLAGS[flags])
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        assert np.abs(ours.astype(int) - theirs).max() <= 4


def test_numbers_are_those_of_opencv():
    opencv = pytest.importorskip("cv2")
    for name, value in vars(cv2).items():
        if name.startswith(("IMREAD_", "IMWRITE_")) and hasattr(opencv, name):
            assert value == getattr(opencv, name), name


def test_gray_of_colour_is_the_stored_luminance(picture):
    data = codec.encode(picture(24, 40), subsampling="4:2:0")
    only_luminance = codec.decode(codec.jpeg.transcode(data, grayscale=True).data)
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), only_luminance)
    rgb = codec.encode(picture(24, 40), color="rgb")
    weighted = codec.decode(rgb) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(cv2.imdecode(rgb, cv2.IMREAD_GRAYSCALE) - weighted).max() <= 0.5


def test_failures_are_none_and_false(picture, tmp_path):
    data = codec.encode(picture(64, 64), progressive=False)
    assert cv2.imdecode(b"no picture") is None
    assert cv2.imdecode(np.frombuffer(data[:-200], np.uint8)) is None
    assert cv2.imread(tmp_path / "absent.jpg") is None
    assert cv2.imwrite(tmp_path / "absent" / "a.jpg", picture(8, 8)) is False


def test_files(picture, tmp_path):
    assert cv2.imwrite(tmp_path / "a.jpg", picture(16, 24), [cv2.IMWRITE_JPEG_QUALITY, 90]) is True
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.jpg")), codec.read(tmp_path / "a.jpg")[..., ::-1])


def test_deep_samples_on_request():
    pixels = np.arange(1024, dtype=np.uint16).reshape(32, 32) * 60
    data = codec.jpeg.encode_lossless(pixels).data
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_ANYDEPTH), pixels)
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), pixels)
    with pytest.raises(codec.UnsupportedError, match="IMREAD_ANYDEPTH"):
        cv2.imdecode(data)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda pixels: cv2.imencode(".png", pixels), "only JPEG"),
        (lambda pixels: cv2.imencode(".jpg", np.dstack([pixels, pixels[..., 0]])), "no alpha"),
        (lambda pixels: cv2.imencode(".jpg", pixels.astype(float)), "uint8"),
        (lambda pixels: cv2.imencode(".jpg", pixels, [1]), "pairs"),
        (lambda pixels: cv2.imencode(".jpg", pixels, [99, 1]), "unknown parameter 99"),
        (lambda pixels: cv2.imencode(".jpg", pixels, [7, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411]), "0x411111"),
        (lambda pixels: cv2.imdecode(codec.encode(pixels), 17), "reduce the size after"),
    ],
)
def test_what_is_not_supported_is_refused(picture, call, message):
    with pytest.raises(codec.ParameterError, match=message):
        call(picture(16, 16))


def test_cmyk_is_refused(picture):
    with pytest.raises(codec.UnsupportedError, match="CMYK"):
        cv2.imdecode(codec.encode(picture(16, 16, 4), color="cmyk"))


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 1)])
def test_gray_pictures(shape):
    ok, buffer = cv2.imencode(".jpg", np.full(shape, 77, np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert ok and (cv2.imdecode(buffer, cv2.IMREAD_GRAYSCALE) == np.full((8, 9), 77)).all()


def test_params_of_any_kind():
    assert cv2.imencode(".jpg", np.zeros((8, 8), np.uint8), np.array([cv2.IMWRITE_JPEG_QUALITY, 50]))[0]
    with pytest.raises(codec.ParameterError, match="pairs"):
        cv2.imencode(".jpg", np.zeros((8, 8), np.uint8), [1, "x"])
