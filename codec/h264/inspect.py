"""A report of a stream by the names of the standard: NAL units, parameter sets, pictures, bits. Nothing is decoded."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ..errors import BitstreamError
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

    def add(self, nal):
        self.nal_units.append(
            {"index": nal.index, "offset": nal.offset, "bytes": len(nal.data), "nal_ref_idc": nal.nal_ref_idc,
                "nal_unit_type": nal.nal_unit_type,
             "name": nal.name}
        )  # fmt: skip
        kind = nal.nal_unit_type
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
        if header.field_pic_flag and not second:
            self.pictures[-1]["first"] = fields_of(header)


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
        "bytes" by kind of NAL unit, and "warnings" about damage.

    Raises
    ------
    UnsupportedError, FileError, MissingPackageError, LimitError

    Examples
    --------
    >>> import codec.h264
    >>> codec.h264.inspect(b"\\0\\0\\1\\x09\\xf0")["nal_units"][0]["name"]
    'access_unit_delimiter'
    """
    report = _Report()
    for nal in nal_units(source, limits):
        try:
            report.add(nal)
        except BitstreamError as error:
            report.warnings.append(str(error))
    sizes = {}
    for nal in report.nal_units:
        sizes[nal["name"]] = sizes.get(nal["name"], 0) + nal["bytes"]
    return {
        "summary": report.info.to_json() if report.info else None, "bytes": sizes,
        "display_order": display_order(report.pictures),
        "nal_units": report.nal_units, "parameter_sets": report.parameter_sets, "sei": report.sei,
        "pictures": [{key: value for key, value in picture.items() if key != "first"} for picture in report.pictures],
        "warnings": report.warnings,
    }  # fmt: skip
