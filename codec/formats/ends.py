"""What is said of files that lack their end, although all that a picture needs is there."""

from ..jpeg.markers import NO_EOI

PNG_END = b"\0\0\0\0IEND\xaeB`\x82"  # PNG 11.2.5, with its length and checksum
NO_IEND = "the end (IEND) is missing (PNG 5.6)"
NO_TRAILER = "the trailer is missing: more frames may have followed"
ENDS = NO_EOI, NO_IEND, NO_TRAILER


def missing(messages):
    """Those of the messages that say that the end is missing."""
    return tuple(message for message in messages if message in ENDS)


def of_png(data):
    """The message for a PNG without its end, or nothing."""
    return () if data.endswith(PNG_END) or PNG_END in data else (NO_IEND,)
