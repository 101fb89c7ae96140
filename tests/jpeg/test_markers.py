"""Marker segments of T.81 Annex B: round trips, and refusals of impossible values with place and clause."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import codec
from codec.errors import BitstreamError, TruncatedError
from codec.jpeg import markers
from codec.jpeg.markers import Frame, FrameComponent, Scan, ScanComponent, Segment
from codec.limits import DEFAULT_LIMITS

BYTE, NIBBLE, FACTOR, DESTINATION = st.integers(0, 255), st.integers(0, 15), st.integers(1, 4), st.integers(0, 3)


def only_segment(data):
    """The single segment of these bytes, which must use all of them."""
    reader = markers.SegmentReader(b"\xff\xd8" + data, warnings := [], DEFAULT_LIMITS)
    (segment,) = reader
    assert not warnings and (segment.offset, segment.end) == (2, len(data) + 2)
    return b"\xff\xd8" + data, segment


def parse(read, data, *arguments):
    return read(*only_segment(data), *arguments)


@st.composite
def frames(draw, SOFn=st.sampled_from([0xC0, 0xC1, 0xC2])):
    SOFn = draw(SOFn)
    ids = draw(st.lists(BYTE, min_size=1, max_size=4, unique=True))
    components = tuple(FrameComponent(C, draw(FACTOR), draw(FACTOR), draw(DESTINATION)) for C in ids)
    return Frame(
        SOFn,
        draw(st.sampled_from([8] if SOFn == 0xC0 else [8, 12])),
        draw(st.integers(0, 65535)),
        draw(st.integers(1, 65535)),
        components,
    )


@st.composite
def scans(draw, frame):
    chosen = draw(st.lists(st.sampled_from(frame.components), min_size=1, max_size=4, unique=True))
    assume(len(chosen) == 1 or sum(c.H * c.V for c in chosen) <= 10)
    Ss, Se, Ah, Al = 0, 63, 0, 0
    if frame.SOFn == 0xC2:
        Ss = draw(st.integers(0, 63)) if len(chosen) == 1 else 0
        Se = draw(st.integers(Ss, 63)) if Ss else 0
        Al = draw(st.integers(0, 13))
        Ah = draw(st.sampled_from([0, Al + 1]))
    return Scan(tuple(ScanComponent(c.C, draw(DESTINATION), draw(DESTINATION)) for c in chosen), Ss, Se, Ah, Al)


# ---------------------------------------------------------------- parse(write(x)) == x


@given(frames())
def test_frame_header(frame):
    assert parse(markers.read_frame, markers.write_frame(frame)) == frame


@given(st.data())
def test_scan_header(data):
    frame = data.draw(frames())
    scan = data.draw(scans(frame))
    assert parse(markers.read_scan, markers.write_scan(scan), frame) == scan


@given(
    st.dictionaries(
        DESTINATION,
        st.lists(st.integers(1, 255), min_size=64, max_size=64)
        | st.lists(st.integers(1, 65535), min_size=64, max_size=64),
        min_size=1,
    )
)
def test_quantization_tables(tables):
    back = parse(markers.read_quant_tables, markers.write_quant_tables(tables))
    assert {Tq: table.tolist() for Tq, table in back.items()} == tables


@given(
    st.lists(
        st.tuples(st.integers(0, 1), DESTINATION, st.lists(st.integers(0, 12), min_size=16, max_size=16), st.data()),
        min_size=1,
        max_size=4,
    )
)
def test_huffman_tables(tables):
    tables = [
        (Tc, Th, tuple(BITS), data.draw(st.binary(min_size=sum(BITS), max_size=sum(BITS))))
        for Tc, Th, BITS, data in tables
    ]
    assert parse(markers.read_huffman_tables, markers.write_huffman_tables(tables)) == tables


@given(st.integers(0, 65535))
def test_restart_interval(Ri):
    assert parse(markers.read_restart_interval, markers.write_restart_interval(Ri)) == Ri


@given(
    st.lists(
        st.tuples(st.sampled_from([0xE0, 0xE5, 0xEF, 0xFE, 0xDB, 0xC4, 0xF0]), st.binary(max_size=300)), max_size=6
    )
)
def test_segments_follow_one_another(payloads):
    data = b"\xff\xd8" + b"".join(markers.write_segment(*each) for each in payloads) + b"\xff\xd9rest"
    warnings = []
    found = list(markers.SegmentReader(data, warnings, DEFAULT_LIMITS))
    assert [(s.marker, data[s.start : s.end]) for s in found] == [*payloads, (0xD9, b"")] and warnings == []
    assert all(data[s.offset] == 0xFF and data[s.offset + 1] == s.marker for s in found)


# ---------------------------------------------------------------- bytes as the standard prints them


def test_bytes_of_each_segment():
    assert markers.write_marker(markers.SOI) == b"\xff\xd8"
    assert markers.write_segment(0xFE, b"hi") == bytes.fromhex("fffe 0004 6869")
    assert markers.write_restart_interval(300) == bytes.fromhex("ffdd 0004 012c")
    frame = Frame(0xC0, 8, 2, 3, (FrameComponent(1, 2, 1, 0), FrameComponent(2, 1, 1, 1)))
    assert markers.write_frame(frame) == bytes.fromhex("ffc0 000e 08 0002 0003 02 01 21 00 02 11 01")
    assert markers.write_scan(Scan((ScanComponent(1, 0, 1),), 1, 5, 0, 2)) == bytes.fromhex(
        "ffda 0008 01 01 01 01 05 02"
    )
    assert markers.write_huffman_tables([(1, 2, [1] + [0] * 15, [9])]) == bytes.fromhex(
        "ffc4 0014 12 01 000000000000000000000000000000 09"
    )


def test_quantization_tables_are_written_along_the_zigzag():
    data = markers.write_quant_tables({1: np.arange(1, 65)})
    assert data[:5] == bytes.fromhex("ffdb 0043 01") and list(data[5:11]) == [1, 2, 9, 17, 10, 3]
    wide = markers.write_quant_tables({0: np.arange(255, 319)})
    assert wide[:5] == bytes.fromhex("ffdb 0083 10") and wide[5:9] == bytes.fromhex("00ff 0100")


@pytest.mark.parametrize(
    "Y, X, factors, mcus, blocks",
    [
        (1, 1, [(1, 1)], (1, 1), [(1, 1)]),
        (17, 9, [(1, 1)], (3, 2), [(3, 2)]),
        (17, 33, [(2, 2), (1, 1), (1, 1)], (2, 3), [(3, 5), (2, 3), (2, 3)]),
        (8, 8, [(2, 1), (1, 1)], (1, 1), [(1, 1), (1, 1)]),
        (25, 25, [(1, 2), (4, 3)], (2, 1), [(3, 1), (4, 4)]),
    ],
)
def test_how_many_blocks_and_mcus_there_are(Y, X, factors, mcus, blocks):
    """A.1.1, A.2.2, A.2.3 (component i is ceil(Y Vi / Vmax) lines high); the last row by hand: 25 x 2/3 = 17
    lines, 25 / 4 = 7 columns."""
    frame = Frame(0xC0, 8, Y, X, tuple(FrameComponent(i, H, V, 0) for i, (H, V) in enumerate(factors)))
    assert frame.mcus == mcus and [frame.blocks(c) for c in frame.components] == blocks


# ---------------------------------------------------------------- between segments


def test_fill_bytes_before_a_marker_are_no_matter():
    warnings = []
    data = b"\xff\xd8\xff\xff\xff" + markers.write_segment(0xFE, b"x") + b"\xff\xff\xd9"
    assert [s.name for s in markers.SegmentReader(data, warnings, DEFAULT_LIMITS)] == ["COM", "EOI"] and warnings == []


def test_bytes_that_belong_to_nothing_are_skipped_with_a_warning():
    warnings = []
    data = b"\xff\xd8abc" + markers.write_segment(0xFE, b"x") + b"\0\0\xff\xd9"
    assert [s.name for s in markers.SegmentReader(data, warnings, DEFAULT_LIMITS)] == ["COM", "EOI"]
    assert warnings == [
        "3 bytes before the marker at byte 5 belong to no segment (T.81 B.1.1.2)",
        "2 bytes before the marker at byte 12 belong to no segment (T.81 B.1.1.2)",
    ]


@pytest.mark.parametrize("tail", [b"", b"\xff", b"abc", b"\xff\0\xff"])
def test_data_without_eoi_just_ends(tail):
    data = b"\xff\xd8" + markers.write_segment(0xFE, b"x") + tail
    assert [s.name for s in markers.SegmentReader(data, [], DEFAULT_LIMITS)] == ["COM"]


@pytest.mark.parametrize(
    "code, name",
    [
        (0xC0, "SOF0"),
        (0xC2, "SOF2"),
        (0xCF, "SOF15"),
        (0xC8, "JPG"),
        (0xD3, "RST3"),
        (0xEE, "APP14"),
        (0xFE, "COM"),
        (0xF7, "JPG7"),
        (0x02, "FF02"),
    ],
)
def test_names_are_those_of_table_b_1(code, name):
    assert Segment(code, 0, 0, 0).name == name


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x89PNG\r\n", b"GIF89a", b"\xd8\xff\xff\xd9", b"\0\0\0\0"])
def test_what_does_not_begin_with_soi_is_no_jpeg(data):
    with pytest.raises(BitstreamError, match="not a JPEG.*: no SOI marker") as caught:
        markers.SegmentReader(data, [], DEFAULT_LIMITS)
    assert caught.value.offset == 0


# ---------------------------------------------------------------- refusals

FRAME = Frame(0xC2, 8, 8, 8, (FrameComponent(1, 2, 2, 0), FrameComponent(2, 1, 1, 0), FrameComponent(3, 3, 2, 0)))


@pytest.mark.parametrize(
    "body, why, clause",
    [
        ("08 0001 0001", "do not hold a frame header of", "B.2.2"),
        ("08 0001 0001 02 011100", "do not hold a frame header of 2", "B.2.2"),
        ("08 0001 0001 01 011100 00", "do not hold a frame header of 1", "B.2.2"),
        ("08 0001 0000 01 011100", "0 samples per line", "B.2.2"),
        ("08 0001 0001 00", "0 components", "B.2.2"),
        ("0c 0001 0001 01 011100", "precision of 12 bits in a baseline", "Table B.2"),
        ("08 0001 0001 01 010100", "sampling factors 0x1 of component 1", "B.2.2"),
        ("08 0001 0001 01 011500", "sampling factors 1x5", "B.2.2"),
        ("08 0001 0001 01 011104", "quantization table 4", "B.2.2"),
    ],
)
def test_impossible_frame_headers(body, why, clause):
    check_refused(markers.read_frame, markers.write_segment(0xC0, bytes.fromhex(body)), why, clause)


@pytest.mark.parametrize(
    "body, why, clause",
    [
        ("", "do not hold a scan header of 0", "B.2.3"),
        ("00 00 3f 00", "scan header of 0", "B.2.3"),
        ("05" + "0100" * 5 + "00 3f 00", "scan header of 5", "B.2.3"),
        ("01 01 00 00 3f", "scan header of 1", "B.2.3"),
        ("01 09 00 00 00 00", r"components \[9\] in a frame of \[1, 2, 3\]", "B.2.3"),
        ("02 0100 0100 00 00 00", r"components \[1, 1\]", "B.2.3"),
        ("01 01 40 00 00 00", "entropy coding tables 0..3", "B.2.3"),
        ("01 01 04 00 00 00", "entropy coding tables 0..3", "B.2.3"),
        ("03 0100 0200 0300 00 00 00", "more than 10 blocks in an MCU", "B.2.3"),
        ("01 01 00 00 05 00", r"spectral band 0\.\.5", "G.1.1.1.1"),
        ("01 01 00 05 04 00", r"spectral band 5\.\.4", "G.1.1.1.1"),
        ("01 01 00 01 40 00", r"spectral band 1\.\.64", "G.1.1.1.1"),
        ("02 0100 0200 01 05 00", "an AC scan of several components", "G.1.1.1.1"),
        ("01 01 00 00 00 0e", "from bit 0 to 14", "G.1.1.1.2"),
        ("01 01 00 00 00 31", "from bit 3 to 1", "G.1.1.1.2"),
        ("01 01 00 00 00 11", "from bit 1 to 1", "G.1.1.1.2"),
    ],
)
def test_impossible_scan_headers(body, why, clause):
    check_refused(markers.read_scan, markers.write_segment(0xDA, bytes.fromhex(body)), why, clause, FRAME)


def test_a_scan_needs_a_frame():
    check_refused(
        markers.read_scan,
        markers.write_segment(0xDA, bytes.fromhex("01 01 00 00 3f 00")),
        "a scan before any frame header",
        "B.2.1",
        None,
    )


@pytest.mark.parametrize(
    "read, code, body, why, clause",
    [
        (markers.read_quant_tables, 0xDB, "20" + "01" * 64, "table 0 of precision 2", "B.2.4.1"),
        (markers.read_quant_tables, 0xDB, "04" + "01" * 64, "table 4 of precision 0", "B.2.4.1"),
        (markers.read_quant_tables, 0xDB, "00" + "01" * 63, "fewer than 64 steps", "B.2.4.1"),
        (markers.read_quant_tables, 0xDB, "10" + "01" * 127, "fewer than 64 steps", "B.2.4.1"),
        (markers.read_quant_tables, 0xDB, "00" + "01" * 63 + "00", "a step of 0", "B.2.4.1"),
        (markers.read_huffman_tables, 0xC4, "20" + "00" * 16, "table 0 of class 2", "B.2.4.2"),
        (markers.read_huffman_tables, 0xC4, "04" + "00" * 16, "table 4 of class 0", "B.2.4.2"),
        (markers.read_huffman_tables, 0xC4, "00" + "00" * 15, "announces 0 symbols, more than there are", "B.2.4.2"),
        (markers.read_huffman_tables, 0xC4, "00" + "ff" * 16, "announces 4080 symbols", "B.2.4.2"),
        (markers.read_huffman_tables, 0xC4, "00 02" + "00" * 15 + "01", "announces 2 symbols", "B.2.4.2"),
        (markers.read_restart_interval, 0xDD, "00", "takes two bytes", "B.2.4.4"),
        (markers.read_restart_interval, 0xDD, "000000", "takes two bytes", "B.2.4.4"),
    ],
)
def test_impossible_tables(read, code, body, why, clause):
    check_refused(read, markers.write_segment(code, bytes.fromhex(body)), why, clause)


def check_refused(read, data, why, clause, *arguments):
    with pytest.raises(BitstreamError, match=why) as caught:
        parse(read, data, *arguments)
    assert caught.value.offset == 2 and caught.value.clause == f"T.81 {clause}"


@pytest.mark.parametrize(
    "data, kind, why",
    [
        (b"\xff\xfe", TruncatedError, "ends in the length of COM"),
        (b"\xff\xfe\0", TruncatedError, "ends in the length of COM"),
        (b"\xff\xfe\0\1", BitstreamError, "COM of length 1; 2 is the least"),
        (b"\xff\xdb\0\7ab", TruncatedError, "DQT of 7 bytes, but 4 are left"),
    ],
)
def test_segments_that_are_too_long_or_too_short(data, kind, why):
    with pytest.raises(kind, match=why) as caught:
        list(markers.SegmentReader(b"\xff\xd8" + data, [], DEFAULT_LIMITS))
    assert caught.value.offset == 2 and caught.value.clause == "T.81 B.1.1.4"


@pytest.mark.parametrize(
    "data, why",
    [
        (b"\xff\xd9", "does not follow the first scan"),
        (b"\xff\xdc\0\5\0\1", "does not follow"),
        (b"\xff\xdc\0\4\0", "does not follow"),
        (b"\xff\xdc\0\4\0\0", "DNL with 0 lines"),
    ],
)
def test_impossible_numbers_of_lines(data, why):
    with pytest.raises(BitstreamError, match=why):
        markers.read_number_of_lines(data, 0)
    assert markers.read_number_of_lines(b"..\xff\xdc\0\4\1\2", 2) == 0x0102


@pytest.mark.parametrize("data", [b"\xff\xd8", b"\xff\xd8\xff"])
def test_data_that_end_after_soi_are_truncated(data):
    with pytest.raises(TruncatedError, match="the data ends after SOI"):
        codec.decode(data)
    with pytest.raises(TruncatedError, match="the data ends after SOI"):
        codec.jpeg.decode_planes(data)
