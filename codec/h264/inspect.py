"""A report of a stream by the names of the standard: NAL units, parameter sets, pictures, bits. Only the last picture
is decoded, which tells whether the stream was cut.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..errors import BitstreamError, CodecError, TruncatedError
from .decode.decoder import Decoder
from .decode.video import VideoInfo, nal_units
from .pictures.order import PicOrderCnt, is_new_picture
from .pictures.references import FRAME, fields_of
from .stream import nal as nals
from .stream.parameter_sets import ParameterSets, pps_ids, read_pps, read_sps
from .stream.sei import read_sei
from .stream.slice_header import read_slice_header

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .._types import Source
    from ..limits import Limits

BOXES = (b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide")  # types of the first box of an MP4 file
STRUCTURES = {1: "top field", 2: "bottom field", FRAME: "frame"}


def _plain(value):
    """Tuples and bytes as JSON types."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


class _Report:
    """The report in progress."""

    def __init__(self):
        self.nal_units, self.parameter_sets, self.sei, self.pictures, self.warnings = [], [], [], [], []
        self.sets, self.order, self.last, self.sps, self.info = ParameterSets(), PicOrderCnt(), None, None, None
        self.set_units, self.tail = [], []  # NAL units: all parameter sets; those of the last frame

    def add(self, nal):
        self.nal_units.append(
            {"index": nal.index, "offset": nal.offset, "bytes": len(nal.data), "nal_ref_idc": nal.nal_ref_idc,
                "nal_unit_type": nal.nal_unit_type,
             "name": nal.name}
        )  # fmt: skip
        kind = nal.nal_unit_type
        if kind in (nals.SPS, nals.PPS):
            self.set_units.append(nal)
        elif nals.NON_IDR <= kind <= nals.IDR:
            self.tail.append(nal)
        if kind in (nals.NON_IDR, nals.IDR, nals.PARTITION_A):
            self._slice(nal)
        elif kind == nals.SPS:
            sps = read_sps(nal)
            self._parameter_set(nal, sps)
            self.info = self.info or VideoInfo.of(sps)
        elif kind == nals.PPS:
            self.sets.add(nal)
            self._picture_parameter_set(nal)
        elif kind == nals.SEI:
            for message in read_sei(nal, self.sps):
                self.sei.append(
                    {"nal_unit": nal.index, "payloadType": message.payloadType, "name": message.name,
                     "bytes": len(message.payload), **(_plain(asdict(message.content)) if message.content else {})}
                )  # fmt: skip

    def _parameter_set(self, nal, content):
        self.sets.add(nal)
        self.parameter_sets.append({"nal_unit": nal.index, "name": nal.name, **_plain(asdict(content))})

    def _picture_parameter_set(self, nal):
        number, sps_number = pps_ids(nal)
        sps = self.sets.sps(sps_number)
        if sps is None:
            missing = f"picture parameter set {number} refers to sequence parameter set {sps_number}, which is missing"
            self.warnings.append(f"NAL unit {nal.index}: {missing}")
        else:
            self.parameter_sets.append({"nal_unit": nal.index, "name": nal.name, **_plain(asdict(read_pps(nal, sps)))})

    def _slice(self, nal):
        header, sps, pps, bit = read_slice_header(nal, self.sets.find)
        if header.redundant_pic_cnt:
            return
        if self.last is None or is_new_picture(self.last, header, sps):
            self._picture(nal, header, sps)
        picture, self.last, self.sps = self.pictures[-1], header, sps
        picture["type"] = max(picture["type"], header.name[-1], key="IPB".index)
        # The mean of the initial QP of its slices.
        picture["SliceQPY"] = round(
            (picture["SliceQPY"] * picture["slices"] + header.SliceQPY(pps)) / (picture["slices"] + 1), 2
        )
        picture["slices"] += 1
        picture["bits"] += 8 * len(nal.data)

    def _picture(self, nal, header, sps):
        """Add a picture, whose first slice is `nal`."""
        top, bottom = self.order.decode(header, sps)
        PicOrderCnt = min(count for count in (top, bottom) if count is not None)
        if header.has_mmco5:
            top, PicOrderCnt = (None if top is None else top - PicOrderCnt), 0
        self.order.done(header, sps, top)
        before = self.pictures[-1] if self.pictures else {"frame": -1}
        second = (
            header.field_pic_flag and "first" in before and before["first"] == 3 - fields_of(header)
            and before["frame_num"] == header.frame_num
            and bool(before["nal_ref_idc"]) == bool(header.nal_ref_idc)
        )  # fmt: skip
        mbaff = " (MBAFF)" if header.MbaffFrameFlag(sps) else ""
        self.pictures.append(
            {"index": len(self.pictures), "frame": before["frame"] + (not second), "nal_unit": nal.index,
             "offset": nal.offset, "type": "I", "key": bool(header.IdrPicFlag),
             "structure": STRUCTURES[fields_of(header)] + mbaff,
             "nal_ref_idc": header.nal_ref_idc, "frame_num": header.frame_num, "PicOrderCnt": PicOrderCnt,
             "restarts": bool(header.IdrPicFlag or header.has_mmco5) and not second,
             "SliceQPY": 0, "slices": 0, "bits": 0}
        )  # fmt: skip
        if not second:
            self.tail = [nal]
        if header.field_pic_flag and not second:
            self.pictures[-1]["first"] = fields_of(header)

    def end(self):
        """Whether the last frame is whole; a warning says what it lacks.

        Slices are parsed without their references, so the last frame alone shows it: what it lacks is marked as lost.
        """
        if not self.pictures:
            self.warnings.append("there is no picture")
            return False
        decoder = Decoder(on_error="conceal", threads=1)
        try:
            units = [*self.set_units, *self.tail]
            frames = [*decoder.feed(b"".join(b"\0\0\1" + bytes(nal.data) for nal in units)), *decoder.flush()]
        except BitstreamError as error:
            self.warnings.append(str(error))
            return False
        except CodecError:  # it cannot be decoded for other reasons
            return True
        lost = frames[-1].damage.macroblocks if frames and frames[-1].damage else None
        if lost is None or not lost.any():
            return True
        self.warnings.append(
            f"the stream is cut or damaged at its end: {int(lost.sum())} of {lost.size} macroblocks of the last "
            "picture are missing"
        )
        return False


def cut_box(source):
    """What an MP4 file lacks at its end, or "": each box states its size (ISO/IEC 14496-12, 4.2)."""
    if not isinstance(source, str | os.PathLike):
        return ""
    with open(source, "rb") as stream:
        size, at = stream.seek(0, os.SEEK_END), 0
        while at + 8 <= size:
            stream.seek(at)
            head = stream.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length < 8 or (not at and kind not in BOXES):
                return ""  # the last box, or no MP4
            if at + length > size:
                name = kind.decode("latin-1")
                return f"the file is truncated: its box {name!r} has {length} bytes, and {size - at} are there"
            at += length
    return ""


def display_order(pictures):
    """The types of the frames in output order, "IBBP|IP", with a bar before each picture that restarts the order."""
    groups = []
    for picture in pictures:
        if picture["restarts"] or not groups:
            groups.append([])
        groups[-1].append(picture)
    text = []
    for group in groups:
        frames = {}
        for picture in sorted(group, key=lambda one: one["PicOrderCnt"]):
            frames.setdefault(picture["frame"], picture["type"])
        text.append("".join(frames.values()))
    return "|".join(text)


def inspect(source: Source | Iterable[bytes], *, limits: Limits | None = None) -> dict[str, Any]:
    """Report the structure of an H.264 stream.

    Parameters
    ----------
    source : as for `codec.decode_video`
    limits : codec.Limits, optional

    Returns
    -------
    dict
        Plain types, ready for JSON: "summary" (see `VideoInfo`), "nal_units", "parameter_sets" with every element by
        its standard name, "sei", "pictures" in decoding order (a field is a picture), "display_order" as a string,
        "bytes" by kind of NAL unit, "complete": whether the last picture is whole and no box of an MP4 file is cut, and
        "warnings" about damage, also of parameter sets that no picture uses.

    Raises
    ------
    UnsupportedError, FileError, MissingPackageError, LimitError
    TruncatedError
        If an MP4 file is cut before the index that its samples need.

    Examples
    --------
    >>> import codec.h264
    >>> codec.h264.inspect(b"\\0\\0\\1\\x09\\xf0")["nal_units"][0]["name"]
    'access_unit_delimiter'
    """
    report = _Report()
    try:
        for nal in nal_units(source, limits):
            try:
                report.add(nal)
            except BitstreamError as error:
                report.warnings.append(str(error))
    except BitstreamError as error:
        cut = cut_box(source)
        if not cut:
            raise
        if not report.nal_units:
            raise TruncatedError(cut, layer="container") from error
    cut = cut_box(source)
    report.warnings += [cut] if cut else []
    complete = report.end() and not cut
    sizes = {}
    for nal in report.nal_units:
        sizes[nal["name"]] = sizes.get(nal["name"], 0) + nal["bytes"]
    return {
        "summary": report.info.to_json() if report.info else None, "bytes": sizes,
        "display_order": display_order(report.pictures),
        "nal_units": report.nal_units, "parameter_sets": report.parameter_sets, "sei": report.sei,
        "pictures": [{key: value for key, value in picture.items() if key != "first"} for picture in report.pictures],
        "complete": complete, "warnings": report.warnings,
    }  # fmt: skip
