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
    """The `Pairs` of two arguments. Files of folders match if their paths below the folder are the same but for the
    suffix, files of patterns if their names are.
    """
    many = [_many(name) for name in (reference, distorted)]
    if many == [False, False]:
        return Pairs([(reference, distorted)])
    if not all(many):
        raise click.UsageError("give two files, or two folders or quoted patterns such as 'originals/*.png'")
    sides = [_named(name) for name in (reference, distorted)]
    both = [key for key in sides[0] if len(sides[0][key]) == len(sides[1].get(key, ())) == 1]
    left = [[path for key, paths in side.items() if key not in both for path in paths] for side in sides]
    return Pairs(
        [(sides[0][key][0], sides[1][key][0]) for key in both], dict(zip(("reference", "distorted"), left)), True
    )


def _many(name):
    return name != PIPE and (os.path.isdir(name) or (not os.path.exists(name) and glob.has_magic(name)))


def _named(name):
    """{name that pairs: paths} of the pictures and clips in a folder or pattern."""
    from ..formats.pictures import READABLE_SUFFIXES as PICTURES
    from ..sources.clips import READABLE_SUFFIXES as CLIPS

    if os.path.isdir(name):
        paths = [path for path in sorted(pathlib.Path(name).rglob("*")) if path.suffix.lower() in (*PICTURES, *CLIPS)]
        keys = [path.relative_to(name).with_suffix("") for path in paths]
    else:
        paths = [pathlib.Path(path) for path in sorted(glob.glob(name, recursive=True))]
        keys = [pathlib.Path(path.stem) for path in paths]
    found = {}
    for key, path in zip(keys, paths):
        if path.is_file():
            found.setdefault(os.fspath(key), []).append(os.fspath(path))
    if not found:
        raise FileError(f"{name}: no pictures or clips")
    return found
