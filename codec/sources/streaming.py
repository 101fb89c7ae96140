"""Clips that are read while they are used: memory holds a few frames, whatever the length."""

from __future__ import annotations

import contextlib
import io
import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice
from typing import Any

import numpy as np

from ..color import default_matrix
from ..errors import BitstreamError, MissingPackageError, TruncatedError, UnsupportedError
from ..frame import Frame
from ..limits import checked_limits
from . import y4m
from .clips import INTERLACED, uneven
from .containers import OPTIONS, quarter_turns, seekable, timing, video_stream
from .files import read_bytes, read_chunks
from .light import Light, colour_of, light_of
from .planar import read_frame

ROUNDED = Fraction(1, 1000)  # seconds: Matroska and others round times to it
LARGEST_ROUNDING = Fraction(1, 4)  # of a frame, by the time base; QuickTime's 1/600 s is 1/20 of one
NO_LIMIT = 1 << 62
MICROSECONDS = 1_000_000  # AV_TIME_BASE of FFmpeg
STATE_LENGTH = ("matroska,webm",)  # demuxers that read the length of all tracks in the header, and do not guess it
MISSED = Fraction(1, 2)  # seconds
RAW = ("h264", "hevc", "mpegvideo", "m4v", "obu")  # demuxers that take 25 per second where nothing is stated


class Times(Sequence):
    """Times of frames in seconds, from the first on: eight bytes each.

    Parameters
    ----------
    ticks : array of int
        Increasing.
    time_base : fractions.Fraction
        Seconds of a tick.
    last : int
        Ticks of the last frame.
    """

    def __init__(self, ticks, time_base, last):
        self.ticks, self.time_base, self.last = ticks, time_base, last

    def __len__(self):
        return len(self.ticks)

    def __getitem__(self, number):
        end = number == len(self.ticks)  # the end of the last frame
        return (self.ticks[number - end] - self.ticks[0] + self.last * end) * self.time_base

    @property
    def shown(self):
        """How long the frames are shown, in words."""
        steps = [*np.diff(np.frombuffer(self.ticks, np.int64)).tolist(), self.last]
        return uneven((min(steps) * self.time_base, max(steps) * self.time_base))


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames that are read once, and what their source says of them.

    Attributes
    ----------
    frames : iterator of codec.Frame
    fps : fractions.Fraction
        The mean if the frames have `times`.
    times : Times or None
        Of uneven frames; None: frame n is shown at n / fps.
    count : int or None
        How many frames there probably are.
    sample_aspect_ratio : (int, int)
        (0, 0) if unknown.
    colour : (int, int)
        colour_primaries and transfer_characteristics of H.273; 2 if unknown.
    light : Light
        Of HDR.
    audio : path, bytes or None
        The container, if it may have other tracks.
    start : fractions.Fraction
        The time of the first frame in it.
    cut : bool
        Whether only the first frames were asked for: other tracks end with them.
    warnings : tuple of str
        What is lost or guessed in reading it.
    close : function
    """

    frames: Iterator[Frame]
    fps: Fraction
    times: Times | None = None
    count: int | None = None
    sample_aspect_ratio: tuple[int, int] = (0, 0)
    colour: tuple[int, int] = (2, 2)
    light: Light = Light()
    audio: Any = None
    start: Fraction = Fraction(0)
    cut: bool = False
    warnings: tuple[str, ...] = ()
    close: Callable[[], object] = lambda: None


def stream(source, *, fps=None, frames=None, limits=None, exact=False):
    """Open a clip.

    Parameters
    ----------
    source, frames, limits
        As for `clips.load`. A YUV4MPEG2 file or pipe, and a container at a path, may have any size.
    fps : fractions.Fraction, optional
        Frames follow each other at this rate, whatever their times are. Audio is left out if it is another rate.
    exact : bool, default False
        RGB of 8 bits has the matrix "GBR", and frames that would be converted are refused.

    Returns
    -------
    Clip
        Frames as stored, except those that `clips.load` converts. Close it if it is not read to its end.

    Raises
    ------
    MissingPackageError, UnsupportedError, BitstreamError, TruncatedError, LimitError, FileError, ParameterError
        As `clips.load`, those in frames when they are asked for. A frame whose time is not the one that its packet
        stated, which would shift all later ones, is a BitstreamError.
    """
    limits = checked_limits(limits)
    chunks = read_chunks(_as_it_comes(source), replace(limits, file_bytes=NO_LIMIT))
    head = b""
    while len(head) < len(y4m.SIGNATURE) and (chunk := next(chunks, None)):
        head += chunk
    if not head:
        raise TruncatedError("the input is empty", layer="file", offset=0)
    if head.startswith(y4m.SIGNATURE):
        clip = _of_y4m(y4m.read(chain([head], chunks), limits), source)
        clip = replace(clip, fps=fps or clip.fps)
    else:
        path = seekable(source)
        if path is None and callable(getattr(source, "read", None)):
            data = read_bytes(io.BytesIO(head + b"".join(chunks)), limits)
        else:
            chunks.close()
            data = source if path else read_bytes(source, limits)
        clip = _through_pyav(path or io.BytesIO(data), data, fps, limits, exact)
    if frames is None:
        return clip
    count = None if clip.count is None else min(clip.count, frames)
    return replace(clip, frames=islice(clip.frames, frames), count=count, cut=True)


class _Arriving:
    """A file object that gives what is there, and does not wait for more."""

    def __init__(self, source):
        self.read, self.name = source.read1, getattr(source, "name", "the file object")


def _as_it_comes(source):
    return _Arriving(source) if callable(getattr(source, "read1", None)) else source


def _of_y4m(read, source):
    matrix = default_matrix(read.height)
    size = os.path.getsize(source) if isinstance(source, (str, os.PathLike)) and os.path.isfile(source) else 0
    return Clip(
        (Frame(planes, read.chroma, read.depth, matrix, read.full_range) for planes in read.frames),
        read.fps,
        count=size // (read.frame_bytes + len(b"FRAME\n")) or None,
        sample_aspect_ratio=read.sample_aspect_ratio,
        warnings=(INTERLACED,) if read.interlaced else (),
    )


# ---------------------------------------------------------------- through PyAV


def _through_pyav(file, source, fps, limits, exact):
    try:
        import av
    except ImportError as error:
        raise MissingPackageError(
            "clips that are not .y4m are read by PyAV, which is not installed: pip install codec[video]"
        ) from error
    resources = contextlib.ExitStack()
    with resources, _errors(av):
        resources.enter_context(contextlib.closing(file))
        container = resources.enter_context(av.open(file, options=OPTIONS))
        video = video_stream(container)
        video.thread_type = "AUTO"
        limits.check_pixels(video.codec_context.width, video.codec_context.height)
        rate, times, packets, end = _timing(av, file, video, fps)
        decoded = container.decode(video)
        first = next(decoded, None)
        if first is None:
            raise BitstreamError("there are no frames", layer="video")
        ratio = video.sample_aspect_ratio
        codec = video.codec_context.name
        warnings = [*read_frame(first, codec, exact)[2], *[INTERLACED] * first.interlaced_frame]
        light, unread = light_of(first)
        warnings += unread + _other_tracks(container, video) + _missing_end(container, end)
        if video.metadata.get("alpha_mode") == "1":  # WebM: a second picture that FFmpeg's decoders do not read
            warnings.append("its alpha is left out: what is transparent shows the colours stored there")
        audio = source if container.streams.audio else None
        if not fps and container.format.name in RAW:
            warnings.append(f"a byte stream has no times: {float(rate):g} frames per second, unless fps= is given")
        if fps and times:
            warnings.append(f"its frames are shown for {times.shown}, and now for {float(1000 / fps):.4g} ms each")
        if fps and audio and (times or fps != rate):
            audio = warnings.append("its audio is left out: with fps= the frames have other times")
        close = resources.pop_all().close
        checked = (lambda number, frame: None) if fps else _Clock(first.pts, video.time_base, rate, times)
        frames = _frames(av, (codec, exact), chain([first], decoded), checked, limits, close)
        next(frames)
        return Clip(
            frames,
            fps or rate,
            None if fps else times,
            packets,
            (ratio.numerator, ratio.denominator) if ratio else (0, 0),
            colour_of(first),
            light,
            audio,
            Fraction(0) if first.pts is None else first.pts * video.time_base,
            warnings=tuple(warnings),
            close=close,
        )


def _other_tracks(container, video):
    """Warnings about what is not copied besides video and audio."""
    kinds = Counter(one.type for one in container.streams if one.type != "audio" and one.index != video.index)
    found = [f"{count} track{'s' * (count > 1)} of {kind} left out" for kind, count in kinds.items()]
    return found + (["its chapters are left out"] if container.chapters() else [])


def _missing_end(container, end):
    """A warning about a file that was cut off. end: seconds of its last packet."""
    stated = Fraction(container.duration or 0, MICROSECONDS)
    if container.format.name not in STATE_LENGTH or stated - end <= MISSED:
        return []
    return [f"it ends at {float(end):.2f} s, and states {float(stated):.2f} s: the rest may be missing"]


@contextlib.contextmanager
def _errors(av):
    try:
        yield
    except av.FFmpegError as error:
        raise BitstreamError(f"FFmpeg cannot read this clip: {error.strerror}", layer="video") from error


def _timing(av, file, video, fps):
    """(rate, Times or None if they are even, number of packets, seconds at which the last track ends)"""
    ticks, last, packets, end = array("q"), (-NO_LIMIT, 0), 0, Fraction(0)
    place = file.tell()
    file.seek(0)
    with contextlib.suppress(av.FFmpegError), av.open(file, options=OPTIONS) as container:
        for packet in container.demux():
            if packet.pts is not None:
                end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if packet.stream_index != video.index:
                continue
            packets += packet.size > 0 and not packet.is_discard
            if packet.size and not packet.is_discard and packet.pts is not None:
                ticks.append(packet.pts)
                last = max(last, (packet.pts, packet.duration or 0))
    file.seek(place)
    stated = [rate for rate in (video.average_rate, video.guessed_rate) if rate]
    if not 2 <= len(ticks) == packets:  # program streams state few times
        rate, times = timing([], 0, *stated).fps, None
    else:
        ticks = array("q", sorted(set(ticks)))  # two fields may have one time
        mean = round((ticks[-1] - ticks[0]) / (len(ticks) - 1))
        rate, times = _even(Times(ticks, video.time_base, last[1] or mean), stated)
    if not (rate or fps):
        raise UnsupportedError(
            "the clip does not state its frame rate, which a bit rate needs: put it in a container that does, or give "
            "fps="
        )
    return rate and Fraction(rate), times, packets, end


def _even(times, stated):
    """(rate, None) if every frame is shown at n / rate, up to the rounding of times; else (mean, times)."""
    ticks = np.frombuffer(times.ticks, np.int64)
    mean = (len(ticks) - 1) / Fraction(int(ticks[-1] - ticks[0])) / times.time_base
    for rate in (*stated, mean):
        rounded = times.time_base * rate <= LARGEST_ROUNDING  # else a tick more is a frame that is shown longer
        slack = float(max(times.time_base * rounded, ROUNDED))
        apart = (ticks - ticks[0]) * float(times.time_base) - np.arange(len(ticks)) / float(rate)
        if np.ptp(apart) <= slack:
            return rate, None
    return len(ticks) / times[len(ticks)], times


def _frames(av, way, decoded, checked, limits, close):
    """Yield None once, so that the clip is closed even if nobody asks for a frame; then frames of one format.

    way: arguments of `read_frame`. checked: called with the number and the PyAV frame of each, at the end with None.
    """
    kind, number = None, -1
    try:
        yield None
        with _errors(av):
            for number, frame in enumerate(decoded):
                limits.check_pixels(frame.width, frame.height)
                checked(number, frame)
                rotation = quarter_turns(frame.rotation)
                planes, fields, _ = read_frame(frame, *way)
                found = (*fields, frame.width, frame.height)
                kind = kind or found
                if found != kind:
                    raise UnsupportedError(
                        f"frame {number} differs in size or format from the frame before: cut the clip there"
                    )
                yield Frame(planes, *fields, rotation=rotation)
            checked(number + 1, None)
    finally:
        close()


class _Clock:
    """Compares the time of each decoded frame with that of its packet: a frame that is lost would shift all others."""

    def __init__(self, first, time_base, fps, times):
        self._first, self._time_base, self._fps, self._times = first, time_base, fps, times

    def __call__(self, number, frame):
        if frame is None:
            if self._times is not None and number != len(self._times):
                raise BitstreamError(f"only {number} of {len(self._times)} frames can be decoded", layer="video")
            return
        if frame.pts is None or self._first is None:
            return
        found = (frame.pts - self._first) * self._time_base
        if self._times is None:
            wanted, slack = number / self._fps, max(1 / (2 * self._fps), ROUNDED)
        else:
            wanted, slack = self._times[min(number, len(self._times) - 1)], 0
        if abs(found - wanted) > slack:
            raise BitstreamError(
                f"frame {number} is shown at {float(found):.3f} s, and {float(wanted):.3f} s was expected: a frame "
                "before it is missing or damaged; with fps= the frames follow each other whatever their times are",
                layer="video",
            )
