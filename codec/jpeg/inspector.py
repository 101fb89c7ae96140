"""A report on a JPEG: segments, tables and scans by their standard names, and an account of the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import TruncatedError
from ..limits import checked_limits
from ..sources.files import read_bytes
from . import markers
from ._segments import find_segments
from .guard import estimate_quality
from .info import Headers, metadata_json
from .metadata import (
    ADOBE,
    APP0,
    APP1,
    APP2,
    APP13,
    APP14,
    COM,
    EXIF,
    ICC,
    JFIF,
    JFXX,
    MPF,
    PHOTOSHOP,
    XMP,
    XMP_EXTENSION,
)
from .multipicture import ISO_GAIN_MAP

if TYPE_CHECKING:
    from typing import Any

    from .._types import Source
    from ..limits import Limits

SIGNATURES = (
    (APP0, JFIF, "JFIF"),
    (APP0, JFXX, "JFIF thumbnail"),
    (APP1, EXIF, "Exif"),
    (APP1, XMP, "XMP"),
    (APP1, XMP_EXTENSION, "extended XMP"),
    (APP2, ICC, "ICC profile"),
    (APP2, MPF, "multi-picture index"),
    (APP2, ISO_GAIN_MAP, "gain map"),
    (APP13, PHOTOSHOP, "Photoshop resources"),
    (APP14, ADOBE, "Adobe colour"),
)


def _what(segment, data):
    payload = bytes(data[segment.start : min(segment.end, segment.start + 40)])
    if segment.marker == COM:
        return "comment"
    return next(
        (name for code, signature, name in SIGNATURES if code == segment.marker and payload.startswith(signature)), ""
    )


def _kind(segment):
    if 0xE0 <= segment.marker <= 0xEF and segment.marker not in (APP0, APP14) or segment.marker == COM:
        return "metadata"
    return "tables" if segment.marker in (markers.DQT, markers.DHT, markers.DAC) else "headers"


def _conditioning(values):
    return [
        {"class": "AC", "id": Tb, "Kx": value} if Tc else {"class": "DC", "id": Tb, "L": value[0], "U": value[1]}
        for (Tc, Tb), value in sorted(values.items())
    ]


def _complete(segments, data, warnings):
    complete = segments[-1]["marker"] == "EOI"
    if not complete:
        warnings.append(f"the file is truncated: it ends at byte {len(data)} without EOI (T.81 B.2.1)")
    return complete


def inspect(source: Source, *, limits: Limits | None = None) -> dict[str, Any]:
    """The contents of all marker segments. Nothing is decoded, so any process can be inspected.

    Parameters
    ----------
    source : path, bytes, bytearray, memoryview or binary file object
    limits : Limits, optional

    Returns
    -------
    dict, JSON-able
        width, height, precision, process, color, subsampling, components; segments (offset, marker, length, what);
        quant_tables (by Tq: 8 rows of 8, the last definition); estimated_quality and estimated_quality_exact (on the
        IJG's scale); huffman_tables (class, id, BITS, HUFFVAL) in order of definition; conditioning of arithmetic
        coding (class, id, L and U or Kx), where a DAC segment sets it; scans (offset, components, Ss, Se, Ah, Al,
        restart_intervals, bytes); restart_interval; bytes (headers, tables, metadata, entropy-coded, other, total);
        multi_picture; metadata (sizes); complete (whether the file ends with EOI; what lies between is not decoded);
        warnings.

    Raises
    ------
    BitstreamError, TruncatedError, LimitError

    Examples
    --------
    >>> import numpy as np, codec
    >>> report = codec.jpeg.inspect(codec.encode(np.zeros((8, 8), np.uint8), quality=80, tune="annex-k"))
    >>> sizes = report["bytes"]
    >>> report["estimated_quality"], 2 * sizes["total"] == sum(sizes.values())
    (80, True)
    """
    limits = checked_limits(limits)
    data, warnings = read_bytes(source, limits), markers.Warnings()
    headers, reader = Headers(data, limits, warnings), markers.SegmentReader(data, warnings, limits)
    segments, huffman, scans = [{"offset": 0, "marker": "SOI", "length": 2, "what": ""}], [], []
    sizes = {"headers": 2, "tables": 0, "metadata": 0, "entropy-coded": 0}
    for segment in reader:
        length = segment.end - segment.offset
        segments.append(
            {"offset": segment.offset, "marker": segment.name, "length": length, "what": _what(segment, data)}
        )
        sizes[_kind(segment)] += length
        if segment.marker != markers.SOS:
            headers.take(segment)
            if segment.marker == markers.DHT:
                huffman += [
                    {"class": "AC" if Tc else "DC", "id": Th, "BITS": list(BITS), "HUFFVAL": list(HUFFVAL)}
                    for Tc, Th, BITS, HUFFVAL in markers.read_huffman_tables(data, segment)
                ]
                limits.check_segments(len(huffman))
            continue
        scan = markers.read_scan(data, segment, headers.frame)
        parts, reader.at = find_segments(data, segment.end)
        if not scans:
            headers.resolve_lines(reader.at)
        sizes["entropy-coded"] += reader.at - segment.end
        scans.append(
            {
                "offset": segment.offset,
                "components": [c.Cs for c in scan.components],
                **{name: getattr(scan, name) for name in ("Ss", "Se", "Ah", "Al")},
                "restart_intervals": len(parts),
                "bytes": reader.at - segment.end,
            }
        )
        limits.check_scans(len(scans), headers.frame.X, headers.frame.Y)
    if headers.frame is None:
        raise TruncatedError(
            "the data ends before a frame header", layer="image", offset=len(data), clause="T.81 B.2.1"
        )
    info, complete = headers.info(), _complete(segments, data, warnings)
    first = headers.quant_tables.get(headers.frame.components[0].Tq)
    quality, exact, _ = estimate_quality(first) if first is not None else (None, False, None)
    return {
        **info.to_json(),
        "estimated_quality": quality,
        "estimated_quality_exact": exact,
        "segments": segments,
        "quant_tables": {str(Tq): table.reshape(8, 8).tolist() for Tq, table in sorted(headers.quant_tables.items())},
        "huffman_tables": huffman,
        "conditioning": _conditioning(headers.conditioning),
        "scans": scans,
        "restart_interval": headers.restart_interval,
        "bytes": {**sizes, "other": len(data) - sum(sizes.values()), "total": len(data)},
        "complete": complete,
        "multi_picture": headers.has_multi_picture(),
        "metadata": metadata_json(info.metadata),
        "warnings": list(warnings),
    }
