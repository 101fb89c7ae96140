"""Our files in Pillow, Pillow's files in ours: pixels to the last bit, metadata byte for byte."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, IptcImagePlugin, JpegImagePlugin

import codec
from codec.jpeg import Metadata

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:4:0", "4:2:0")
SIZES = [(1, 1), (2, 3), (7, 9), (8, 8), (16, 17), (33, 31), (100, 75)]


def pillow_decode(data):
    """Pixels as Pillow shows them; its CMYK has 0 = no ink, as ours."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def pillow_encode(image, **options):
    mode = "CMYK" if image.ndim == 3 and image.shape[2] == 4 else None
    with io.BytesIO() as file:
        (Image.frombytes(mode, image.shape[1::-1], image.tobytes()) if mode else Image.fromarray(image)).save(
            file, "JPEG", **options
        )
        return file.getvalue()


# ---------------------------------------------------------------- ours -> Pillow


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
@pytest.mark.parametrize(
    "color, channels, subsampling",
    [
        ("gray", 1, "auto"),
        ("rgb", 3, "auto"),
        *(("ycbcr", 3, s) for s in SUBSAMPLINGS),
        ("cmyk", 4, "auto"),
        *(("ycck", 4, s) for s in SUBSAMPLINGS),
    ],
)
def test_pillow_shows_the_same_pixels(color, channels, subsampling, progressive, picture):
    for height, width in SIZES:
        for options in (dict(), dict(restart_interval=1), dict(restart_interval=3)):
            data = codec.encode(
                picture(height, width, channels),
                85,
                color=color,
                subsampling=subsampling,
                progressive=progressive,
                **options,
            )
            np.testing.assert_array_equal(
                pillow_decode(data), codec.decode(data), err_msg=f"{height}x{width} {options}"
            )


@pytest.mark.parametrize("effort", range(1, 10))
@pytest.mark.parametrize("quality", [1, 10, 50, 90, 100])
def test_pillow_shows_the_same_pixels_at_any_quality_and_effort(quality, effort, picture):
    data = codec.encode(picture(41, 67), quality, effort=effort)
    np.testing.assert_array_equal(pillow_decode(data), codec.decode(data))


@pytest.mark.parametrize("shape", [(1, 65500), (65500, 1)])
def test_pillow_shows_long_pictures(shape, picture):
    """The maximum of libjpeg is 65500."""
    for progressive in (False, True):
        data = codec.encode(picture(*shape), progressive=progressive)
        np.testing.assert_array_equal(pillow_decode(data), codec.decode(data))


def test_pillow_recognises_our_choices(picture):
    for subsampling, expected in zip(SUBSAMPLINGS[:2] + SUBSAMPLINGS[3:], (0, 1, 2)):
        with Image.open(
            io.BytesIO(codec.encode(picture(20, 30), subsampling=subsampling, tune="annex-k", progressive=True))
        ) as image:
            assert JpegImagePlugin.get_sampling(image) == expected
            assert image.info["progressive"] == 1 and image.size == (30, 20)
            assert list(image.quantization[0]) == list(codec.jpeg.QuantTables.ijg(75).luminance)


# ---------------------------------------------------------------- Pillow -> ours


@pytest.mark.parametrize(
    "options",
    [
        dict(),
        dict(progressive=True),
        dict(optimize=True),
        dict(restart_marker_blocks=2),
        dict(restart_marker_rows=1, progressive=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_we_show_what_pillow_shows(subsampling, options, picture):
    for height, width in SIZES:
        data = pillow_encode(picture(height, width), subsampling=subsampling, **options)
        np.testing.assert_array_equal(codec.decode(data), pillow_decode(data), err_msg=f"{height}x{width}")
        assert codec.probe(data).subsampling == ("4:4:4", "4:2:2", "4:2:0")[subsampling]


@pytest.mark.parametrize("quality", [1, 5, 25, 50, 75, 90, 95, 100])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_we_show_any_quality(quality, channels, picture):
    data = pillow_encode(picture(50, 40, channels), quality=quality)
    np.testing.assert_array_equal(codec.decode(data), pillow_decode(data))
    assert codec.jpeg.inspect(data)["estimated_quality"] == quality


def test_we_show_rgb_kept_as_it_is(picture):
    data = pillow_encode(picture(30, 30), keep_rgb=True, quality=95)
    np.testing.assert_array_equal(codec.decode(data), pillow_decode(data))
    assert codec.probe(data).color == "rgb"


def test_we_show_tables_of_ones_own(picture):
    tables = [list(range(1, 65)), [99] * 64]
    data = pillow_encode(picture(30, 30), qtables=tables)
    np.testing.assert_array_equal(codec.decode(data), pillow_decode(data))
    assert np.ravel(codec.jpeg.inspect(data)["quant_tables"]["0"]).tolist() == tables[0]


def test_the_same_tables_give_the_same_pixels(picture):
    """Both encoders round alike, so at equal settings a decoder gives equal pixels."""
    image = picture(64, 96)
    for quality in (30, 75, 95):
        for ours, theirs in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)):
            np.testing.assert_array_equal(
                codec.decode(codec.encode(image, quality, subsampling=ours, tune="annex-k", effort=1)),
                pillow_decode(pillow_encode(image, quality=quality, subsampling=theirs)),
            )


# ---------------------------------------------------------------- metadata across

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif():
    made = Image.Exif()
    made[0x010E], made[0x0112] = "a description", 6
    return made.tobytes()


def test_pillow_reads_our_metadata(picture):
    metadata = Metadata(
        icc=PROFILE * 200, exif=exif(), xmp=b"<x:xmpmeta/>", comments=(b"a comment",), density=(1, 300, 150)
    )
    assert len(metadata.icc) > 65535
    for progressive in (False, True):
        with Image.open(io.BytesIO(codec.encode(picture(8, 8), metadata=metadata, progressive=progressive))) as image:
            assert image.info["icc_profile"] == metadata.icc
            assert image.info["exif"] == b"Exif\0\0" + metadata.exif and image.getexif()[0x0112] == 6
            assert (
                image.info["comment"] == b"a comment"
                and image.info["dpi"] == (300, 150)
                and image.info["xmp"] == b"<x:xmpmeta/>"
            )


def test_pillow_reads_our_iptc(picture):
    iptc = b"\x1c\x02\x05\0\5title"
    with Image.open(io.BytesIO(codec.encode(picture(8, 8), metadata=Metadata(iptc=iptc)))) as image:
        assert IptcImagePlugin.getiptcinfo(image) == {(2, 5): b"title"}
        assert image.info["photoshop"][0x0404] == iptc


def test_we_read_pillows_metadata(picture):
    data = pillow_encode(
        picture(8, 8), icc_profile=PROFILE * 200, exif=exif(), xmp=b"<x:xmpmeta/>", comment=b"a comment", dpi=(300, 150)
    )
    metadata = codec.probe(data).metadata
    assert (
        metadata.icc == PROFILE * 200
        and metadata.xmp == b"<x:xmpmeta/>"
        and metadata.comments == (b"a comment",)
        and metadata.density == (1, 300, 150)
    )
    assert b"Exif\0\0" + metadata.exif == exif() or metadata.exif == exif()


def test_metadata_through_both(picture):
    first = pillow_encode(picture(8, 8), icc_profile=PROFILE, exif=exif(), comment=b"c")
    second = codec.encode(picture(8, 8), metadata=codec.probe(first).metadata)
    with Image.open(io.BytesIO(first)) as a, Image.open(io.BytesIO(second)) as b:
        assert all(a.info[key] == b.info[key] for key in ("icc_profile", "exif", "comment"))
