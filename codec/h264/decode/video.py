"""Whole videos: frames from any source, and the properties of a stream without decoding it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from ...errors import BitstreamError, CodecError, UnsupportedError
from ...limits import checked_limits
from ...sources.containers import open_source
from ..stream.nal import SPS as SPS_TYPE
from ..stream.nal import ByteStream, NalUnit, read_avcc, split_sample
from ..stream.parameter_sets import CHROMA_FORMATS, read_sps
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
        An Annex B byte stream; or MP4, Matroska, AVI and other containers, through PyAV (extra `video`). `str` is a
        path, `bytes` is data.
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
        were complete before them. Data without a picture that can be decoded is a BitstreamError.

    Notes
    -----
    Rec. ITU-T H.264 (08/2021), profiles Baseline to High 4:4:4 Predictive. For MVC and SVC streams, decodes the base
    view or layer.

    Examples
    --------
    >>> import codec
    >>> list(codec.decode_video(bytes(1000)))
    Traceback (most recent call last):
        ...
    codec.errors.BitstreamError: file at byte 0: there is no picture that can be decoded (H.264 7.4.1.2)
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
    chunks, packets = open_source(source, limits)
    if packets is None:
        decoder = Decoder(**options)
        return _checked(decoder, _of_byte_stream(chunks, decoder))
    _check_codec(packets)
    decoder = Decoder(avcc=packets.extradata if packets.extradata[:1] == b"\1" else None, **options)
    return _checked(decoder, _of_packets(packets, decoder))


def _checked(decoder, frames):
    """The same frames. Before an error come those that were complete; no frame at all is an error."""
    empty = True
    try:
        for frame in frames:
            empty = False
            yield frame
    except CodecError:
        yield from decoder.complete()
        raise
    if empty:
        raise BitstreamError("there is no picture that can be decoded", layer="file", offset=0, clause="H.264 7.4.1.2")


def _of_byte_stream(chunks, decoder):
    for chunk in chunks:
        yield from decoder.ahead(chunk)
    yield from decoder.rest()


def _check_codec(packets):
    if packets.codec != "h264":
        raise UnsupportedError(f"the video is {packets.codec}, not H.264")


def _of_packets(packets, decoder):
    if packets.extradata and packets.extradata[:1] != b"\1":
        yield from decoder.ahead(packets.extradata)
    for data, timestamp in packets.packets:
        yield from decoder.ahead(data, timestamp=timestamp, complete=True)
    yield from decoder.rest()


def nal_units(source: Source | Iterable[bytes], limits: Limits | None = None) -> Iterator[NalUnit]:
    """Yield every NAL unit of a source; offsets are in the byte stream, or in the concatenated samples."""
    limits = checked_limits(limits)
    chunks, packets = open_source(source, limits)
    if packets is None:
        stream = ByteStream(limits, strict=False)
        for chunk in chunks:
            yield from stream.feed(chunk)
        yield from stream.flush()
        return
    _check_codec(packets)
    if packets.extradata[:1] != b"\1":
        yield from nal_units(
            b"".join(data for data in (packets.extradata, *(data for data, _ in packets.packets))), limits
        )
        return
    record, offset, index = read_avcc(packets.extradata), 0, 0
    for data in record.parameter_sets:
        yield NalUnit(data, 0, index)
        index += 1
    for data, _ in packets.packets:
        for nal in split_sample(data, record.length_bytes, offset=offset, index=index):
            index = nal.index + 1
            yield nal
        offset += len(data)


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
        By the timing information of the VUI.
    interlaced : bool
        Whether there may be fields.
    matrix : str
        See `Frame.matrix`; a guess by the height if the stream does not specify it.
    full_range : bool
    sample_aspect_ratio : (int, int)
        (0, 0) if unspecified.
    max_dec_frame_buffering, max_num_ref_frames : int
        Capacity of the decoded picture buffer in frames, and the most that are references.
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
    end, damage = 0, None
    for nal in nal_units(source, limits):
        if nal.nal_unit_type == SPS_TYPE:
            try:
                return VideoInfo.of(read_sps(nal))
            except BitstreamError as error:
                damage = damage or error
        end = nal.offset + len(nal.data)
    raise damage or BitstreamError(
        "there is no sequence parameter set", layer="byte stream", offset=end, clause="H.264 7.4.1.2.1"
    )
