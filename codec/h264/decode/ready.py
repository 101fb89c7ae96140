"""What leaves the decoder, in stream order: frames, errors, and outcomes not yet known to be errors.

The sequence appends while it reads headers; the Decoder removes what is decoded. Each entry has the `batch` that must
be done first, or None. Errors and outcomes have the `number` of the frame that was in progress, in decoding order.
"""

from collections import deque


def placed(error, nal):
    """An error with an offset in the RBSP of a NAL unit, as one with the offset in the stream."""
    offset = nal.place(error.offset) if error.offset is not None else nal.offset
    return type(error)(error.reason, layer=nal.layer(error.layer or "slice_data"), offset=offset, clause=error.clause)


class Output:
    """A frame that left the decoded picture buffer: a FrameStore whose `content` is a CodedFrame."""

    def __init__(self, store):
        self.store = store

    @property
    def batch(self):
        """The last one of the frame: those before it are done when it is."""
        return self.store.content.batch


class Fault:
    """An error."""

    batch = None

    def __init__(self, error):
        self.error = error


class Outcome:
    """The result of a slice, or of the end of a picture.

    Parameters
    ----------
    batch : Batch
    prepared, nal : Slice and NalUnit, optional
        The slice. Without them, the thread that decodes the batch sets `error`.
    """

    def __init__(self, batch, prepared=None, nal=None):
        self.batch, self._prepared, self._nal, self._error = batch, prepared, nal, None

    @property
    def error(self):
        """The error, or None; only valid when the slice is decoded."""
        if self._prepared is not None:
            prepared, self._prepared = self._prepared, None
            if (error := prepared.error) is not None:
                self._error = placed(error, self._nal)
        return self._error

    @error.setter
    def error(self, error):
        self._error = error


class Ready:
    """A queue of Output, Fault and Outcome.

    Attributes
    ----------
    faults : int
        Faults in the queue: as long as there is one, nothing more is decoded.
    """

    def __init__(self):
        self._entries, self.faults = deque(), 0

    def append(self, entry):
        """Queue an entry."""
        self._entries.append(entry)
        self.faults += isinstance(entry, Fault)

    @property
    def first(self):
        """The next entry, or None."""
        return self._entries[0] if self._entries else None

    def popleft(self):
        """Remove the next entry and return it."""
        entry = self._entries.popleft()
        self.faults -= isinstance(entry, Fault)
        return entry
