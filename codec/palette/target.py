"""Find the fewest colours that reach a score."""

from ..errors import ParameterError
from ..metrics.names import by_name, facts
from ..targets import narrow, parse_target
from .result import on_grounds


def parse_score_target(text, name):
    """Parse a target that must be a score: sizes are properties of files."""
    target = parse_target(text)
    if target.is_rate:
        raise ParameterError(
            f"{name}={text!r}: a size applies to a file; use write_png or animate for it. Here: psnr:40, "
            "ssimulacra2:85 ..."
        )
    return target


class Score:
    """Scores results against a picture; with alpha, the worse of the scores over black and over white."""

    def __init__(self, target, pixels):
        self.metric, self.falling = by_name(target.measure), facts(target.measure).lower_is_better
        self.grounds = on_grounds(pixels)[: 1 if pixels.shape[-1] < 4 else 2]

    def of(self, result):
        shown = on_grounds(result.image())
        scores = [float(self.metric(ground, seen)) for ground, seen in zip(self.grounds, shown)]
        return max(scores) if self.falling else min(scores)

    def enough(self, score, target):
        return score <= target.value if self.falling else score >= target.value


def fewest_colors(make, most, target, floor, pixels):
    """The result with the fewest colours that reaches `target`, found by bisection.

    Parameters
    ----------
    make : callable
        Maps a number of colours to a result.
    most : int
        The largest number of colours.
    target : str
    floor : str or None
        A score of the same metric that is accepted if `most` colours do not reach the target.
    pixels : (H, W, channels) uint8

    Raises
    ------
    ParameterError
        If `most` colours reach neither.
    """
    target = parse_score_target(target, "target")
    lowest = parse_score_target(floor, "floor") if floor is not None else target
    if lowest.measure != target.measure:
        raise ParameterError(f"floor={floor!r} and target={str(target)!r} must use the same metric")
    score = Score(target, pixels)
    if not score.enough(target.value, lowest):
        raise ParameterError(f"floor={floor!r} asks for more than target={str(target)!r}")
    best = make(most)
    reached = score.of(best)
    if not score.enough(reached, target):
        if score.enough(reached, lowest):
            return best
        raise ParameterError(f"{lowest} cannot be reached: {most} colours give {target.measure}:{reached:.2f}")
    results = {most: best}

    def over(colors):
        results[colors] = make(colors)
        return score.enough(score.of(results[colors]), target)

    return results[narrow(0, most, over)[1]]
