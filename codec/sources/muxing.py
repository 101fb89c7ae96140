"""Write coded pictures to a file: an Annex B byte stream, or MP4 and Matroska through PyAV (FFmpeg; extra `video`)."""

import contextlib
import io
import math
import os
import shutil
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

from ..errors import BitstreamError, FileError, MissingPackageError, ParameterError
from . import priming
from .containers import OPTIONS, seekable
from .files import write_stream, writing

BYTE_STREAMS = (".h264", ".264", ".avc")
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
MATROSKA_STEP = Fraction(1, 1000)  # seconds: to which FFmpeg rounds the times in Matroska
NAMES = {"mp4": "MP4", "mov": "QuickTime", "matroska": "Matroska"}
TOLD = {"language", "title"}  # tags of audio tracks by which players choose
# Layouts of FFmpeg where a file tells the channels alone (AVI, WAV); MP4 does not hold PCM without a layout.
USUAL_LAYOUTS = {"1 channels": "mono", "2 channels": "stereo"}
MOST_TICKS = (1 << 31) - 1  # per second
MOST_EARLY = 2  # seconds, for a picture that is coded early and the one before it
# PCM in MP4 (ISO/IEC 23003-5) of all players: FFmpeg before 6 reads 24 and 32 bits as 16, and no floats
PCM_OF_MP4 = {"pcm_s16le", "pcm_s16be"}


def format_of_path(path):
    """The container of a file name: a name of FFmpeg, or None for a byte stream, as for a file object.

    Raises
    ------
    ParameterError
        If the suffix is of neither kind, or it is neither a path nor a file object.
    """
    if not isinstance(path, (str, os.PathLike)):
        if not callable(getattr(path, "write", None)):
            raise ParameterError(f"path must be a path or a binary file object, not {type(path).__name__}")
        return None
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in BYTE_STREAMS and suffix not in CONTAINERS:
        known = ", ".join((*BYTE_STREAMS, *CONTAINERS))
        raise ParameterError(f"{os.fspath(path)}: H.264 is written to files that end with {known}")
    return CONTAINERS.get(suffix)


@dataclass(frozen=True)
class Presentation:
    """When and how the pictures are shown, and the audio beside them.

    Attributes
    ----------
    fps : fractions.Fraction
        Frame n is shown at exactly n / fps, unless there are `times`.
    delay : int
        How many pictures are coded before one that is shown before them.
    times : Times or None
        See `codec.sources.streaming`.
    rotation : int
        Degrees counterclockwise.
    audio : path, bytes or None
        A container, whose audio tracks are copied.
    start : fractions.Fraction
        The time of frame 0 in it.
    cut : bool
        The audio ends with the last frame.
    """

    fps: Fraction
    delay: int
    times: Any = None
    rotation: int = 0
    audio: Any = None
    start: Fraction = Fraction(0)
    cut: bool = False


@contextlib.contextmanager
def beside(path):
    """A path for a file that takes the place of another one once it proves right: it has the name of that one, in a
    folder beside it that is deleted in the end, and the permissions of what it replaces."""
    try:
        folder = tempfile.mkdtemp(prefix=".codec-", dir=os.path.dirname(path) or ".")
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror}") from error
    trial = os.path.join(folder, os.path.basename(path))
    try:
        if os.path.isfile(path):
            with open(trial, "wb"):
                shutil.copymode(path, trial)
        yield trial
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_pictures(path, pictures, presentation):
    """Write pictures in coding order; the file is complete, or absent if an error ends the pictures.

    Parameters
    ----------
    path : path, or a binary file object for a byte stream
    pictures : generator of (bytes, int, bool)
        Access unit in Annex B form, number in display order, whether it is an IDR picture with parameter sets.
    presentation : Presentation
    """
    container = format_of_path(path)
    with contextlib.closing(pictures):
        if not isinstance(path, (str, os.PathLike)):
            for data, _, _ in pictures:
                write_stream(path, data)
            return
        with writing(path) as stream:
            if container is None:
                for data, _, _ in pictures:
                    stream.write(data)
            else:
                _mux(os.fspath(path), stream, container, pictures, presentation)


def _mux(path, stream, container, pictures, presentation):
    try:
        import av
    except ImportError as error:
        raise MissingPackageError(
            f"{path}: MP4 and Matroska are written by PyAV, which is not installed: pip install codec[video], or write "
            "a byte stream (.h264)"
        ) from error
    clock = _Clock(presentation)
    if container == "matroska" and clock.shortest < MATROSKA_STEP:
        raise ParameterError(
            f"{path}: Matroska rounds times to milliseconds, and its frames are shorter than one: write .mp4"
        )
    first, file = next(pictures), _Kept(stream)
    try:
        with contextlib.ExitStack() as resources:
            template = resources.enter_context(av.open(io.BytesIO(first[0]), format="h264"))
            output = resources.enter_context(av.open(file, "w", format=container))
            video = output.add_stream_from_template(template.streams.video[0])
            if presentation.times is not None:
                video.codec_context.framerate = 0  # else Matroska gets a duration of all frames
            if presentation.rotation:
                if not hasattr(video, "set_display_rotation"):
                    raise MissingPackageError(f"{path}: this PyAV does not write a rotation: pip install --upgrade av")
                video.set_display_rotation(presentation.rotation)
            audio = resources.enter_context(_Audio(av, path, output, presentation))
            clock = _Clock(presentation, presentation.start - audio.origin if audio.tracks else Fraction(0))
            video.time_base = clock.time_base
            audio.begin()
            for count, (data, number, key) in enumerate(chain([first], pictures)):
                packet = av.Packet(data)
                packet.stream, packet.time_base = video, clock.time_base
                packet.pts, packet.dts, packet.duration = clock.stamps(number, count)
                packet.is_keyframe = key
                audio.copy(packet.dts * clock.time_base)
                output.mux(packet)
                file.check()
            audio.copy(clock.end(count + 1) if presentation.cut else None)
        file.check()
    except av.FFmpegError as error:
        raise FileError(f"{path}: FFmpeg cannot write it: {error.strerror}") from error


class _Kept:
    """A file for FFmpeg, which goes on writing after an error, so that the first one is kept for `check`."""

    def __init__(self, stream):
        self._stream, self._error = stream, None

    def write(self, data):
        return self._tried(self._stream.write, data, otherwise=len(data))

    def seek(self, offset, whence=0):
        return self._tried(self._stream.seek, offset, whence, otherwise=0)

    def tell(self):
        return self._tried(self._stream.tell, otherwise=0)

    def seekable(self):
        return self._stream.seekable()

    def _tried(self, call, *arguments, otherwise):
        if self._error is None:
            try:
                return call(*arguments)
            except OSError as error:
                self._error = error
        return otherwise

    def check(self):
        """Raise the error, if there was one."""
        if self._error is not None:
            raise self._error


class _Clock:
    """Time stamps of pictures in units of `time_base`.

    Parameters
    ----------
    presentation : Presentation
    begin : fractions.Fraction, default 0
        The time of frame 0.
    """

    def __init__(self, presentation, begin=Fraction(0)):
        self._delay, self._times = presentation.delay, presentation.times
        step = self._times.time_base if self._times is not None else 1 / presentation.fps
        common = math.gcd(step.numerator * begin.denominator, begin.numerator * step.denominator)
        unit = Fraction(common, step.denominator * begin.denominator)
        self.time_base = unit if unit.denominator <= MOST_TICKS else step
        self._step, self._begin = int(step / self.time_base), round(begin / self.time_base)
        known = list(map(self._duration, range(1 if self._times is None else len(self._times))))
        self.shortest = min(known) * self.time_base  # seconds
        self._early = min(max(known), max(int(MOST_EARLY / self.time_base), min(known)))
        self._next = None  # dts behind the latest picture

    def _at(self, number):
        ticks = number if self._times is None else self._times.ticks[number] - self._times.ticks[0]
        return self._begin + ticks * self._step

    def stamps(self, number, count):
        """(pts, dts, duration) of frame `number`, the picture `count` in coding order. In MP4 a frame is shown as long
        as it takes to the dts of the next one, and browsers seek by that: so dts rises by durations, up to the time of
        frame `count` - `delay`, which is not after `number`."""
        before, duration = count - self._delay, self._duration(number)
        dts = self._at(before) if before >= 0 else self._begin + before * self._early
        if self._next is not None:
            dts = min(dts, self._next)
        self._next = dts + duration
        return self._at(number), dts, duration

    def _duration(self, number):
        if self._times is None:
            return self._step
        after = number + 1 < len(self._times)
        return self._at(number + 1) - self._at(number) if after else self._times.last * self._step

    def end(self, count):
        """The time after `count` frames, in seconds."""
        return (self._at(count - 1) + self._duration(count - 1)) * self.time_base


def _held(codec, output):
    """Whether FFmpeg lists a codec for a container, and players read it."""
    if output.format.name == "mp4" and codec.name.startswith("pcm") and codec.name not in PCM_OF_MP4:
        return False
    return bool({codec.name, codec.canonical_name} & output.supported_codecs)


class _Audio:
    """The audio tracks of a container, copied packet by packet into another one."""

    def __init__(self, av, path, output, presentation):
        self.tracks, self.origin, self._output, self._next = {}, Fraction(0), output, None
        self._error, self._open, self._path = av.FFmpegError, av.open, path
        self._resources = contextlib.ExitStack()
        if presentation.audio is None:
            return
        source = presentation.audio
        file = self._resources.enter_context(seekable(source) or io.BytesIO(source))
        container = self._resources.enter_context(av.open(file, options=OPTIONS))
        # FFmpeg carries CodecDelay from Matroska to Matroska by itself
        needs = output.format.name == "matroska" and "matroska" not in container.format.name
        early = self._early(source) if needs else {}
        for track in container.streams.audio:
            codec = track.codec_context.codec
            layout = track.codec_context.layout.name
            unknown = layout.endswith(" channels") and layout not in USUAL_LAYOUTS
            if not _held(codec, output) or (unknown and output.format.name == "mp4" and codec.name.startswith("pcm")):
                self._resources.close()
                raise self._refused([codec])
            self.tracks[track.index] = output.add_stream_from_template(
                self._delayed(track, early[track.index]) if early.get(track.index) else track
            )
            self.tracks[track.index].metadata.update({key: track.metadata[key] for key in TOLD & track.metadata.keys()})
            if layout in USUAL_LAYOUTS:
                self.tracks[track.index].codec_context.layout = USUAL_LAYOUTS[layout]
        starts = [one.start_time * one.time_base for one in container.streams.audio if one.start_time is not None]
        self.origin = max(min([presentation.start, *starts]), Fraction(0))
        self._packets = container.demux(*container.streams.audio)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._resources.close()

    def _early(self, source):
        """`priming.samples_before` of each track; the source is opened once more for it."""
        with seekable(source) or io.BytesIO(source) as file, self._open(file, options=OPTIONS) as container:
            return priming.samples_before(container, container.streams.audio)

    def _delayed(self, track, samples):
        opened = self._resources.enter_context(priming.delayed(self._open, track, samples))
        return opened.streams.audio[0]

    def _refused(self, codecs):
        """An error that names the audio, and a container that holds all of it."""
        names = " or ".join(dict.fromkeys(codec.canonical_name for codec in codecs))
        holder = next((suffix for suffix in (".mkv", ".mov") if self._fit(CONTAINERS[suffix], codecs)), None)
        other = f"write {holder}, or " if holder else ""
        return ParameterError(
            f"{self._path}: {NAMES[self._output.format.name]} does not hold {names} audio: {other}leave it out with "
            "audio=False"
        )

    def _fit(self, container, codecs):
        """Whether another container holds all of the codecs."""
        if container == self._output.format.name:
            return False
        with self._open(io.BytesIO(), "w", format=container) as other:
            return all(_held(codec, other) for codec in codecs)

    def begin(self):
        """Write the header, where FFmpeg finds codecs that its list of the container names and its writer refuses."""
        if not self.tracks:
            return
        try:
            self._output.start_encoding()
        except self._error as error:
            raise self._refused([track.codec_context.codec for track in self.tracks.values()]) from error

    def _read(self):
        """The next packet, or None at the end."""
        try:
            return next(self._packets, None)
        except self._error as error:
            raise BitstreamError(
                f"the audio of the source is damaged: {error.strerror}; leave it out with audio=False", layer="audio"
            ) from error

    def copy(self, until):
        """Copy the packets that begin before a time in seconds of the output; None: all."""
        if not self.tracks:
            return
        while (packet := self._next or self._read()) is not None:
            self._next = packet
            if packet.size and packet.dts is not None:
                shift = round(self.origin / packet.time_base)
                if until is not None and (packet.dts - shift) * packet.time_base >= until:
                    return
                packet.dts -= shift
                packet.pts = packet.dts if packet.pts is None else packet.pts - shift
                packet.stream = self.tracks[packet.stream_index]
                self._output.mux(packet)
            self._next = None
