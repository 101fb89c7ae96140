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
from codec.formats.pictures import load
from codec.jpeg import EncodeOptions, Metadata

LOGO = np.zeros((24, 40, 3), np.uint8)
LOGO[4:9, 6:30] = 200, 30, 30
FRAMES = [Image.fromarray(np.roll(LOGO, 9 * number, 1)) for number in range(3)]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
TOLD = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0e\x01\x02\0\4\0\0\0hill\0\0\0\0"
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


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def jp2(more=b"", colors=b"", comment=b""):
    """A JPEG 2000 file without the comment of its encoder; with more boxes, and boxes in that of the header."""
    written = saved("JPEG2000")
    at, begin = written.index(b"jp2h") - 4, written.index(b"jp2c") + 4
    header, stream = written[at + 8 : begin - 8], written[begin:]
    com = stream.index(b"\xff\x64")
    behind = stream[com + 2 + int.from_bytes(stream[com + 2 : com + 4], "big") :]
    stream = stream[:com] + (b"\xff\x64" + struct.pack(">HH", 4 + len(comment), 1) + comment) * bool(comment) + behind
    return written[:at] + box(b"jp2h", (header if not colors else header[:22]) + colors) + box(b"jp2c", stream) + more


def uuid(name, content):
    return box(b"uuid", (name if len(name) == 16 else bytes.fromhex(name)) + content)


ICC_BOX = box(b"colr", b"\2\0\0" + SRGB)
XMP_BOX = uuid("be7acfcb97a942e89c71999491e3afac", XMP)
EXIF_BOX = uuid(b"JpgTiffExif->JP2", EXIF[6:])
IPTC_BOX = uuid("33c7a4d2b81d4723a0baf1a3e097ad38", b"\x1c\2\5\0\4hill")

PLAIN = {
    "PPM": saved("PPM"),
    "PPM of bits": b"P4\n9 2\n" + bytes(4),
    "PPM of 16 bits": b"P5 2 1 65535\n" + bytes(4),
    "PPM of text": b"P3\n1 1\n255\n1 2\n3\n",
    "AVIF": saved("AVIF"),
    "AVIF with alpha": saved("AVIF", alpha_premultiplied=False),
    "JPEG2000": jp2(),
    "JPEG2000 alone": jp2()[jp2().index(b"\xff\x4f\xff\x51") :],
    "JPEG2000 with a profile": jp2(colors=ICC_BOX),
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
    "PPM with a comment": b"P5 # hill\n1 1\n255\n0",
    "PPM with a comment behind": b"P2 1 1 255 1 # hill\n",
    "PPM of several": saved("PPM") * 2,
    "AVIF with Exif": saved("AVIF", exif=TOLD),
    "AVIF with XMP": saved("AVIF", xmp=XMP),
    "AVIF with a description": saved("AVIF").replace(b"pixi", b"udes"),
    "AVIF with a name": saved("AVIF").replace(b"Color", b"hello"),
    "JPEG2000": saved("JPEG2000"),  # the encoder names itself
    "JPEG2000 with a comment": jp2(comment=b"hill"),
    "JPEG2000 with Exif": jp2(EXIF_BOX),
    "JPEG2000 with text": jp2(box(b"xml ", b"<a/>")),
    "JPEG2000 with more in its header": jp2(colors=ICC_BOX + box(b"free", b"text")),
}


def format_of(name):
    return name.partition(" ")[0]


@pytest.mark.parametrize("name", PLAIN)
def test_pixels_alone(name):
    load(PLAIN[name])
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


@pytest.mark.parametrize("size", [0, 1, 14, 20, 30, 1 << 31])
def test_tile_parts_that_go_round_end(size):
    sot = b"\xff\x90\0\x0a" + struct.pack(">HIBB", 0, size, 0, 1)
    assert not pixels_alone(b"\xff\x4f" + sot + b"\xff\x52\0\4ab\xff\x93", "JPEG2000", LIMITS)


def test_a_chain_of_tiff_pages_that_goes_round_ends():
    ring = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 256, 3, 1, 5, 8)
    assert not pixels_alone(ring, "TIFF", LIMITS)


SMALLER = "BMP", "TIFF", "JPEG", "PPM", "JPEG2000", "JPEG2000 alone", "JPEG2000 with a profile"


@pytest.mark.parametrize("name", [name for name in PLAIN if name not in SMALLER])
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


def test_heic_is_judged():
    plugin = pytest.importorskip("pillow_heif")
    plugin.register_heif_opener()
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    for options, alone in (({}, True), ({"exif": EXIF}, False), ({"xmp": XMP}, False)):
        buffer = io.BytesIO()
        Image.fromarray(noise).save(buffer, "HEIF", quality=30, **options)
        assert pixels_alone(buffer.getvalue(), "HEIF", LIMITS) == alone


def fates(data, job=Job("a.x", "out/a.jpg", "out/a.x"), **options):
    return CompressTask(EncodeOptions(quality=40), **options)(data, job).facts.get("metadata", {})


def test_jpeg_2000_keeps_what_a_jpeg_has_a_place_for():
    data = jp2(XMP_BOX + EXIF_BOX + IPTC_BOX + box(b"xml ", b"<a/>"), ICC_BOX, b"hill")
    made = CompressTask(force=True)(data)
    assert made.facts["metadata"] == {"kept": ["icc", "exif", "xmp"], "dropped": ["iptc", "text", "comments"]}
    info = codec.probe(made.data)
    assert (info.metadata.icc, info.metadata.exif, info.metadata.xmp) == (SRGB, EXIF[6:], XMP)
    stripped = CompressTask(force=True, strip=True)(data).facts["metadata"]["dropped"]
    assert sorted(stripped) == ["comments", "exif", "icc", "iptc", "text", "xmp"]
    for cut in range(0, len(data), 7):
        codec.formats.boxes.described(data[:cut])


def test_what_is_copied_keeps_all_of_it():
    plain = jp2(comment=b"hill" * 9)
    assert fates(plain, min_gain=0.99) == {"kept": ["comments"]}
    assert fates(DESCRIBED["GIF with a comment"]) == {"kept": ["comments"]}
    indexed = IndexedTask("png")(DESCRIBED["GIF with a comment"], Job("a.x", "out/a.png", "out/a.x"))
    assert indexed.as_source is False or indexed.facts["metadata"] == {"kept": ["comments"]}


def test_comments_and_profiles_that_are_not_read():
    noise = np.random.default_rng(1).integers(0, 256, (64, 64), np.uint8)
    assert fates(b"P5 # hill\n64 64\n255\n" + noise.tobytes()) == {"dropped": ["comments"]}
    assert fates(b"P5\n64 64\n255\n" + noise.tobytes()) == {}
    head = struct.pack("<IiiHHIIiiII", 124, 64, 64, 1, 24, 0, 64 * 192, 0, 0, 0, 0)
    head += bytes(16) + b"DEBM" + bytes(124 - len(head) - 20)
    data = b"BM" + struct.pack("<III", 14 + 124 + 64 * 192, 0, 138) + head + np.dstack([noise] * 3).tobytes()
    assert fates(data) == {"dropped": ["icc"]}


def test_xmp_that_was_silenced_is_changed():
    plugin = pytest.importorskip("pillow_heif")
    plugin.register_heif_opener()
    noise, buffer = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8), io.BytesIO()
    loud = b'<rdf:Description dc:title="hill" GCamera:MotionPhoto="1"/>'
    Image.fromarray(noise).save(buffer, "HEIF", quality=90, xmp=loud)
    film = box(b"mpvd", b"film" * 50)
    assert fates(buffer.getvalue() + film, force=True) == {"changed": ["xmp"]}
    assert fates(buffer.getvalue() + film, force=True, strip=True) == {"dropped": ["xmp"]}
    assert fates(buffer.getvalue() + film, min_gain=0.99) == {"kept": ["xmp"]}
    indexed = IndexedTask("png", force=True)(buffer.getvalue() + film)
    assert indexed.facts["metadata"] == {"dropped": ["xmp"]}
