"""The hypothetical reference decoder of Annex C, on nothing but the bytes of a stream."""

from dataclasses import dataclass
from fractions import Fraction

from codec.h264.stream.nal import IDR, NON_IDR, PPS, SEI, SPS, split_byte_stream
from codec.h264.stream.parameter_sets import ParameterSets, read_sps
from codec.h264.stream.sei import BufferingPeriod, PicTiming, read_sei
from codec.h264.stream.slice_header import read_slice_header


@dataclass
class AccessUnit:
    bits: int
    key: bool
    reference: bool
    dropped: tuple  # references that it marks as unused, in coding order counted back from the latest
    period: BufferingPeriod
    timing: PicTiming


def access_units(data):
    """(SPS, [AccessUnit]) of a stream with one slice a picture, every NAL unit after a start code of four bytes."""
    sets, sps, found, size, messages = ParameterSets(), None, [], 0, []
    for nal in split_byte_stream(data):
        size += 4 + len(nal.data)
        if nal.nal_unit_type in (SPS, PPS):
            sets.add(nal)
            sps = read_sps(nal) if nal.nal_unit_type == SPS else sps
        elif nal.nal_unit_type == SEI:
            messages += [message.content for message in read_sei(nal, sps)]
        else:
            assert nal.nal_unit_type in (IDR, NON_IDR)
            header, *_ = read_slice_header(nal, sets.find)
            operations = header.memory_management_control_operations
            assert all(one.memory_management_control_operation == 1 for one in operations)
            dropped = tuple(one.difference_of_pic_nums_minus1 for one in operations)
            (timing,) = [one for one in messages if isinstance(one, PicTiming)]
            period = [one for one in messages if isinstance(one, BufferingPeriod)]
            key = nal.nal_unit_type == IDR
            assert len(period) == key
            reference = nal.nal_ref_idc > 0
            found.append(AccessUnit(8 * size, key, reference, dropped, period[0] if key else None, timing))
            size, messages = 0, []
    assert sum(one.bits for one in found) == 8 * len(data)
    return sps, found


def least_fullness(data):
    """Simulate the buffer; the least bits that were left in it after a picture, which is an assertion error below 0.

    Checks C.1 (arrival and removal), C.3 (no underflow, no overflow, C-15 to C-17) and the number of frames that wait
    or are referred to between decoding and output (C.4).
    """
    sps, units = access_units(data)
    hrd = sps.vui.nal_hrd
    (schedule,) = hrd.schedules
    rate = (schedule.bit_rate_value_minus1 + 1) * 2 ** (6 + hrd.bit_rate_scale)
    size = (schedule.cpb_size_value_minus1 + 1) * 2 ** (4 + hrd.cpb_size_scale)
    tick = Fraction(sps.vui.num_units_in_tick, sps.vui.time_scale)
    end, base, times, least = Fraction(0), None, [], size
    for number, unit in enumerate(units):
        if unit.period:
            (delays,) = unit.period.nal
            ahead = Fraction(delays.initial_cpb_removal_delay, 90000)
            whole = ahead + Fraction(delays.initial_cpb_removal_delay_offset, 90000)
            assert 0 < ahead <= whole <= Fraction(size, rate)
        if number == 0:
            removal, begin = ahead, Fraction(0)
        else:
            removal = base + tick * unit.timing.cpb_removal_delay
            assert removal > times[-1][0]
            begin = max(end, removal - (ahead if unit.period else whole))
            if unit.period:  # C-17: decoding can begin here with no more bits in the buffer
                assert 90000 * ahead <= 90000 * (removal - end)
        if unit.period:
            base = removal
        end = begin + Fraction(unit.bits, rate)
        assert end <= removal, f"picture {number}: underflow of {float((end - removal) * rate):.0f} bits"
        least = min(least, (removal - end) * rate)
        times.append((removal, removal + tick * unit.timing.dpb_output_delay, unit, begin, end))
    _check_overflow(times, rate, size)
    _check_output(sps, times, tick)
    return int(least)


def _check_overflow(times, rate, size):
    """Bits in the buffer just before each removal: what arrived until then of this and later pictures."""
    for number, (removal, *_) in enumerate(times):
        held = Fraction(0)
        for _, _, unit, begin, end in times[number:]:
            if begin >= removal:
                break
            held += unit.bits * (min(removal, end) - begin) / (end - begin)
        assert held <= size


def _check_output(sps, times, tick):
    outputs = sorted(output for _, output, *_ in times)
    assert all(b - a == 2 * tick for a, b in zip(outputs, outputs[1:]))  # one picture after the other
    held, unused = [], set()  # (output, number of a reference in coding order or None)
    for number, (removal, output, unit, *_) in enumerate(times):
        assert output >= removal
        references = [one for _, one in held if one is not None and one not in unused]
        if unit.key:
            unused.update(references)
        else:
            unused.update(references[-1 - back] for back in unit.dropped)
        references = [one for one in references if one not in unused]
        if unit.reference and len(references) == sps.max_num_ref_frames:  # sliding window: the oldest
            unused.add(references[0])
        held = [(one, ref) for one, ref in held if ref not in unused and ref is not None or one > removal]
        if unit.reference or output > removal:
            held.append((output, number if unit.reference else None))
        assert len(held) <= sps.vui.max_dec_frame_buffering <= sps.MaxDpbFrames
