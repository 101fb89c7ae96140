"""The public class: options, error policy, limits, and the order of frames and errors.

`intake` splits the data into NAL units, `sequence` decodes them to frames, `jobs` has the threads. None of these
imports this module.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from typing import TYPE_CHECKING

from ...errors import BitstreamError, CodecError, LimitError, ParameterError, UnsupportedError
from ...limits import checked_limits
from .intake import Intake
from .jobs import Workers
from .output import side_data_of
from .ready import Output
from .sequence import Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from ..._types import Buffer
    from ...frame import Frame
    from ...limits import Limits

ON_ERROR = ("raise", "conceal", "skip")


def checked_data(data):
    """A piece of the stream as bytes, before anything is decoded: the caller may reuse its memory."""
    try:
        return data if type(data) is bytes else bytes(memoryview(data))
    except TypeError:
        raise ParameterError(f"data must be bytes-like, not {type(data).__name__}") from None


class Decoder:
    """Decodes H.264 from data in pieces of any size.

    Parameters
    ----------
    on_error : "raise" (default), "conceal" or "skip"
        "raise": damaged data raises an error with NAL unit, byte and clause; frames predicted from references before
        the start of the stream, or from damaged frames, have a `damage`. "conceal": lost macroblocks are predicted
        from earlier pictures with the motion of their neighbours and of the previous picture, or interpolated from
        their neighbours where prediction does not fit; the frame has a `damage`. "skip": such frames are left out.
    low_delay : bool
        Output a frame as soon as no later one precedes it, instead of when the decoded picture buffer is full. The
        stream may guarantee this (max_num_reorder_frames of the VUI, picture order count type 2, intra profiles).
        Without a guarantee, a frame follows the one before it if its picture order count is 2 higher; a stream that
        counts by 1 and reorders frames then gives one frame late.
    monochrome : "4:2:0" (default) or "4:0:0"
        Output 4:0:0 streams with gray chroma planes, as most players and the reference decoder do, or luma only.
    side_data : bool
        Attach arrays of macroblock types, QP, motion vectors and bits to frames (see `Frame.side_data`).
    threads : int
        Number of decoding threads; 0 (default): one for each processor that this process may use. The output does not
        depend on it. Up to 1.5 * threads + 1 pictures in flight take memory beside the decoded picture buffer. Fields,
        MBAFF frames and pictures whose slices are not in raster order can be referred to only when they are complete,
        and gain little.
    x264_build : int, optional
        The build of x264 that wrote the stream, if its SEI messages do not name it ("x264 - core 148"). In 4:4:4 with
        CABAC and 8x8 transforms, builds before 151 chose other contexts than the standard.
    avcc : bytes, optional
        An avcC record of MP4 or Matroska: each `feed` then takes one sample with length-prefixed NAL units instead of a
        byte stream.
    limits : codec.Limits, optional
        Those that apply: pixels, metadata_bytes, nal_bytes, slices, dpb_bytes, frames, and seconds since the first
        data.

    Raises
    ------
    ParameterError
        From each method: the decoder is at work in another thread; or an exception that is no `CodecError`, such as
        KeyboardInterrupt or MemoryError, ended an earlier call, so that frames may be missing; or the process was
        forked from the one with its threads. Make a new decoder.

    Examples
    --------
    >>> import codec.h264
    >>> decoder = codec.h264.Decoder()
    >>> decoder.feed(b"\\0\\0\\1\\x09\\xf0"), decoder.flush()
    ([], [])
    """

    def __init__(
        self,
        *,
        on_error: Literal["raise", "conceal", "skip"] = "raise",
        low_delay: bool = False,
        monochrome: Literal["4:2:0", "4:0:0"] = "4:2:0",
        side_data: bool = False,
        threads: int = 0,
        x264_build: int | None = None,
        avcc: bytes | None = None,
        limits: Limits | None = None,
    ) -> None:
        if on_error not in ON_ERROR:
            raise ParameterError(f"on_error must be one of {', '.join(ON_ERROR)}, not {on_error!r}")
        if monochrome not in ("4:2:0", "4:0:0"):
            raise ParameterError(f'monochrome must be "4:2:0" or "4:0:0", not {monochrome!r}')
        if not isinstance(threads, int) or threads < 0:
            raise ParameterError(f"threads must be 0 or a positive integer, not {threads!r}")
        if x264_build is not None and (not isinstance(x264_build, int) or x264_build < 1):
            raise ParameterError(f"x264_build must be a positive integer, not {x264_build!r}")
        self._low_delay, self._side_data, self._skip = low_delay, side_data, on_error == "skip"
        self._limits, self._workers = checked_limits(limits), Workers(threads)
        self._gate = self._workers.gate
        tolerant = on_error != "raise"
        self._intake = Intake(self._limits, strict=not tolerant, avcc=avcc)
        self._sequence = Sequence(
            self._workers,
            self._intake.timestamp_of,
            self._limits,
            tolerant=tolerant,
            low_delay=low_delay,
            monochrome=monochrome,
            side_data=side_data,
            x264_build=x264_build,
        )
        self._returned = deque()  # frames of a call that raised, for the next call
        self._frames = 0  # given out so far
        self._deadline = math.inf  # set by the first data
        self._last_whole = math.inf  # number of the frame in which an error was raised

    # ---------------------------------------------------------------- data in

    def feed(self, data: Buffer, *, timestamp: object = None, complete: bool = False) -> list[Frame]:
        """Decode a piece of the stream.

        Parameters
        ----------
        data : bytes-like
            Any piece of an Annex B byte stream; with `avcc` a whole sample.
        timestamp : object, optional
            Attached to the frame whose first slice starts in this piece.
        complete : bool
            The piece ends an access unit: decode its last slice without waiting for the next start code.

        Returns
        -------
        list of codec.Frame
            In output order.

        Raises
        ------
        BitstreamError, TruncatedError, UnsupportedError, LimitError
            The next call returns the frames completed before the error, and continues after the damage.
        """
        return self._gate.call(self._collected, self._iterate(checked_data(data), timestamp, complete))

    def iterate(self, data: Buffer, *, timestamp: object = None, complete: bool = False) -> Iterator[Frame]:
        """As `feed`, but decodes one frame at a time: a long piece does not fill the memory with frames.

        Yields
        ------
        codec.Frame
        """
        return self._gate.each(self._iterate(checked_data(data), timestamp, complete))

    def ahead(self, data: Buffer, *, timestamp: object = None, complete: bool = False) -> Iterator[Frame]:
        """As `iterate`, but does not wait for threads: the last frames and errors may come with a later piece.

        Yields
        ------
        codec.Frame
        """
        return self._gate.each(self._ahead(checked_data(data), timestamp, complete))

    def _iterate(self, data, timestamp, complete):
        yield from self._ahead(data, timestamp, complete)
        yield from self._given_out()

    def _ahead(self, data, timestamp, complete):
        if self._deadline == math.inf:
            self._deadline = time.monotonic() + self._limits.seconds
        damage = self._intake.feed(data, timestamp=timestamp, complete=complete)
        if damage is not None:
            self._sequence.fault(damage)
        yield from self._decoded()
        if complete or self._intake.samples:
            self._sequence.finish_picture()
        yield from self._given_out(wait=self._low_delay or self._failed)

    def flush(self) -> list[Frame]:
        """The stream has ended: decode the rest and give out all frames. A new stream may follow.

        Returns
        -------
        list of codec.Frame
        """
        return self._gate.call(self._collected, self._rest())

    def rest(self) -> Iterator[Frame]:
        """As `flush`, but an iterator: frames before an error are yielded first.

        Yields
        ------
        codec.Frame
        """
        return self._gate.each(self._rest())

    def _rest(self):
        self._intake.flush()
        yield from self._decoded()
        self._sequence.end()
        yield from self._given_out()

    def complete(self) -> Iterator[Frame]:
        """After an error: yield the intact frames before it that wait for output. Nothing more is decoded.

        Yields
        ------
        codec.Frame
        """
        return self._gate.each(self._complete())

    def _complete(self):
        self._intake.nals.clear()
        ready = self._sequence.ready
        with contextlib.suppress(LimitError):
            self._sequence.end()
            while (first := ready.first) is not None:
                ready.popleft()
                if isinstance(first, Output) and first.store.content.number <= self._last_whole:
                    yield from (frame for frame in self._frame_of(first.store) if not frame.damage)

    def _decoded(self):
        """Decode the queued NAL units and yield frames. After an error the rest waits for the next call."""
        nals = self._intake.nals
        while nals:
            if time.monotonic() > self._deadline:
                yield from self._given_out()
                raise LimitError(
                    f"decoding takes more than {self._limits.seconds} s; raise Limits.seconds if you trust the data"
                )
            try:
                self._sequence.add(nals.popleft())
            except (BitstreamError, UnsupportedError) as error:
                self._sequence.fault(error)
            except LimitError:
                yield from self._given_out()
                raise
            yield from self._given_out(wait=self._failed)

    # ---------------------------------------------------------------- frames out

    @property
    def _failed(self):
        """Whether an error is queued: it is raised before anything more is decoded."""
        return self._sequence.ready.faults > 0

    def _given_out(self, wait=True):
        """Yield frames and raise errors in stream order: all of them, or those that are decoded."""
        ready = self._sequence.ready
        while self._returned:
            yield self._returned.popleft()
        while (first := ready.first) is not None:
            batch = first.batch
            if batch is not None and not batch.done:
                if not wait:
                    return
                self._sequence.start_batch()  # `first` may be in the picture in progress
            ready.popleft()
            if isinstance(first, Output):
                yield from self._frame_of(first.store)
                continue
            if batch is not None:
                self._workers.join(batch)
            if first.error is not None:
                self._last_whole = first.number
                raise first.error

    def _frame_of(self, store):
        """The frame, or nothing if it is damaged and skipped."""
        self._workers.join(store.content.batch)
        if self._side_data:
            store.content.side_data = side_data_of(store.picture, store.content.bits)
        if self._skip and store.content.damage:
            return
        self._frames += 1
        if self._frames > self._limits.frames:
            raise LimitError(f"more than {self._limits.frames} frames; raise Limits.frames if you trust the data")
        yield store.content.format.frame(store)

    def _collected(self, frames):
        """A list of frames; if an error ends them, they are kept for the next call."""
        found = []
        try:
            for frame in frames:
                found.append(frame)
        except CodecError:
            self._returned.extendleft(reversed(found))
            raise
        return found
