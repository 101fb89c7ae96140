"""Video codecs of the registry: ours, and through PyAV (extra `video`) those whose encoder is in PyAV's FFmpeg.

Packets stay in memory and are counted without a container. Encoders and decoders use one thread. Other settings are
FFmpeg's defaults: two passes, tunings and the like are another experiment.
"""

import os
import re
from fractions import Fraction
from functools import partial

import numpy as np

from ..errors import UnsupportedError
from ..sources.planar import format_of, planes_of
from .contract import Choice, Codec, Number

X26X_PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
)
X265_PARAMS = "log-level=none:info=0:pools=none:frame-threads=1"
# A NAL unit of H.264 Annex B: a start code, and everything up to the next one.
NAL_UNIT = re.compile(rb"\x00?\x00\x00\x01.*?(?=\x00?\x00\x00\x01|\Z)", re.DOTALL)
USER_DATA = re.compile(rb"\x00+\x01\x06\x05")  # a unit of nal_unit_type 6 (SEI) with payloadType 5


def _encode(encoder, options, video, **setting):
    """Encode a clip to packets, in decoding order."""
    import av

    context = av.CodecContext.create(encoder, "w")
    formats = [one.name for one in context.codec.video_formats]
    if format_of(video) not in formats:
        raise UnsupportedError(
            f"{encoder} takes {', '.join(formats)}, and the clip is {format_of(video)}: convert it first"
        )
    context.width, context.height, context.pix_fmt = video.width, video.height, format_of(video)
    context.framerate, context.time_base, context.thread_count = video.fps, 1 / Fraction(video.fps), 1
    context.bit_rate = 0  # libvpx and libaom: constant quality
    context.options = options(**setting)
    packets = []
    for number, planes in enumerate(video.frames):
        packets += context.encode(_frame(av, planes, video, number))
    packets = [bytes(packet) for packet in (*packets, *context.encode(None))]
    return list(map(_without_user_data, packets)) if encoder == "libx264" else packets


def _without_user_data(packet):
    """Remove the SEI of about 700 bytes with version and options that x264 always writes: rates exclude metadata."""
    return b"".join(unit for unit in NAL_UNIT.findall(packet) if not USER_DATA.match(unit))


def _frame(av, planes, video, number):
    frame = av.VideoFrame(video.width, video.height, format_of(video))
    for plane, target in zip(planes, frame.planes):
        rows = np.frombuffer(target, plane.dtype).reshape(-1, target.line_size // plane.itemsize)
        rows[: plane.shape[0], : plane.shape[1]] = plane
    frame.pts, frame.time_base = number, 1 / Fraction(video.fps)
    return frame


def _decode(decoder, packets):
    """Decode packets to the planes of all frames, in display order."""
    import av

    context = av.CodecContext.create(decoder, "r")
    context.thread_count = 1
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet))]
    return [planes_of(frame) for frame in (*frames, *context.decode(None))]


def _version(encoder):
    import av

    return f"{encoder}, libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))}, PyAV {av.__version__}"


def _x264(*, crf, preset):
    return {"crf": str(crf), "preset": preset}


def _x265(*, crf, preset):
    return {"crf": str(crf), "preset": preset, "x265-params": X265_PARAMS}


def _svt_av1(*, crf, preset):
    os.environ.setdefault("SVT_LOG", "1")  # errors only; there is no other way to silence its stderr
    return {"crf": str(crf), "preset": str(preset), "svtav1-params": "lp=1"}


def _vp9(*, crf, preset):
    return {"crf": str(crf), "cpu-used": str(preset), "deadline": "good"}


def _aom(*, crf, preset):
    return {"crf": str(crf), "cpu-used": str(preset), "usage": "good"}


def _ours(video, *, crf, preset):
    """Encode a clip by `codec.encode_video`, with one thread as the others."""
    from ..frame import Frame
    from ..h264 import encode_video

    if video.width % 2 or video.height % 2:
        raise UnsupportedError(f"h264 takes even sizes, and the clip is {video.width}x{video.height}: crop it first")
    frames = (Frame(planes, video.chroma, video.depth, video.matrix, video.full_range) for planes in video.frames)
    return encode_video(frames, fps=video.fps, crf=crf, preset=preset, threads=1)


def _our_frames(data):
    from ..h264 import decode_video

    return [frame.planes for frame in decode_video(data, threads=1, monochrome="4:0:0")]


def _our_version():
    from .. import __version__

    return f"codec {__version__}"


X26X = {"preset": Choice("medium", X26X_PRESETS)}
OURS = Codec("h264", _ours, _our_frames, {**X26X, "crf": Number(23, 0, 51)}, _our_version, media="video")
# Name, FFmpeg encoder, decoders by preference, options from a setting, parameters.
VIDEO_PEERS = (
    ("x264", "libx264", ("h264",), _x264, {**X26X, "crf": Number(23, 0, 51)}),
    ("x265", "libx265", ("hevc",), _x265, {**X26X, "crf": Number(28, 0, 51)}),
    ("svt-av1", "libsvtav1", ("libdav1d", "av1"), _svt_av1, {"preset": Number(8, 0, 13), "crf": Number(35, 1, 63)}),
    ("aom-av1", "libaom-av1", ("libdav1d", "libaom-av1"), _aom, {"preset": Number(4, 0, 8), "crf": Number(32, 0, 63)}),
    ("vp9", "libvpx-vp9", ("vp9", "libvpx-vp9"), _vp9, {"preset": Number(2, 0, 8), "crf": Number(32, 0, 63)}),
)


def present():
    """A list of `Codec` for those whose encoder and decoder PyAV has here; empty without PyAV. Loads PyAV."""
    try:
        from av import FFmpegError
        from av.codec import codecs_available
    except ImportError:
        return []
    found = []
    for name, encoder, decoders, options, parameters in VIDEO_PEERS:
        decoder = next((one for one in decoders if one in codecs_available), None)
        if encoder in codecs_available and decoder:
            encode = partial(_encode, encoder, options)
            decode = partial(_decode, decoder)
            version = partial(_version, encoder)
            found.append(Codec(name, encode, decode, parameters, version, errors=(FFmpegError,), media="video"))
    return found
