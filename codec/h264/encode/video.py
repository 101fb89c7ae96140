"""`encode_video`, `encode_frames` and `write_video`: whole videos to a byte stream, a result, a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice, tee
from typing import TYPE_CHECKING, cast

from ...errors import ParameterError
from ...frame import plane_shapes, unchecked_frame
from ...metrics.names import SMALLER_IS_BETTER
from ...metrics.video import video as video_scores
from ...sources.muxing import Presentation, beside, format_of_path, write_pictures
from ...sources.streaming import Clip
from ..decode.video import decode_video
from .encoder import Encoder
from .frames import Intake, clip_of, told
from .parameters import Display, aspect_of, rate_of, reorder_depth, within_level
from .passes import reaching_score, two_passes, within_size
from .result import EncodedVideo, examiner, picture_of
from .settings import settings_of_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    import numpy.typing as npt
    from typing_extensions import Unpack

    from ..._types import BinaryWriter, EncodeVideoKeywords

MOST_FILES = 4  # tries at the size of a file, with its container


def encode_video(
    frames: Iterable[Any] | str | os.PathLike[str] | bytes,
    *,
    fps: Any = None,
    qp: int | None = None,
    crf: float | None = None,
    bitrate: float | None = None,
    vbv_maxrate: float | None = None,
    vbv_bufsize: float | None = None,
    level: str | float | None = None,
    preset: str = "medium",
    tune: str | None = None,
    keyint: int = 250,
    threads: int = 0,
    passes: int = 1,
    target: str | None = None,
    scaling_matrix: str | Sequence[npt.ArrayLike] = "flat",
    slices: int = 1,
    slice_max_bytes: int | None = None,
    aud: bool = False,
    open_gop: bool = False,
    psy_rd: float = 0,
    settings_sei: bool = True,
    lossless: bool = False,
    profile: str | None = None,
    sample_aspect_ratio: tuple[int, int] | None = None,
    progress: Callable[[int], object] | None = None,
) -> bytes:
    """Encode H.264 video.

    Parameters
    ----------
    frames : iterable of frames, or a clip
        Frames are (H, W, 3) RGB or (H, W) gray uint8 arrays, or `codec.Frame`s with 8 bits in 4:2:0 or 4:0:0, all of
        one format; an (N, H, W[, 3]) array or a generator of them is as good as a list. RGB becomes 4:2:0 in limited
        range, with BT.709 from 720 rows on, BT.601 below; gray becomes 4:0:0; with `lossless` both stay as they are. A
        clip is a path, bytes or a binary file: YUV4MPEG2, or what PyAV reads. It is read frame by frame; one with more
        bits, 4:2:2, 4:4:4 or RGB is converted unless `lossless`, which the warnings of `codec.h264.encode_frames` say.
        HDR stays HDR. Frames of PyAV and pictures of Pillow are taken as `Frame`s and arrays are.
    fps : number, str or Fraction
        Frames per second, above 0, at most 10000: 25, "30000/1001", 29.97. Default: that of a clip, if its frames have
        one; others need it.
    qp : int, optional
        QP of P pictures, 0 to 51, the same for all macroblocks; I pictures have 3 less, B pictures up to 4 more.
    crf : float, optional
        Constant quality, 0 (best) to 51; default 23 if neither `qp` nor `bitrate` is given. QP is lower where later
        pictures refer to (macroblock tree) and where errors show (adaptive quantization), as with x264's CRF.
    bitrate : float, optional
        Bits per second, 1000 to 800000000, in one pass: QP follows what was spent. Short clips end further from it.
    vbv_maxrate, vbv_bufsize : float, optional
        A buffer that the stream never overruns, both or neither: a decoder that receives `vbv_maxrate` bits per second
        into a buffer of `vbv_bufsize` bits, 0.9 of it full when it begins, has each picture in time. Pictures that
        would not fit are coded again with higher QP. The stream states both (HRD parameters of E.1.2, with buffering
        period and picture timing messages).
    level : str or float, optional
        The level of Table A-1, such as "4.1"; by default the lowest that allows size, frame rate, reference pictures of
        the preset, `bitrate` and VBV. With one, its highest rate and buffer bound the stream as by VBV, and there are
        no more reference pictures than it allows.
    preset : str, default "medium"
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow" or "placebo":
        from fast to small.
    tune : str, optional
        "psnr" or "ssim": for that measure; "film", "animation" or "screen": for that content; "zerolatency": no frame
        waits for others; "fastdecode": less work for decoders. The last two may stand beside one of the others:
        "film,zerolatency". None is for the eye.
    keyint : int, default 250
        Largest distance between key pictures, in frames; decoding can start at each. A scene begins with one too, if
        the last one is a tenth of this away. Key pictures are IDR pictures unless `open_gop`.
    threads : int, default 0
        0: one per processor. The bytes do not depend on it.
    passes : int, default 1
        2: the frames are read twice, or up to four times if they differ much, and `bitrate` is reached with one quality
        throughout: mostly within 2 % for clips of 300 frames, if there is enough to code. A generator cannot be read
        twice.
    target : str, optional
        "size:5MB": at most this size, and close to it. "bitrate:800k": `bitrate` in two passes. "ssim:0.97",
        "psnr:40", "ssimulacra2:70" or another metric: the highest CRF, on a grid of 1/2, whose decoded frames reach the
        score in the mean, by `codec.metrics.video`. In place of `qp`, `crf` and `bitrate`. The frames are read several
        times, and the coded pictures stay in memory.
    scaling_matrix : "flat", "jvt" or eight arrays, default "flat"
        Weights of the quantization steps by frequency (8.5.9), 1 to 255, 16 for the step of the QP. "jvt": the default
        lists of Tables 7-3 and 7-4, which quantize high frequencies more coarsely. Arrays: (4, 4) for intra Y, Cb, Cr
        and inter Y, Cb, Cr, then (8, 8) for intra Y and inter Y; rows are vertical frequencies. QP is at least what
        makes all steps larger than 1: 1 with "jvt", up to 17. Above 20 for DC of intra Y, FFmpeg's code for x86 rounds
        Intra_16x16 otherwise than the standard at some QP, by one.
    slices : int, default 1
        Slices of each picture, of whole rows of macroblocks, at most as many as there are rows: what is lost of one
        does not damage the others. Nothing is predicted across them; edges are deblocked (8.7).
    slice_max_bytes : int, optional
        Largest slice in bytes, at least 1000, or 1500 with `lossless`: its NAL unit with header and emulation
        prevention. A slice that would exceed it ends before the macroblock, so that each fits into a packet of a
        network.
    aud : bool, default False
        Begin each picture with an access unit delimiter (7.3.2.4), as broadcast streams do.
    open_gop : bool, default False
        Only the first picture is an IDR picture; other key pictures are I pictures with a recovery point message
        (D.1.8). B pictures shown before one may refer across it, which saves bits where key pictures are frequent.
        A decoder that starts there shows the key picture and what follows it, but not those B pictures.
    psy_rd : float, default 0
        0 to 4, for presets from "fast" on: how much it counts, beside squared differences, that blocks of luma vary as
        much as in the source. Above 0 grain and fine texture are kept where they would be smoothed; PSNR falls.
    settings_sei : bool, default True
        The first picture says in user data (D.1.7) which encoder made it with which settings.
    lossless : bool, default False
        Decoded frames equal those that are given, bit for bit (High 4:4:4 Predictive, QP 0, without transforms), in
        place of `qp`, `crf`, `bitrate` and `target`, and without bounds (`vbv_maxrate`, `level`). RGB stays RGB (planes
        G, B, R in full range), and 4:4:4 is taken too. Many players cannot show it.
    profile : str, optional
        "baseline", "main" or "high": the stream needs no decoder of more. "baseline" takes away CABAC, B pictures,
        weights and the 8x8 transform, "main" the 8x8 transform, whatever the preset; gray frames and a
        `scaling_matrix` need "high". Default: what preset and frames need.
    sample_aspect_ratio : (int, int), optional
        Width and height of a sample, such as (4, 3). Default: that of a clip; unknown for other frames.
    progress : function, optional
        Called with the number of pictures that are coded, after each. An exception that it raises ends the encoding.

    Returns
    -------
    bytes
        An Annex B byte stream. Sizes are multiples of two samples in 4:2:0: an odd last column or row is shown twice.

    Raises
    ------
    ParameterError
        An impossible or contradictory setting, no frames, frames that change their format, more than the level allows,
        a picture that does not fit into the buffer with the highest QP, a target that cannot be reached, a source that
        must be read again and cannot.
    UnsupportedError
        `Frame`s with more than 8 bits, 4:2:2, or 4:4:4 unless `lossless`; such clips with `lossless`.

    Notes
    -----
    The stream is the same on every machine. Its reconstruction equals what a decoder shows, bit for bit (Rec. ITU-T
    H.264, Annex A: Constrained Baseline with "ultrafast", otherwise High; High 4:4:4 Predictive with `lossless`; at
    most `profile`).
    `codec.h264.encode_frames` also tells what it made of each frame, `codec.h264.Encoder` takes frames one by one.

    Examples
    --------
    >>> import numpy as np, codec
    >>> data = codec.encode_video(np.zeros((3, 32, 48, 3), np.uint8), fps=25, qp=30)
    >>> [(frame.type, frame.width, frame.height) for frame in codec.decode_video(data)]
    [('I', 48, 32), ('B', 48, 32), ('P', 48, 32)]
    """
    options: EncodeVideoKeywords = dict(
        qp=qp, crf=crf, bitrate=bitrate, preset=preset, tune=tune, keyint=keyint, threads=threads,
        vbv_maxrate=vbv_maxrate, vbv_bufsize=vbv_bufsize, level=level, passes=passes, target=target,
        scaling_matrix=scaling_matrix, slices=slices, slice_max_bytes=slice_max_bytes, aud=aud, open_gop=open_gop,
        psy_rd=psy_rd, settings_sei=settings_sei, lossless=lossless, profile=profile,
    )  # fmt: skip
    return encode_frames(frames, fps=fps, sample_aspect_ratio=sample_aspect_ratio, progress=progress, **options).data


def encode_frames(
    frames: Iterable[Any] | str | os.PathLike[str] | bytes,
    *,
    fps: Any = None,
    metrics: str | Iterable[str] = (),
    reconstruction: bool = False,
    side_data: bool = False,
    sample_aspect_ratio: tuple[int, int] | None = None,
    progress: Callable[[int], object] | None = None,
    **options: Unpack[EncodeVideoKeywords],
) -> EncodedVideo:
    """Encode H.264 video, and tell about each picture.

    Parameters
    ----------
    frames, fps, sample_aspect_ratio, progress, **options
        As for `codec.encode_video`.
    metrics : names, default ()
        "psnr", "ssim" or both: compare each picture with its frame, plane by plane.
    reconstruction, side_data : bool, default False
        Give what a decoder shows, and arrays by macroblock, of all pictures: see `PictureInfo`.

    Returns
    -------
    EncodedVideo

    Raises
    ------
    ParameterError, UnsupportedError
        As for `codec.encode_video`.

    Examples
    --------
    >>> import numpy as np, codec
    >>> video = codec.h264.encode_frames(np.zeros((3, 32, 48), np.uint8), fps=25, metrics="psnr")
    >>> [(picture.number, picture.type) for picture in video], video.psnr
    ([(0, 'I'), (2, 'P'), (1, 'B')], (inf,))
    """
    source = _Source(frames, fps, sample_aspect_ratio, examiner(metrics, reconstruction, side_data), progress)
    job, pictures = source.settled(
        settings_of_options(options), "a byte stream has one rate: write a container with codec.write_video, or"
    )
    return job.result(b"".join(picture.data for picture in pictures))


def write_video(
    path: str | os.PathLike[str] | BinaryWriter,
    frames: Iterable[Any] | str | os.PathLike[str] | bytes,
    *,
    fps: Any = None,
    metrics: str | Iterable[str] = (),
    audio: bool = True,
    sample_aspect_ratio: tuple[int, int] | None = None,
    progress: Callable[[int], object] | None = None,
    **options: Unpack[EncodeVideoKeywords],
) -> EncodedVideo:
    """Encode H.264 video into a file, which is complete, or absent after an error.

    Parameters
    ----------
    path : path or binary file object
        .h264, .264 or .avc, or a file object: a byte stream. .mp4, .m4v, .mov or .mkv: a container, through PyAV (extra
        `video`); frame n is shown at exactly n / fps seconds, rounded to milliseconds in Matroska. The frames of a clip
        with uneven times keep these, unless `fps` is given.
    frames, fps, sample_aspect_ratio, progress, **options
        As for `codec.encode_video`. A container keeps the rotation of frames.
    metrics : names, default ()
        As for `codec.h264.encode_frames`.
    audio : bool, default True
        Copy the audio tracks of a clip into a container. Other tracks and chapters are left out, with a warning in
        the result.

    Returns
    -------
    EncodedVideo
        Without its data.

    Raises
    ------
    ParameterError, UnsupportedError
        As for `codec.encode_video`; an unknown suffix; audio that the container cannot hold.
    FileError
        The file cannot be written.
    MissingPackageError
        A container without PyAV.

    Examples
    --------
    >>> import os, tempfile, numpy as np, codec
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "clip.h264")
    ...     video = codec.write_video(path, np.zeros((4, 32, 48), np.uint8), fps=25)
    ...     os.path.getsize(path) * 8 == video.bits
    True
    """
    container, settings = format_of_path(path), settings_of_options(options)
    source = _Source(frames, fps, sample_aspect_ratio, examiner(metrics, False, False), progress)
    even = None if container else "a byte stream has one rate: write MP4 or Matroska, or"
    size = settings.target.value if settings.target and settings.target.measure == "size" else None
    if size is None or not container:
        job, pictures = source.settled(settings, even)
        _written(path, container, job, pictures, audio)
        return job.result()
    name, around = os.path.realpath(cast("str | os.PathLike[str]", path)), 0
    with beside(name) as trial:
        for tries in range(MOST_FILES):  # what the container and its audio take is known when it is written
            job, pictures = source.settled(settings, even, around)
            _written(trial, container, job, pictures, audio)
            result, written = job.result(), os.path.getsize(trial)
            if written <= size:
                os.replace(trial, name)
                return result
            around = written - result.bits // 8 + 16 * tries  # other pictures may take a little more around them
            if around >= size:
                break
    raise ParameterError(f"{settings.target} cannot be reached: the container and its audio take {around} bytes")


def _written(path, container, job, pictures, audio):
    """Write the file."""
    clip, sound = job.clip, bool(audio and job.clip.audio is not None)
    if container is None:
        job.warnings += ["its audio is left out: a byte stream has none"] * sound
        job.warnings += [f"the rotation by {job.rotation} degrees is left out: a byte stream has none"] * bool(
            job.rotation
        )
    presentation = Presentation(
        job.rate, reorder_depth(job.settings.tools.b_frames), clip.times, job.rotation,
        clip.audio if sound else None, clip.start, clip.cut,
    )  # fmt: skip
    write_pictures(path, ((picture.data, picture.number, picture.key) for picture in pictures), presentation)


class _Source:
    """Where the frames of jobs come from, and what jobs have in common."""

    def __init__(self, frames, fps, sample_aspect_ratio, examine, progress):
        if progress is not None and not callable(progress):
            raise ParameterError(f"progress is called with the number of coded pictures: {progress!r} is no function")
        self._frames, self._fps = frames, None if fps is None else rate_of(fps)
        self._more = sample_aspect_ratio, examine, progress
        self._target = None

    def settled(self, settings, even, around=0):
        """(job, its pictures) after as many passes as the settings ask for. even: why times must be even, if so;
        around: bytes of a target size that the pictures must leave."""
        job_of = lambda changed: self._job(changed, even)
        target = settings.target
        if target is None and settings.passes == 1:
            job = job_of(settings)
            return job, job.pictures()
        self._refuse_once(target or "passes=2")
        if target is None:
            job = two_passes(job_of, settings)
            return job, job.pictures()
        if target.is_rate:
            found = within_size(job_of, settings, int(target.value) - around, around)
        else:
            sign = -1 if target.measure in SMALLER_IS_BETTER else 1
            score = lambda one: sign * self._score(one, target.measure)
            found, tries = reaching_score(job_of, settings, sign * target.value, score, target)
            found.job.tries = tuple((crf, sign * value) for crf, value in tries)
        return found.job, found.pictures

    def _job(self, settings, even):
        clip = clip_of(self._frames, self._fps, settings.lossless)
        job = _Job(clip, settings, *self._more)
        if even:
            job.refuse_uneven(even)
        return job

    def _refuse_once(self, why):
        """For sources that cannot be read again."""
        if isinstance(self._frames, (Iterator, Clip)) or hasattr(self._frames, "read"):
            raise ParameterError(
                f"{why} reads the frames several times, but they come from a {type(self._frames).__name__}, which "
                "gives them once: pass a list, an array, a path, or an object whose iteration starts again"
            )

    def _score(self, one, name):
        """The mean over frames, as `codec.metrics.video` gives it, of what a decoder shows."""
        clip, intake = clip_of(self._frames, self._fps), Intake()
        try:
            decoded = decode_video(b"".join(picture.data for picture in one.pictures), monochrome="4:0:0")
            pairs = ((frame, _cut(shown, frame)) for frame, shown in zip(map(intake, clip.frames), decoded))
            given, shown = tee(pairs)
            scores = video_scores((a for a, _ in given), (b for _, b in shown), metrics=name, check=False)
            return float(scores.pooled[name]["mean"])
        finally:
            clip.close()


def _cut(shown, frame):
    """A decoded frame without the column and row that odd sizes of 4:2:0 show twice."""
    shapes = plane_shapes(frame.height, frame.width, frame.chroma)
    planes = tuple(plane[:rows, :columns] for plane, (rows, columns) in zip(shown.planes, shapes))
    return unchecked_frame(**{**vars(frame), "planes": planes})


def _shown_larger(frame):
    """A warning about an odd size, which 4:2:0 cannot be cropped to (7.4.2.1.1: CropUnitX, CropUnitY)."""
    width, height = frame.width + frame.width % 2, frame.height + frame.height % 2
    if frame.chroma != "4:2:0" or (width, height) == (frame.width, frame.height):
        return []
    return [
        f"frames of {frame.width}x{frame.height} are shown as {width}x{height}: in 4:2:0 H.264 has even sizes alone, "
        "so the last column or row is repeated"
    ]


class _Job:
    """One video: its source, and what is known of its pictures so far. The first frame is read."""

    def __init__(self, clip, settings, sample_aspect_ratio, examine, progress):
        self.settings, self.clip = settings, clip
        self.warnings, self.found = list(self.clip.warnings), []
        self.costs, self.tries = {}, ()  # (bits, QP of the interval) by number; of a search for a score
        self._progress, self._intake = progress, Intake(settings.lossless)
        try:
            self.rate = rate_of(self.clip.fps)
            ratio = sample_aspect_ratio or (
                self.clip.sample_aspect_ratio if any(self.clip.sample_aspect_ratio) else None
            )
            display = Display(aspect_of(ratio), self.clip.times is None, self.clip.colour, self.clip.light)
            self._encoder = Encoder(self.settings, self.rate, display, examine)
            first = list(islice(self.clip.frames, 1))
            if not first:
                raise ParameterError("there are no frames to encode")
            self._encoder.display, lost = told(first[0], display)
            self.warnings += lost
            self._first = [self._intake(first.pop())]
            self.settings = within_level(settings, self._first[0])
            self.rotation = self._first[0].rotation
            self.warnings += _shown_larger(self._first[0])
        except BaseException:
            self.clip.close()
            raise

    def refuse_uneven(self, why):
        """For outputs that have one rate."""
        if self.clip.times is not None:
            self.clip.close()
            shown = self.clip.times.shown
            raise ParameterError(f"its frames are shown for {shown}, and {why} give fps= to show all equally long")

    def pictures(self):
        """Yield an `EncodedPicture` for each frame, in coding order."""
        try:
            for frame in chain(self._taken(), map(self._intake, self.clip.frames)):
                yield from self._given(self._encoder.encode(frame))
            yield from self._given(self._encoder.flush())
        finally:
            self._encoder.close()
            self.clip.close()

    def _taken(self):
        """The first frame, which nobody else holds then."""
        yield self._first.pop()

    def _given(self, coded):
        for one in coded:
            picture = picture_of(one)
            self.found.append(picture.info())
            self.costs[one.number] = picture.bits, one.lambda_qp - one.offset
            yield picture
            if self._progress is not None:
                self._progress(len(self.found))

    def result(self, data=b""):
        times = self.clip.times
        seconds = Fraction(len(self.found)) / self.rate if times is None else times[len(self.found)]
        return EncodedVideo(tuple(self.found), seconds, data, tuple(self.warnings), self.tries)
