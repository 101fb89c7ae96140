"""Coordinates and thumbnails leave no byte behind, and everything else stays byte for byte."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

import codec
from codec import jpeg
from codec.jpeg import Metadata
from codec.jpeg.strip import strip_file, without

PIXELS = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
LATITUDE = (48.0, 51.0, 29.988)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="48,51.5N" exif:GPSLongitude = \'2,17.6E\' '
    b'tiff:Make="Maker" dc:title="GPS for hikers"><exif:GPSAltitude>35/1</exif:GPSAltitude><exif:GPSMapDatum/>'
    b"<xmp:Thumbnails><rdf:li>AAAA</rdf:li></xmp:Thumbnails></rdf:Description></x:xmpmeta>"
)


def exif(order="<"):
    """Exif with a make, a place, and a thumbnail at its end, as Pillow writes it."""
    tags = Image.Exif()
    tags.endian = order
    tags[0x010F] = "Maker of cameras"
    tags[0x0112] = 6
    tags[0xC000] = 7  # behind the entry of the GPS directory
    tags[0x8825] = {1: "N", 2: LATITUDE, 3: "E", 4: (2.0, 17.0, 40.2), 29: "2026:11:28"}
    data = tags.tobytes()[6:]
    thumbnail = codec.encode(np.zeros((8, 8), np.uint8))
    pack = lambda kind, *values: struct.pack(order + kind, *values)
    (first,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, first)
    link, small = first + 2 + 12 * count, len(data)
    data = data[:link] + pack("I", small) + data[link + 4 :]
    entries = ((0x0201, small + 30), (0x0202, len(thumbnail)))
    data += pack("H", 2) + b"".join(pack("HHII", tag, 4, 1, value) for tag, value in entries) + pack("I", 0)
    return data + thumbnail


def read(tiff):
    tags = Image.Exif()
    tags.load(b"Exif\0\0" + tiff)
    return tags


@pytest.mark.parametrize("order", "<>")
def test_the_place_goes_from_exif_and_the_rest_stays(order):
    source = exif(order)
    assert read(source).get_ifd(0x8825)[2] == LATITUDE and 0x8825 in read(source)
    made = without(Metadata(exif=source), ("gps",)).exif
    tags = read(made)
    assert 0x8825 not in tags and dict(tags) == {k: v for k, v in read(source).items() if k != 0x8825}
    assert tags[0xC000] == 7 and tags[0x0112] == 6 and read(made).get_ifd(1) == read(source).get_ifd(1)
    assert len(made) == len(source) and b"2026:11:28" not in made and b"2026:11:28" in source
    for number, divisor in ((29988, 1000), (7497, 250)):  # 29.988 as a RATIONAL, reduced or not
        assert struct.pack(order + "II", number, divisor) not in made


@pytest.mark.parametrize("order", "<>")
def test_the_thumbnail_goes_from_exif_and_the_rest_stays(order):
    source = exif(order)
    made = without(Metadata(exif=source), ("thumbnail",)).exif
    assert b"\xff\xd8" in source and b"\xff\xd8" not in made and len(made) < len(source)
    assert dict(read(made)) == dict(read(source)) and not read(made).get_ifd(1)
    padded = without(Metadata(exif=source + b"maker's note"), ("thumbnail",)).exif
    assert b"\xff\xd8" not in padded and padded.endswith(b"maker's note")  # offsets behind it stay right


@pytest.mark.parametrize("order", "<>")
def test_damaged_exif_is_no_error(order):
    source = exif(order)
    rng = np.random.default_rng(1)
    for _ in range(300):
        data = bytearray(source[: rng.integers(4, len(source))])
        for at in rng.integers(4, max(len(data), 5), 4):
            if at < len(data):
                data[at] = rng.integers(256)
        without(Metadata(exif=bytes(data)), ("gps", "thumbnail"))


def test_the_place_and_the_thumbnails_go_from_xmp():
    gps = without(Metadata(xmp=XMP), ("gps",)).xmp
    assert len(gps) == len(XMP) and gps.count(b"GPS") == 1 and b'dc:title="GPS for hikers"' in gps
    assert b'tiff:Make="Maker"' in gps and b"48,51" not in gps and b"35/1" not in gps and b"AAAA" in gps
    thumbnail = without(Metadata(xmp=XMP), ("thumbnail",)).xmp
    assert b"AAAA" not in thumbnail and thumbnail.count(b"GPS") == XMP.count(b"GPS")


def test_an_extended_xmp_is_still_named_by_the_packet_before_it():
    long = XMP + b"<!--" + b"x" * 70000 + b"-->"
    first = jpeg.probe(jpeg.encode(PIXELS, metadata=Metadata(xmp=long)).data).metadata
    assert first.xmp_extension == long or first.xmp == long
    made = jpeg.probe(jpeg.encode(PIXELS, metadata=without(first, ("gps",))).data).metadata
    assert len(made.xmp_extension or made.xmp) == len(long) and b"48,51" not in (made.xmp_extension or made.xmp)


def test_without_anything_to_take_out_it_is_the_same_object():
    metadata = Metadata(exif=read(b"II*\0\x08\0\0\0\0\0\0\0\0\0").tobytes()[6:], xmp=b"<x/>", photoshop=b"8BIM")
    assert without(metadata, ("gps", "thumbnail")) is metadata


def test_photoshop_thumbnails_go():
    block = lambda number, data: b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + bytes(len(data) & 1)
    blocks = block(0x03ED, b"resolution") + block(0x040C, b"thumb") + block(0x0409, b"old thumb") + block(0x03F3, b"x")
    kept = without(Metadata(photoshop=blocks), ("thumbnail",)).photoshop
    assert kept == block(0x03ED, b"resolution") + block(0x03F3, b"x")
    for cut in range(len(blocks)):
        without(Metadata(photoshop=blocks[:cut]), ("thumbnail",))


def test_a_file_keeps_its_other_bytes():
    metadata = Metadata(exif=exif(), xmp=XMP, icc=bytes(range(140)), comments=(b"hello",))
    source = jpeg.encode(PIXELS, 90, metadata=metadata).data
    for kinds in (("gps",), ("thumbnail",), ("gps", "thumbnail")):
        made = strip_file(source, kinds)
        right = jpeg.encode(PIXELS, 90, metadata=without(metadata, kinds)).data
        assert made == right
        assert strip_file(made, kinds) is made


def test_thumbnails_of_jfif_go():
    source = jpeg.encode(PIXELS, 90).data
    length = struct.unpack(">H", source[4:6])[0]
    small = source[:4] + struct.pack(">H", length + 12) + source[6:18] + b"\2\2" + b"RGB" * 4 + source[4 + length :]
    jfxx = small[:32] + b"\xff\xe0\0\x0bJFXX\0\x13\1\1\7" + small[32:]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(jfxx))), np.asarray(Image.open(io.BytesIO(source))))
    assert strip_file(jfxx, ("thumbnail",)) == source and strip_file(jfxx, ("gps",)) is jfxx


def test_an_index_of_further_pictures_stays_right():
    buffer = io.BytesIO()
    tags = Image.Exif()
    tags[0x8825] = {2: LATITUDE}
    frames = [Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1])]
    frames[0].save(buffer, "MPO", save_all=True, append_images=frames[1:], exif=tags, quality=95)
    made = strip_file(buffer.getvalue(), ("gps", "thumbnail"))
    assert made != buffer.getvalue()
    stripped, whole = Image.open(io.BytesIO(made)), Image.open(buffer)
    for number in range(2):
        stripped.seek(number)
        whole.seek(number)
        assert np.array_equal(np.asarray(stripped), np.asarray(whole))
    assert 0x8825 not in Image.open(io.BytesIO(made)).getexif()
