"""Pictures scaled down to a frame."""

import numpy as np
import pytest
from PIL import Image

import codec
from codec import jpeg
from codec.batch import CompressTask, shaping
from codec.color import linear_light
from codec.errors import ParameterError
from codec.formats.pictures import dump, orientation
from codec.jpeg import EncodeOptions, Metadata

SMOOTH = (np.add.outer(np.arange(60), np.arange(90))[..., None] * (1, 2, 1) % 200 + 20).astype(np.uint8)


@pytest.mark.parametrize("value, says", [("0x5", "no size"), ("1x2x3", "no size"), ("wide", "no size"), ((5,), None)])
def test_sizes_of_frames(value, says):
    if says:
        with pytest.raises(ParameterError, match=says):
            CompressTask(max_size=value)
    else:
        assert CompressTask(max_size=value).max_size == (5, 5)


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (1000, 7), (4000, 3000), (65535, 65535)])
@pytest.mark.parametrize("frame", [(1, 1), (640, 480), (480, 640), (5000, 5000)])
def test_a_picture_fits_and_fills_its_frame_and_is_never_enlarged(size, frame):
    made = shaping.fitting(*size, frame)
    assert all(1 <= one <= min(most, was) for one, most, was in zip(made, frame, size))
    assert made == size or any(one == most for one, most in zip(made, frame))


def test_light_is_averaged_not_its_code():
    """One of two black and white pixels is half of the light: 188 of 255 in sRGB, not 128."""
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    made = shaping.scaled(stripes, (8, 8))
    assert abs(int(made[4, 4]) - 188) <= 1
    assert abs(linear_light(made[4, 4] / 255) - 0.5) < 0.01


@pytest.mark.parametrize("dtype, channels", [("uint8", 0), ("uint8", 3), ("uint8", 4), ("uint16", 0), ("uint16", 3)])
def test_flat_pictures_stay_what_they_are(dtype, channels):
    shape = (40, 30, channels) if channels else (40, 30)
    for value in (0, 1, 77, np.iinfo(dtype).max):
        made = shaping.scaled(np.full(shape, value, dtype), (15, 20))
        assert made.dtype == dtype and made.shape[:2] == (20, 15) and (made == value).all()


@pytest.mark.parametrize("source", [dump(SMOOTH), codec.encode(SMOOTH, 95)], ids=["png", "jpeg"])
def test_only_larger_pictures_are_scaled(source):
    made = CompressTask(EncodeOptions(quality=90), max_size="45x45")(source)
    assert (made.facts["width"], made.facts["height"]) == (45, 30) and codec.decode(made.data).shape == (30, 45, 3)
    same = CompressTask(EncodeOptions(quality=90))(source)
    assert CompressTask(EncodeOptions(quality=90), max_size=(90, 60))(source).data == same.data


def test_the_frame_is_that_of_the_upright_picture_and_exif_follows():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769).update({0xA002: 90, 0xA003: 60})
    source = codec.encode(SMOOTH, 95, metadata=Metadata(exif=exif.tobytes()))
    made = CompressTask(EncodeOptions(quality=90), max_size=(30, 90))(source)
    info = jpeg.probe(made.data)
    assert (info.width, info.height) == (45, 30) and orientation(info.metadata.exif) == 6
    kept = Image.Exif()
    kept.load(info.metadata.exif)
    assert dict(kept.get_ifd(0x8769)) == {0xA002: 45, 0xA003: 30}


def test_a_scaled_picture_may_replace_its_original():
    task = CompressTask(EncodeOptions(quality=60), max_size=(45, 45))
    source = codec.encode(SMOOTH, 95)
    assert task.verify(source, task(source)) is None
    assert "looks different" in task.verify(source, CompressTask(max_size=(45, 45))(codec.encode(255 - SMOOTH, 95)))
