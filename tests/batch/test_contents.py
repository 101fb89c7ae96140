"""What a file holds besides pixels, so that `--strip` copies only files that have nothing to lose."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

import codec
from codec.batch import CompressTask, IndexedTask, Job, PaletteTask
from codec.batch.contents import pixels_alone
from codec.errors import UnsupportedError
from codec.jpeg import Metadata

LOGO = np.zeros((24, 40, 3), np.uint8)
LOGO[4:9, 6:30] = 200, 30, 30
FRAMES = [Image.fromarray(np.roll(LOGO, 9 * number, 1)) for number in range(3)]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
LIMITS = codec.Limits()


def saved(format, frames=1, **options):
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": FRAMES[1:frames]} if frames > 1 else {}
    FRAMES[0].save(buffer, format, **options, **more)
    return buffer.getvalue()


def text():
    about = PngImagePlugin.PngInfo()
    about.add_text("Author", "somebody")
    return about


PLAIN = {
    "PNG": saved("PNG"),
    "PNG of several": saved("PNG", 3),
    "GIF": saved("GIF"),
    "GIF of several": saved("GIF", 3, duration=50, loop=0),
    "WEBP": saved("WEBP", lossless=True),
    "WEBP of several": saved("WEBP", 3, lossless=True, duration=50),
    "TIFF": saved("TIFF"),
    "TIFF of several": saved("TIFF", 3),
    "BMP": saved("BMP"),
    "JPEG": codec.encode(LOGO),
}
DESCRIBED = {
    "PNG with text": saved("PNG", pnginfo=text()),
    "PNG with Exif": saved("PNG", exif=EXIF),
    "GIF with a comment": saved("GIF", comment=b"hello"),
    "GIF with comments": saved("GIF", 3, comment=b"hello", duration=50),
    "WEBP with Exif": saved("WEBP", exif=EXIF),
    "WEBP with XMP": saved("WEBP", 3, xmp=XMP, duration=50),
    "TIFF with text": saved("TIFF", tiffinfo={270: "a hill"}),
    "TIFF with text behind": PLAIN["TIFF of several"].replace(
        struct.pack("<HH", 0x0111, 4), struct.pack("<HH", 0x010E, 4)
    ),
    "JPEG with a comment": codec.encode(LOGO, metadata=Metadata(comments=(b"hello",))),
    "JPEG with a film": codec.encode(LOGO) + b"film",
    "PPM": saved("PPM"),  # not judged
}


def format_of(name):
    return name.partition(" ")[0]


@pytest.mark.parametrize("name", PLAIN)
def test_pixels_alone(name):
    data = PLAIN[name]
    assert pixels_alone(data, format_of(name), LIMITS)
    assert not pixels_alone(data + b"more", format_of(name), LIMITS) or format_of(name) == "TIFF"


@pytest.mark.parametrize("name", DESCRIBED)
def test_descriptions_are_found(name):
    assert not pixels_alone(DESCRIBED[name], format_of(name), LIMITS)


@pytest.mark.parametrize("name", [name for name in (*PLAIN, *DESCRIBED) if not name.startswith("JPEG")])
def test_files_that_end_anywhere_are_judged(name):
    data = (PLAIN | DESCRIBED)[name]
    assert {pixels_alone(data[:size], format_of(name), LIMITS) for size in range(0, len(data), 5)} <= {False, True}


@pytest.mark.parametrize(
    "extension, alone",
    [
        (b"\xf9\4\0\0\0\0\0", True),
        (b"\xf9\5\0\0\0\0A\0", False),
        (b"\xf9\4\0\0\0\0\5hello\0", False),
        (b"\xf9\0", False),
        (b"\xff\x0bNETSCAPE2.0\3\1\0\0\0", True),
        (b"\xff\x0bANIMEXTS1.0\5\2\0\0\0\1\0", True),
        (b"\xff\x0bNETSCAPE2.0\3\1\0\0\5\2\0\0\0\1\0", True),
        (b"\xff\x0bNETSCAPE2.0\4\1\0\0A\0", False),
        (b"\xff\x0bNETSCAPE2.0\3\1\0\0\6hello!\0", False),
        (b"\xff\x11NETSCAPE2.0hello!\3\1\0\0\0", False),
        (b"\xff\x0bICCRGBG1012\7profile\0", True),
        (b"\xff\x11ICCRGBG1012hello!\7profile\0", False),
    ],
)
def test_extensions_of_a_gif_have_their_lengths(extension, alone):
    image = b"," + bytes(9) + b"\2\2\4\1\0;"
    assert pixels_alone(b"GIF89a" + bytes(7) + b"!" + extension + image, "GIF", LIMITS) == alone


def test_chunks_of_a_webp_are_limited():
    few = codec.Limits(segments=20)
    for count, alone in ((20, True), (21, False)):
        chunks = b"VP8 \0\0\0\0" * count
        data = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks
        assert pixels_alone(data, "WEBP", few) == alone


def test_a_chain_of_tiff_pages_that_goes_round_ends():
    ring = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 256, 3, 1, 5, 8)
    assert not pixels_alone(ring, "TIFF", LIMITS)


@pytest.mark.parametrize("name", [name for name in PLAIN if name not in ("BMP", "TIFF", "JPEG")])
def test_strip_keeps_what_has_nothing_to_lose(name):
    """The JPEG of a small logo is larger, and one of several frames holds the first only."""
    job = Job("a.x", "out/a.jpg", "out/a.x")
    made = CompressTask(strip=True)(PLAIN[name], job)
    assert made.status == "kept" and made.data == PLAIN[name] and made.as_source


def test_strip_writes_what_has_something_to_lose():
    job = Job("a.x", "out/a.jpg", "out/a.x")
    for name in ("PNG with text", "GIF with a comment", "WEBP with Exif"):
        assert CompressTask(strip=True)(DESCRIBED[name], job).data.startswith(b"\xff\xd8")
    assert CompressTask(strip=True)(saved("PNG", icc_profile=SRGB), job).data.startswith(b"\xff\xd8")
    for name in ("GIF with comments", "WEBP with XMP"):
        with pytest.raises(UnsupportedError, match="a copy would keep the metadata"):
            CompressTask(strip=True)(DESCRIBED[name], job)
    pages = Job("a.tif", "out/a.png", "out/a.tif")
    for task in (IndexedTask("png", strip=True), PaletteTask(strip=True)):
        assert task(PLAIN["TIFF of several"], pages).status == "kept"


@pytest.mark.parametrize("name", ["GIF of several", "WEBP of several", "TIFF of several"])
def test_frames_that_are_not_scaled_down_are_said(name):
    job = Job("a.x", "out/a.jpg", "out/a.x")
    made = CompressTask(max_size=20)(PLAIN[name], job)
    assert made.status == "kept" and made.reason.endswith("max_size=20x20 is not applied")
    assert "max_size" not in CompressTask(max_size=40)(PLAIN[name], job).reason
