"""`Encoder`: frame by frame, for live use."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ...errors import ParameterError
from . import encoder
from .frames import Intake, told
from .parameters import Display, aspect_of, rate_of
from .result import EncodedPicture, examiner, picture_of
from .settings import settings_of_options

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import numpy.typing as npt
    from typing_extensions import Self, Unpack

    from ..._types import EncodeVideoKeywords
    from ...frame import Frame


class Encoder:
    """Encodes H.264 video frame by frame; a context manager.

    Parameters
    ----------
    fps : number, str or Fraction
        Frames per second, above 0, at most 10000.
    metrics : names, default ()
        "psnr", "ssim" or both: compare each picture with its frame.
    reconstruction : bool, default False
        Give what a decoder shows, as `EncodedPicture.reconstruction`.
    side_data : bool, default False
        Give arrays by macroblock, as `EncodedPicture.side_data`.
    sample_aspect_ratio : (int, int), optional
        Width and height of a sample; unknown by default.
    **options
        All options of `codec.encode_video` but `passes` and `target`.

    Raises
    ------
    ParameterError
        An impossible or contradictory setting.

    Notes
    -----
    It holds the frames of the lookahead (10 to 60 by the preset, at most 12 with `qp`, none with "ultrafast"), and with
    several threads those that are being coded, twice as many as threads and an interval at most: memory does not depend
    on the length. For the shortest delay take tune="zerolatency": each frame is coded when it is given, and a key
    picture that is asked for leaves at once. One thread at a time uses it.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.h264 import Encoder
    >>> with Encoder(fps=25, qp=30, metrics="psnr", threads=1) as encoder:
    ...     pictures = encoder.encode(np.zeros((32, 48, 3), np.uint8))
    ...     pictures += encoder.encode(np.ones((32, 48, 3), np.uint8))
    ...     pictures += encoder.flush()
    >>> [(picture.number, picture.type, picture.key) for picture in pictures]
    [(0, 'I', True), (1, 'P', False)]
    >>> stream = b"".join(picture.data for picture in pictures)
    """

    def __init__(
        self,
        *,
        fps: Any,
        metrics: str | Iterable[str] = (),
        reconstruction: bool = False,
        side_data: bool = False,
        sample_aspect_ratio: tuple[int, int] | None = None,
        **options: Unpack[EncodeVideoKeywords],
    ) -> None:
        settings = settings_of_options(options)
        if settings.target or settings.passes > 1:
            raise ParameterError(
                "frames that come one by one are encoded once: a target and two passes are for codec.encode_video"
            )
        self._encoder = encoder.Encoder(
            settings,
            rate_of(fps),
            Display(aspect_of(sample_aspect_ratio)),
            examiner(metrics, reconstruction, side_data),
        )
        self._intake, self._end = Intake(settings.lossless), ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def encode(self, frame: Frame | npt.ArrayLike, *, keyframe: bool = False) -> list[EncodedPicture]:
        """Take the next frame in display order.

        Parameters
        ----------
        frame : (H, W, 3) RGB or (H, W) gray uint8 array, or codec.Frame
            As for `codec.encode_video`. The first one gives the format of all. An array may be filled again afterwards.
        keyframe : bool, default False
            It becomes an IDR picture, whatever `keyint` and `open_gop` say, from which a viewer who joins, or has lost
            something, can begin: no picture after it refers to one before it. The next key picture is due `keyint`
            frames later.

        Returns
        -------
        list of EncodedPicture
            Those that are coded now, in coding order: none, one or several. Their `data`, one after the other, is the
            byte stream.

        Raises
        ------
        ParameterError
            Another format than that of the first frame: the next frame may follow. More than the level or the buffer
            allows: as after any other error, KeyboardInterrupt included, pictures are missing, and the encoder takes
            no more. The encoder was flushed or closed.
        UnsupportedError
            More than 8 bits, 4:2:2 or 4:4:4.
        """
        self._check_open()
        taken = self._intake(frame)
        if not self._encoder.count:
            self._encoder.display, _ = told(frame, self._encoder.display)
        with self._whole():
            return [picture_of(coded) for coded in self._encoder.encode(taken, bool(keyframe))]

    def flush(self) -> list[EncodedPicture]:
        """The frames have ended: the pictures that are not given out yet, in coding order.

        Returns
        -------
        list of EncodedPicture

        Raises
        ------
        ParameterError
            The encoder was flushed or closed.
        """
        self._check_open()
        with self._whole():
            pictures = [picture_of(coded) for coded in self._encoder.flush()]
        self._end = "flushed"
        return pictures

    @contextlib.contextmanager
    def _whole(self):
        """Pictures are lost where an exception comes, and those after them would refer to them."""
        try:
            yield
        except BaseException:
            self._end = "ended by an error"
            raise

    def close(self) -> None:
        """End the threads. Pictures that were not given out are lost: `flush` first. A second call does nothing."""
        self._end = self._end or "closed"
        self._encoder.close()

    def _check_open(self):
        if self._end:
            raise ParameterError(f"this encoder was {self._end}: make another one for more frames")
