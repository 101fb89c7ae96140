"""Supplemental enhancement information (7.3.2.3, Annex D): buffering periods, picture timing and recovery points are
parsed; user data and all other messages stay bytes.
"""

import re
from dataclasses import dataclass

from .nal import SEI as SEI_TYPE
from .nal import write_nal
from .syntax import Reader, Writer

BUFFERING_PERIOD, PIC_TIMING, USER_DATA_REGISTERED, USER_DATA_UNREGISTERED, RECOVERY_POINT = 0, 1, 4, 5, 6
MASTERING_DISPLAY, CONTENT_LIGHT = 137, 144
PAYLOAD_NAMES = {
    0: "buffering_period", 1: "pic_timing", 2: "pan_scan_rect", 3: "filler_payload", 4: "user_data_registered_itu_t_t35",
    5: "user_data_unregistered",
    6: "recovery_point", 7: "dec_ref_pic_marking_repetition", 19: "film_grain_characteristics", 22: "post_filter_hint",
    37: "mvc_scalable_nesting",
    45: "frame_packing_arrangement", 47: "display_orientation", 137: "mastering_display_colour_volume", 144: "content_light_level_info",
}  # fmt: skip
# Table D-1: number of clock timestamps by pic_struct.
NumClockTS = (1, 1, 1, 2, 2, 3, 3, 2, 3)


@dataclass(frozen=True)
class SEIMessage:
    """One message. `content` is a BufferingPeriod, PicTiming or RecoveryPoint for the types parsed here, otherwise None."""

    payloadType: int
    payload: bytes
    content: object = None

    @property
    def name(self):
        """The name in D.1."""
        return PAYLOAD_NAMES.get(self.payloadType, f"payloadType {self.payloadType}")


@dataclass(frozen=True)
class RecoveryPoint:
    """D.1.8: from which frame on pictures are correct, exactly or approximately, if decoding starts here."""

    recovery_frame_cnt: int
    exact_match_flag: int
    broken_link_flag: int
    changing_slice_group_idc: int


@dataclass(frozen=True)
class ClockTimestamp:
    """One clock timestamp, D.1.3; elements that are not coded are None."""

    ct_type: int
    nuit_field_based_flag: int
    counting_type: int
    full_timestamp_flag: int
    discontinuity_flag: int
    cnt_dropped_flag: int
    n_frames: int
    seconds_value: int | None = None
    minutes_value: int | None = None
    hours_value: int | None = None
    time_offset: int = 0


@dataclass(frozen=True)
class PicTiming:
    """D.1.3; elements that the VUI disables are None."""

    cpb_removal_delay: int | None = None
    dpb_output_delay: int | None = None
    pic_struct: int | None = None
    clock_timestamps: tuple = ()


@dataclass(frozen=True)
class InitialDelay:
    """initial_cpb_removal_delay and its offset of one delivery schedule, in units of 1/90000 s."""

    initial_cpb_removal_delay: int
    initial_cpb_removal_delay_offset: int


@dataclass(frozen=True)
class BufferingPeriod:
    """D.1.2: one InitialDelay for each schedule of the HRDs of the VUI."""

    seq_parameter_set_id: int
    nal: tuple = ()
    vcl: tuple = ()


def buffering_period(c, s, vui, number):
    """D.1.2 for the VUI of the SPS with this number; whether the message refers to it."""
    clause = "H.264 D.2.2"
    if c.ue(s, "seq_parameter_set_id", 31, clause) != number:
        return False
    for name, hrd in (("nal", vui.nal_hrd), ("vcl", vui.vcl_hrd)):
        if not hrd:
            continue
        bits = hrd.initial_cpb_removal_delay_length_minus1 + 1
        for row in c.rows(s, name, InitialDelay, hrd.cpb_cnt_minus1 + 1):
            c.u(row, "initial_cpb_removal_delay", bits, clause)
            c.u(row, "initial_cpb_removal_delay_offset", bits, clause)
    return True


def recovery_point(c, s):
    """D.1.8"""
    clause = "H.264 D.2.8"
    c.ue(s, "recovery_frame_cnt", 65535, clause)
    c.u(s, "exact_match_flag", 1, clause)
    c.u(s, "broken_link_flag", 1, clause)
    c.u(s, "changing_slice_group_idc", 2, clause)


def pic_timing(c, s, vui):
    """D.1.3"""
    clause = "H.264 D.2.3"
    if vui.hrd:
        c.u(s, "cpb_removal_delay", vui.hrd.cpb_removal_delay_length_minus1 + 1, clause)
        c.u(s, "dpb_output_delay", vui.hrd.dpb_output_delay_length_minus1 + 1, clause)
    if not vui.pic_struct_present_flag:
        return
    count = NumClockTS[c.u(s, "pic_struct", 4, clause, 0, 8)]
    found = []
    for i in range(count):
        coded = None if c.reading else s["clock_timestamps"][i]
        if c.u({"clock_timestamp_flag": coded is not None}, "clock_timestamp_flag", 1, clause):
            row = {} if c.reading else vars(coded)
            clock_timestamp(c, row, vui.hrd.time_offset_length if vui.hrd else 24, clause)
            found.append(ClockTimestamp(**row) if c.reading else coded)
        else:
            found.append(None)
    if c.reading:
        s["clock_timestamps"] = tuple(found)


def clock_timestamp(c, s, time_offset_length, clause):
    """The elements of one clock timestamp in D.1.3."""
    c.u(s, "ct_type", 2, clause)
    c.u(s, "nuit_field_based_flag", 1, clause)
    c.u(s, "counting_type", 5, clause)
    full = c.u(s, "full_timestamp_flag", 1, clause)
    c.u(s, "discontinuity_flag", 1, clause)
    c.u(s, "cnt_dropped_flag", 1, clause)
    c.u(s, "n_frames", 8, clause)
    for name, bits, high in (("seconds", 6, 59), ("minutes", 6, 59), ("hours", 5, 23)):
        value = f"{name}_value"
        if not full and not c.u({name: s.get(value) is not None}, name, 1, clause):
            break
        c.u(s, value, bits, clause, 0, high)
    if time_offset_length:
        # i(v): two's complement
        half = 1 << (time_offset_length - 1)
        coded = {} if c.reading else {"time_offset": s["time_offset"] % (2 * half)}
        value = c.u(coded, "time_offset", time_offset_length, clause)
        if c.reading:
            s["time_offset"] = value - 2 * half if value >= half else value


def read_sei(nal, sps=None):
    """Yield the messages of an SEI NAL unit (type 6). A damaged one raises its error after those before it.

    Parameters
    ----------
    nal : codec.h264.stream.nal.NalUnit
    sps : SPS, optional
        The active one. Picture timing cannot be parsed without its VUI, and stays bytes.
    """
    data, at = nal.rbsp, 0
    # more_rbsp_data (7.2): the last one bit of the RBSP is the stop bit, and messages are whole bytes, so the trailing
    # bits are a last byte of 0x80, zero bytes aside. Without it the trailing bits are missing, and messages run to the
    # end of the data.
    size = len(data.rstrip(b"\0"))
    end = size - data.endswith(b"\x80", 0, size)
    while at < end:
        sizes = []
        for _ in range(2):
            value = 0
            while data[at : at + 1] == b"\xff":
                value, at = value + 255, at + 1
            value, at = value + (data[at] if at < len(data) else 0), at + 1
            sizes.append(value)
        payloadType, payloadSize = sizes
        if at + payloadSize > len(data):
            raise Reader(data[:0], nal.layer("sei_message"), lambda byte: nal.place(len(data))).error(
                f"a payload of {payloadSize} bytes ends after its NAL unit", "H.264 7.3.2.3.1"
            )
        payload = data[at : at + payloadSize]
        yield SEIMessage(payloadType, payload, _content(payloadType, payload, sps, nal, at))
        at += payloadSize


def _content(payloadType, payload, sps, nal, start):
    s, place = {}, lambda byte: nal.place(start + byte)
    if payloadType == RECOVERY_POINT:
        recovery_point(Reader(payload, nal.layer("recovery_point"), place), s)
        return RecoveryPoint(**s)
    if payloadType == PIC_TIMING and sps is not None and sps.vui:
        pic_timing(Reader(payload, nal.layer("pic_timing"), place), s, sps.vui)
        return PicTiming(**s)
    if payloadType == BUFFERING_PERIOD and sps is not None and sps.vui and sps.vui.hrd:
        c = Reader(payload, nal.layer("buffering_period"), place)
        if buffering_period(c, s, sps.vui, sps.seq_parameter_set_id):
            return BufferingPeriod(**s)
    return None


def x264_build(message):
    """The build of x264 that signs its streams "x264 - core 148 ..." by user data; None if it is another message."""
    if message.payloadType != USER_DATA_UNREGISTERED:
        return None
    found = re.match(rb"x264 - core (\d{1,9})", message.payload[16:])  # after uuid_iso_iec_11578
    return int(found[1]) if found else None


def write_payload(content, vui=None):
    """The payload of a BufferingPeriod, PicTiming or RecoveryPoint, as bytes."""
    c = Writer("sei_payload")
    if isinstance(content, RecoveryPoint):
        recovery_point(c, vars(content))
    elif isinstance(content, BufferingPeriod):
        buffering_period(c, vars(content), vui, content.seq_parameter_set_id)
    else:
        pic_timing(c, vars(content), vui)
    if c.count % 8:
        c.rbsp_trailing_bits()  # the same bits as bit_equal_to_one and bit_equal_to_zero of D.1
    return c.rbsp()


def write_sei(messages):
    """A NAL unit of SEI messages, each a (payloadType, payload), as bytes."""
    out = bytearray()
    for payloadType, payload in messages:
        for value in (payloadType, len(payload)):
            out += b"\xff" * (value // 255) + bytes([value % 255])
        out += payload
    return write_nal(SEI_TYPE, 0, bytes(out) + b"\x80")
