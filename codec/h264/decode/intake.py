"""Intake: pieces of a byte stream, or samples of a container, become a queue of NAL units."""

from collections import deque
from typing import NamedTuple

from ...errors import BitstreamError
from ..stream.nal import ByteStream, NalUnit, read_avcc, split_sample


class Stamp(NamedTuple):
    """A timestamp, and the offset in the stream of its piece."""

    offset: int
    timestamp: object


class Intake:
    """The NAL units received and not yet decoded.

    Parameters
    ----------
    limits : codec.Limits
    strict : bool
        Bytes before the first start code are an error (B.1.1).
    avcc : bytes, optional
        An avcC record: each piece is then one sample with length-prefixed NAL units. The parameter sets of the record
        come first.

    Attributes
    ----------
    nals : deque of NalUnit
        In decoding order; the caller removes them from the left.
    samples : bool
        Each piece is a sample, which is a whole access unit.
    """

    def __init__(self, limits, *, strict, avcc=None):
        self.nals, self.samples = deque(), avcc is not None
        self._stream, self._stamps = ByteStream(limits, strict=strict), deque()
        self._bytes = self._index = 0  # received so far: bytes of the stream; NAL units of samples
        if self.samples:
            record = read_avcc(avcc)
            self._length_bytes = record.length_bytes
            self.nals.extend(NalUnit(data) for data in record.parameter_sets)

    def feed(self, data, *, timestamp=None, complete=False):
        """Queue the NAL units of a piece; `complete`: the last one ends with the piece.

        Returns
        -------
        BitstreamError or None
            The damage of a sample; the NAL units before it are queued.

        Raises
        ------
        BitstreamError, LimitError
            The byte stream cannot be split.
        """
        if timestamp is not None:
            self._stamps.append(Stamp(self._bytes, timestamp))
        start = self._bytes
        self._bytes += len(data)
        if self.samples:
            return self._split_sample(data, start)
        self.nals.extend(self._stream.feed(data) + (self._stream.flush() if complete else []))
        return None

    def _split_sample(self, data, start):
        try:
            for nal in split_sample(data, self._length_bytes, offset=start, index=self._index):
                self.nals.append(nal)
                self._index = nal.index + 1
        except BitstreamError as error:
            return error
        return None

    def flush(self):
        """The stream has ended: queue its last NAL unit."""
        self.nals.extend(self._stream.flush())

    def timestamp_of(self, nal):
        """Remove the timestamps up to a NAL unit, and return the newest, or None."""
        found = None
        while self._stamps and self._stamps[0].offset <= nal.offset:
            found = self._stamps.popleft().timestamp
        return found
