"""Codecs by name, for the laboratory: ours, and peers whose packages are installed.

A codec consists of a name, parameters, a function from pixels to bytes and one back; for videos, from a clip to packets
and back. Register your own from Python,

    codec.registry.register(Codec("mine", encode, decode, {"quality": Number(75, 1, 100)}, version=lambda: "1.0"))

or from a package, through an entry point of the group "codec.codecs" whose object is a `Codec` or a function that
returns one:

    [project.entry-points."codec.codecs"]
    mine = "my_package:codec"
"""

from .contract import Choice, Codec, Number, numbers
from .names import by_name, codecs, parse, register

__all__ = ["Choice", "Codec", "Number", "by_name", "codecs", "numbers", "parse", "register"]
