"""`encode_video` and `write_video`: frames to a byte stream, and to a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import ParameterError
from ...sources.muxing import format_of_path, write_pictures
from .encoder import Encoder
from .frames import frames_of
from .parameters import rate_of, reorder_depth
from .settings import settings_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any


@dataclass(frozen=True)
class PictureInfo:
    """One coded picture.

    Attributes
    ----------
    number : int
        Of its frame in display order, from 0.
    type : str
        "I", "P" or "B".
    key : bool
        Whether decoding can start here: an IDR picture.
    qp : int
        QP of luma, 0 to 51.
    bits : int
        With its headers.
    """

    number: int
    type: str
    key: bool
    qp: int
    bits: int


def _coded(encoder, frames) -> Iterator[Any]:
    """The pictures of all frames, in coding order."""
    try:
        for frame in frames_of(frames):
            yield from encoder.encode(frame)
        yield from encoder.flush()
    finally:
        encoder.close()
    if not encoder.count:
        raise ParameterError("there are no frames to encode")


def encode_video(
    frames: Iterable[Any] | str | os.PathLike[str] | bytes,
    *,
    fps: Any,
    qp: int | None = None,
    crf: float | None = None,
    bitrate: float | None = None,
    preset: str = "medium",
    tune: str | None = None,
    keyint: int = 250,
    threads: int = 0,
) -> bytes:
    """Encode H.264 video.

    Parameters
    ----------
    frames : iterable of frames, or a clip
        Frames are (H, W, 3) RGB or (H, W) gray uint8 arrays, or `codec.Frame`s with 8 bits in 4:2:0 or 4:0:0, all of
        one format; an (N, H, W[, 3]) array or a generator of them is as good as a list. RGB becomes 4:2:0 in limited
        range, with BT.709 from 720 rows on, BT.601 below; gray becomes 4:0:0. A clip is a path or bytes: YUV4MPEG2, or
        what PyAV reads.
    fps : number, str or Fraction
        Frames per second, above 0, at most 10000: 25, "30000/1001", 29.97.
    qp : int, optional
        QP of P pictures, 0 to 51, the same for all macroblocks; I pictures have 3 less, B pictures 1 or 2 more.
    crf : float, optional
        Constant quality, 0 (best) to 51; default 23 if neither `qp` nor `bitrate` is given. QP is lower where later
        pictures refer to (macroblock tree) and where errors show (adaptive quantization), as with x264's CRF.
    bitrate : float, optional
        Bits per second, 1000 to 800000000, in one pass: QP follows what was spent. Short clips end further from it.
    preset : str, default "medium"
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow" or "placebo":
        from fast to small.
    tune : str, optional
        "psnr" or "ssim": for that measure; "film", "animation" or "screen": for that content; "zerolatency": no frame
        waits for others; "fastdecode": less work for decoders. None is for the eye.
    keyint : int, default 250
        Largest distance between IDR pictures, in frames; decoding can start at each. A scene begins with one too, if
        the last one is a tenth of this away.
    threads : int, default 0
        0: one per processor. The bytes do not depend on it; without B pictures, as in "ultrafast", one thread works.

    Returns
    -------
    bytes
        An Annex B byte stream. Sizes are multiples of two samples in 4:2:0: an odd last column or row is shown twice.

    Raises
    ------
    ParameterError
        An impossible or contradictory setting, no frames, frames that change their format, more than level 6.2 allows.
    UnsupportedError
        Frames with more than 8 bits, 4:2:2 or 4:4:4.

    Notes
    -----
    The stream is the same on every machine. Its reconstruction equals what a decoder shows, bit for bit (Rec. ITU-T
    H.264, Annex A: Constrained Baseline with "ultrafast", otherwise High).

    Examples
    --------
    >>> import numpy as np, codec
    >>> data = codec.encode_video(np.zeros((3, 32, 48, 3), np.uint8), fps=25, qp=30)
    >>> [(frame.type, frame.width, frame.height) for frame in codec.decode_video(data)]
    [('I', 48, 32), ('B', 48, 32), ('P', 48, 32)]
    """
    encoder = Encoder(settings_of(qp, crf, bitrate, preset, tune, keyint, threads), rate_of(fps))
    return b"".join(coded.data for coded in _coded(encoder, frames))


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[Any] | str | os.PathLike[str] | bytes,
    *,
    fps: Any,
    qp: int | None = None,
    crf: float | None = None,
    bitrate: float | None = None,
    preset: str = "medium",
    tune: str | None = None,
    keyint: int = 250,
    threads: int = 0,
    progress: Callable[[int], object] | None = None,
) -> tuple[PictureInfo, ...]:
    """Encode H.264 video into a file, which is complete, or absent after an error.

    Parameters
    ----------
    path : path
        .h264, .264 or .avc: a byte stream. .mp4, .m4v, .mov or .mkv: a container, through PyAV (extra `video`); frame n
        is shown at exactly n / fps seconds, rounded to milliseconds in Matroska.
    frames, fps, qp, crf, bitrate, preset, tune, keyint, threads
        As for `encode_video`.
    progress : function, optional
        Called with the number of pictures that are coded, after each. An exception that it raises ends the encoding.

    Returns
    -------
    tuple of PictureInfo
        In coding order.

    Raises
    ------
    ParameterError, UnsupportedError
        As for `encode_video`; an unknown suffix.
    FileError
        The file cannot be written.
    MissingPackageError
        A container without PyAV.

    Examples
    --------
    >>> import os, tempfile, numpy as np, codec
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "clip.h264")
    ...     pictures = codec.write_video(path, np.zeros((4, 32, 48), np.uint8), fps=25)
    ...     os.path.getsize(path) * 8 == sum(picture.bits for picture in pictures)
    True
    """
    format_of_path(path)
    settings, rate, found = settings_of(qp, crf, bitrate, preset, tune, keyint, threads), rate_of(fps), []

    def pictures():
        for coded in _coded(Encoder(settings, rate), frames):
            found.append(PictureInfo(coded.number, coded.type, coded.key, coded.qp, 8 * len(coded.data)))
            yield coded.data, coded.number, coded.key
            if progress is not None:
                progress(len(found))

    write_pictures(path, pictures(), rate, reorder_depth(settings.tools.b_frames))
    return tuple(found)
