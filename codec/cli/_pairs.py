"""Pairs of originals and results, matched by name: two files, two folders or two patterns."""

import glob
import os
from collections import Counter
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
    left_out : dict
        {"reference": files, "distorted": files} of folders that are not compared: `codec.batch.walk.Found` with the
        whole path, and a reason.
    several : bool
        Whether folders or patterns were given.
    """

    found: list
    unpaired: dict = field(default_factory=lambda: {"reference": [], "distorted": []})
    left_out: dict = field(default_factory=lambda: {"reference": [], "distorted": []})
    several: bool = False


class _Taken:
    """What `codec.batch.walk` is to find: pictures and clips."""

    def __init__(self):
        from ..formats.pictures import ALL_FORMATS
        from ..formats.pictures import READABLE_SUFFIXES as PICTURES
        from ..sources.clips import READABLE_SUFFIXES as CLIPS

        self.suffixes, self.formats = (*PICTURES, *CLIPS), ALL_FORMATS


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
    found, left = [], [side for side, _ in sides]
    for names in NAMINGS:
        pairs, left = _matched(left, names)
        found += pairs
    unpaired = [[path for _, path in side] for side in left]
    by_side = [dict(zip(("reference", "distorted"), lists)) for lists in (unpaired, [rest for _, rest in sides])]
    return Pairs(sorted(found), *by_side, True)


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
    """((path below the folder, or name; path) of each picture and clip in a folder or pattern, what is left out)"""
    from ..batch.walk import walk

    if os.path.isdir(name):
        from ..batch.walk import walk

        met = [found._replace(path=os.path.join(name, found.path)) for found in walk(name, None, _Taken())]
        taken = [(os.path.relpath(found.path, name), found.path) for found in met if not found.status]
        left_out = [found for found in met if found.status]
    else:
        paths = sorted(path for path in glob.glob(name, recursive=True) if os.path.isfile(path))
        taken, left_out = [(os.path.basename(path), path) for path in paths], []
    if not taken:
        reasons = Counter(found.reason for found in left_out).items()
        listed = ", ".join(f"{reason} ({count})" for reason, count in sorted(reasons))
        raise FileError(f"{name}: no pictures or clips{f'; left out: {listed}' if listed else ''}")
    return taken, left_out
