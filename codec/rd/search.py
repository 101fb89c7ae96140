"""The cheapest quality that reaches a target, measured on the bytes that one would keep."""

import math
from dataclasses import dataclass

from .. import registry
from ..errors import ParameterError
from ..files import read_bytes
from ..metrics import by_name
from ..pictures import load


@dataclass(frozen=True)
class Trial:
    """One encode of a search: quality, size in bytes, score."""

    quality: int
    bytes: int
    score: float


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes
    ----------
    codec : str
    setting : dict
        All parameters; "quality" is the lowest that was seen to reach the target. One step less was measured, and misses it, unless it
        is the lowest there is.
    data : bytes
        The picture at that setting: `score` was measured on these bytes.
    score, bpp : float
    trials : tuple of Trial
        All that was measured, in that order.
    """

    codec: str
    setting: dict
    data: bytes
    score: float
    bpp: float
    trials: tuple


def parse_target(text):
    """Metric and value of "ssim:0.98".

    Raises
    ------
    ParameterError
        If it is not of that form or there is no such metric.
    """
    name, _, value = str(text).partition(":")
    try:
        value = float(value)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ParameterError(f"{text!r} is no target: write METRIC:VALUE, such as ssim:0.98")
    by_name(name)
    return name, value


def find(image, target, *, codec="jpeg", **setting):
    """The lowest quality whose decoded picture reaches a target, by bisection: at most nine encodes for qualities of 1 to 100.

    Where scores do not rise with the quality all the way, the result reaches the target all the same, and one quality less does not.

    Parameters
    ----------
    image : path or array
        A file that `codec.pictures.load` reads, or pixels.
    target : str
        "ssim:0.98", "psnr:38", "ssimulacra2:70"; of metrics where smaller is better the value is the most that is accepted ("mse:20").
    codec : str or codec.registry.Codec
    **setting
        Other parameters of the codec.

    Returns
    -------
    Found

    Raises
    ------
    ParameterError
        If no quality reaches the target: the message has the range that can be reached. Or if the target or a setting is wrong.
    MissingPackageError, FileError, BitstreamError, PeerError
        As the codec and the picture have it.

    Examples
    --------
    >>> from codec import rd
    >>> found = rd.find("samples/coffee.png", "psnr:35")
    >>> found.score >= 35, len(found.trials) <= 9
    (True, True)
    """
    metric, wanted = parse_target(target)
    codec = codec if isinstance(codec, registry.Codec) else registry.by_name(codec)
    if "quality" in setting:
        raise ParameterError("quality is what the search is for: leave it out")
    if "quality" not in codec.parameters:
        raise ParameterError(f"{codec.name} has no quality to search for")
    codec.require()
    codec.setting(**setting)
    pixels = image if hasattr(image, "shape") else load(read_bytes(image)).pixels
    search = _Search(codec, setting, pixels, by_name(metric))
    low, high = codec.parameters["quality"].low, codec.parameters["quality"].high
    first, last = search.score(low), search.score(high)
    falling = first > last
    reaches = (lambda score: score <= wanted) if falling else (lambda score: score >= wanted)
    if not reaches(last):
        raise ParameterError(
            f"{codec.name} cannot reach {metric} {wanted:g} of this picture: it reaches {first:.6g} (quality {low}) to {last:.6g} (quality {high})"
        )
    if reaches(first):
        high = low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(search.score(middle)) else (middle, high)
    return search.found(high)


class _Search:
    """Encodes each quality once, and keeps the bytes of those that may be the answer."""

    def __init__(self, codec, setting, pixels, metric):
        self.codec, self.setting, self.pixels, self.metric, self.kept, self.trials = codec, setting, pixels, metric, {}, []

    def score(self, quality):
        data = self.codec.run_encode(self.pixels, self.codec.setting(**self.setting, quality=quality))
        score = float(self.metric(self.pixels, self.codec.run_decode(data, self.pixels)))
        self.kept[quality] = data, score
        self.trials.append(Trial(quality, len(data), score))
        return score

    def found(self, quality):
        data, score = self.kept[quality]
        bpp = 8 * len(data) / (self.pixels.shape[0] * self.pixels.shape[1])
        setting = self.codec.setting(**self.setting, quality=quality)
        return Found(self.codec.name, setting, data, score, bpp, tuple(self.trials))
