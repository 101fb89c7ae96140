"""Whole videos: frames from any source, and the properties of a stream without decoding it."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from ...color import H273_MATRICES
from ...errors import BitstreamError, CodecError, FileError, LimitError, TruncatedError, UnsupportedError
from ...frame import plane_shapes, unchecked_frame
from ...limits import checked_limits
from ...sources.containers import open_source
from ..stream.nal import IDR, NON_IDR, PARTITION_A, ByteStream, NalUnit, read_avcc, split_byte_stream, split_sample
from ..stream.nal import PPS as PPS_TYPE
from ..stream.nal import SEI as SEI_TYPE
from ..stream.nal import SPS as SPS_TYPE
from ..stream.parameter_sets import CHROMA_FORMATS, ParameterSets, read_sps
from ..stream.sei import PicTiming, read_sei
from ..stream.slice_header import read_slice_header
from .decoder import Decoder
from .output import matrix_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Literal

    from ..._types import Source
    from ...frame import Frame
    from ...limits import Limits
    from ..stream.parameter_sets import SPS


def decode_video(
    source: Source | Iterable[bytes],
    *,
    on_error: Literal["raise", "conceal", "skip"] = "raise",
    low_delay: bool = False,
    monochrome: Literal["4:2:0", "4:0:0"] = "4:2:0",
    side_data: bool = False,
    threads: int = 0,
    x264_build: int | None = None,
    limits: Limits | None = None,
) -> Iterator[Frame]:
    """Decode an H.264 video, frame by frame.

    Parameters
    ----------
    source : path, bytes-like, binary file object, or iterable of bytes
        An Annex B byte stream; or MP4, Matroska, MPEG-2 TS and PS, AVI and other containers, through PyAV (extra
        `video`). `str` is a path, `bytes` is data. Cover pictures and what the edit list leaves out are not shown. A
        container at a path is read piece by piece, whatever its size (`Limits.file_bytes` holds for all else).
    on_error : "raise" (default), "conceal" or "skip"
        For damaged data: raise an error, conceal lost macroblocks, or leave out the damaged frames. See
        `codec.h264.Decoder`.
    low_delay, monochrome, side_data, threads, x264_build
        See `codec.h264.Decoder`.
    limits : codec.Limits, optional

    Yields
    ------
    codec.Frame
        In output order, cropped. Planes are read-only views of picture memory, which is not reused as long as a view
        exists.

    Raises
    ------
    BitstreamError, TruncatedError, UnsupportedError, LimitError, FileError, MissingPackageError
        All are `CodecError`. Errors in the data are raised during iteration, not at the call, after the frames that
        were complete before them. A source without a single
        picture is an error in every mode.

    Notes
    -----
    Rec. ITU-T H.264 (08/2021), profiles Baseline to High 4:4:4 Predictive. For MVC and SVC streams, decodes the base
    view or layer.

    Examples
    --------
    >>> import codec
    >>> list(codec.decode_video([]))
    Traceback (most recent call last):
    codec.errors.TruncatedError: file at byte 0: the input is empty
    """
    limits = checked_limits(limits)
    options: dict[str, Any] = dict(
        on_error=on_error,
        low_delay=low_delay,
        monochrome=monochrome,
        side_data=side_data,
        threads=threads,
        x264_build=x264_build,
        limits=limits,
    )
    chunks, packets = open_source(source, limits, strict=on_error == "raise")
    if packets is None:
        return _of_byte_stream(chunks, Decoder(**options))
    return _of_packets(packets, options)


def _of_byte_stream(chunks, decoder):
    count, size = 0, 0
    try:
        for chunk in chunks:
            size += len(chunk)
            for frame in decoder.ahead(chunk):
                count += 1
                yield frame
        for frame in decoder.rest():
            count += 1
            yield frame
    except (BitstreamError, UnsupportedError, LimitError, FileError):
        yield from decoder.complete()
        raise
    if not count:
        raise _no_frames(size)


def _no_frames(size):
    """The error for a source that gave no frame and no other error: its end must not look like success."""
    if not size:
        return TruncatedError("the input is empty", layer="file", offset=0)
    return BitstreamError(f"no picture can be decoded from these {size} bytes", layer="file", offset=size)


def _check_codec(packets):
    if packets.codec != "h264":
        raise UnsupportedError(f"the video is {packets.codec}, not H.264")


class _Stamp(NamedTuple):
    """Timestamp of the frame of a sample, and whether it is shown."""

    seconds: Fraction | None
    shown: bool


def _of_packets(packets, options):
    _check_codec(packets)
    shown = 0
    described = _Description(packets)
    for frame in _decoded(packets, described, options):
        stamp = frame.timestamp or _Stamp(None, True)
        if stamp.shown:
            shown += 1
            yield described.of(frame, stamp.seconds)
    if not shown:
        raise _no_frames(described.bytes)


def _decoded(packets, described, options):
    """All frames, also those outside the edit list, each with a _Stamp."""
    decoder, extradata = _decoder(packets.extradata, options), packets.extradata
    if extradata and not _is_avcc(extradata):
        yield from decoder.ahead(extradata)
    try:
        for data, seconds, shown, changed in packets.packets:
            described.bytes += len(data)
            if changed and changed != extradata:
                described.read(changed)
                if _length_bytes(changed) == _length_bytes(extradata):
                    yield from decoder.ahead(_parameter_sets(changed), complete=True)
                else:
                    yield from decoder.rest()
                    decoder = _decoder(changed, options)
                extradata = changed
            yield from decoder.ahead(data, timestamp=_Stamp(seconds, shown), complete=True)
        yield from decoder.rest()
    except (BitstreamError, UnsupportedError, LimitError, FileError):
        yield from decoder.complete()
        raise


def _is_avcc(extradata):
    return extradata[:1] == b"\1"


def _decoder(extradata, options):
    return Decoder(avcc=extradata if _is_avcc(extradata) else None, **options)


def _length_bytes(extradata):
    """Size of the length fields in samples; 0 for byte streams."""
    return read_avcc(extradata).length_bytes if _is_avcc(extradata) else 0


def _parameter_sets(extradata):
    """The parameter sets of a decoder configuration in the form of its samples."""
    if not _is_avcc(extradata):
        return extradata
    record = read_avcc(extradata)
    return b"".join(len(data).to_bytes(record.length_bytes, "big") + data for data in record.parameter_sets)


class _Description:
    """Facts that the container adds to the SPS: size, rotation, and colour where the VUI has none.

    As in FFmpeg, the size of the container counts if it crops less than a macroblock at the right and at the bottom,
    and a colour description in the VUI overrides that of the container.
    """

    def __init__(self, packets):
        self._packets, self.bytes = packets, 0
        self.read(packets.extradata)

    def read(self, extradata):
        """Whether the SPS of a decoder configuration specifies matrix and range."""
        self._matrix = self._range = None
        sps = next(_sps_of(extradata), None)
        if not sps or not sps.vui or not sps.vui.colour_description_present_flag:
            self._matrix = H273_MATRICES.get(self._packets.matrix_coefficients)
        if not sps or not sps.vui or not sps.vui.video_signal_type_present_flag:
            self._range = self._packets.full_range

    def size(self, height, width):
        """(height, width) to show."""
        wanted = self._packets.height, self._packets.width
        fits = all(0 < new <= old and -(-new // 16) == -(-old // 16) for new, old in zip(wanted, (height, width)))
        return wanted if fits else (height, width)

    def colour(self, matrix, full_range, chroma):
        """(matrix, full range) of frames for which the decoder found these."""
        if self._matrix and (self._matrix != "GBR" or chroma == "4:4:4"):
            matrix = self._matrix
        return matrix, full_range if self._range is None else self._range

    def of(self, frame, seconds):
        """The frame as the container describes it."""
        matrix, full_range = self.colour(frame.matrix, frame.full_range, frame.chroma)
        height, width = self.size(frame.height, frame.width)
        planes = frame.planes
        if (height, width) != (frame.height, frame.width):
            shapes = plane_shapes(height, width, frame.chroma)
            planes = tuple(plane[:high, :wide] for plane, (high, wide) in zip(planes, shapes))
        described = dict(planes=planes, matrix=matrix, full_range=full_range, rotation=self._packets.rotation)
        return unchecked_frame(**{**vars(frame), **described, "timestamp": seconds})


def _sps_of(extradata):
    """Yield the sequence parameter sets of a decoder configuration that can be read."""
    try:
        sets = read_avcc(extradata).parameter_sets if _is_avcc(extradata) else ()
        nals = [NalUnit(data) for data in sets] or split_byte_stream(extradata, strict=False)
        for nal in nals:
            if nal.nal_unit_type == SPS_TYPE:
                yield read_sps(nal)
    except CodecError:
        return  # the decoder reports it


def nal_units(source: Source | Iterable[bytes], limits: Limits | None = None) -> Iterator[NalUnit]:
    """Yield every NAL unit of a source; offsets are in the byte stream, or in the concatenated samples."""
    limits = checked_limits(limits)
    chunks, packets = open_source(source, limits)
    yield from _nal_units(chunks, packets, limits)


def _nal_units(chunks, packets, limits):
    if packets is None:
        stream = ByteStream(limits, strict=False)
        for chunk in chunks:
            yield from stream.feed(chunk)
        yield from stream.flush()
        return
    _check_codec(packets)
    if packets.extradata[:1] != b"\1":
        yield from nal_units(b"".join((packets.extradata, *(packet.data for packet in packets.packets))), limits)
        return
    record, offset, index = read_avcc(packets.extradata), 0, 0
    for data in record.parameter_sets:
        yield NalUnit(data, 0, index)
        index += 1
    for packet in packets.packets:
        if packet.extradata and _is_avcc(packet.extradata):
            record = read_avcc(packet.extradata)
            for data in record.parameter_sets:
                yield NalUnit(data, offset, index)
                index += 1
        for nal in split_sample(packet.data, record.length_bytes, offset=offset, index=index):
            index = nal.index + 1
            yield nal
        offset += len(packet.data)


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a stream, by its first sequence parameter set.

    Attributes
    ----------
    width, height : int
        Size of the frames, after cropping.
    profile, level : str
        As in Annex A: "High", "4.1".
    chroma : str
        "4:0:0", "4:2:0", "4:2:2" or "4:4:4".
    bit_depth : int
    fps : fractions.Fraction or None
        The mean rate that the container states, or by the timing information of the VUI.
    interlaced : bool
        Whether there may be fields.
    matrix : str
        See `Frame.matrix`; a guess by the height if the stream does not specify it.
    full_range : bool
    sample_aspect_ratio : (int, int)
        That of the container if it states one. (0, 0) if unspecified.
    max_dec_frame_buffering, max_num_ref_frames : int
        Capacity of the decoded picture buffer in frames, and the most that are references.
    field_order : "progressive", "top", "bottom" or ""
        The field that the first picture shows first, by its slice header and picture timing SEI. "" if the stream may
        have fields and no picture was looked at.
    rotation : int
        See `Frame.rotation`.
    """

    width: int
    height: int
    profile: str
    level: str
    chroma: str
    bit_depth: int
    fps: Fraction | None
    interlaced: bool
    matrix: str
    full_range: bool
    sample_aspect_ratio: tuple[int, int]
    max_dec_frame_buffering: int
    max_num_ref_frames: int
    field_order: str = ""
    rotation: int = 0

    @classmethod
    def of(cls, sps: SPS) -> VideoInfo:
        """The VideoInfo of an SPS."""
        vui = sps.vui
        timed = vui and vui.num_units_in_tick and vui.time_scale
        matrix, full_range = matrix_of(sps)
        return cls(
            sps.width, sps.height, sps.profile_name, sps.level_name, CHROMA_FORMATS[sps.chroma_format_idc],
            max(sps.BitDepthY, sps.BitDepthC),
            Fraction(vui.time_scale, 2 * vui.num_units_in_tick) if vui and timed else None, not sps.frame_mbs_only_flag, matrix, full_range,
            vui.sample_aspect_ratio if vui else (0, 0), sps.max_dec_frame_buffering, sps.max_num_ref_frames,
            "progressive" if sps.frame_mbs_only_flag else "",
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """A dict that can be written as JSON."""
        return {
            **asdict(self),
            "fps": None if self.fps is None else str(self.fps),
            "sample_aspect_ratio": list(self.sample_aspect_ratio),
        }


def probe(source: Source | Iterable[bytes], *, limits: Limits | None = None) -> VideoInfo:
    """Read the properties of a stream from its first intact sequence parameter set; nothing is decoded.

    Parameters
    ----------
    source : as for `codec.decode_video`
    limits : codec.Limits, optional

    Returns
    -------
    VideoInfo

    Raises
    ------
    BitstreamError
        There is no sequence parameter set, or all are damaged.
    UnsupportedError, FileError, MissingPackageError, LimitError

    Examples
    --------
    >>> import codec.h264
    >>> from codec.h264.stream.parameter_sets import SPS, write_sps
    >>> info = codec.h264.probe(b"\\0\\0\\1" + write_sps(SPS(100, 31, 79, 44)))
    >>> info.width, info.height, info.profile, info.level
    (1280, 720, 'High', '3.1')
    """
    limits = checked_limits(limits)
    chunks, packets = open_source(source, limits)
    nals, end, damage = _nal_units(chunks, packets, limits), 0, None
    for nal in nals:
        if nal.nal_unit_type == SPS_TYPE:
            try:
                info = VideoInfo.of(read_sps(nal))
            except BitstreamError as error:
                damage = damage or error
                continue
            if not info.field_order:
                info = replace(info, field_order=_field_order(chain([nal], nals)))
            return _in_container(info, packets) if packets else info
        end = nal.offset + len(nal.data)
    raise damage or BitstreamError(
        "there is no sequence parameter set", layer="byte stream", offset=end, clause="H.264 7.4.1.2.1"
    )


def _in_container(info, packets):
    """The VideoInfo with what the container says of the frames."""
    described = _Description(packets)
    matrix, full_range = described.colour(info.matrix, info.full_range, info.chroma)
    height, width = described.size(info.height, info.width)
    ratio = packets.sample_aspect_ratio if any(packets.sample_aspect_ratio) else info.sample_aspect_ratio
    return replace(
        info,
        width=width,
        height=height,
        fps=packets.fps or info.fps,
        matrix=matrix,
        full_range=full_range,
        sample_aspect_ratio=ratio,
        rotation=packets.rotation,
    )


def _field_order(nals):
    """`VideoInfo.field_order` by the first picture that can be read."""
    sets, sps, pic_struct = ParameterSets(), None, None
    for nal in nals:
        with contextlib.suppress(CodecError):
            if nal.nal_unit_type in (SPS_TYPE, PPS_TYPE):
                sets.add(nal)
                sps = read_sps(nal) if nal.nal_unit_type == SPS_TYPE else sps
            elif nal.nal_unit_type == SEI_TYPE:
                timings = [m.content.pic_struct for m in read_sei(nal, sps) if isinstance(m.content, PicTiming)]
                pic_struct = timings[-1] if timings else pic_struct
            elif nal.nal_unit_type in (NON_IDR, PARTITION_A, IDR):
                header, sps, *_ = read_slice_header(nal, sets.find)
                return _order_of(header, sps, pic_struct)
    return ""


def _order_of(header, sps, pic_struct):
    """Table D-1: pic_struct 3 is top before bottom, 4 bottom before top, 0, 7 and 8 are frames. Without it MBAFF counts
    as interlaced.
    """
    if header.field_pic_flag:
        return "bottom" if header.bottom_field_flag else "top"
    if pic_struct in (3, 4):
        return "top" if pic_struct == 3 else "bottom"
    if pic_struct is None and header.MbaffFrameFlag(sps):
        return "bottom" if header.delta_pic_order_cnt_bottom < 0 else "top"
    return "progressive"
