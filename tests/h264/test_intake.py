"""Input and output queues of the decoder: data to NAL units with timestamps, and frames and errors in stream order."""

import crafted_h264 as crafted
import pytest

import codec
from codec.h264.decode.intake import Intake
from codec.h264.decode.ready import Fault, Outcome, Output, Ready
from codec.h264.pictures.dpb import FrameStore
from codec.h264.stream.nal import NalUnit, write_avcc
from codec.limits import Limits

FIRST, SECOND = b"\x65first", b"\x41second"


def byte_stream(**more):
    return Intake(Limits(), strict=True, **more)


def sample(*nals):
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def test_a_nal_unit_is_queued_when_the_next_one_starts_or_the_piece_is_complete():
    intake = byte_stream()
    assert intake.feed(b"\0\0\1" + FIRST) is None and not intake.nals
    intake.feed(b"\0\0\1" + SECOND)
    assert [nal.data for nal in intake.nals] == [FIRST]
    intake.feed(b"!", complete=True)
    assert [nal.data for nal in intake.nals] == [FIRST, SECOND + b"!"]
    intake.feed(b"\0\0\1" + FIRST)
    intake.flush()
    assert [(nal.data, nal.offset, nal.index) for nal in intake.nals][2] == (FIRST, 3 + 6 + 3 + 7 + 1 + 3, 2)


def test_a_timestamp_goes_once_to_the_first_nal_unit_that_asks_after_it():
    intake = byte_stream()
    for i, nal in enumerate((FIRST, SECOND, FIRST)):
        intake.feed(b"\0\0\1" + nal, timestamp=i)
    intake.flush()
    first, second, third = intake.nals
    assert intake.timestamp_of(first) == 0 and intake.timestamp_of(first) is None
    # The timestamp of the second was not asked for: the newest one counts.
    assert intake.timestamp_of(third) == 2 and intake.timestamp_of(second) is None


def test_samples_follow_the_parameter_sets_of_the_record():
    sps, pps = crafted.sps_of(), crafted.pps_of()
    sets = [crafted.write_sps(sps), crafted.write_pps(pps, sps)]
    intake = byte_stream(avcc=write_avcc(sets))
    assert intake.samples and [nal.data for nal in intake.nals] == sets
    assert intake.feed(sample(FIRST, SECOND)) is None
    assert intake.feed(sample(FIRST)) is None
    found = list(intake.nals)[2:]
    assert [(nal.data, nal.offset, nal.index) for nal in found] == [(FIRST, 4, 0), (SECOND, 14, 1), (FIRST, 25, 2)]


def test_a_damaged_sample_keeps_the_nal_units_before_the_damage():
    intake = byte_stream(avcc=write_avcc([b"\x67\x4d\0\x1f", b"\x68"]))
    intake.nals.clear()
    damage = intake.feed(sample(FIRST, SECOND)[:-2])
    assert isinstance(damage, codec.TruncatedError) and [nal.data for nal in intake.nals] == [FIRST]
    # Offsets and indices continue after it.
    assert intake.feed(sample(SECOND)) is None
    assert [(nal.data, nal.offset, nal.index) for nal in intake.nals][1] == (SECOND, 19 + 4, 1)


def test_an_empty_record_is_refused():
    with pytest.raises(codec.TruncatedError, match="avcC"):
        byte_stream(avcc=b"")


class Content:
    batch = "the last batch"


def test_the_queue_counts_its_errors():
    ready, store = Ready(), FrameStore(None, 0, Content())
    assert ready.first is None and not ready.faults
    entries = [
        Output(store),
        Fault(codec.BitstreamError("one")),
        Outcome("a batch"),
        Fault(codec.BitstreamError("two")),
    ]
    for entry in entries:
        ready.append(entry)
    assert [entry.batch for entry in entries] == ["the last batch", None, "a batch", None]
    counts = []
    for entry in entries:
        assert ready.first is entry and ready.popleft() is entry
        counts.append(ready.faults)
    assert counts == [2, 1, 1, 0] and ready.first is None


def test_an_outcome_places_the_error_of_its_slice_in_the_stream():
    class Prepared:
        error = codec.BitstreamError("damage", offset=4, clause="H.264 7.3.4")

    nal = NalUnit(b"\x41\0\0\3\1abc", offset=100, index=7)
    outcome = Outcome("a batch", Prepared, nal)
    assert outcome.error is outcome.error
    assert str(outcome.error) == "NAL unit 7, slice_data at byte 106: damage (H.264 7.3.4)"
    end = Outcome("a batch")
    assert end.error is None
    end.error = outcome.error
    assert end.error is outcome.error
