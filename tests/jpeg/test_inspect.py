"""Inspection lists every segment, table and scan with its place, and accounts for every byte."""

import json

import numpy as np
import pytest

import codec
from codec.jpeg import Metadata, QuantTables, markers, tables

METADATA = Metadata(icc=b"profile", exif=b"II*\0abc", comments=(b"hello",))


@pytest.fixture(params=["baseline", "progressive", "restart", "cmyk"])
def data(request, picture):
    options = {
        "baseline": dict(effort=1),
        "progressive": dict(),
        "restart": dict(effort=3, restart_interval=2),
        "cmyk": dict(color="cmyk"),
    }[request.param]
    return codec.encode(picture(40, 56, 4 if request.param == "cmyk" else 3), 60, metadata=METADATA, **options)


def test_the_bytes_add_up(data):
    sizes = codec.jpeg.inspect(data)["bytes"]
    assert sum(size for name, size in sizes.items() if name != "total") == sizes["total"] == len(data)
    assert sizes["other"] == 0
    assert codec.jpeg.inspect(data + b"trailer")["bytes"]["other"] == 7


def test_segments_and_entropy_coded_data_fill_the_file(data):
    report = codec.jpeg.inspect(data)
    parts = [(s["offset"], s["offset"] + s["length"]) for s in report["segments"]]
    for scan in report["scans"]:
        end = next(end for start, end in parts if start == scan["offset"])
        parts.append((end, end + scan["bytes"]))
    parts.sort()
    assert parts[0][0] == 0 and parts[-1][1] == len(data) and all(a[1] == b[0] for a, b in zip(parts, parts[1:]))


def test_segments_are_where_they_say(data):
    for segment in codec.jpeg.inspect(data)["segments"]:
        assert data[segment["offset"]] == 0xFF and markers.NAMES[data[segment["offset"] + 1]] == segment["marker"]


def test_the_report_is_json(data):
    report = codec.jpeg.inspect(data)
    assert json.loads(json.dumps(report)) == report


def test_headers_are_those_of_probe(data):
    report, info = codec.jpeg.inspect(data), codec.probe(data).to_json()
    assert {name: report[name] for name in info} == info
    assert report["metadata"] == codec.probe(data).to_json()["metadata"]


def test_quantization_tables_are_in_natural_order(picture):
    Q = np.arange(1, 65)
    report = codec.jpeg.inspect(codec.encode(picture(8, 8), quant_tables=QuantTables(Q, Q + 100)))
    assert report["quant_tables"] == {"0": Q.reshape(8, 8).tolist(), "1": (Q + 100).reshape(8, 8).tolist()}


def test_huffman_tables_as_dht_has_them(picture):
    found = {
        (t["class"], t["id"]): (tuple(t["BITS"]), tuple(t["HUFFVAL"]))
        for t in codec.jpeg.inspect(codec.encode(picture(8, 8), effort=1))["huffman_tables"]
    }
    assert found == {
        ("DC", 0): tables.T81_TABLE_K_3_DC_LUMINANCE,
        ("DC", 1): tables.T81_TABLE_K_4_DC_CHROMINANCE,
        ("AC", 0): tables.T81_TABLE_K_5_AC_LUMINANCE,
        ("AC", 1): tables.T81_TABLE_K_6_AC_CHROMINANCE,
    }


def test_the_scans_of_a_progressive_file(picture):
    scans = codec.jpeg.inspect(codec.encode(picture(24, 24), progressive=True, effort=2))["scans"]
    assert [(s["components"], s["Ss"], s["Se"], s["Ah"], s["Al"]) for s in scans[:2]] == [
        ([1, 2, 3], 0, 0, 0, 1),
        ([1], 1, 5, 0, 2),
    ]
    assert sorted(s["offset"] for s in scans) == [s["offset"] for s in scans] and {
        s["Al"] for s in scans if s["Ah"]
    } == {0, 1}


def test_restart_intervals_are_counted(picture):
    report = codec.jpeg.inspect(codec.encode(picture(40, 56), effort=1, restart_interval=5, subsampling="4:4:4"))
    assert report["restart_interval"] == 5 and report["scans"][0]["restart_intervals"] == 7


@pytest.mark.parametrize("quality", [1, 37, 75, 100])
def test_quality_is_estimated(quality, picture):
    report = codec.jpeg.inspect(codec.encode(picture(8, 8, 1), quality, tune="annex-k"))
    assert (report["estimated_quality"], report["estimated_quality_exact"]) == (quality, True)


def test_what_application_segments_are(picture):
    data = codec.encode(picture(8, 8), metadata=METADATA)
    mpf = markers.write_segment(0xE2, b"MPF\0" + bytes(20))
    report = codec.jpeg.inspect(data[:2] + mpf + markers.write_segment(0xE7, b"?") + data[2:])
    assert [s["what"] for s in report["segments"]][1:7] == [
        "multi-picture index",
        "",
        "JFIF",
        "Exif",
        "ICC profile",
        "comment",
    ]
    assert report["multi_picture"] and not codec.jpeg.inspect(data)["multi_picture"]


def test_a_process_that_cannot_be_decoded_can_be_inspected(picture):
    data = codec.encode(picture(8, 8), effort=1).replace(b"\xff\xc0", b"\xff\xc9", 1)
    assert codec.jpeg.inspect(data)["process"] == "extended sequential, arithmetic coding"


@pytest.mark.parametrize(
    "cut, error",
    [
        (lambda d: d[:30], codec.TruncatedError),
        (lambda d: b"\xff\xd8\xff\xd9", codec.TruncatedError),
        (lambda d: b"PNG.", codec.BitstreamError),
    ],
)
def test_a_file_without_a_frame_is_refused(cut, error, picture):
    with pytest.raises(error):
        codec.jpeg.inspect(cut(codec.encode(picture(8, 8))))


def test_oddities_are_warnings(picture):
    data = codec.encode(picture(8, 8))
    assert codec.jpeg.inspect(data)["warnings"] == []
    assert codec.jpeg.inspect(data[:2] + b"??" + data[2:])["warnings"] == [
        "2 bytes before the marker at byte 4 belong to no segment (T.81 B.1.1.2)"
    ]
