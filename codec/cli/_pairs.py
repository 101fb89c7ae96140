"""Pairs of originals and results, matched by name: two files, two folders or two patterns."""

import glob
import os
import pathlib
from dataclasses import dataclass, field

import click

from ..errors import FileError

PIPE = "-"


@dataclass(frozen=True)
class Pairs:
    """What is to be compared.

    Attributes
    ----------
    found : list of (str, str)
        Original and result.
    unpaired : dict
        {"reference": names, "distorted": names} without a partner, or with several of one name.
    several : bool
        Whether folders or patterns were given.
    """

    found: list
    unpaired: dict = field(default_factory=lambda: {"reference": [], "distorted": []})
    several: bool = False


def pairs(reference, distorted):
    """The `Pairs` of two arguments. Files of folders match if their paths below the folder are the same, or the same
    with a suffix added (`a.png` and `a.png.jpg`), or the same but for the suffix; files of patterns if their names are.
    """
    many = [_many(name) for name in (reference, distorted)]
    if many == [False, False]:
        return Pairs([(reference, distorted)])
    if not all(many):
        raise click.UsageError("give two files, or two folders or quoted patterns such as 'originals/*.png'")
    sides = [_named(name) for name in (reference, distorted)]
    found, left = [], sides
    for names in NAMINGS:
        pairs, left = _matched(left, names)
        found += pairs
    unpaired = [[path for _, path in side] for side in left]
    return Pairs(sorted(found), dict(zip(("reference", "distorted"), unpaired)), True)


def _stem(name):
    return os.path.splitext(name)[0]


# How a result may be named after its original, strictest first: what of the two names must be equal.
NAMINGS = ((str, str), (str, _stem), (_stem, _stem))


def _matched(sides, names):
    """(pairs whose names are equal, and unique on both sides; the rest of each side)"""
    keyed = [{}, {}]
    for side, name_of, paths in zip(sides, names, keyed):
        for name, path in side:
            paths.setdefault(name_of(name), []).append(path)
    one, other = keyed
    pairs = [(one[key][0], other[key][0]) for key in one if len(one[key]) == len(other.get(key, ())) == 1]
    taken = {path for pair in pairs for path in pair}
    return pairs, [[item for item in side if item[1] not in taken] for side in sides]


def _many(name):
    return name != PIPE and (os.path.isdir(name) or (not os.path.exists(name) and glob.has_magic(name)))


def _named(name):
    """(path below the folder, or name; path) of each picture and clip in a folder or pattern."""
    from ..formats.pictures import READABLE_SUFFIXES as PICTURES
    from ..sources.clips import READABLE_SUFFIXES as CLIPS

    if os.path.isdir(name):
        paths = [path for path in sorted(pathlib.Path(name).rglob("*")) if path.suffix.lower() in (*PICTURES, *CLIPS)]
        keys = [path.relative_to(name) for path in paths]
    else:
        paths = [pathlib.Path(path) for path in sorted(glob.glob(name, recursive=True))]
        keys = [pathlib.Path(path.name) for path in paths]
    found = [(os.fspath(key), os.fspath(path)) for key, path in zip(keys, paths) if path.is_file()]
    if not found:
        raise FileError(f"{name}: no pictures or clips")
    return found
