"""Malicious files: false sizes, bombs, contradictory segments. Each is refused, or decoded by its actual content."""

import concurrent.futures
import gc
import resource
import struct
import sys
import time
import tracemalloc
from functools import partial

import hostile
import numpy as np
import pytest
from hostile import bomb, craft, judge, offsets

import codec
from codec.jpeg import markers

segment = markers.write_segment
DQT, DHT, DRI, DNL, SOS, EOI, APP1, APP2, APP13, COM = 0xDB, 0xC4, 0xDD, 0xDC, 0xDA, 0xD9, 0xE1, 0xE2, 0xED, 0xFE
GRAY = craft(20, 20, ((1, 1),))


@pytest.fixture(autouse=True)
def silent(capfd):
    yield
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""


def refused(data, error, match, **options):
    with pytest.raises(error, match=match) as caught:
        codec.jpeg.decode(data, **options)
    return caught.value


def before_frame(data, chunk):
    at = next(i for i in range(2, len(data)) if data[i] == 0xFF and data[i + 1] in (0xC0, 0xC1, 0xC2))
    return data[:at] + chunk + data[at:]


def before_scan(data, chunk, number=0):
    at = offsets(data, SOS)[number]
    return data[:at] + chunk + data[at:]


def peak_bytes(function):
    """Peak memory of Python and NumPy, the lesser one of two calls: the thread that brings a worker of pytest-xdist its
    tests takes memory too, now and then. Not measured with the sanitizers, which are slow enough."""
    if hostile.SANITIZED:
        function()
        return 0
    return min(peak_of_a_call(function) for _ in range(2))


def peak_of_a_call(function):
    gc.collect()
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------- size

BOMBS = {
    "65500x65500": bomb(65500, 65500),
    "16000x11000": bomb(16000, 11000),
    "16000x11000 in colour": bomb(16000, 11000, factors=((2, 2), (1, 1), (1, 1))),
    "16000x11000 of CMYK": bomb(16000, 11000, factors=((1, 1),) * 4),
    "16000x11000 of 12 bits": bomb(16000, 11000, markers.SOF1, P=12),
    "16000x11000 progressive": bomb(16000, 11000, markers.SOF2, Se=0),
    "16000x11000 progressive, AC first": bomb(16000, 11000, markers.SOF2, Ss=1, scan=b"\xff\x00" * 150),
    "11000 lines by DNL": bomb(16000, 0, dnl=11000),
    "65535 lines by DNL, progressive": bomb(2700, 0, markers.SOF2, Se=0, dnl=65535),
    "one component of 1x1, others of 4x4": bomb(13000, 13000, factors=((1, 1), (4, 4), (4, 4)), in_scan=1),
    "65535 wide": bomb(65535, 2000),
    "65535 high": bomb(2000, 65535),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("on_error", ["raise", "conceal"])
def test_a_tiny_file_is_refused_before_memory_is_taken(name, on_error):
    data = BOMBS[name]
    assert len(data) < 800

    def attack():
        start = time.thread_time()
        refused(data, codec.CodecError, "Limits.pixels|bytes at least", on_error=on_error)
        assert time.thread_time() - start < hostile.SECONDS / 4

    for call in attack, partial(hostile.attempt, codec.probe, data), partial(hostile.attempt, codec.jpeg.inspect, data):
        call()  # imports what comes late
        assert peak_bytes(call) < 1 << 20


@pytest.mark.parametrize("SOFn", [markers.SOF9, markers.SOF10, markers.SOF11])
@pytest.mark.parametrize("on_error", ["raise", "conceal"])
def test_arithmetic_coding_is_bounded_by_pixels_alone(SOFn, on_error):
    """Here few bytes do not indicate damage, so `Limits` is the only bound; below it, files are decoded
    or refused without delay."""
    settings = dict(SOFn=SOFn, Ss=int(SOFn == markers.SOF11), Se=63 if SOFn == markers.SOF9 else 0)
    refused(bomb(65500, 65500, **settings), codec.LimitError, "Limits.pixels", on_error=on_error)
    refused(
        bomb(900, 900, **settings),
        codec.LimitError,
        "Limits.pixels",
        on_error=on_error,
        limits=codec.Limits(pixels=800_000),
    )
    hostile.attempt(codec.jpeg.decode, bomb(1500, 1500, **settings), on_error=on_error)


@pytest.mark.parametrize("width,height", [(65535, 8), (8, 65535), (65535, 1), (1, 65535)])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_the_longest_rows_and_columns(width, height, subsampling):
    image = np.broadcast_to(np.arange(width, dtype=np.uint8)[:, None], (height, width, 3))
    data = codec.encode(image, 60, effort=3, subsampling=subsampling)
    assert codec.decode(data).shape == (height, width, 3)
    _, cut = judge(data[: len(data) // 2])
    assert cut.damage.mcus_lost > 0


@pytest.mark.parametrize("height,width", [(0, 5), (5, 0), (0, 0)])
def test_no_samples(height, width):
    error = refused(bomb(width, height), codec.BitstreamError, "may be 0|0 samples|DNL")
    assert error.clause in ("T.81 B.2.2", "T.81 B.2.5")
    judge(bomb(width, height))


def test_a_truncated_large_picture_is_concealed():
    """The converse of the bound: the first percent of a real picture is worth showing."""
    data = codec.encode(np.tile(hostile.picture(64, 64), (16, 16, 1)), 75, effort=1)
    result = codec.jpeg.decode(data[: 700 + len(data) // 100], on_error="conceal")
    assert result.pixels.shape == (1024, 1024, 3) and 0 < result.damage.mcus_lost < 4096


# ---------------------------------------------------------------- time


def scans_of(data, count, *, at=0):
    """A picture whose scan number `at` is sent again `count` times before EOI."""
    starts = offsets(data, SOS)
    end = starts[at + 1] if at + 1 < len(starts) else len(data) - 2
    return data[:-2] + data[starts[at] : end] * count + b"\xff\xd9"


@pytest.mark.parametrize("SOFn", [markers.SOF0, markers.SOF2])
def test_a_scan_bomb(SOFn):
    scan = [((0,), 0, 0, 0, 0)] if SOFn == markers.SOF2 else None
    data = scans_of(craft(1600, 1600, ((1, 1),), SOFn=SOFn, scans=scan, levels=0), 3000)
    start = time.thread_time()
    refused(data, codec.LimitError, "scans over 1600x1600")
    refused(data, codec.LimitError, "scans over 1600x1600", on_error="conceal")
    with pytest.raises(codec.LimitError):
        codec.jpeg.inspect(data)
    assert time.thread_time() - start < 5 * hostile.SECONDS


def test_scans_without_end_over_one_pixel():
    """Thousands of scans over a thumbnail are harmless, hundreds of thousands are not: each scan has a fixed cost."""
    data = craft(1, 1, ((1, 1),), SOFn=markers.SOF2, scans=[((0,), 0, 0, 0, 0)])
    assert codec.jpeg.decode(scans_of(data, 2000)).pixels.shape == (1, 1)
    start = time.thread_time()
    refused(scans_of(data, 200_000), codec.LimitError, "scans over 1x1")
    assert time.thread_time() - start < 10 * hostile.SECONDS


@pytest.mark.parametrize(
    "chunk",
    [
        b"\xff\x01",
        b"\xff\xd3",
        b"\xff\xd3x",
        b"\xff\xe1\0\2",
        b"\xff\xfe\0\2",
        b"\xff\xdb\0\2",
        b"\xff\xc4\0\2",
        b"\xff\xdd\0\4\0\1",
        b"\xff\xc4\0\x13\0" + bytes(16),
    ],
    ids=lambda chunk: chunk[:2].hex(),
)
def test_a_flood_of_tiny_segments(chunk):
    """A few hundred bytes of memory for each would add up to gigabytes for a file small enough to mail."""
    flood, limits = before_frame(GRAY, chunk * 10_001), codec.Limits(segments=10_000)
    for function in (codec.probe, codec.jpeg.inspect, codec.jpeg.decode):
        result, error = hostile.attempt(function, flood, limits=limits)
        assert isinstance(error, codec.LimitError) and "Limits.segments" in str(error)
    assert peak_bytes(lambda: hostile.attempt(codec.jpeg.inspect, flood, limits=limits)) < 8 << 20


def test_segments_are_limited_by_default():
    result, error = hostile.attempt(codec.jpeg.decode, before_frame(GRAY, b"\xff\x01" * 100_000))
    assert isinstance(error, codec.LimitError)


def test_a_flood_of_huffman_tables_in_few_segments():
    flood = before_frame(GRAY, segment(DHT, bytes(17) * 3800) * 5)
    limits = codec.Limits(segments=10_000)
    result, error = hostile.attempt(codec.jpeg.inspect, flood, limits=limits)
    assert isinstance(error, codec.LimitError)
    assert peak_bytes(lambda: hostile.attempt(codec.jpeg.inspect, flood, limits=limits)) < 16 << 20


def test_a_flood_of_restart_markers():
    at = offsets(GRAY, EOI)[0]
    flood = GRAY[:at] + b"\xff\xd0" * 500_000 + GRAY[at:]
    for on_error in ("raise", "conceal"):
        assert peak_bytes(lambda: codec.jpeg.decode(flood, on_error=on_error)) < 16 << 20


def test_a_flood_of_fill_bytes_and_of_other_bytes():
    for chunk in (b"\xff" * 3_000_000, b"\x12" * 3_000_000, b"\xff\x00" * 1_500_000):
        result, error = hostile.attempt(codec.jpeg.decode, before_frame(GRAY, chunk))
        assert error is None and len(result.warnings) <= 1


def test_warnings_are_bounded():
    result = codec.jpeg.decode(before_frame(GRAY, b"x\xff\x01" * 5000))
    assert 100 <= len(result.warnings) <= 101 and "further warnings" in result.warnings[-1]


# ---------------------------------------------------------------- metadata


def app1_extension(guid, size, offset, chunk):
    return segment(APP1, b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", size, offset) + chunk)


METADATA = {
    "XMP parts that each state the size of all": b"".join(
        app1_extension(b"%032d" % i, 3_000_000, 0, bytes(40)) for i in range(20_000)
    ),
    "XMP parts of one size, one GUID": b"".join(
        app1_extension(b"A" * 32, 1 << 31, i, b"x" * 50) for i in range(20_000)
    ),
    "XMP of 4 GiB": app1_extension(b"A" * 32, 0xFFFFFFFF, 0xFFFFFFF0, b"x"),
    "Photoshop resources": segment(APP13, b"Photoshop 3.0\0" + (b"8BIM\x04\x0c\0\0\0\0\0\0" * 5000)) * 15,
    "Photoshop resource of 4 GiB": segment(APP13, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\xff\xff\xff\xff"),
    "Photoshop name past the end": segment(APP13, b"Photoshop 3.0\0" + b"8BIM\x04\x04\xff\0\0\0\0\0"),
    "ICC of chunk 0 of 0": segment(APP2, b"ICC_PROFILE\0\0\0" + b"x"),
    "ICC without a number": segment(APP2, b"ICC_PROFILE\0"),
    "ICC, the same chunk again and again": segment(APP2, b"ICC_PROFILE\0\1\2" + bytes(60_000)) * 200,
    "Exif continued 200 times": segment(APP1, b"Exif\0\0" + bytes(65_527)) * 200,
    "JFIF of nothing": segment(0xE0, b"JFIF\0"),
    "Adobe of nothing": segment(0xEE, b"Adobe"),
}


@pytest.mark.parametrize("name", METADATA)
def test_metadata_that_lies(name):
    data = before_frame(GRAY, METADATA[name])
    assert np.array_equal(judge(data)[0].pixels, codec.decode(GRAY))
    assert peak_bytes(lambda: codec.probe(data)) < 3 * len(data) + (16 << 20)


def test_application_segments_are_bounded():
    flood = before_frame(GRAY, segment(APP1, bytes(65_000)) * 300)
    for function in (codec.decode, codec.probe, codec.jpeg.inspect):
        with pytest.raises(codec.LimitError, match="metadata"):
            function(flood)
    assert codec.decode(flood, limits=codec.Limits(metadata_bytes=1 << 30)).shape == (20, 20)


# ---------------------------------------------------------------- false and contradictory segments


def test_lengths_that_lie(seeds):
    """Each length field of a file with every kind of segment, set to every suspicious value."""
    for name in ("metadata", "baseline-420-restart", "progressive-420"):
        data = seeds[name]
        for entry in codec.jpeg.inspect(data)["segments"][1:-1]:
            at = entry["offset"] + 2
            for length in (0, 1, 2, 3, entry["length"] - 3, entry["length"] - 1, entry["length"] + 1, 0x7FFF, 0xFFFF):
                judge(data[:at] + struct.pack(">H", length) + data[at + 2 :])


def quant(*tables):
    return segment(DQT, b"".join(tables))


@pytest.mark.parametrize(
    "chunk,match",
    [
        (quant(b"\x00" + bytes(64)), "step of 0"),
        (quant(b"\x04" + b"\1" * 64), "table 4"),
        (quant(b"\x20" + b"\1" * 128), "precision 2"),
        (quant(b"\x00" + b"\1" * 63), "fewer than 64"),
        (quant(b"\x10" + b"\1" * 127), "fewer than 64"),
        (segment(DHT, b"\x05" + b"\1" + bytes(15) + b"\0"), "table 5"),
        (segment(DHT, b"\x20" + b"\1" + bytes(15) + b"\0"), "class 2"),
        (segment(DHT, b"\x00" + b"\xff" * 16 + bytes(300)), "announces 4080 symbols"),
        (segment(DHT, b"\x00" + bytes(15)), "announces"),
        (segment(DHT, b"\x00" + b"\x03" + bytes(15) + b"\0\1\2"), "more codes of 1 bits"),
        (segment(DHT, b"\x00" + bytes(16)), "0 symbols"),
        (segment(DRI, b"\0"), "two bytes"),
        (segment(DRI, b"\0\1\2"), "two bytes"),
    ],
)
def test_tables_that_are_wrong(chunk, match):
    data = before_scan(GRAY, chunk)
    error = refused(data, codec.BitstreamError, match)
    assert error.offset in (offsets(GRAY, SOS)[0], offsets(GRAY, SOS)[0] + len(chunk)) and error.clause.startswith(
        "T.81 "
    )
    judge(data)


def test_a_table_of_all_symbols_at_every_length():
    """Legal Huffman tables that decoders get wrong: 256 16-bit codes, one 16-bit code, a full table of 8 bits."""
    for BITS in ([0] * 15 + [255], [0] * 15 + [1], [0] * 7 + [255] + [0] * 8, [1] * 15 + [2]):
        HUFFVAL = bytes(range(sum(BITS)))
        for scan in (b"\0" * 60, b"\xfe" * 60, b"\xff\0" * 60, bytes(range(60)), b"\x55" * 60):
            for SOFn, Se in ((markers.SOF0, 63), (markers.SOF2, 0)):
                judge(bomb(24, 24, SOFn, Se=Se, scan=scan, dht=[(0, 0, BITS, HUFFVAL), (1, 0, BITS, HUFFVAL)]))


@pytest.mark.parametrize("size", range(17))
def test_every_magnitude_category(size):
    """DC differences of 16 bits, AC runs of 15 with 15 bits, refinements of 13 bits: sums
    wrap without other effects."""
    BITS, dc, ac = [1] + [0] * 15, bytes((size,)), bytes((0xF0 | min(size, 15),))
    for scan in (b"\0" * 200, b"\x7f" * 200, bytes(range(1, 201))):
        for SOFn, Ss, Se, A in (
            (markers.SOF0, 0, 63, 0),
            (markers.SOF2, 0, 0, 13),
            (markers.SOF2, 1, 63, 13),
            (markers.SOF2, 1, 63, 0x10),
            (markers.SOF2, 63, 63, 0xED),
        ):
            judge(bomb(17, 9, SOFn, Ss=Ss, Se=Se, Ah_Al=A, scan=scan, dht=[(0, 0, BITS, dc), (1, 0, BITS, ac)]))


def test_a_second_frame_or_image():
    frame = GRAY[offsets(GRAY, 0xC0)[0] : offsets(GRAY, DHT)[0]]
    for chunk, match in (
        (frame, "second frame header"),
        (frame.replace(b"\xff\xc0", b"\xff\xc2"), "second frame header"),
        (b"\xff\xd8", "second SOI"),
    ):
        refused(before_scan(GRAY, chunk), codec.BitstreamError, match)
        judge(before_scan(GRAY, chunk))
        judge(GRAY[:-2] + chunk + GRAY[-2:])  # after the scan
    color = craft(20, 20)
    grown = (
        GRAY[:-2]
        + frame.replace(struct.pack(">HH", 20, 20), struct.pack(">HH", 2000, 2000))
        + GRAY[offsets(GRAY, SOS)[0] :]
    )
    strict, concealed = judge(grown)
    assert strict is None and concealed.pixels.shape == (20, 20) and "second frame header" in concealed.damage.report
    judge(color[:-2] + color)


def test_scans_that_name_what_is_not_there():
    at = offsets(GRAY, SOS)[0]
    for header, match in (
        (b"\1\2\0\0\x3f\0", r"components \[2\]"),
        (b"\2\1\0\1\0\0\x3f\0", r"\[1, 1\]"),
        (b"\0\0\x3f\0", "0 components"),
        (b"\1\1\x40\0\x3f\0", "0..3 exist"),
        (b"\1\1\x04\0\x3f\0", "0..3 exist"),
        (b"", "0 components"),
        (b"\5" + b"\1\0" * 5 + b"\0\x3f\0", "5 components"),
    ):
        error = refused(GRAY[:at] + segment(SOS, header) + GRAY[at + 10 :], codec.BitstreamError, match)
        assert error.offset == at and error.clause == "T.81 B.2.3"
        judge(GRAY[:at] + segment(SOS, header) + GRAY[at + 10 :])


def test_a_scan_before_any_frame():
    at, end = offsets(GRAY, 0xC0)[0], offsets(GRAY, DHT)[0]
    refused(GRAY[:at] + GRAY[end:], codec.BitstreamError, "before any frame header")


def test_no_tables():
    dqt, frame, dht, scan = (offsets(GRAY, code)[0] for code in (DQT, 0xC0, DHT, SOS))
    refused(GRAY[:dqt] + GRAY[frame:], codec.BitstreamError, "no DQT segment defines quantization table 0")
    judge(GRAY[:dqt] + GRAY[frame:])
    progressive = craft(20, 20, SOFn=markers.SOF2, scans=hostile.PROGRESSIVE)
    for number, at in enumerate(offsets(progressive, DHT)):
        length = struct.unpack_from(">H", progressive, at + 2)[0]
        without = progressive[:at] + progressive[at + 2 + length :]
        strict, concealed = judge(without)
        if number == 0:
            assert strict is None


@pytest.mark.parametrize(
    "Ss,Se,A",
    [
        (0, 63, 0),
        (5, 4, 0),
        (0, 5, 0),
        (1, 64, 0),
        (64, 64, 0),
        (1, 255, 0),
        (1, 5, 0x0E),
        (1, 5, 0x20),
        (1, 5, 0x12),
        (0, 0, 0xFE),
    ],
)
def test_progressive_scans_out_of_range(Ss, Se, A):
    error = refused(
        bomb(8, 8, markers.SOF2, Ss=Ss, Se=Se, Ah_Al=A), codec.BitstreamError, "spectral band|successive approximation"
    )
    assert error.clause.startswith("T.81 G.1.1.1")
    judge(bomb(8, 8, markers.SOF2, Ss=Ss, Se=Se, Ah_Al=A))


def test_sequential_scans_ignore_the_band():
    """Ss, Se, Ah, Al have no meaning outside the progressive process; none of their values may reach a kernel."""
    expected = codec.decode(GRAY)
    at = offsets(GRAY, SOS)[0] + 7
    for band in (b"\x3f\0\0", b"\xff\xff\xff", b"\1\5\xee", b"\0\0\x10"):
        assert np.array_equal(judge(GRAY[:at] + band + GRAY[at + 3 :])[0].pixels, expected)


def test_tables_redefined_between_scans():
    """A component keeps the quantization table of its first scan (B.2.4.1); a scan uses the Huffman tables in force."""
    data = craft(24, 24, ((1, 1),) * 3, scans=hostile.sequential_scans(3))
    coarse = markers.write_quant_tables({0: np.full(64, 200, np.uint16)})
    before, after = judge(data)[0].pixels, judge(before_scan(data, coarse, 2))[0].pixels
    assert not np.array_equal(before, after)
    refused(
        before_scan(data, segment(DHT, b"\x00" + b"\x03" + bytes(15) + b"\0\1\2"), 2),
        codec.BitstreamError,
        "more codes of 1 bits",
    )
    progressive = craft(20, 20, SOFn=markers.SOF2, scans=hostile.PROGRESSIVE)
    assert np.array_equal(judge(before_scan(progressive, coarse, 3))[0].pixels, judge(progressive)[0].pixels)


def test_dnl():
    data, plain = craft(20, 20, dnl=True), craft(20, 20)
    assert np.array_equal(judge(data)[0].pixels, judge(plain)[0].pixels)
    at = offsets(data, DNL)[0]
    for chunk, match in (
        (b"", "does not follow"),
        (segment(DNL, b"\0\0"), "0 lines"),
        (segment(DNL, b"\1"), "does not follow"),
        (segment(DNL, b"\0\x14\0"), "does not follow"),
    ):
        refused(data[:at] + chunk + data[at + 6 :], codec.BitstreamError, match)
        judge(data[:at] + chunk + data[at + 6 :])
    for lines in (1, 19, 21, 33, 500):
        judge(data[:at] + segment(DNL, struct.pack(">H", lines)) + data[at + 6 :])
    refused(data[:at] + segment(DNL, b"\xff\xff") + data[at + 6 :], codec.TruncatedError, "bytes at least")
    judge(plain[:-2] + segment(DNL, b"\xff\xff") + plain[-2:])  # the picture already has its number of lines


@pytest.mark.parametrize("code", [0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF])
@pytest.mark.parametrize("on_error", ["raise", "conceal"])
def test_other_processes_are_named(code, on_error):
    data = GRAY.replace(b"\xff\xc0", bytes((0xFF, code)))
    refused(data, codec.UnsupportedError, markers.PROCESS[code], on_error=on_error)
    assert codec.probe(data).process == markers.PROCESS[code]
    for hierarchical in (0xDE, 0xDF):
        chunk = segment(hierarchical, GRAY[offsets(GRAY, 0xC0)[0] + 4 :][:9])
        refused(before_frame(GRAY, chunk), codec.UnsupportedError, "hierarchical", on_error=on_error)


@pytest.mark.parametrize("count", [2, 5, 255])
def test_numbers_of_components_without_a_meaning(count):
    data = bomb(8, 8, factors=((1, 1),) * count)
    data = (
        data if count <= 4 else data.replace(data[offsets(data, SOS)[0] :], segment(SOS, b"\1\1\0\0\x3f\0") + bytes(40))
    )
    refused(data, codec.UnsupportedError, f"{count} components")
    judge(data)


FACTORS = [(1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (4, 1), (1, 4), (4, 2), (2, 4), (3, 3), (2, 3), (4, 4), (4, 3)]


@pytest.mark.parametrize("factors", FACTORS, ids=lambda f: f"{f[0]}x{f[1]}")
def test_sampling_factors(factors):
    """Every ratio, integer or not: in one scan if it fits an MCU (10 blocks), and always in separate scans; sizes
    around the edges of an MCU."""
    for height, width in (
        (1, 1),
        (2, 3),
        (7, 9),
        (8 * factors[1], 8 * factors[0]),
        (8 * factors[1] + 1, 8 * factors[0] + 1),
        (31, 33),
    ):
        for others in (((1, 1), (1, 1)), ((2, 3), (3, 2)), ((1, 4), (4, 1))):
            for order in ((factors, *others), (*others, factors)):
                for P, SOFn in ((8, markers.SOF0), (12, markers.SOF1)):
                    data = craft(height, width, order, SOFn=SOFn, P=P, scans=hostile.sequential_scans(3))
                    strict, _ = judge(data)
                    assert strict.pixels.shape == (height, width, 3)
                    judge(data[: -len(data) // 4])
                if sum(H * V for H, V in order) <= 10:
                    assert np.array_equal(
                        judge(craft(height, width, order))[0].pixels,
                        judge(craft(height, width, order, scans=hostile.sequential_scans(3)))[0].pixels,
                    )
        for n in (1, 4):
            assert judge(craft(height, width, (factors,) * n, scans=hostile.sequential_scans(n)))[0] is not None


def test_factors_that_do_not_exist():
    at = offsets(GRAY, 0xC0)[0] + 11
    for HV in (0x00, 0x01, 0x10, 0x51, 0x15, 0xFF):
        error = refused(GRAY[:at] + bytes((HV,)) + GRAY[at + 1 :], codec.BitstreamError, "sampling factors")
        assert error.clause == "T.81 B.2.2"
    refused(bomb(8, 8, factors=((4, 4), (1, 1), (1, 1))), codec.BitstreamError, "more than 10 blocks")


# ---------------------------------------------------------------- many at once, many in a row


def test_concealment_is_the_same_every_time(seeds):
    cases = [data[:cut] for data in seeds.values() for cut in (len(data) // 2, len(data) - 40)]
    cases += [data[:-50] + bytes(20) + data[-30:] for data in seeds.values()]

    def results():
        out = []
        for data in cases:
            result, error = hostile.attempt(codec.jpeg.decode, data, on_error="conceal")
            out.append(
                str(error)
                if result is None
                else (
                    result.pixels.tobytes(),
                    str(result.damage and (result.damage.report, result.damage.mask.tobytes())),
                )
            )
        return out

    expected = results()
    assert results() == expected
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert all(future.result() == expected for future in [pool.submit(results) for _ in range(12)])


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory in use")
def test_malformed_files_leave_no_memory_behind(seeds):
    files = [data[:size] for data in seeds.values() for size in range(len(data) // 2, len(data), 9)]
    files += [data[:at] + b"\xff" + data[at:] for data in seeds.values() for at in range(4, len(data), 29)]

    def resident():
        gc.collect()
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    def decode(count):
        for i in range(count):
            for on_error in ("raise", "conceal"):
                hostile.attempt(codec.jpeg.decode, files[i % len(files)], on_error=on_error)

    decode(len(files))
    before = resident()
    decode(3000)
    # A leak of the smallest picture (about 10 kB) in one of ten calls would show as 6 MB. AddressSanitizer keeps
    # freed blocks on purpose.
    assert resident() - before < (3 << 20) or hostile.SANITIZED
