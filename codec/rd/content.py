"""Read a picture or a clip once, and score what codecs make of it."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from ..errors import CodecError
from ..formats import pictures
from ..frame import Video
from ..metrics.names import by_name, facts
from ..metrics.video import video as video_scores
from ..sources import clips
from ..sources.files import read_bytes


@dataclass(frozen=True)
class Content:
    """A picture (`pixels` is an array) or a clip (`pixels` is a `codec.frame.Video`) in memory, and its origin."""

    image: str
    sha256: str
    pixels: object
    warnings: tuple = ()

    @property
    def is_video(self):
        return isinstance(self.pixels, Video)

    @property
    def size(self):
        """(height, width)"""
        return (self.pixels.height, self.pixels.width) if self.is_video else self.pixels.shape[:2]

    def rate(self, count):
        """The fields of a row that state the rate of `count` bytes."""
        height, width = self.size
        if not self.is_video:
            return {"bytes": count, "bpp": 8 * count / (width * height)}
        frames, fps = len(self.pixels.frames), self.pixels.fps
        return {
            "bytes": count,
            "bpp": 8 * count / (width * height * frames),
            "media": "video",
            "frames": frames,
            "fps": float(fps),
            "bitrate": float(8 * count * fps / frames / 1000),
        }


def fetch(image):
    """Bytes of a file, and their SHA-256."""
    data = read_bytes(image)
    return data, hashlib.sha256(data).hexdigest()


def decode(image, data, sha256, media, frames=None):
    """The `Content` of a file; raises CodecError if it cannot be read."""
    if media == "video":
        clip = clips.load(data, frames=frames)
        return Content(image, sha256, clip, clip.warnings)
    picture = pictures.load(data)
    return Content(image, sha256, np.ascontiguousarray(picture.pixels), picture.warnings)


def score(metrics, original, decoded):
    """Scores, reasons for missing ones, and the other poolings of the frames of a clip.

    Parameters
    ----------
    metrics : names
    original, decoded : arrays, or codec.frame.Video

    Returns
    -------
    values, missing, pooled : dict
        For a clip the values are means over its frames.

    Raises
    ------
    ParameterError
        If the clips are not aligned (see `codec.metrics.video`).
    """
    if not isinstance(original, Video):
        return *_score_pictures({name: by_name(name) for name in metrics}, original, decoded), {}
    return _score_clips(metrics, original, decoded)


def _score_pictures(metrics, original, decoded):
    values, missing = {}, {}
    for name, metric in metrics.items():
        try:
            values[name] = float(metric(original, decoded))
        except CodecError as error:
            missing[name] = str(error)
        else:
            if math.isnan(values[name]):
                missing[name] = f"{name} of this picture is not a number"
                del values[name]
    return values, missing


def _score_clips(metrics, original, decoded):
    """Scores of a clip. Metrics of luma take the luma that is coded, not that of the RGB picture: the figures that
    studies of video codecs print. All frames have one size, so what a metric refuses it refuses for the first one.
    Alignment is checked once.
    """
    shown = [name for name in metrics if not facts(name).of_luma]
    luma = [name for name in metrics if facts(name).of_luma]
    first = [next(clip.pictures()) for clip in (original, decoded)], [next(clip.luma()) for clip in (original, decoded)]
    missing, pooled = {}, {}
    for number, (pair, names) in enumerate(zip(first, (shown, luma))):
        missing |= _score_pictures({name: by_name(name) for name in names}, *pair)[1]
        names = [name for name in names if name not in missing]
        sides = [clip.luma() if number else clip.pictures() for clip in (original, decoded)]
        if names:
            pooled |= video_scores(*sides, metrics=names, check=not pooled, bit_depth=16).pooled
    missing |= {name: f"{name} of a frame is not a number" for name, ways in pooled.items() if math.isnan(ways["mean"])}
    pooled = {name: pooled[name] for name in metrics if name in pooled and name not in missing}
    values = {name: ways["mean"] for name, ways in pooled.items()}
    others = {
        name: {way: value for way, value in ways.items() if way != "mean" and not math.isnan(value)}
        for name, ways in pooled.items()
    }
    return values, missing, others
