"""Metadata round trips byte for byte at any size; damaged metadata is omitted with a warning, never an error."""

import hashlib
import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import codec
from codec.errors import ParameterError
from codec.jpeg import Metadata
from codec.jpeg.markers import write_segment
from codec.jpeg.metadata import metadata_segments, read_metadata

IMAGE = np.zeros((8, 8, 3), np.uint8)
SEGMENT_MAX = 65533
TIFF = b"II*\0"


def noise(size, seed=0):
    return np.random.default_rng([seed, size]).bytes(size)


def back(metadata):
    """Metadata read back after writing."""
    data = codec.encode(IMAGE, metadata=metadata)
    result = codec.jpeg.decode(data)
    assert result.warnings == () and (result.pixels == codec.decode(codec.encode(IMAGE))).all()
    assert codec.probe(data).metadata == result.info.metadata
    return result.info.metadata


FIELDS = st.none() | st.binary(min_size=1, max_size=500)


@given(icc=FIELDS, exif=FIELDS, xmp=FIELDS, iptc=FIELDS, comments=st.lists(st.binary(max_size=100), max_size=4))
def test_everything_comes_back(icc, exif, xmp, iptc, comments):
    exif = exif and TIFF + exif
    metadata = Metadata(icc=icc, exif=exif, xmp=xmp, iptc=iptc, comments=tuple(comments), density=(1, 300, 72))
    assert back(metadata) == metadata


# For each kind: around the capacity of one segment and of several segments, and far beyond.
SIZES = {
    "icc": [1, SEGMENT_MAX - 15, SEGMENT_MAX - 14, SEGMENT_MAX - 13, 2 * (SEGMENT_MAX - 14), 3_000_000],
    "exif": [1, SEGMENT_MAX - 11, SEGMENT_MAX - 10, SEGMENT_MAX - 9, SEGMENT_MAX - 6, SEGMENT_MAX - 5, 300_000],
    "xmp": [1, SEGMENT_MAX - 30, SEGMENT_MAX - 29, SEGMENT_MAX - 28, 300_000, 1_000_000],
    "iptc": [1, 2, 3, SEGMENT_MAX - 27, SEGMENT_MAX - 26, SEGMENT_MAX - 25, 300_001],
    "comments": [0, 1, SEGMENT_MAX - 1, SEGMENT_MAX],
}


@pytest.mark.parametrize("kind, size", [(kind, size) for kind, sizes in SIZES.items() for size in sizes])
def test_any_size_comes_back(kind, size):
    data = noise(size, 1)
    value = (data,) if kind == "comments" else (TIFF + data if kind == "exif" else data)
    metadata = Metadata(**{kind: value}, density=(0, 1, 1))
    assert back(metadata) == metadata
    assert all(len(payload) <= SEGMENT_MAX for _, payload in metadata_segments(metadata))


def test_the_longest_profile():
    longest = noise(255 * (SEGMENT_MAX - 14), 2)
    segments = metadata_segments(Metadata(icc=longest))
    assert len(segments) == 255 and read_metadata(segments, []).icc == longest
    with pytest.raises(ParameterError, match="16707346 bytes does not fit 255 segments"):
        Metadata(icc=longest + b"x")


def test_photoshop_resources_beside_iptc():
    def resource(code, data):
        return b"8BIM" + struct.pack(">HHI", code, 0, len(data)) + data + bytes(len(data) & 1)

    others = resource(1005, b"resolution") + resource(1061, b"odd") + resource(2000, noise(70_000))
    metadata = Metadata(photoshop=others, iptc=b"\x1c\x02\x05\0\3abc", density=(0, 1, 1))
    assert back(metadata) == metadata


def test_photoshop_resources_that_cannot_be_parsed_are_kept_whole():
    for blocks in (
        b"8BIM",
        b"nonsense that is no resource",
        b"8BIM\4\4\0\0\0\0\1\0short",
        b"8BIM\4\4\0\0\xff\xff\xff\xff",
    ):
        read = read_metadata([(0xED, b"Photoshop 3.0\0" + blocks)], [])
        assert (read.photoshop, read.iptc) == (blocks, None)


def test_an_xmp_with_an_extension_of_its_own():
    extension = noise(150_000, 3)
    guid = hashlib.md5(extension).hexdigest().upper().encode()
    metadata = Metadata(xmp=b'<x xmpNote:HasExtendedXMP="' + guid + b'"/>', xmp_extension=extension, density=(0, 1, 1))
    assert back(metadata) == metadata
    with pytest.raises(ParameterError, match="with an extension cannot be split further"):
        codec.encode(IMAGE, metadata=Metadata(xmp=noise(70_000), xmp_extension=b"x"))


def test_exif_that_looks_like_several():
    """A continuation must not begin with a TIFF header, or readers would take it for a second Exif block."""
    room = SEGMENT_MAX - 6
    exif = TIFF + bytes(room - 4) + b"MM\0*" + TIFF + bytes(100)
    metadata = Metadata(exif=exif, density=(0, 1, 1))
    assert back(metadata) == metadata


def test_the_exif_signature_may_be_given_along():
    assert Metadata(exif=b"Exif\0\0" + TIFF).exif == TIFF


@pytest.mark.parametrize("density", [(0, 1, 1), (1, 72, 300), (2, 65535, 1)])
def test_density(density):
    assert back(Metadata(density=density)).density == density
    assert codec.encode(IMAGE, metadata=Metadata(density=density))[:18] == bytes.fromhex(
        "ffd8 ffe0 0010 4a46494600 0102"
    ) + struct.pack(">BHH", *density)


def test_without_metadata_there_is_only_the_density_of_jfif():
    read = codec.probe(codec.encode(IMAGE)).metadata
    assert read == Metadata(density=(0, 1, 1)) and read.size == 0


def test_segments_stand_in_the_order_that_readers_expect():
    metadata = Metadata(icc=b"i", exif=TIFF, xmp=b"x", iptc=b"p", comments=(b"c", b"d"))
    names = [
        segment["what"]
        for segment in codec.jpeg.inspect(codec.encode(IMAGE, metadata=metadata))["segments"]
        if segment["what"]
    ]
    assert names == ["JFIF", "Exif", "XMP", "ICC profile", "Photoshop resources", "comment", "comment"]


def test_rgb_and_cmyk_carry_metadata_too():
    metadata = Metadata(icc=noise(500), comments=(b"x",))
    for channels, color in ((3, "rgb"), (4, "cmyk"), (4, "ycck")):
        data = codec.encode(np.zeros((8, 8, channels), np.uint8), color=color, metadata=metadata)
        assert codec.probe(data).metadata == metadata and codec.probe(data).color == color


def test_metadata_from_one_picture_to_another():
    first = codec.encode(
        IMAGE,
        metadata=Metadata(
            icc=noise(100_000), exif=TIFF + noise(80_000), xmp=noise(90_000), comments=(b"1", b"2"), density=(1, 96, 96)
        ),
    )
    second = codec.encode(IMAGE, 20, metadata=codec.probe(first).metadata)
    assert codec.probe(second).metadata == codec.probe(first).metadata


# ---------------------------------------------------------------- the parameters


@pytest.mark.parametrize(
    "fields, why",
    [
        (dict(icc="text"), "icc must be bytes, not str"),
        (dict(exif=5), "exif must be bytes, not int"),
        (dict(comments=b"one"), r"comments=\(b'...',\)"),
        (dict(comments="one"), "comments must be a tuple of bytes"),
        (dict(comments=(bytes(SEGMENT_MAX + 1),)), "65534 bytes does not fit a COM segment"),
        (dict(density=(3, 1, 1)), "density must be"),
        (dict(density=(1, 0, 1)), "density must be"),
        (dict(density=(1, 1, 65536)), "density must be"),
        (dict(comments=("text",)), "comments must be a tuple of bytes"),
        (dict(comments=5), "comments must be a tuple of bytes"),
        (dict(comments=(5,)), "comments must be a tuple of bytes"),
        (dict(density=5), "density must be"),
        (dict(density=(1, 2)), "density must be"),
        (dict(density=(1, 72.5, 72)), "density must be"),
    ],
)
def test_impossible_metadata_is_refused(fields, why):
    with pytest.raises(ParameterError, match=why):
        Metadata(**fields)


def test_any_buffer_becomes_bytes():
    assert Metadata(icc=bytearray(b"a"), xmp=memoryview(b"b"), comments=[bytearray(b"c")]) == Metadata(
        icc=b"a", xmp=b"b", comments=(b"c",)
    )


def test_size_and_stripping():
    metadata = Metadata(icc=b"12", xmp=b"345", comments=(b"6", b"78"), density=(1, 2, 3))
    assert metadata.size == 8 and metadata.without_profiles() == Metadata(density=(1, 2, 3))


# ---------------------------------------------------------------- damage


def icc_chunk(number, count, data=b"data"):
    return 0xE2, b"ICC_PROFILE\0" + bytes((number, count)) + data


def extension_part(guid, size, offset, data):
    return 0xE1, b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", size, offset) + data


def read(*segments):
    warnings = []
    return read_metadata(segments, warnings), warnings


def test_profile_chunks_come_in_any_order():
    chunks = [icc_chunk(i, 4, b"%d" % i * 10) for i in (3, 1, 4, 2)]
    metadata, warnings = read(*chunks)
    assert metadata.icc == b"1" * 10 + b"2" * 10 + b"3" * 10 + b"4" * 10 and not warnings


@pytest.mark.parametrize(
    "chunks",
    [
        [icc_chunk(1, 2)],
        [icc_chunk(2, 2)],
        [icc_chunk(0, 1)],
        [icc_chunk(1, 0)],
        [icc_chunk(1, 1), icc_chunk(2, 1)],
        [(0xE2, b"ICC_PROFILE\0")],
        [(0xE2, b"ICC_PROFILE\0\1")],
    ],
)
def test_a_profile_that_is_not_whole_is_left_out_with_a_warning(chunks):
    metadata, warnings = read(*chunks)
    assert metadata.icc is None and len(warnings) == 1 and "ICC profile is incomplete" in warnings[0]


def test_of_a_profile_chunk_that_comes_twice_the_first_counts():
    assert read(icc_chunk(1, 1, b"first"), icc_chunk(1, 1, b"second"))[0].icc == b"first"


def test_extended_xmp_comes_in_any_order():
    data = noise(1000)
    guid = hashlib.md5(data).hexdigest().upper().encode()
    packet = 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + guid + b"</x>"
    parts = [extension_part(guid, 1000, at, data[at : at + 300]) for at in (600, 0, 900, 300)]
    assert read(packet, *parts)[0].xmp_extension == data
    assert read(*parts, packet)[0].xmp_extension == data


@pytest.mark.parametrize(
    "broken",
    [
        lambda guid, data: [extension_part(guid, 1000, 0, data[:300])],
        lambda guid, data: [extension_part(guid, 1000, 0, data[:-1] + b"?")],
        lambda guid, data: [extension_part(guid, 2000, 0, data)],
        lambda guid, data: [extension_part(guid, 1000, 500, data)],
        lambda guid, data: [(0xE1, b"http://ns.adobe.com/xmp/extension/\0short")],
        lambda guid, data: [extension_part(guid, 0xFFFFFFFF, 0xFFFFFF00, data)],
    ],
)
def test_extended_xmp_that_is_not_whole_is_left_out(broken):
    data = noise(1000)
    guid = hashlib.md5(data).hexdigest().upper().encode()
    metadata, warnings = read((0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + guid + b"</x>"), *broken(guid, data))
    assert metadata.xmp_extension is None and metadata.xmp == b"<x>" + guid + b"</x>"
    assert all("extended XMP" in warning for warning in warnings)


def test_a_second_exif_is_left_out_with_a_warning():
    metadata, warnings = read((0xE1, b"Exif\0\0" + TIFF + b"first"), (0xE1, b"Exif\0\0" + TIFF + b"second"))
    assert metadata.exif == TIFF + b"first" and warnings == ["1 more Exif segments after the first were left out"]


@pytest.mark.parametrize(
    "payload", [b"JFIF\0", b"JFIF\0\1\2\3", b"JFIF\0\1\2\1\0\0\0\0\0\0", b"JFIF\0\1\2\7\0\1\0\1\0\0"]
)
def test_a_density_that_is_none_is_none(payload):
    assert read((0xE0, payload))[0].density is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE]),
            st.tuples(
                st.sampled_from(
                    [
                        b"",
                        b"JFIF\0",
                        b"Exif\0\0",
                        b"ICC_PROFILE\0",
                        b"http://ns.adobe.com/xap/1.0/\0",
                        b"http://ns.adobe.com/xmp/extension/\0",
                        b"Photoshop 3.0\0",
                        b"Adobe",
                        b"MPF\0",
                    ]
                ),
                st.binary(max_size=80),
            ).map(b"".join),
        ),
        max_size=8,
    )
)
def test_nonsense_never_stops_the_picture(segments):
    data = codec.encode(IMAGE)
    extra = b"".join(write_segment(code, payload) for code, payload in segments)
    plain = codec.jpeg.decode(data)
    result = codec.jpeg.decode(data[:2] + extra + data[2:])
    assert result.damage is None and result.pixels.shape == plain.pixels.shape
    comments = tuple(payload for code, payload in segments if code == 0xFE)
    assert result.info.metadata.comments == comments


@pytest.mark.parametrize("density", [(1, 300, 150), (2, 118, 59), (0, 3, 2)])
@pytest.mark.parametrize("color", ["cmyk", "ycck", "rgb"])
def test_files_without_jfif_state_their_density_in_exif(color, density):
    """As Pillow reads XResolution, YResolution and ResolutionUnit (TIFF 6.0 p. 38)."""
    pixels = np.zeros((8, 8, 3 if color == "rgb" else 4), np.uint8)
    data = codec.encode(pixels, color=color, metadata=Metadata(density=density))
    with Image.open(io.BytesIO(data)) as image:
        tags = image.getexif()
    unit, x, y = density
    assert dict(tags) == ({} if unit == 0 else {0x011A: x, 0x011B: y, 0x0128: unit + 1})
    own = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
    made = codec.encode(pixels, color=color, metadata=Metadata(density=density, exif=own))
    assert codec.probe(made).metadata.exif == own
