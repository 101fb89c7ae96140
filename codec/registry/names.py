"""Look up codecs by name: ours, peers, and those that users register."""

from __future__ import annotations

import difflib
from functools import partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from ..errors import ParameterError, PeerError
from .contract import FAILURES, Codec, Number
from .pictures import PEERS
from .videos import OURS, present

if TYPE_CHECKING:
    from typing import Any

ENTRY_POINTS = "codec.codecs"
_registered: dict[str, Codec] = {}


def register(codec: Codec, *, replace: bool = False) -> Codec:
    """Register a codec under its name, for this process.

    Raises
    ------
    ParameterError
        If the name is taken and `replace` is not True, or `codec` is not a `Codec`.
    """
    if not isinstance(codec, Codec):
        raise ParameterError(f"codec must be a codec.registry.Codec, not {type(codec).__name__}")
    if not replace and codec.name in _known(videos=True):
        raise ParameterError(f"there is a codec {codec.name!r} already: choose another name, or replace=True")
    _registered[codec.name] = codec
    return codec


def codecs() -> dict[str, Codec]:
    """{name: Codec} of all known codecs: ours, then peers, then users'. Picture codecs are listed even if their
    packages are missing, video codecs only if PyAV has them.
    """
    return {name: load() for name, load in _known(videos=True).items()}


def _known(videos=False):
    """{name: function that returns its Codec}, so that looking up one codec does not load the others. `videos` loads
    PyAV to ask for its codecs.
    """
    found = {codec.name: partial(_itself, codec) for codec in (*PEERS, OURS, *(present() if videos else ()))}
    for point in entry_points(group=ENTRY_POINTS):
        found.setdefault(point.name, partial(_load, point))
    found.update((name, partial(_itself, codec)) for name, codec in _registered.items())
    return found


def _itself(codec):
    return codec


def _load(point):
    try:
        loaded = point.load()
        codec = loaded if isinstance(loaded, Codec) else loaded()
    except FAILURES as error:
        return _broken(point, f"{type(error).__name__}: {error}")
    return codec if isinstance(codec, Codec) else _broken(point, f"{point.value} gives no Codec")


def _broken(point, reason):
    """A codec that says why it is none when it is used: one bad package must not take the others away."""

    def fail(*args, **kwargs):
        raise PeerError(f"{point.name}, of the entry point {point.value}, cannot be loaded: {reason}")

    return Codec(point.name, fail, fail, {"quality": Number(75, 1, 100)}, version=fail)


def by_name(name: str) -> Codec:
    """The codec of that name.

    Raises
    ------
    ParameterError
        If there is none; suggests the nearest name and lists all.

    Examples
    --------
    >>> from codec import registry
    >>> registry.by_name("jpeg").parameters["effort"]
    Number(default=5, low=1, high=9, parts=1)
    """
    known = _known()
    if name not in known:
        known = _known(videos=True)
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        if set(str(name).split(",")) <= set(known):
            hint = "name one codec at a time; "
        raise ParameterError(f"unknown codec {name!r}: {hint}there are {', '.join(known)}")
    return known[name]()


def parse(text: str) -> tuple[Codec, dict[str, list[Any]]]:
    """Parse "jpeg" or "jpeg:effort=1/9,subsampling=4:2:0,quality=20:95:5" to a codec and lists of values.

    Returns
    -------
    (Codec, dict)
        The dict maps names of parameters to lists of checked values.

    Raises
    ------
    ParameterError
        If there is no such codec or parameter, or a value is out of range.

    Examples
    --------
    >>> from codec import registry
    >>> codec, values = registry.parse("jpeg:effort=1/9,subsampling=4:2:0")
    >>> codec.name, values
    ('jpeg', {'effort': [1, 9], 'subsampling': ['4:2:0']})
    """
    name, _, options = text.partition(":")
    codec, values = by_name(name), {}
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if not equals:
            raise ParameterError(f"{text!r}: {option!r} is not of the form name=value; values are separated by /")
        if key not in codec.parameters:
            codec.setting(**{key: value})
        try:
            values[key] = codec.parameters[key].parse(value)
        except (TypeError, ValueError) as error:
            raise ParameterError(f"{text!r}: {key} takes numbers such as 5, 1/9 or 20:95:5, not {value!r}") from error
        for one in values[key]:
            codec.setting(**{key: one})
    return codec, values
