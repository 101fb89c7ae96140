"""NAL units (7.3.1), the byte stream of Annex B, and the length-prefixed samples of MP4 (ISO/IEC 14496-15)."""

import re
from dataclasses import dataclass

from ...errors import BitstreamError, LimitError, TruncatedError
from ...limits import checked_limits
from ._start_codes import find_zeros
from .syntax import derived

# Table 7-1.
(
    NON_IDR,
    PARTITION_A,
    PARTITION_B,
    PARTITION_C,
    IDR,
    SEI,
    SPS,
    PPS,
    AUD,
    END_OF_SEQ,
    END_OF_STREAM,
    FILLER,
    SPS_EXTENSION,
) = range(1, 14)
PREFIX, SUBSET_SPS, AUXILIARY, EXTENSION, DEPTH_EXTENSION = 14, 15, 19, 20, 21
NAMES = {
    1: "slice", 2: "slice_data_partition_a", 3: "slice_data_partition_b", 4: "slice_data_partition_c", 5: "slice (IDR)", 6: "sei",
    7: "seq_parameter_set", 8: "pic_parameter_set", 9: "access_unit_delimiter", 10: "end_of_seq", 11: "end_of_stream", 12: "filler_data",
    13: "seq_parameter_set_extension", 14: "prefix_nal_unit", 15: "subset_seq_parameter_set", 16: "depth_parameter_set",
    19: "slice (auxiliary)", 20: "slice_extension", 21: "slice_extension (depth)",
}  # fmt: skip
START_CODE = b"\0\0\1"
EMULATED = re.compile(rb"\0\0(?=[\0-\3])")


@dataclass(frozen=True)
class NalUnit:
    """One NAL unit.

    Attributes
    ----------
    data : bytes
        The whole NAL unit with emulation prevention, without start code or length.
    offset : int
        Position of its first byte in the stream.
    index : int
        Number in the stream, from 0.
    """

    data: bytes
    offset: int = 0
    index: int = 0

    @property
    def nal_ref_idc(self):
        """0 to 3; 0 means that no picture refers to this one."""
        return self.data[0] >> 5 & 3

    @property
    def nal_unit_type(self):
        """Table 7-1, 0 to 31."""
        return self.data[0] & 31

    @property
    def name(self):
        """The name of its content in Table 7-1."""
        return NAMES.get(self.nal_unit_type, f"nal_unit_type {self.nal_unit_type}")

    @property
    def header_bytes(self):
        """1, or 4 with the header extension (types 14, 20, 21)."""
        return 4 if self.nal_unit_type in (PREFIX, EXTENSION, DEPTH_EXTENSION) else 1

    @derived
    def rbsp(self):
        """bytes: the payload without emulation_prevention_three_byte."""
        return unescape(self.data[self.header_bytes :])

    def layer(self, structure):
        """The `layer` of an error in a syntax structure of this NAL unit."""
        return f"NAL unit {self.index}, {structure}"

    def place(self, rbsp_byte):
        """The offset in the stream of a byte of the RBSP."""
        at, removed = self.header_bytes, 0
        while True:
            at = self.data.find(b"\0\0\3", at)
            if at < 0 or at + 2 - self.header_bytes - removed > rbsp_byte:
                return self.offset + self.header_bytes + rbsp_byte + removed
            at, removed = at + 3, removed + 1


def unescape(payload):
    """Remove emulation_prevention_three_byte (7.3.1): the third byte of each 0, 0, 3, searched from the left."""
    return payload.replace(b"\0\0\3", b"\0\0") if find_zeros(payload, 3) >= 0 else payload


def escape(rbsp):
    """Insert emulation_prevention_three_byte (7.4.1), so that no 0, 0, 0 to 3 remains. An RBSP that ends with
    cabac_zero_words (0, 0) gets a final 3.
    """
    if b"\0\0" not in rbsp:
        return rbsp
    return EMULATED.sub(b"\0\0\3", rbsp) + (b"\3" if rbsp.endswith(b"\0\0") else b"")


def write_nal(nal_unit_type, nal_ref_idc, rbsp):
    """A NAL unit with emulation prevention, without start code, as bytes."""
    return bytes([nal_ref_idc << 5 | nal_unit_type]) + escape(rbsp)


def write_byte_stream(nals):
    """Annex B: each NAL unit after a start code of four bytes.

    B.1.2 requires the fourth byte for parameter sets and for the first NAL unit of an access unit.
    """
    return b"".join([b"\0" + START_CODE + nal for nal in nals])


class ByteStream:
    """Splits an Annex B byte stream that arrives in chunks of any size.

    Examples
    --------
    >>> from codec.h264.stream.nal import ByteStream
    >>> stream = ByteStream()
    >>> [nal.data.hex() for chunk in (b"\\0\\0", b"\\1\\x09\\xf0\\0", b"\\0\\1\\x0b") for nal in stream.feed(chunk)]
    ['09f0']
    >>> [nal.data.hex() for nal in stream.flush()]
    ['0b']
    """

    def __init__(self, limits=None, *, strict=True):
        # strict: bytes before the first start code are an error
        self._limits = checked_limits(limits)
        self._strict = strict
        self._buffer, self._index = bytearray(), 0
        self._offset = 0  # of the first byte of the buffer in the stream
        self._start = None  # of the open NAL unit in the buffer
        self._scan = 0  # where to look for the next start code

    def feed(self, chunk):
        """The NAL units that end in this chunk, as a list."""
        self._buffer += chunk
        found = []
        while (at := find_zeros(self._buffer, 1, self._scan)) >= 0:  # START_CODE
            self._close(at, found)
            self._start = self._scan = at + 3
        self._scan = max(self._scan, len(self._buffer) - 2)
        keep = self._scan if self._start is None else self._start
        if self._start is None:
            self._close(keep, found)
        del self._buffer[:keep]
        self._offset = self._offset + keep
        self._scan = self._scan - keep
        self._start = None if self._start is None else 0
        if len(self._buffer) > self._limits.nal_bytes:
            raise self._too_long(self._offset)
        return found

    def flush(self):
        """The open NAL unit, in a list: the stream has ended, or its next byte is known to begin a start code."""
        found = []
        self._close(len(self._buffer), found)
        self._offset += len(self._buffer)
        self._buffer, self._start, self._scan = bytearray(), None, 0
        return found

    def _too_long(self, offset):
        most = self._limits.nal_bytes
        return LimitError(
            f"the NAL unit at byte {offset} is longer than {most} bytes; raise Limits.nal_bytes if you trust the data"
        )

    def _close(self, end, found):
        """End the open NAL unit at `end`, without trailing_zero_8bits. Zeros alone are not a NAL unit."""
        if self._start is None:
            if self._strict and any(self._buffer[:end]):
                raise BitstreamError(
                    "there is no start code 0, 0, 1 at the start",
                    layer="byte stream",
                    offset=self._offset,
                    clause="H.264 B.1.1",
                )
            return
        data = bytes(memoryview(self._buffer)[self._start : end]).rstrip(b"\0")
        if len(data) > self._limits.nal_bytes:
            raise self._too_long(self._offset + self._start)
        if data:
            found.append(NalUnit(data, self._offset + self._start, self._index))
            self._index += 1


def split_byte_stream(data, limits=None, *, strict=True):
    """All NAL units of a complete Annex B byte stream, as a list."""
    stream = ByteStream(limits, strict=strict)
    return stream.feed(data) + stream.flush()


def split_sample(sample, length_bytes, *, offset=0, index=0):
    """Yield the NAL units of an MP4 or Matroska sample. Each follows its length, which takes `length_bytes` bytes.

    Some writers leave start codes in samples, before or within a length-prefixed unit: emulation prevention (7.4.1)
    forbids 0, 0, 1 in a NAL unit, so that the units are split there. Zeros after the last unit are padding.
    """
    if sample.startswith(b"\0" + START_CODE) and not _lengths_fit(sample, length_bytes):
        # An access unit of a byte stream begins with zero_byte (B.1.2).
        yield from _at_start_codes(sample, offset, index)
        return
    at = 0
    while at < len(sample):
        size = int.from_bytes(sample[at : at + length_bytes], "big")
        if at + length_bytes > len(sample) and not size:
            return
        at += length_bytes
        if at + size > len(sample):
            raise TruncatedError(
                f"a NAL unit of {size} bytes does not fit its sample",
                layer="sample",
                offset=offset + min(at, len(sample)),
                clause="ISO/IEC 14496-15 5.3.3",
            )
        data = bytes(sample[at : at + size])
        if find_zeros(data, 1) >= 0:  # START_CODE
            for nal in _at_start_codes(START_CODE + data, offset + at - 3, index):
                index = nal.index + 1
                yield nal
        elif size:
            yield NalUnit(data, offset + at, index)
            index += 1
        at += size


def _lengths_fit(sample, length_bytes):
    """Whether lengths and NAL units fill the sample."""
    at = 0
    while at < len(sample):
        at += length_bytes + int.from_bytes(sample[at : at + length_bytes], "big")
    return at == len(sample)


def _at_start_codes(data, offset, index):
    for nal in split_byte_stream(data):
        yield NalUnit(nal.data, nal.offset + offset, nal.index + index)


@dataclass(frozen=True)
class AVCDecoderConfigurationRecord:
    """avcC of MP4 and Matroska (ISO/IEC 14496-15 5.3.3.1): parameter sets, and the size of length fields in samples.

    Attributes
    ----------
    length_bytes : int
        lengthSizeMinusOne + 1.
    parameter_sets : tuple of bytes
        NAL units: SPS, then PPS.
    """

    AVCProfileIndication: int
    profile_compatibility: int
    AVCLevelIndication: int
    length_bytes: int
    parameter_sets: tuple


def read_avcc(data):
    """Read an avcC record."""

    def error(reason, at):
        return TruncatedError(reason, layer="avcC", offset=at, clause="ISO/IEC 14496-15 5.3.3.1")

    if len(data) < 7:
        raise error(f"{len(data)} bytes are too few for a record", len(data))
    if data[0] != 1:
        raise BitstreamError(
            f"configurationVersion is {data[0]}, not 1", layer="avcC", offset=0, clause="ISO/IEC 14496-15 5.3.3.1"
        )
    found, at = [], 5
    for mask in (31, 255):
        if at >= len(data):
            raise error("the record ends before its parameter sets", at)
        count, at = data[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(data[at : at + 2], "big")
            if at + 2 + size > len(data):
                raise error("the record ends within a parameter set", len(data))
            found.append(bytes(data[at + 2 : at + 2 + size]))
            at += 2 + size
    return AVCDecoderConfigurationRecord(
        data[1], data[2], data[3], (data[4] & 3) + 1, tuple(nal for nal in found if nal)
    )


def write_avcc(parameter_sets, length_bytes=4):
    """Write an avcC record, without the trailer for High profiles, which readers do not need."""
    lists = [[nal for nal in parameter_sets if nal[0] & 31 == kind] for kind in (SPS, PPS)]
    head = bytes([1, *lists[0][0][1:4], 0xFC | length_bytes - 1])
    counts = (0xE0 | len(lists[0]), len(lists[1]))
    return head + b"".join(
        bytes([count]) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)
        for count, nals in zip(counts, lists)
    )
