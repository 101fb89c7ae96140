"""What a row says of a damaged file: what of it is there, and that its output is not the whole picture."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import jpeg
from ..errors import BitstreamError, CodecError
from ..formats.ends import ENDS, NO_TRAILER

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..limits import Limits
    from .result import Result


def told(call: Callable[..., Result]) -> Callable[..., Result]:
    """A task, ``call(self, data, job)``, that says what is damaged: in the reason and the facts of what it makes, and
    in its errors, with how much of the picture can be read."""

    @functools.wraps(call)
    def telling(self: Any, data: bytes, job: Any = None) -> Result:
        try:
            made = call(self, data, job)
        except BitstreamError as error:
            raise type(error)(f"the file is damaged{_readable(data, self.limits)}: {error}") from error
        return _flagged(made) if made.doubts else made

    return telling


def _flagged(made: Result) -> Result:
    if not set(made.doubts) <= set(ENDS):
        what = "; the output is not the whole picture"
    elif NO_TRAILER in made.doubts:
        what = ""
    else:
        many = made.facts.get("frames", 1) > 1
        what = "; further frames may be missing" if many else "; all of its picture is there"
    said = f"the file is damaged: {'; '.join(made.doubts)}{what}"
    warnings = (*(message for message in made.warnings if message not in made.doubts), said)
    reason = f"{made.reason}; {said}" if made.reason else said
    return replace(made, warnings=warnings, reason=reason, facts=made.facts | {"damaged": True})


def _readable(data: bytes, limits: Limits) -> str:
    """Of a JPEG, which part of its picture is there."""
    if not data.startswith(b"\xff\xd8"):
        return ", or cut short"
    try:
        damage = jpeg.decode(data, on_error="conceal", limits=limits).damage
    except CodecError:
        return ""
    if damage is None:
        return ""
    lost = damage.mcus_lost / damage.mask.size
    if lost == 1:
        return ", and no part of its picture is complete; codec decompress --conceal shows what there is"
    return f", and {max(1, int(100 * (1 - lost)))} % of its picture can be read; codec decompress --conceal shows it"
