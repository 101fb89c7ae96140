"""Chunks of Zarr arrays as JPEG (codec/compat/numcodecs.py, zarr.py, _chunks.py)."""

import json

import numpy as np
import pytest

import codec
from codec.compat import _chunks


@pytest.mark.parametrize(
    "shape, channels, expected",
    [
        ((16, 24), None, (16, 24)),
        ((16, 24, 3), None, (16, 24, 3)),
        ((16, 24, 3), 1, (384, 3)),
        ((5, 16, 24), None, (80, 24)),
        ((5, 16, 24, 3), None, (80, 24, 3)),
        ((24, 3), None, (24, 3)),
        ((24, 3), 3, (1, 24, 3)),
        ((24,), None, (1, 24)),
    ],
)
def test_a_chunk_is_one_picture(shape, channels, expected):
    chunk = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    found = _chunks.picture_of(chunk, channels)
    assert found.shape == expected
    np.testing.assert_array_equal(found.reshape(shape), chunk)


@pytest.mark.parametrize("shape, channels", [((), None), ((0, 8), None), ((8, 4), 3)])
def test_chunks_that_are_no_picture(shape, channels):
    with pytest.raises(codec.ParameterError):
        _chunks.picture_of(np.zeros(shape, np.uint8), channels)


def test_a_jpeg_of_another_size_is_refused(picture):
    with pytest.raises(codec.BitstreamError, match="shape"):
        _chunks.decoded(codec.encode(picture(8, 8)), (8, 9, 3))


# ---------------------------------------------------------------- numcodecs


@pytest.fixture
def numcodecs():
    return pytest.importorskip("numcodecs")


@pytest.fixture
def ours(numcodecs):
    return pytest.importorskip("codec.compat.numcodecs")


def test_numcodecs_makes_them_from_their_config(numcodecs, ours, picture):
    for compressor in (ours.Jpeg(quality=90, subsampling="4:4:4"), ours.LosslessJpeg(channels=1)):
        config = compressor.get_config()
        assert json.loads(json.dumps(config)) == config
        again = numcodecs.get_codec(config)
        assert again == compressor and repr(again) == repr(compressor)


def test_a_chunk_is_what_encode_gives(ours, picture):
    pixels = picture(32, 48)
    data = ours.Jpeg(quality=90).encode(pixels)
    assert data == codec.encode(pixels, quality=90)
    out = np.empty_like(pixels)
    ours.Jpeg(quality=90).decode(data, out=out)
    np.testing.assert_array_equal(out, codec.decode(data))


def test_wrong_settings_are_value_errors(ours):
    for options in ({"quality": 0}, {"metadata": None}, {"channels": 4}):
        with pytest.raises(ValueError):
            ours.Jpeg(**options)
    with pytest.raises(ValueError, match="uint8"):
        ours.Jpeg().encode(np.zeros((8, 8)))
    with pytest.raises(ValueError):
        ours.LosslessJpeg().encode(np.zeros((8, 8), np.int32))


# ---------------------------------------------------------------- Zarr


@pytest.fixture
def zarr():
    return pytest.importorskip("zarr")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_lossless_zarr_2_arrays(zarr, ours, tmp_path, dtype, order):
    """Edges that fill no chunk, several slices a chunk, both orders of memory."""
    volume = np.random.default_rng(1).integers(0, 1 << 8 * int(dtype[1]), (10, 50, 70)).astype(dtype)
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=volume.shape, chunks=(4, 32, 32), dtype=dtype, zarr_format=2, order=order,
        compressors=ours.LosslessJpeg(),
    )  # fmt: skip
    array[:] = volume
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "a.zarr", mode="r")[:], volume)


def test_lossless_zarr_3_arrays(zarr, tmp_path):
    codecs = pytest.importorskip("codec.compat.zarr")
    volume = np.random.default_rng(1).integers(0, 65536, (10, 50, 70)).astype("u2")
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=volume.shape, chunks=(4, 32, 32), dtype="u2",
        serializer=codecs.LosslessJpegCodec(), compressors=None,
    )  # fmt: skip
    array[:] = volume
    stored = json.loads((tmp_path / "a.zarr/zarr.json").read_text())["codecs"]
    assert stored == [{"name": "codec_jpeg_lossless", "configuration": {"channels": None}}]
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "a.zarr", mode="r")[:], volume)


@pytest.mark.parametrize("form", [2, 3])
def test_a_lossy_picture_is_near(zarr, tmp_path, form):
    pixels = np.random.default_rng(2).integers(100, 104, (90, 110, 3)).astype("u1")
    if form == 2:
        how = {"compressors": pytest.importorskip("codec.compat.numcodecs").Jpeg(quality=95), "zarr_format": 2}
    else:
        serializer = pytest.importorskip("codec.compat.zarr").JpegCodec(quality=95, subsampling="4:4:4")
        how = {"serializer": serializer, "compressors": None}
    array = zarr.create_array(tmp_path / "a.zarr", shape=pixels.shape, chunks=(32, 64, 3), dtype="u1", **how)
    array[:] = pixels
    found = zarr.open_array(tmp_path / "a.zarr", mode="r")[:]
    assert 0 < np.abs(found.astype(int) - pixels).mean() < 2
    suffix = "c/0/0/0" if form == 3 else "0.0.0"
    assert codec.probe(tmp_path / "a.zarr" / suffix).width == 64


def test_zarr_3_refuses_other_types_when_the_array_is_created(zarr, tmp_path):
    codecs = pytest.importorskip("codec.compat.zarr")
    with pytest.raises(ValueError, match="uint8"):
        zarr.create_array(
            tmp_path / "a.zarr",
            shape=(8, 8),
            chunks=(8, 8),
            dtype="f4",
            serializer=codecs.JpegCodec(),
            compressors=None,
        )
