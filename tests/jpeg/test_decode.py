"""The decoder: every supported kind of frame and scan, refusals, and reports."""

import contextlib
import io
import json

import numpy as np
import pytest
from codec.jpeg._segments import find_segments
from PIL import Image

import codec
from codec import errors
from codec.jpeg import Metadata, decoder, markers
from codec.jpeg.scans import ScanSpec

ADOBE = b"Adobe\0\x64\0\0\0\0"
JFIF = b"JFIF\0\1\2\0\0\1\0\1\0\0"


def check(made):
    result = codec.jpeg.decode(made.data)
    assert result.damage is None and result.warnings == () and result.doubts == ()
    np.testing.assert_array_equal(result.pixels, made.pixels)
    return result


def without(data, code):
    """The file with all segments of this marker removed."""
    for segment in reversed(list(codec.jpeg.inspect(data)["segments"])):
        if segment["marker"] == markers.NAMES[code]:
            data = data[: segment["offset"]] + data[segment["offset"] + segment["length"] :]
    return data


def entropy_coded(data, scan=0):
    """(start, end) of a scan's entropy-coded data."""
    report = codec.jpeg.inspect(data)["scans"][scan]
    start = report["offset"] + 2 + int.from_bytes(data[report["offset"] + 2 : report["offset"] + 4], "big")
    return start, start + report["bytes"]


# ---------------------------------------------------------------- every kind of frame

FACTORS = [
    ((1, 1),) * 3,
    ((2, 1), (1, 1), (1, 1)),
    ((1, 2), (1, 1), (1, 1)),
    ((2, 2), (1, 1), (1, 1)),
    ((4, 1), (1, 1), (1, 1)),
    ((1, 4), (1, 1), (1, 1)),
    ((3, 1), (1, 1), (1, 1)),
    ((2, 2), (2, 1), (1, 2)),
    ((1, 1), (2, 2), (2, 2)),
    ((4, 2), (1, 1), (1, 1)),
    ((3, 2), (1, 2), (1, 1)),
    ((2, 1), (1, 2), (2, 1)),
    ((2, 2),) * 2 + ((1, 1),),
]
PROGRESSIVE = tuple(ScanSpec((i,), 0, 0, 0, 0) for i in range(3)) + tuple(
    ScanSpec((i,), Ss, Se, 0, 0) for i in range(3) for Ss, Se in ((1, 5), (6, 63))
)


@pytest.mark.parametrize("factors", FACTORS)
@pytest.mark.parametrize("height, width", [(1, 1), (8, 8), (17, 33), (50, 39)])
def test_any_sampling_factors(factors, height, width, handmade):
    for options in (
        dict(),
        dict(script=tuple(ScanSpec((i,)) for i in range(3))),
        dict(restart_interval=2),
        dict(SOFn=markers.SOF2, script=PROGRESSIVE),
    ):
        if sum(H * V for H, V in factors) > 10 and not options.get("script"):
            continue
        result = check(handmade(height, width, factors, "ycbcr", **options))
        assert result.pixels.shape == (height, width, 3)


@pytest.mark.parametrize(
    "factors, name",
    [
        (FACTORS[0], "4:4:4"),
        (FACTORS[1], "4:2:2"),
        (FACTORS[2], "4:4:0"),
        (FACTORS[3], "4:2:0"),
        (FACTORS[4], "4:1:1"),
        (FACTORS[9], "4:1:0"),
        (((1, 1),), "4:0:0"),
        (((2, 2),), "4:0:0"),
        (FACTORS[7], "2x2,2x1,1x2"),
        (FACTORS[8], "1x1,2x2,2x2"),
        (FACTORS[6], "3x1,1x1,1x1"),
        (((2, 2), (1, 1), (1, 1), (2, 2)), "4:2:0"),
        (((2, 2), (1, 1), (1, 1), (1, 1)), "2x2,1x1,1x1,1x1"),
    ],
)
def test_names_of_sampling_factors(factors, name, handmade):
    assert (
        codec.probe(handmade(16, 16, factors, {1: "gray", 3: "ycbcr", 4: "cmyk"}[len(factors)]).data).subsampling
        == name
    )


@pytest.mark.parametrize("factors", [((2, 2),), ((3, 1),), ((1, 4),), ((4, 4),)])
def test_the_factors_of_a_single_component_do_not_matter(factors, handmade):
    """A.2.2: a scan of one component is not interleaved, whatever its factors."""
    assert check(handmade(21, 35, factors)).pixels.shape == (21, 35)


@pytest.mark.parametrize("SOFn", [markers.SOF1, markers.SOF2])
@pytest.mark.parametrize("factors, color", [(((1, 1),), "gray"), (FACTORS[3], "ycbcr"), (((1, 1),) * 4, "cmyk")])
def test_twelve_bits(factors, color, SOFn, handmade):
    everything = range(len(factors))
    script = (
        ()
        if SOFn == markers.SOF1
        else (ScanSpec(tuple(everything), 0, 0), *(ScanSpec((i,), 1, 63) for i in everything))
    )
    result = check(handmade(19, 22, factors, color, SOFn, precision=12, script=script))
    assert result.pixels.dtype == np.uint16 and 255 < result.pixels.max() <= 4095 and result.info.precision == 12


@pytest.mark.parametrize("SOFn, process", [(markers.SOF0, "baseline"), (markers.SOF1, "extended sequential")])
def test_sequential_processes(SOFn, process, handmade):
    assert check(handmade(9, 9, SOFn=SOFn)).info.process == process


def test_the_components_of_a_frame_in_any_grouping(handmade):
    for groups in (((0, 1, 2),), ((0,), (1, 2)), ((0, 2), (1,)), ((2,), (1,), (0,)), ((1, 2), (0,))):
        check(handmade(30, 40, FACTORS[3], "ycbcr", script=tuple(ScanSpec(group) for group in groups)))


def test_components_of_any_identifier(handmade):
    for ids in (b"\0\1\2", b"\1\2\3", b"\xff\x10\x20", b"YCc"):
        check(handmade(9, 9, FACTORS[0], "ycbcr", ids=ids))


def test_16_bit_quantization_tables(handmade):
    check(handmade(20, 20, SOFn=markers.SOF1, Q=np.arange(1, 65, dtype=np.uint16) * 1000))


def test_lines_counted_by_dnl(handmade):
    for options in (
        dict(),
        dict(factors=FACTORS[3], color="ycbcr"),
        dict(factors=FACTORS[0], color="ycbcr", script=tuple(ScanSpec((i,)) for i in range(3))),
        dict(restart_interval=2),
    ):
        made = handmade(27, 30, header_lines=0, **options)
        assert check(made).pixels.shape[:2] == codec.decode(made.data).shape[:2] == (27, 30)
        assert codec.probe(made.data).height == 27 and codec.jpeg.inspect(made.data)["height"] == 27


def test_lines_that_nobody_counts(handmade):
    made = handmade(27, 30, header_lines=0)
    with pytest.raises(errors.BitstreamError, match="leaves the number of lines to a DNL segment"):
        codec.decode(made.data.replace(made.dnl, b""))


# ---------------------------------------------------------------- colour of components


@pytest.mark.parametrize(
    "components, before, ids, color",
    [
        (1, b"", b"\1", "gray"),
        (3, b"", b"\1\2\3", "ycbcr"),
        (3, b"", b"RGB", "rgb"),
        (3, b"", b"rgb", "ycbcr"),
        (3, b"", b"\0\1\2", "ycbcr"),
        (3, markers.write_segment(0xEE, ADOBE + b"\0"), b"\1\2\3", "rgb"),
        (3, markers.write_segment(0xEE, ADOBE + b"\1"), b"RGB", "ycbcr"),
        (3, markers.write_segment(0xE0, JFIF), b"RGB", "ycbcr"),
        (3, markers.write_segment(0xE0, JFIF) + markers.write_segment(0xEE, ADOBE + b"\0"), b"\1\2\3", "ycbcr"),
        (3, markers.write_segment(0xEE, b"Adobe"), b"RGB", "rgb"),
        (4, b"", b"\1\2\3\4", "cmyk"),
        (4, markers.write_segment(0xEE, ADOBE + b"\0"), b"\1\2\3\4", "cmyk"),
        (4, markers.write_segment(0xEE, ADOBE + b"\2"), b"\1\2\3\4", "ycck"),
        (4, markers.write_segment(0xEE, ADOBE + b"\1"), b"CMYK", "cmyk"),
    ],
)
def test_the_colour_of_a_file(components, before, ids, color, handmade):
    """JFIF says YCbCr; else Adobe's marker decides; else the identifiers R, G, B do."""
    assert check(handmade(12, 10, ((1, 1),) * components, color, before=before, ids=ids)).info.color == color


# ---------------------------------------------------------------- harmless oddities


def test_a_missing_eoi_is_a_warning(handmade):
    made = handmade(20, 20, end=b"")
    result = codec.jpeg.decode(made.data)
    np.testing.assert_array_equal(result.pixels, made.pixels)
    assert result.warnings == ("the EOI marker is missing (T.81 B.2.1)",) and result.damage is None


def test_bytes_after_eoi_are_nobodys(handmade):
    made = handmade(20, 20, end=b"\xff\xd9" + b"\xff\xd8 trailing \xff\xd9" * 3)
    check(made)


def test_bytes_between_segments_are_a_warning(handmade):
    made = handmade(20, 20, before=b"stray")
    result = codec.jpeg.decode(made.data)
    assert result.warnings == ("5 bytes before the marker at byte 7 belong to no segment (T.81 B.1.1.2)",)
    np.testing.assert_array_equal(result.pixels, made.pixels)


def test_without_huffman_tables_those_of_annex_k_are_taken(picture):
    """Motion JPEG frames rely on this."""
    data = codec.encode(picture(24, 24), effort=1)
    result = codec.jpeg.decode(without(data, markers.DHT))
    np.testing.assert_array_equal(result.pixels, codec.decode(data))
    assert len(result.warnings) == 4 and all("T.81 K.3 was taken" in warning for warning in result.warnings)


def test_a_progressive_picture_needs_its_huffman_tables(picture):
    with pytest.raises(errors.BitstreamError, match="no DHT segment defines DC table 0"):
        codec.decode(without(codec.encode(picture(24, 24), progressive=True), markers.DHT))


def test_a_quantization_table_is_latched_at_the_first_scan_of_its_component(handmade):
    """B.2.4.1: a later table with the same number applies only to components that have not begun."""
    made = handmade(16, 16, FACTORS[0], "ycbcr", script=tuple(ScanSpec((i,)) for i in range(3)))
    third = codec.jpeg.inspect(made.data)["scans"][2]["offset"]
    other = np.full(64, 7, np.uint16)
    data = made.data[:third] + markers.write_quant_tables({0: other}) + made.data[third:]
    np.testing.assert_array_equal(codec.decode(data), made.pixels_with([made.Q, made.Q, other]))


def test_fill_bytes_before_restart_markers_and_the_end(handmade):
    made = handmade(24, 24, restart_interval=2)
    data = made.data
    start, end = entropy_coded(data)
    for m in range(4):
        data = data[:start] + data[start:].replace(bytes((0xFF, 0xD0 + m)), bytes((0xFF, 0xFF, 0xFF, 0xD0 + m)), 1)
    np.testing.assert_array_equal(codec.decode(data), made.pixels)


# ---------------------------------------------------------------- damage


@pytest.fixture
def gray(handmade):
    """48x64 gray, 6x8 MCUs in intervals of 8, one interval per row."""
    return handmade(48, 64, restart_interval=8)


def test_damage_in_one_interval_stays_there(gray):
    start, _ = entropy_coded(gray.data)
    second, third = gray.data.index(b"\xff\xd0", start) + 2, gray.data.index(b"\xff\xd1", start)
    data = gray.data[:second] + gray.data[third:]  # the second interval is empty
    with pytest.raises(errors.TruncatedError, match="the entropy-coded data ends early, at MCU 8 of 48") as caught:
        codec.decode(data)
    assert (
        second <= caught.value.offset <= second + 2
        and caught.value.clause == "T.81 F.2.2.5"
        and caught.value.layer == "entropy-coded data"
    )
    result = codec.jpeg.decode(data, on_error="conceal")
    assert result.damage.mcus_lost == 8 and result.damage.mask.shape == (6, 8)
    assert result.damage.mask[1].all() and not np.delete(result.damage.mask, 1, 0).any()
    assert result.damage.report.startswith("8 of 48 MCUs lost or doubtful; entropy-coded data at byte")
    np.testing.assert_array_equal(np.delete(result.pixels, range(8, 16), 0), np.delete(gray.pixels, range(8, 16), 0))
    with pytest.warns(codec.DamageWarning, match="8 of 48 MCUs lost"):
        np.testing.assert_array_equal(codec.decode(data, on_error="conceal"), result.pixels)


def test_a_lost_restart_marker_is_found_by_the_next(gray):
    start, _ = entropy_coded(gray.data)
    first, second = gray.data.index(b"\xff\xd0", start), gray.data.index(b"\xff\xd1", start)
    data = gray.data[:first] + gray.data[second:]  # interval 1 and its marker are gone
    with pytest.raises(errors.BitstreamError, match="a restart marker is out of sequence"):
        codec.decode(data)
    result = codec.jpeg.decode(data, on_error="conceal")
    assert result.damage.mask[1].all() and result.damage.mcus_lost == 8
    np.testing.assert_array_equal(result.pixels[16:], gray.pixels[16:])


def test_the_rest_of_a_picture_that_ends_early_is_lost(gray):
    start, end = entropy_coded(gray.data)
    data = gray.data[: (start + end) // 2].rstrip(b"\xff")
    with pytest.raises(errors.TruncatedError):
        codec.decode(data)
    result = codec.jpeg.decode(data, on_error="conceal")
    lost = np.flatnonzero(result.damage.mask.ravel())
    assert 0 < lost[0] < 48 and lost.tolist() == list(range(lost[0], 48))
    whole_rows = lost[0] // 8 * 8
    np.testing.assert_array_equal(result.pixels[:whole_rows], gray.pixels[:whole_rows])


def test_lost_blocks_take_the_last_known_brightness(handmade):
    """The brightness of the last complete block, not of the one in which the data ends."""
    made = handmade(8, 320)
    start, end = entropy_coded(made.data)
    result = codec.jpeg.decode(made.data[: start + (end - start) // 2].rstrip(b"\xff"), on_error="conceal")
    first = int(np.flatnonzero(result.damage.mask[0])[0])
    assert 5 < first < 35
    known = round(int(made.levels_zz[0][0, first - 1, 0]) * int(made.Q[0]) / 8) + 128
    assert (result.pixels[:, 8 * first :] == known).all() and known != 128


@pytest.mark.parametrize("progressive", [False, True])
def test_a_picture_cut_anywhere_is_an_error_or_is_concealed(progressive, picture):
    data = codec.encode(picture(40, 48), progressive=progressive)
    first, _ = entropy_coded(data)
    for size in range(2, len(data) - 2, 23):
        with pytest.raises(errors.BitstreamError) as caught:
            codec.decode(data[:size])
        assert caught.value.offset is None or 0 <= caught.value.offset <= size
        if size > first + 40:
            result = codec.jpeg.decode(data[:size], on_error="conceal")
            assert result.pixels.shape == (40, 48, 3) and result.damage is not None and result.damage.errors


def test_a_progressive_picture_keeps_what_earlier_scans_told(picture):
    data = codec.encode(picture(64, 64), progressive=True, effort=2)
    start, end = entropy_coded(data, 5)
    result = codec.jpeg.decode(data[: (start + end) // 2], on_error="conceal")
    assert result.damage.mcus_lost > 0
    assert codec.metrics.psnr(result.pixels, codec.decode(data)) > 20


def test_scans_that_are_left_out_are_a_doubt(picture):
    data = codec.encode(picture(48, 48), progressive=True)
    last = codec.jpeg.inspect(data)["scans"][-1]["offset"]
    preview = data[:last] + b"\xff\xd9"
    result = codec.jpeg.decode(preview)
    assert result.damage is None and result.doubts == (
        "the scans leave some coefficients unrefined: a preview, or scans were removed (T.81 G.1.1)",
    )
    with pytest.warns(codec.DamageWarning, match="unrefined"):
        assert codec.decode(preview).shape == (48, 48, 3)
    with pytest.raises(errors.TruncatedError, match="the data ends before the last scan"):
        codec.decode(data[:last])


def test_a_scan_that_is_missing_before_others_is_a_doubt(handmade):
    steps = ((0, 0, 0, 2), (1, 63, 0, 2), (0, 0, 2, 1), (0, 0, 1, 0), (1, 63, 2, 1), (1, 63, 1, 0))
    data = handmade(40, 40, SOFn=markers.SOF2, script=tuple(ScanSpec((0,), *step) for step in steps)).data
    segments = codec.jpeg.inspect(data)["segments"]
    begins = [s["offset"] for s in segments if s["marker"] == "DHT"]  # each scan has one before it
    headers = [s["offset"] for s in segments if s["marker"] == "SOS"]
    assert codec.jpeg.decode(data).doubts == ()
    for left_out, later in ((0, 2), (1, 4), (2, 3)):
        begin, end = begins[left_out], begins[left_out + 1]
        cut = data[:begin] + data[end:]
        (doubt,) = codec.jpeg.decode(cut).doubts
        assert doubt.startswith(f"the scan at byte {headers[later] - (end - begin)} does not continue those before it")
        with pytest.warns(codec.DamageWarning, match="does not continue"):
            codec.decode(cut)
    repeated = data[: begins[1]] + data[begins[0] :]
    assert len(codec.jpeg.decode(repeated).doubts) == 1


def test_a_component_without_a_scan_is_a_doubt(handmade):
    made = handmade(16, 16, FACTORS[0], "ycbcr", script=(ScanSpec((0,)), ScanSpec((1,))))
    result = codec.jpeg.decode(made.data)
    assert result.doubts == ("no scan holds component 3 (T.81 B.2.1)",) and result.pixels.shape == (16, 16, 3)


# ---------------------------------------------------------------- as cameras and plug-ins write them


@pytest.mark.parametrize(
    "factors, color, ids", [(((1, 1),) * 4, "cmyk", b"\1\2\3\1"), (((2, 2), (1, 1), (1, 1)), "ycbcr", b"\1\3\3\4")]
)
@pytest.mark.parametrize("SOFn", [markers.SOF0, markers.SOF2])
def test_component_identifiers_may_repeat(factors, color, ids, SOFn, handmade):
    """They count in the order of the frame, as in libjpeg."""
    n = range(len(factors))
    script = (ScanSpec(tuple(n), 0, 0),) if SOFn == markers.SOF2 else ()
    data, unique = (
        handmade(20, 24, factors, color, SOFn=SOFn, script=script, ids=each).data for each in (ids, bytes(n))
    )
    with pytest.warns(codec.DamageWarning) if script else contextlib.nullcontext():
        assert np.array_equal(codec.decode(data), codec.decode(unique))
    assert "not all different" in codec.jpeg.decode(data).warnings[0]
    read = codec.jpeg.read_coefficients(data)
    assert len(set(read.ids)) == len(factors)
    again = codec.jpeg.write_coefficients(read)
    assert codec.jpeg.read_coefficients(again).same_levels(read)


@pytest.mark.parametrize("marker", [b"\xff\xfe", b"\xff\xe1", b"\xff\xef"])
@pytest.mark.parametrize("length", [0, 1])
def test_an_application_segment_of_no_length_is_skipped_on_request(marker, length, handmade):
    whole = handmade(20, 24).data
    data = whole[:2] + marker + bytes((0, length)) + whole[2:]
    with pytest.raises(errors.BitstreamError, match="2 is the least"):
        codec.decode(data)
    result = codec.jpeg.decode(data, on_error="conceal")
    assert np.array_equal(result.pixels, codec.decode(whole)) and result.damage.mcus_lost == 0
    assert f"of length {length}; 2 is the least" in str(result.damage.errors[0])


@pytest.mark.parametrize("before", [b"\n", b"\xff\xd9", b"--boundary\r\nContent-Type: image/jpeg\r\n\r\n"])
def test_bytes_before_the_picture_are_skipped_on_request(before, handmade):
    whole = handmade(20, 24).data
    with pytest.raises(errors.BitstreamError, match="no SOI marker"):
        codec.decode(before + whole)
    result = codec.jpeg.decode(before + whole, on_error="conceal")
    assert np.array_equal(result.pixels, codec.decode(whole)) and result.damage.mcus_lost == 0
    assert "no SOI marker" in str(result.damage.errors[0])
    assert codec.jpeg.read_coefficients(before + whole, on_error="conceal").trailer == b""


@pytest.mark.parametrize("bad", [b"\xff\x9f", b"\xff\xff\xff\x9f", b"\xff\xd9", b"\xff\xc4", b"\xff\xfe", b"\xff\xda"])
@pytest.mark.parametrize("interval", [1, 3, 10])
@pytest.mark.parametrize("coding", [{"progressive": False}, {"progressive": True}, {"coding": "arithmetic"}])
def test_a_marker_in_damaged_data_costs_its_interval_alone(bad, interval, coding):
    pixels = np.random.default_rng(3).integers(0, 256, (12, 12, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    whole = codec.encode(pixels, restart_interval=interval, subsampling="4:4:4", effort=4, **coding)
    scan = whole.index(b"\xff\xda")
    segments, end = find_segments(whole, scan + 2 + int.from_bytes(whole[scan + 2 : scan + 4], "big"))
    start, stop, _ = (int(v) for v in segments[len(segments) // 3])
    at = (start + stop) // 2
    damaged = whole[:at] + bad + whole[at + len(bad) :]
    result = codec.jpeg.decode(damaged, on_error="conceal")
    assert 0 < result.damage.mcus_lost <= 2 * interval
    right = (result.pixels == codec.decode(whole)).all(-1).mean()
    assert right > 1 - 3 * interval * 64 / (192 * 192)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "SOFn, name",
    [
        (0xC5, "differential sequential"),
        (0xC7, "differential lossless"),
        (0xCE, "differential progressive, arithmetic coding"),
    ],
)
def test_processes_that_are_not_handled_are_named(SOFn, name, handmade):
    data = handmade(16, 16).data.replace(b"\xff\xc0", bytes((0xFF, SOFn)), 1)
    with pytest.raises(
        errors.UnsupportedError, match=rf"the {name} process \(SOF{SOFn - 0xC0}, T.81 Table B.1\) is not supported yet"
    ):
        codec.decode(data)
    assert codec.probe(data).process == name and codec.jpeg.inspect(data)["process"] == name


@pytest.mark.parametrize("components", [2])
def test_numbers_of_components_that_mean_nothing(components, handmade):
    with pytest.raises(errors.UnsupportedError, match="2 components has no agreed meaning"):
        codec.decode(handmade(8, 8, ((1, 1),) * components, "unknown").data)
    assert codec.probe(handmade(8, 8, ((1, 1),) * components, "unknown").data).color == "unknown"


@pytest.mark.parametrize(
    "change, why",
    [
        (lambda d: b"", "is empty"),
        (lambda d: b"GIF89a" + d, "not a JPEG but a GIF: no SOI marker, the data begins with 47 49 46 38"),
        (lambda d: d[:2] + b"\xff\xd9", "ends before a frame header"),
        (lambda d: d[: d.index(b"\xff\xda")] + b"\xff\xd9", "ends before any scan"),
        (lambda d: d[:2] + d, "a second SOI inside the image"),
        (
            lambda d: d.replace(
                b"\xff\xda",
                markers.write_frame(markers.Frame(0xC0, 8, 1, 1, (markers.FrameComponent(1, 1, 1, 0),))) + b"\xff\xda",
            ),
            "a second frame header",
        ),
        (lambda d: without(d, markers.DQT), "no DQT segment defines quantization table 0"),
        (lambda d: without(d, markers.SOF0), "a scan before any frame header"),
    ],
)
def test_files_that_break_the_order_of_annex_b(change, why, picture):
    with pytest.raises(errors.BitstreamError, match=why) as caught:
        codec.decode(change(codec.encode(picture(16, 16, 1), effort=1)))
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, codec.CodecError)


def test_hierarchical_files_are_not_supported(handmade):
    data = handmade(8, 8, before=markers.write_segment(markers.DHP, b"\x08\0\x08\0\x08\x01\x01\x11\0")).data
    with pytest.raises(errors.UnsupportedError, match="hierarchical JPEG"):
        codec.decode(data)


@pytest.mark.parametrize(
    "limits, why",
    [
        (codec.Limits(pixels=16 * 16 - 1), "16x16 is 256 pixels; Limits.pixels allows 255"),
        (codec.Limits(metadata_bytes=20), "more than 20 bytes of metadata"),
        (codec.Limits(scans=9, scan_pixels=1000), "10 scans over 16x16 pixels"),
    ],
)
def test_limits(limits, why, picture):
    data = codec.encode(picture(16, 16), progressive=True, effort=2, metadata=Metadata(comments=(bytes(10),)))
    assert codec.decode(data).shape == (16, 16, 3)
    for function in (codec.decode, codec.jpeg.decode, codec.jpeg.inspect) + (
        (codec.probe,) if "scans" not in why else ()
    ):
        with pytest.raises(errors.LimitError, match=why):
            function(data, limits=limits)


def test_many_scans_over_few_pixels_are_fine(picture):
    assert codec.decode(codec.encode(picture(16, 16)), limits=codec.Limits(scans=1)).shape == (16, 16, 3)


@pytest.mark.parametrize("on_error, most", [("raise", 0), ("conceal", 15)])
def test_too_many_scans_are_refused_before_they_are_read(on_error, most, handmade, monkeypatch):
    script = (ScanSpec((0,), 0, 0, 0, 0), *(ScanSpec((0,), k, k, 0, 0) for k in range(1, 64)))
    data, limits = handmade(16, 16, SOFn=markers.SOF2, script=script).data, codec.Limits(scans=40, scan_pixels=1)
    read, decode_scan = [], decoder.decode_scan
    monkeypatch.setattr(
        decoder, "decode_scan", lambda *args, **settings: read.append(1) or decode_scan(*args, **settings)
    )
    with pytest.raises(errors.LimitError, match=r"41 scans over 16x16 .* pass limits=Limits\(scans=...\)"):
        codec.jpeg.decode(data, on_error=on_error, limits=limits)
    assert len(read) <= most
    assert codec.decode(data).shape == (16, 16)
    # what follows the picture does not count
    assert codec.decode(data + 50 * data, limits=codec.Limits(scans=64, scan_pixels=1)).shape == (16, 16)


def test_a_huge_frame_without_data_is_refused_at_once(handmade):
    data = handmade(8, 8).data
    at = data.index(b"\xff\xc0") + 5
    with pytest.raises(errors.TruncatedError, match="a scan of 13000x13000 pixels takes"):
        codec.decode(data[:at] + (13000).to_bytes(2, "big") * 2 + data[at + 4 :])
    with pytest.raises(errors.LimitError, match="65535x65535"):
        codec.decode(data[:at] + b"\xff" * 4 + data[at + 4 :])


@pytest.mark.parametrize("on_error", ["ignore", None, True])
def test_an_unknown_way_with_errors_is_refused(on_error):
    for function in (codec.decode, codec.jpeg.decode):
        with pytest.raises(errors.ParameterError, match="on_error must be 'raise' or 'conceal'"):
            function(b"", on_error=on_error)


# ---------------------------------------------------------------- only the header


def test_probe_reads_nothing_behind_the_header(picture):
    data = codec.encode(picture(40, 30), progressive=True, metadata=Metadata(comments=(b"x",)))
    first = codec.jpeg.inspect(data)["scans"][0]["offset"]
    header = data[: first + 14]
    info = codec.probe(header)
    assert info == codec.jpeg.decode(data).info
    assert (info.width, info.height, info.precision, info.process, info.color, info.subsampling) == (
        30,
        40,
        8,
        "progressive",
        "ycbcr",
        "4:2:0",
    )
    assert [(c.C, c.H, c.V, c.Tq) for c in info.components] == [(1, 2, 2, 0), (2, 1, 1, 1), (3, 1, 1, 2)]
    with pytest.raises(errors.TruncatedError):
        codec.probe(header[:-1])
    with pytest.raises(errors.TruncatedError, match="before the first scan"):
        codec.probe(data[:first])


def test_info_is_json(picture):
    info = codec.probe(
        codec.encode(picture(40, 30), progressive=True, metadata=Metadata(icc=b"abc", comments=(b"12", b"3")))
    )
    assert json.loads(json.dumps(info.to_json())) == {
        "width": 30,
        "height": 40,
        "precision": 8,
        "process": "progressive",
        "color": "ycbcr",
        "subsampling": "4:2:0",
        "components": [
            {"C": 1, "H": 2, "V": 2, "Tq": 0},
            {"C": 2, "H": 1, "V": 1, "Tq": 1},
            {"C": 3, "H": 1, "V": 1, "Tq": 2},
        ],
        "metadata": {"icc": 3, "comments": [2, 1], "density": [0, 1, 1]},
    }


# ---------------------------------------------------------------- pictures that begin alike


def test_pictures_that_begin_alike_are_told_apart():
    """Their headers are kept: one of another size, restart interval or table has others."""
    rng = np.random.default_rng(5)
    images = [
        rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((40, 40, 3), (40, 41, 3), (41, 40, 3), (40, 40))
    ]
    files = [
        codec.encode(image, quality, effort=effort, restart_interval=interval, subsampling=subsampling)
        for image, subsampling in zip(images, ("4:2:0", "4:2:0", "4:4:4", "auto"))
        for quality, effort, interval in ((50, 1, 0), (51, 1, 0), (50, 3, 0), (50, 1, 2))
    ]
    apart = [np.asarray(Image.open(io.BytesIO(data))) for data in files]
    for _ in range(2):
        for data, pixels in zip(files, apart):
            assert np.abs(codec.decode(data).astype(int) - pixels).max() <= 2


def test_damage_in_a_picture_that_begins_like_one_without_is_found():
    data = codec.encode(np.random.default_rng(6).integers(0, 256, (64, 64, 3), dtype=np.uint8), effort=1)
    codec.decode(data)
    for cut in (len(data) - 3, len(data) - 40, len(data) // 2, data.index(b"\xff\xda") + 15):
        with pytest.raises(codec.TruncatedError):
            codec.decode(data[:cut] + b"\xff\xd9")
        assert codec.jpeg.decode(data[:cut] + b"\xff\xd9", on_error="conceal").damage is not None
    with pytest.raises(codec.LimitError):
        codec.decode(data, limits=codec.Limits(pixels=64))


def test_warnings_of_pictures_that_begin_alike_are_repeated():
    data = codec.encode(np.zeros((16, 16), np.uint8), effort=1)
    at = data.index(b"\xff\xc4")
    size = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    without = data[:at] + data[at + size :]
    for _ in range(2):
        assert "that of T.81 K.3 was taken" in codec.jpeg.decode(without).warnings[0]
