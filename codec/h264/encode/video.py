"""`encode_video`: frames to an Annex B byte stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ParameterError
from .encoder import Encoder
from .frames import frames_of
from .parameters import rate_of
from .settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def encode_video(
    frames: Iterable[Any],
    *,
    fps: Any,
    qp: int | None = None,
    crf: float | None = None,
    preset: str = "medium",
    tune: str | None = None,
    keyint: int = 250,
    threads: int = 0,
) -> bytes:
    """Encode H.264 video.

    Examples
    --------
    >>> import numpy as np, codec
    >>> data = codec.encode_video(np.zeros((3, 32, 48, 3), np.uint8), fps=25, qp=30)
    >>> [(frame.type, frame.width, frame.height) for frame in codec.decode_video(data)]
    [('I', 48, 32), ('P', 48, 32), ('P', 48, 32)]
    """
    encoder = Encoder(settings_of(qp, crf, preset, tune, keyint, threads), rate_of(fps))
    data = bytearray()
    for frame in frames_of(frames):
        for coded in encoder.encode(frame):
            data += coded.data
    for coded in encoder.flush():
        data += coded.data
    if not data:
        raise ParameterError("there are no frames to encode")
    return bytes(data)
