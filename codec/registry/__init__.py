"""Codecs by name: ours and, where their packages are installed, the peers that it is measured beside. The laboratory knows nothing else of them.

A codec is a few lines: a name, its parameters, a function from pixels to bytes and one back; for videos, from a clip to packets and back. Register
your own from Python,

    codec.registry.register(Codec("mine", encode, decode, {"quality": Number(75, 1, 100)}, version=lambda: "1.0"))

or from a package, by an entry point of the group "codec.codecs" whose object is a `Codec` or a function that returns one:

    [project.entry-points."codec.codecs"]
    mine = "my_package:codec"
"""

from .contract import Choice, Codec, Number, numbers
from .names import by_name, codecs, parse, register

__all__ = ["Choice", "Codec", "Number", "by_name", "codecs", "numbers", "parse", "register"]
