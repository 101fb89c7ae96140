"""What `codec video encode` reads: a clip, a pipe, an animated picture, or a sequence of pictures."""

import glob
import io
import os
import re
import sys
from array import array
from fractions import Fraction
from math import lcm

import click

from ..errors import FileError, ParameterError
from ..sources.files import PIPE
from . import _common
from ._words import spoken

DEFAULT_FPS = Fraction(25)
NUMBERED = re.compile(r"%0?\d*d")
MOVING_AVIF = b"avis"  # which FFmpeg reads
SAID = "codec.cli.said"  # warnings, in the order in which they came


def label(name):
    """An input in messages."""
    return "stdin" if name == PIPE else os.path.basename(os.path.normpath(name))


def warn(name, text):
    """A warning in the words of the command, once, although an input may be read several times."""
    context = click.get_current_context()
    text = spoken(text, context.command)
    said = context.meta.setdefault(SAID, {})
    if (name, text) not in said:
        said[name, text] = None
        _common.warn(name, text)


def warned(name):
    """All warnings of this command, in order; those about a part of the input `name` begin with its name."""
    said = click.get_current_context().meta.get(SAID, {})
    return [text if about == name else f"{about}: {text}" for about, text in said]


def open_input(name, fps, frames, limits, lossless=False):
    """The Clip of an input of the command, in 4:2:0 or 4:0:0.

    Parameters
    ----------
    name : str
        A path, a folder, a pattern (frame%04d.png, *.png), or - for stdin.
    fps : fractions.Fraction or None
        None: that of the input, and 25 for a sequence of pictures.
    frames : int or None
        Read at most this many.
    lossless : bool
        Do not convert frames: as stored, or refused.
    """
    from ..sources.reduced import reduced
    from ..sources.streaming import stream

    paths = _sequence(name)
    if paths is not None:
        return _pictures(name, paths, fps, frames, limits, lossless)
    source = name
    if name == PIPE:
        if sys.stdin.isatty():
            raise click.UsageError("stdin is a terminal: give it a clip, or name a file")
        source = sys.stdin.buffer
    else:
        moving = _animation(name, fps, frames, limits, lossless)
        if moving is not None:
            return moving
    clip = stream(source, fps=fps, frames=frames, limits=limits, exact=lossless)
    return clip if lossless else reduced(clip)


def _sequence(name):
    """The pictures of a folder or pattern in natural order, or None."""
    from ..formats import sequence

    if os.path.isdir(name):
        found, others = sequence.folder(name)
        for text in sequence.left_out(name, others):
            warn(label(name), text)
    elif os.path.exists(name) or not (NUMBERED.search(name) or glob.has_magic(name)):
        return None
    else:
        numbered = NUMBERED.search(name)
        found = sorted(glob.glob(NUMBERED.sub("*", glob.escape(name)) if numbered else name), key=sequence.natural)
        if numbered:
            parts = re.escape(NUMBERED.sub("\0", name)).split(re.escape("\0"))
            found = [path for path in found if re.fullmatch(r"\d+".join(parts), path)]
    if not found:
        raise FileError(f"{name}: there are no pictures")
    return found


def _pictures(name, paths, fps, frames, limits, lossless):
    from ..sources.streaming import Clip

    rate = fps or DEFAULT_FPS
    if not fps:
        warn(label(name), f"pictures have no rate: {DEFAULT_FPS} per second")
    count = len(paths) if frames is None else min(frames, len(paths))
    return Clip(_frames_of_pictures(paths[:count], limits, lossless), rate, count=count)


def _frames_of_pictures(paths, limits, lossless):
    """Frames of pictures as they are shown, one at a time."""
    import numpy as np

    from ..formats import profiles, sequence

    convert, shape, said = profiles.ToSrgb(), None, set()
    for item in sequence.items(paths, limits, []):
        seen, name = sequence.seen(item, limits), os.path.basename(item.name)
        pixels, notes = seen.pixels, [text.removeprefix(f"{item.name}: ") for text in seen.warnings]
        if seen.meaning != profiles.SRGB and (seen.meaning.chunks or not profiles.is_srgb(seen.meaning.icc)):
            made = convert(pixels, seen.meaning)
            pixels = pixels if made is None else made
            done = "dropped, it is encoded as sRGB" if made is None else "converted to sRGB"
            notes.append(f"{seen.meaning.words} {done}")
        pixels, note = _opaque(pixels)
        _warn_once(name, [*notes, *note], said, lossless)
        shape = shape or pixels.shape
        if pixels.shape[:2] != shape[:2]:
            raise ParameterError(
                f"{item.name} is {pixels.shape[1]}x{pixels.shape[0]}, and the pictures before it are "
                f"{shape[1]}x{shape[0]}: scale them to one size first"
            )
        yield np.dstack([pixels] * 3) if pixels.ndim < len(shape) else pixels  # a gray picture among others


def _warn_once(name, notes, said, lossless):
    """Warnings that no picture before had; errors if nothing may be lost."""
    if notes and lossless:
        raise ParameterError(f"{name}: {'; '.join(notes)}, and --lossless changes nothing: prepare it first")
    for text in notes:
        if text not in said:
            said.add(text)
            warn(name, text)


def _opaque(pixels):
    """(pixels without alpha, laid on white; warnings)"""
    from ..sources.planar import on_white

    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels, []
    return on_white(pixels), ["transparent pixels are laid on white"] if pixels[..., 3].min() < 255 else []


def _animation(name, fps, frames, limits, lossless):
    """The Clip of an animated GIF, PNG or WebP, or of one picture; None for other files. All frames are in memory."""
    from .. import signatures
    from ..formats import animation
    from ..sources.files import read_bytes, read_chunks
    from ..sources.streaming import Clip

    chunks = read_chunks(name)
    head = bytes(next(chunks, b"")[: signatures.HEAD_BYTES])
    chunks.close()
    if signatures.format_of(head) is None or head[8:12] == MOVING_AVIF:
        return None
    data = read_bytes(name, limits)
    found = animation.load(io.BytesIO(data), fps=fps, limits=limits)
    for text in found.warnings:
        warn(label(name), text)
    count = len(found.pictures) if frames is None else min(frames, len(found.pictures))
    times, rate = _times(found.seconds)
    return Clip(_laid_on_white(found.pictures[:count], name, lossless), fps or rate, times, count)


def _laid_on_white(pictures, name, lossless):
    said = set()
    for pixels in pictures:
        shown, notes = _opaque(pixels)
        _warn_once(label(name), notes, said, lossless)
        yield shown


def _times(seconds):
    """(Times or None if all frames are shown equally long, their mean rate) of durations."""
    from ..sources.streaming import Times

    rate = Fraction(len(seconds)) / sum(seconds)
    if len(set(seconds)) == 1:
        return None, rate
    unit = Fraction(1, lcm(*(one.denominator for one in seconds)))
    ticks = [int(one / unit) for one in seconds]
    starts = array("q", [sum(ticks[:number]) for number in range(len(ticks))])
    return Times(starts, unit, ticks[-1]), rate
