"""What a JPEG holds besides its picture and the metadata that is known here: carried over, or missed aloud.

What follows the picture (`codec.jpeg.multipicture.Behind`) goes with every new JPEG of the same size. It is lost with
other sizes and formats, where all descriptions go, and where its index is damaged: never without a word, and never from
an original in place.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from .. import jpeg
from ..errors import ParameterError

if TYPE_CHECKING:
    from ..jpeg.multipicture import Behind

RESIZED = "they belong to a picture of the old size"
STRIPPED = "they may hold descriptions of their own"
MOST_NAMED = 5  # kinds of application segments: a file may have thousands
ANYWHERE = "compress it into another folder"
ELSEWHERE = f"{ANYWHERE} to have it without them"


class Besides(NamedTuple):
    """What a JPEG holds besides.

    Attributes
    ----------
    behind : codec.jpeg.multipicture.Behind or None
    unknown : str or None
        `unknown_segments`.
    is_index_alone : bool
        There is an index of further pictures (MPF), and nothing behind the picture.
    ends : bool
        Whether EOI follows the picture. Where it is missing, nobody can tell picture and film apart.
    """

    behind: Behind | None
    unknown: str | None
    is_index_alone: bool
    ends: bool

    def _why(self, strip, resized):
        """Why a new JPEG goes without what is behind the picture, or None."""
        if self.behind is None:
            return None
        damage = self.behind.damage and f"their multi-picture index is damaged: {self.behind.damage}"
        return STRIPPED if "all" in strip else RESIZED if resized else damage

    def left(self, strip, resized=False):
        """The sentence for what a new JPEG goes without of what is behind the picture, or None."""
        why = self._why(strip, resized)
        return why and f"{named(self.behind)} are not carried over: {why}"

    def unknown_lost(self, strip):
        """What encoding again loses of the segments, or None. Where all descriptions go, they are meant too."""
        if not self.unknown or "all" in strip:
            return None
        return f"application segments are not carried over: {self.unknown}; codec transcode keeps them"

    def lost(self, strip, resized, recolored):
        """Why an original is kept, of which something would be lost even without encoding it again, or None."""
        if not self.ends:
            return f"its end marker (EOI) is missing, and what may follow its picture would be lost; {ANYWHERE}"
        why = self._why(strip, resized)
        if why:
            return f"{named(self.behind)} would be lost: {why}; {ELSEWHERE}"
        if self.unknown and "all" in strip:
            return f"application segments would be lost: {self.unknown}; {ELSEWHERE}"
        unknown = self.unknown_lost(strip)
        return f"{unknown}; {ELSEWHERE}" if unknown and (resized or recolored) else None

    def doubts(self, strip, resized, is_new):
        """Warnings about what is carried over to a JPEG, which may be new."""
        if is_new and self.is_index_alone:
            yield jpeg.multipicture.INDEX_LEFT_OUT
        if "gps" in strip and self.behind and not self.left(strip, resized):
            yield "the data behind the picture is kept, and may hold coordinates of its own"

    def recolored(self):
        """What is carried over and does not quite fit other colours."""
        has_map = self.behind and jpeg.multipicture.GAIN_MAP in self.behind.contents
        return "its HDR gain map is carried over, and was made for its former colours" if has_map else None

    def lost_in(self, format, strip=()):
        """Sentences for what a file of another format goes without."""
        behind = self.behind and f"{named(self.behind)} are not carried over: a {format} has no place for them"
        unknown = self.unknown if "all" not in strip else None
        return behind, unknown and f"a {format} does not carry application segments: {unknown}"

    def taken(self, data, left, limits):
        """(the JPEG, what is carried over): without what is left, and the XMP that announces it."""
        return (jpeg.multipicture.alone(data, limits), None) if left else (data, self.behind)


NOTHING = Besides(None, None, False, True)
LAST = ("SOS", "DNL", "COM")  # what EOI is behind


def of(data, limits):
    """`Besides` of a JPEG."""
    parts, behind = jpeg.inspect(data, limits=limits), jpeg.multipicture.behind(data, limits)
    segments = parts["segments"]
    last, end = (segment["marker"] for segment in segments[-2:])
    ends = end == "EOI" and last in LAST
    is_index_alone = behind is None and parts["multi_picture"]
    return Besides(behind, unknown_segments(data, segments), is_index_alone, ends)


def named(behind):
    """For messages: "508 bytes behind the picture (a film)"."""
    contents = " and ".join(behind.contents) or "a preview, a film or other data"
    return f"{len(behind.trailer)} bytes behind the picture ({contents})"


def told(made, *sentences):
    """A result with what it lost: in its warnings, and in its reason, which the table shows."""
    lost = tuple(sentence for sentence in sentences if sentence)
    reasons = (made.reason, *lost) if made.reason else lost
    return replace(made, warnings=(*made.warnings, *lost), reason="; ".join(reasons)) if lost else made


def within(options, behind, shape):
    """Options whose target of size or bits per pixel leaves room for what follows the picture.

    Raises
    ------
    ParameterError
        If there is no room for a picture.
    """
    from ..targets import parse_target  # few need it

    target = parse_target(options.target)
    if not target.is_rate:
        return options
    most = target.value if target.measure == "size" else int(target.value * shape[0] * shape[1] / 8)
    if most <= behind.size:
        raise ParameterError(
            f"{target} cannot be reached: {behind.size} bytes behind the picture are carried over; "
            "strip='all' leaves them out"
        )
    return replace(options, target=f"size:{int(most) - behind.size}")


def joined(made, behind, target):
    """A result whose JPEG is followed by what followed its source; the facts are those of the whole file."""
    data, facts = jpeg.multipicture.joined(made.data, behind), dict(made.facts)
    bpp = 8 * len(data) / (facts["width"] * facts["height"])
    facts["bpp"] = round(bpp, 4)
    if target:
        facts["target"], measure = target, target.partition(":")[0]
        facts |= {"achieved": value for name, value in (("size", len(data)), ("bpp", bpp)) if name == measure}
    return replace(made, data=data, facts=facts)


def unknown_segments(data, segments):
    """The application segments of a JPEG, of those that `codec.jpeg.inspect` lists, whose contents this package does
    not know, as text: "2 of APP1 FLIR (658000 bytes)"; None without any. The first `MOST_NAMED` kinds are named."""
    sizes = {}
    for segment in segments:
        if segment["marker"].startswith("APP") and not segment["what"]:
            begin = segment["offset"] + 4
            name = re.match(rb"[ -~]*", data[begin : begin + min(28, segment["length"] - 4)])[0].decode()
            sizes.setdefault(f"{segment['marker']} {name}".strip(), []).append(segment["length"])
    named = [f"{len(each)} of {name} ({sum(each)} bytes)" for name, each in sizes.items()]
    more = [f"and {len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    return ", ".join(named[:MOST_NAMED] + more) or None
