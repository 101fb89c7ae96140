"""The plugin of imageio 3 (codec/compat/imageio.py), through imageio's own functions."""

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

import codec
from codec.jpeg import Metadata

iio = pytest.importorskip("imageio.v3")
plugin = pytest.importorskip("codec.compat.imageio")
Plugin = plugin.Plugin


def moving(picture, count=5, height=32, width=48):
    return [np.roll(picture(height, width), 3 * number, 1) for number in range(count)]


# ---------------------------------------------------------------- JPEG


def test_jpeg_is_written_by_this_package_and_read_by_both(picture, tmp_path):
    path, pixels = tmp_path / "a.jpg", picture(40, 56)
    assert iio.imwrite(path, pixels, plugin=Plugin, quality=85, effort=3) is None
    assert path.read_bytes() == codec.encode(pixels, quality=85, effort=3)
    np.testing.assert_array_equal(iio.imread(path, plugin=Plugin), codec.read(path))
    assert np.abs(iio.imread(path, plugin="pillow").astype(int) - iio.imread(path, plugin=Plugin)).max() <= 4


def test_bytes_file_objects_and_zip_members(picture, tmp_path):
    pixels = picture(16, 24, 1)
    data = iio.imwrite("<bytes>", pixels, extension=".jpg", plugin=Plugin, quality=70)
    assert data == codec.encode(pixels, quality=70)
    buffer = io.BytesIO()
    iio.imwrite(buffer, pixels, extension=".jpg", plugin=Plugin, quality=70)
    assert buffer.getvalue() == data
    iio.imwrite(tmp_path / "a.zip" / "inner.jpg", pixels, plugin=Plugin, quality=70)
    for source in (data, io.BytesIO(data), tmp_path / "a.zip" / "inner.jpg"):
        np.testing.assert_array_equal(iio.imread(source, plugin=Plugin), codec.decode(data))


def test_properties_and_metadata_of_a_jpeg(picture):
    described = Metadata(icc=b"profile", comments=(b"hello",), density=(1, 72, 72))
    data = codec.encode(picture(20, 30), quality=80, metadata=described)
    properties = iio.improps(data, plugin=Plugin)
    assert (properties.shape, properties.dtype, properties.is_batch) == ((20, 30, 3), np.uint8, False)
    assert iio.improps(data, index=..., plugin=Plugin).shape == iio.imread(data, index=..., plugin=Plugin).shape
    found = iio.immeta(data, plugin=Plugin)
    assert (found["icc"], found["comments"], found["density"]) == (b"profile", (b"hello",), (1, 72, 72))
    assert found["color"] == "ycbcr" and found["orientation"] == 1


def test_a_turned_picture_is_turned_on_request(picture):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = codec.encode(picture(20, 30), metadata=Metadata(exif=exif.tobytes()[6:]))
    assert iio.imread(data, plugin=Plugin).shape == iio.improps(data, plugin=Plugin).shape == (20, 30, 3)
    np.testing.assert_array_equal(iio.imread(data, plugin=Plugin, rotate=True), codec.decode(data, upright=True))
    assert iio.improps(data, plugin=Plugin, rotate=True).shape == (30, 20, 3)


def test_twelve_bits_stay_uint16():
    pixels = (np.arange(64 * 64, dtype=np.uint16) % 4096).reshape(64, 64)
    data = codec.jpeg.encode_lossless(pixels, bits=12).data
    assert iio.improps(data, plugin=Plugin).dtype == np.uint16
    np.testing.assert_array_equal(iio.imread(data, plugin=Plugin), pixels)


def test_damaged_jpeg_is_an_error_or_a_warning(picture):
    data = codec.encode(picture(64, 64), progressive=False)[:-200]
    with pytest.raises(codec.BitstreamError):
        iio.imread(data, plugin=Plugin)
    with pytest.warns(codec.DamageWarning):
        assert iio.imread(data, plugin=Plugin, on_error="conceal").shape == (64, 64, 3)


# ---------------------------------------------------------------- animations


@pytest.mark.parametrize("suffix", [".gif", ".apng"])
def test_animations_come_back_frame_by_frame(picture, tmp_path, suffix):
    path, frames = tmp_path / f"a{suffix}", [np.full((32, 48, 3), 50 * i, np.uint8) for i in range(4)]
    iio.imwrite(path, frames, plugin=Plugin, duration=[100, 200, 100, 300], loops=None)
    np.testing.assert_array_equal(iio.imread(path, plugin=Plugin), np.stack(frames))
    np.testing.assert_array_equal(iio.imread(path, plugin=Plugin, index=2), frames[2])
    theirs = [shown[..., :3] for shown in iio.imiter(path, plugin="pillow", mode="RGB")]
    np.testing.assert_array_equal(np.stack(theirs), np.stack(frames))
    assert iio.immeta(path, plugin=Plugin) == {"frames": 4, "loops": None, "duration": pytest.approx(0.7)}
    assert iio.immeta(path, plugin=Plugin, index=1)["duration"] == pytest.approx(0.2)
    assert iio.improps(path, plugin=Plugin).shape == (4, 32, 48, 3)


def test_transparent_animations_have_four_channels(tmp_path):
    clear = np.zeros((8, 8, 4), np.uint8)
    full = np.full((8, 8, 4), 255, np.uint8)
    iio.imwrite(tmp_path / "a.gif", [clear, full], plugin=Plugin, fps=10)
    np.testing.assert_array_equal(iio.imread(tmp_path / "a.gif", plugin=Plugin)[..., 3], [clear[..., 3], full[..., 3]])


def test_gray_frames_are_told_from_colour(tmp_path):
    iio.imwrite(tmp_path / "a.gif", np.zeros((5, 16, 3), np.uint8), plugin=Plugin, is_batch=True)
    assert iio.improps(tmp_path / "a.gif", plugin=Plugin).shape == (5, 16, 3, 3)
    iio.imwrite(tmp_path / "b.gif", np.zeros((5, 16, 3), np.uint8), plugin=Plugin)
    assert iio.improps(tmp_path / "b.gif", plugin=Plugin).shape == (1, 5, 16, 3)


# ---------------------------------------------------------------- video


def test_a_clip_passes_from_file_to_file(picture, tmp_path):
    """imiter gives frames one by one, and imwrite takes them one by one."""
    first, second = tmp_path / "a.h264", tmp_path / "b.264"
    iio.imwrite(first, moving(picture), plugin=Plugin, fps=25, qp=20)
    iio.imwrite(second, iio.imiter(first, plugin=Plugin), plugin=Plugin, fps=25, qp=20)
    shown = [frame.to_rgb() for frame in codec.decode_video(second)]
    np.testing.assert_array_equal(iio.imread(second, plugin=Plugin), np.stack(shown))
    np.testing.assert_array_equal(iio.imread(second, plugin=Plugin, index=3), shown[3])
    properties = iio.improps(second, plugin=Plugin)
    assert (properties.shape, properties.n_images) == ((5, 32, 48, 3), 5)
    assert iio.immeta(second, plugin=Plugin)["fps"] == 25
    assert iio.immeta(second, plugin=Plugin, index=0)["key"] is True


def test_containers_are_read_as_the_plugin_of_pyav_reads_them(picture, tmp_path):
    pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    iio.imwrite(path, moving(picture), plugin=Plugin, fps=Fraction(30000, 1001))
    ours, theirs = iio.imread(path, plugin=Plugin), iio.imread(path, plugin="pyav")
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).mean() < 4  # FFmpeg repeats chroma samples, this package interpolates
    assert iio.immeta(path, plugin=Plugin)["fps"] == pytest.approx(29.97, abs=0.01)


def test_a_damaged_stream_is_never_silent(picture):
    data = bytearray(iio.imwrite("<bytes>", moving(picture), extension=".h264", plugin=Plugin, fps=25, qp=20))
    begin = data.rfind(b"\0\0\1")
    data[begin + 20 :] = b"\x55" * 20
    with pytest.raises(codec.BitstreamError):
        iio.imread(bytes(data), plugin=Plugin)
    with pytest.warns(codec.DamageWarning, match="frame . is damaged"):
        assert len(iio.imread(bytes(data), plugin=Plugin, on_error="conceal")) == 5


# ---------------------------------------------------------------- errors, as imageio has them


@pytest.mark.parametrize("data", [b"GIF", b"\x89PNG\r\n\x1a\n" + bytes(40), b"no picture at all" * 4])
def test_other_data_is_refused_by_imageio_itself(data):
    with pytest.raises(OSError, match="can not handle"):
        iio.imread(data, plugin=Plugin)


def test_other_suffixes_are_refused_before_anything_is_written(picture, tmp_path):
    with pytest.raises(OSError, match="can not handle"):
        iio.imwrite(tmp_path / "a.png", picture(8, 8), plugin=Plugin)
    with pytest.raises(OSError, match="can not handle"):
        iio.imwrite("<bytes>", picture(8, 8), plugin=Plugin)
    assert list(tmp_path.iterdir()) == []


def test_wrong_arguments_are_value_errors_and_keep_the_file(picture, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"before")
    for frames, options in [
        (moving(picture, 2), {}),
        (picture(8, 8).astype(float), {}),
        (picture(8, 8), {"quality": 500}),
        (picture(8, 8), {"colour": "red"}),
    ]:
        with pytest.raises(ValueError):
            iio.imwrite(path, frames, plugin=Plugin, **options)
    assert path.read_bytes() == b"before"
    with pytest.raises(ValueError, match="fps="):
        iio.imwrite(tmp_path / "a.h264", moving(picture), plugin=Plugin)
    data = codec.encode(picture(8, 8))
    for index in (1, -1, "first"):
        with pytest.raises(ValueError, match="index"):
            iio.imread(data, plugin=Plugin, index=index)


def test_a_file_is_written_in_one_call(picture, tmp_path):
    with iio.imopen(tmp_path / "a.gif", "w", plugin=Plugin) as opened:
        opened.write(picture(8, 8))
        with pytest.raises(ValueError, match="in one call"):
            opened.write(picture(8, 8))


def test_the_name_is_registered_and_forgotten(picture):
    data = codec.encode(picture(8, 8))
    plugin.unregister()  # the examples of the documents may have registered it
    with pytest.raises(ValueError, match="not a registered plugin"):
        iio.imread(data, plugin="codec")
    plugin.register()
    try:
        assert iio.imread(data, plugin="codec").shape == (8, 8, 3)
    finally:
        plugin.unregister()
    with pytest.raises(ValueError, match="not a registered plugin"):
        iio.imread(data, plugin="codec")


def test_a_last_axis_of_one_is_gray(picture):
    pixels = picture(24, 40, 1)
    data = iio.imwrite("<bytes>", pixels[..., None], extension=".jpg", plugin=plugin.Plugin)
    assert data == iio.imwrite("<bytes>", pixels, extension=".jpg", plugin=plugin.Plugin)


def test_options_of_animations(picture):
    frames = [picture(24, 40, seed=seed) for seed in range(3)]
    write = lambda **options: iio.imwrite("<bytes>", frames, extension=".gif", plugin=plugin.Plugin, **options)
    assert write(loop=0, duration=50) == write(loops=0, duration=50) != write(loop=2, duration=50)
    with pytest.raises(
        codec.errors.ParameterError, match="unknown option 'lossi' for an animation; did you mean 'lossy'"
    ):
        write(lossi=3)
