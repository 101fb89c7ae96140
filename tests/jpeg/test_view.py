"""Parts of a picture: `scale`, `region`, `color="gray"`, `out`, and planes, each beside the whole picture or libjpeg."""

import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from codec.jpeg._reduced import samples_of
from PIL import Image

import codec
from codec import jpeg
from codec.jpeg.view import block_size

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:4:0", "4:2:0")


def picture(height=45, width=61, seed=1):
    """Edges, gradients and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = np.stack([4 * x, 5 * y, 3 * (x + y)], 2) % 256
    image[height // 3 :, width // 2 :] = (250, 20, 90)
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def by_pillow(data, eighths):
    """Of gray pictures: others change their transform with `draft`."""
    image = Image.open(io.BytesIO(data))
    image.draft("L", (max(1, image.width * eighths // 8), max(1, image.height * eighths // 8)))
    return np.asarray(image)


# ---------------------------------------------------------------- scale


@pytest.mark.parametrize("eighths", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(45, 61), (8, 8), (1, 1), (64, 17)])
def test_halves_quarters_and_eighths_are_those_of_libjpeg(eighths, size):
    for quality in (30, 90):
        data = codec.encode(picture(*size)[..., 0], quality)
        np.testing.assert_array_equal(codec.decode(data, scale=eighths / 8), by_pillow(data, eighths))


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
@pytest.mark.parametrize("eighths", range(1, 9))
def test_colours_are_scaled_as_by_libjpeg(subsampling, eighths):
    simplejpeg = pytest.importorskip("simplejpeg")
    image = picture(83, 118)
    data = codec.encode(image, 85, subsampling=subsampling)
    pixels = codec.decode(data, scale=Fraction(eighths, 8))
    theirs = simplejpeg.decode_jpeg(
        data, min_height=pixels.shape[0], min_width=pixels.shape[1], fastdct=False, fastupsample=False
    )
    assert theirs.shape == pixels.shape
    difference = np.abs(theirs.astype(int) - pixels)
    assert difference.max() <= (0 if eighths in (1, 2, 4, 8) else 3)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_reduced_samples_are_means(size):
    """Of the samples of a real-valued transform; 12-bit samples round less."""
    rng = np.random.default_rng(size)
    levels = np.zeros((1, 40, 64), np.int16)
    levels[..., :20] = rng.integers(-20, 21, (1, 40, 20))
    Q = rng.integers(1, 12, 64).astype(np.uint16)
    u, x = np.mgrid[:8, :8]
    basis = np.where(u == 0, np.sqrt(1 / 8), np.sqrt(1 / 4) * np.cos((2 * x + 1) * u * np.pi / 16))
    blocks = basis.T @ (levels[0].astype(float) * Q).reshape(-1, 8, 8) @ basis
    step = 8 // size
    means = blocks.reshape(-1, size, step, size, step).mean((2, 4))
    for precision, middle in ((8, 128), (12, 2048)):
        made = samples_of(levels, Q, size, precision).reshape(size, 40, size).swapaxes(0, 1)
        expected = np.clip(means + middle, 0, 2 * middle - 1)
        assert np.abs(made - expected).max() <= (0.75 if precision == 8 else 1)


@pytest.mark.parametrize("size", [3, 5, 6, 7, 10, 12, 14, 16])
def test_other_sizes_are_transforms_of_that_many_points(size):
    rng = np.random.default_rng(size)
    levels = rng.integers(-9, 10, (1, 30, 64)).astype(np.int16)
    n = min(size, 8)
    u, x = np.mgrid[:n, :size]
    basis = np.where(u == 0, 1, np.sqrt(2) * np.cos((2 * x + 1) * u * np.pi / (2 * size)))
    expected = basis.T @ levels[0].reshape(-1, 8, 8)[:, :n, :n].astype(float) * 3 @ basis / 8 + 128
    made = samples_of(levels, np.full(64, 3, np.uint16), size, 8).reshape(size, 30, size).swapaxes(0, 1)
    assert np.abs(made - np.clip(expected, 0, 255)).max() <= 0.75


def test_subsampled_blocks_grow_instead_of_upsampling():
    """As libjpeg-turbo chooses the sizes of blocks: only in both directions at once, and no further than from 7 to 14."""
    assert [block_size((1, 1), (2, 2), eighths) for eighths in range(1, 9)] == [2, 4, 6, 8, 10, 12, 14, 8]
    assert {block_size((1, 1), (2, 1), eighths) - eighths for eighths in range(1, 9)} == {0}
    assert block_size((1, 1), (4, 4), 2) == 8


# ---------------------------------------------------------------- region


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("progressive", [False, True])
def test_a_region_is_cut_from_the_picture(subsampling, progressive):
    data = codec.encode(picture(), 80, subsampling=subsampling, progressive=progressive)
    rng = np.random.default_rng(3)
    for eighths in (8, 4, 3, 2, 1):
        whole = codec.decode(data, scale=eighths / 8)
        height, width = whole.shape[:2]
        for _ in range(25):
            x, y = rng.integers(0, width), rng.integers(0, height)
            w, h = rng.integers(1, width - x + 1), rng.integers(1, height - y + 1)
            part = codec.decode(data, scale=eighths / 8, region=(x, y, w, h))
            np.testing.assert_array_equal(part, whole[y : y + h, x : x + w])


def test_regions_of_every_kind_of_picture():
    gray, rgb = picture()[..., 0], picture()
    cmyk = np.concatenate([rgb, rgb[..., :1]], 2)
    files = [codec.encode(gray), codec.encode(rgb, color="rgb"), codec.encode(cmyk, color="ycck")]
    files += [
        jpeg.encode_lossless(rgb).data,
        codec.encode(rgb, coding="arithmetic"),
        codec.encode(rgb, restart_interval=2),
    ]
    for data in files:
        whole = codec.decode(data)
        np.testing.assert_array_equal(codec.decode(data, region=(20, 9, 30, 21)), whole[9:30, 20:50])


# ---------------------------------------------------------------- gray, planes, out


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_gray_is_the_luminance_plane(subsampling):
    data = codec.encode(picture(), 80, subsampling=subsampling)
    gray = codec.decode(data, color="gray")
    luminance = np.asarray(Image.open(io.BytesIO(data)).convert("L")).astype(int)
    assert gray.shape == (45, 61) and np.abs(gray - luminance).mean() < 1
    np.testing.assert_array_equal(gray, by_draft(data)[..., 0])
    np.testing.assert_array_equal(codec.decode(data, color="gray", region=(3, 2, 40, 20)), gray[2:22, 3:43])


def by_draft(data):
    """YCbCr of Pillow's decoder."""
    image = Image.open(io.BytesIO(data))
    image.draft("YCbCr", image.size)
    return np.asarray(image)


def test_planes_are_those_of_libjpeg():
    data = codec.encode(picture(), 90, subsampling="4:4:4")
    frame = codec.decode_planes(data)
    assert (frame.chroma, frame.matrix, frame.full_range, frame.bit_depth) == ("4:4:4", "BT.601", True, 8)
    np.testing.assert_array_equal(np.stack(frame.planes, 2), by_draft(data))


def test_planes_have_their_coded_size():
    frame = codec.decode_planes(codec.encode(picture(), subsampling="4:2:0", progressive=True))
    assert [plane.shape for plane in frame.planes] == [(45, 61), (23, 31), (23, 31)]
    assert len(codec.decode_planes(codec.encode(picture()[..., 0])).planes) == 1
    image = picture()
    frame = codec.decode_planes(jpeg.encode_lossless(image).data)
    np.testing.assert_array_equal(np.stack(frame.planes, 2), image[..., [1, 2, 0]])
    assert frame.matrix == "GBR"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling, across, down", [("4:2:0", 2, 2), ("4:2:2", 2, 1), ("4:4:4", 1, 1)])
@pytest.mark.parametrize("eighths", range(1, 9))
def test_planes_at_a_scale_are_those_of_gray_pictures(eighths, subsampling, across, down, progressive):
    """A component alone is a gray picture, and a region is cut from it."""
    image = picture()
    data = codec.encode(image, 90, subsampling=subsampling, progressive=progressive)
    coded, scale = jpeg.read_coefficients(data), eighths / 8
    frame = codec.decode_planes(data, scale=scale)
    height, width = (-(-side * eighths // 8) for side in image.shape[:2])
    sizes = [(height, width)] + 2 * [(-(-height // down), -(-width // across))]
    assert [plane.shape for plane in frame.planes] == sizes
    for i, (plane, (rows, columns)) in enumerate(zip(frame.planes, sizes)):
        alone = replace(
            coded,
            width=image.shape[1] if i == 0 else -(-image.shape[1] // across),
            height=image.shape[0] if i == 0 else -(-image.shape[0] // down),
            levels=coded.levels[i : i + 1],
            matrices=coded.matrices[i : i + 1],
            sampling=((1, 1),),
            ids=coded.ids[:1],
            color="gray",
        )
        whole = codec.decode(jpeg.write_coefficients(alone), scale=scale)
        np.testing.assert_array_equal(plane, whole[:rows, :columns])
    x, y, w, h = 2 * (width // 5), 2 * (height // 7), width // 3, height // 2
    part = codec.decode_planes(data, scale=scale, region=(x, y, w, h), threads=3)
    for i, plane in enumerate(part.planes):
        left, top = (x, y) if i == 0 else (x // across, y // down)
        rows, columns = (h, w) if i == 0 else (-(-h // down), -(-w // across))
        np.testing.assert_array_equal(plane, frame.planes[i][top : top + rows, left : left + columns])


def test_planes_of_lossless_pictures_and_regions_that_begin_between_samples():
    data = jpeg.encode_lossless(picture()).data
    whole, part = codec.decode_planes(data), codec.decode_planes(data, region=(3, 5, 10, 7))
    for a, b in zip(whole.planes, part.planes):
        np.testing.assert_array_equal(a[5:12, 3:13], b)
    with pytest.raises(codec.UnsupportedError, match="scale"):
        codec.decode_planes(data, scale=0.5)
    data = codec.encode(picture(), subsampling="4:2:2")
    assert codec.decode_planes(data, region=(2, 3, 9, 9)).planes[1].shape == (9, 5)
    with pytest.raises(codec.ParameterError, match="x must be a multiple of 2, y of 1"):
        codec.decode_planes(data, region=(3, 3, 9, 9))
    with pytest.raises(codec.ParameterError, match="beyond the picture"):
        codec.decode_planes(data, region=(0, 0, 99, 9))
    for wrong in (dict(threads=-1), dict(scale=0.3), dict(region=(1, 2))):
        with pytest.raises(codec.ParameterError):
            codec.decode_planes(data, **wrong)


def test_pictures_without_a_frame_are_refused():
    cmyk = np.zeros((16, 16, 4), np.uint8)
    with pytest.raises(codec.UnsupportedError, match="no Frame holds the planes of a picture in cmyk"):
        codec.decode_planes(codec.encode(cmyk, color="cmyk"))
    with pytest.raises(codec.UnsupportedError, match="4:4:0"):
        codec.decode_planes(codec.encode(picture(), subsampling="4:4:0"))


@pytest.mark.parametrize("options", [{}, {"scale": 0.5}, {"region": (1, 2, 9, 9)}, {"color": "gray"}])
@pytest.mark.parametrize("progressive", [False, True])
def test_pixels_go_where_they_shall(options, progressive):
    data = codec.encode(picture(), progressive=progressive)
    expected = codec.decode(data, **options)
    out = np.zeros_like(expected)
    assert codec.decode(data, out=out, **options) is out
    np.testing.assert_array_equal(out, expected)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "options, message",
    [
        ({"scale": 0.3}, "scale must be 1/8, 2/8"),
        ({"scale": 2}, "scale must be"),
        ({"scale": "1/2"}, "scale must be"),
        ({"scale": True}, "scale must be"),
        ({"region": (0, 0, 62, 1)}, r"region \(0, 0, 62, 1\) reaches beyond the picture of 61x45"),
        ({"region": (0, 0, 61, 45), "scale": 0.5}, "beyond the picture of 31x23"),
        ({"region": (0, 0, 0, 1)}, "region must be"),
        ({"region": (-1, 0, 1, 1)}, "region must be"),
        ({"region": (0.0, 0, 1, 1)}, "region must be"),
        ({"region": 7}, "region must be"),
        ({"color": "rgb"}, "color must be 'auto' or 'gray'"),
        ({"out": np.zeros((45, 61), np.uint8)}, r"out must be an array of uint8 \(45, 61, 3\)"),
        ({"out": np.zeros((45, 61, 3), np.uint16)}, "not uint16"),
        ({"out": np.zeros((3, 61, 45), np.uint8).T}, "shape|contiguous"),
        ({"out": [1]}, "not list"),
        ({"out": np.zeros((45, 61, 3), np.uint8), "upright": True}, "leave out upright"),
    ],
)
def test_impossible_arguments(options, message):
    with pytest.raises(codec.ParameterError, match=message):
        codec.decode(codec.encode(picture()), **options)


def test_views_that_a_picture_lacks():
    with pytest.raises(codec.UnsupportedError, match="leave out scale"):
        codec.decode(jpeg.encode_lossless(picture()).data, scale=0.5)
    with pytest.raises(codec.UnsupportedError, match="color='gray' takes the luminance"):
        codec.decode(codec.encode(picture(), color="rgb"), color="gray")


def test_damage_is_reported_with_a_view_as_without():
    data = bytearray(codec.encode(picture(200, 200), effort=1, restart_interval=4))
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xff\xd5" * 20
    whole = jpeg.decode(bytes(data), on_error="conceal")
    part = jpeg.decode(bytes(data), on_error="conceal", scale=0.5, region=(0, 0, 50, 50))
    assert part.damage is not None and part.damage.report == whole.damage.report
    with pytest.raises(codec.BitstreamError):
        codec.decode(bytes(data), region=(0, 96, 8, 8))


NO_CODE = b"\xff\0" * 8  # bits that are ones only begin no code


def test_data_that_no_pixel_needs_is_not_read():
    """Neither below the region, nor above it where restart markers show the way."""
    image = picture(200, 200)
    for restart_interval in (13, 26, 0):
        data = codec.encode(image, effort=1, subsampling="4:2:0", restart_interval=restart_interval)
        before = 6 * 13 // restart_interval - 1 if restart_interval else 0  # RST of the interval of row 6 of 13
        at = data.index(bytes((0xFF, 0xD0 + before))) + 9 if restart_interval else len(data) // 2
        bad = data[:at] + NO_CODE + data[at + len(NO_CODE) :]
        with pytest.raises(codec.BitstreamError):
            codec.decode(bad)
        whole = codec.decode(data)
        np.testing.assert_array_equal(codec.decode(bad, region=(3, 0, 50, 16)), whole[:16, 3:53])
        if restart_interval:
            np.testing.assert_array_equal(codec.decode(bad, region=(3, 180, 50, 16)), whole[180:196, 3:53])
        else:
            with pytest.raises(codec.BitstreamError):
                codec.decode(bad, region=(3, 180, 50, 16))


def test_scans_that_no_pixel_needs_are_not_read():
    data = codec.encode(picture(200, 200), effort=4, progressive=True, subsampling="4:4:4")
    expected = codec.decode(data, scale=1 / 8)
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    bad = bytearray(data)
    for at in scans[1:]:
        if data[at + 4] == 1 and data[at + 7] > 0:  # one component, Ss
            bad[at + 20 : at + 20 + len(NO_CODE)] = NO_CODE
    with pytest.raises(codec.BitstreamError):
        codec.decode(bytes(bad))
    np.testing.assert_array_equal(codec.decode(bytes(bad), scale=1 / 8), expected)
    assert jpeg.decode(bytes(bad), on_error="conceal", scale=1 / 8).damage is not None


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_views_do_not_depend_on_threads(threads):
    image = np.tile(picture(300, 400), (3, 2, 1))
    for options in (
        {},
        {"restart_interval": 50},
        {"restart_interval": 33},
        {"progressive": True},
        {"coding": "arithmetic"},
    ):
        data = codec.encode(image, effort=1, subsampling="4:2:0", **options)
        for view in ({"scale": 1 / 8}, {"scale": 3 / 8}, {"color": "gray"}, {"region": (100, 150, 640, 640)}):
            expected = codec.decode(data, **view)
            np.testing.assert_array_equal(codec.decode(data, threads=threads, **view), expected)
