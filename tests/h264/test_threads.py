"""Decoding by threads: equal frames and errors for any number of threads; no hang for any data or an early end."""

import dataclasses
import gc
import itertools
import sys
import threading
import time
from pathlib import Path

import crafted_h264 as crafted
import numpy as np
import pytest

import codec
from codec.h264 import Decoder
from codec.h264.decode import coded_picture, jobs
from codec.h264.stream import slice_header as sh
from codec.h264.stream.nal import write_byte_stream

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "robustness"))
import hostile_video as hostile

THREADS = (1, 2, 3)
STREAMS = (
    "CABA3_SVA_B", "BA3_SVA_C", "NL3_SVA_E",                    # frames with B pictures, with many slices
    "CABAST3_Sony_E", "CABASTBR3_Sony_B",                       # temporal and spatial direct prediction
    "SVA_FM1_E", "test_scalinglist_jm.264",                     # slice groups, weights
    "FREXT01_JVC_D", "FREXT02_JVC_C", "HCAMFF1_HHI_B",          # fields, MBAFF
    "HPCVFL_BRCM_A", "FRExt2_Panasonic_C", "brcm_freh6",         # references to fields, frames and fields in turn
)  # fmt: skip


def running_threads():
    """Of the process, started by whatever means; a constant where the system does not list them."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 0


def outcome(data, most=None, **options):
    """(planes, order and damage of at most `most` frames; the error that ended decoding)"""
    frames, error = [], None
    try:
        for frame in itertools.islice(codec.decode_video(data, **options), most):
            frames.append(
                ([np.array(plane) for plane in frame.planes], frame.poc, frame.damage and frame.damage.errors)
            )
    except codec.CodecError as problem:
        error = type(problem), str(problem)
    return frames, error


def assert_same(a, b):
    assert a[1] == b[1] and len(a[0]) == len(b[0])
    for (planes, *rest), (others, *more) in zip(a[0], b[0]):
        assert rest == more and all(map(np.array_equal, planes, others))


def first_nals(data, count):
    return b"".join(
        b"\0\0\1" + bytes(nal.data) for nal in codec.h264.stream.nal.split_byte_stream(data, strict=False)[:count]
    )


@pytest.mark.parametrize("vector", STREAMS)
def test_frames_do_not_depend_on_threads(streams, vector):
    data = streams[vector][1].read_bytes()
    expected = outcome(data, 20, threads=1)
    assert expected[0] and expected[1] is None
    for threads in THREADS[1:]:
        assert_same(outcome(data, 20, threads=threads), expected)


@pytest.mark.parametrize("on_error", ["raise", "conceal", "skip"])
def test_hostile_streams_do_not_depend_on_threads(on_error):
    kinds = set()
    for seed in range(60):
        data = hostile.hostile_stream(seed)
        expected = outcome(data, threads=1, on_error=on_error)
        kinds.add(expected[1] is None)
        assert_same(outcome(data, threads=2 + seed % 2, on_error=on_error), expected)
    assert (on_error != "raise") in kinds


def test_damaged_streams_do_not_depend_on_threads(streams):
    """Real streams with changed bits give the same frames and the same error."""
    found = [
        first_nals(streams[vector][1].read_bytes(), 24) for vector in ("CABA3_SVA_B", "BA3_SVA_C", "CABAST3_Sony_E")
    ]
    errors = 0
    for seed in range(45):
        data = hostile.mutated(found[seed % len(found)], seed)
        on_error = ("raise", "conceal")[seed % 2]
        expected = outcome(data, threads=1, on_error=on_error)
        errors += expected[1] is not None
        assert_same(outcome(data, threads=2, on_error=on_error), expected)
    assert errors


def test_feed_gives_what_is_complete_with_any_number_of_threads():
    """Each call returns the same number of frames or raises the same error."""
    stream = crafted.clip(8)
    del stream.nals[9]
    counts = []
    for threads in THREADS:
        decoder, got = Decoder(threads=threads), []
        for nal in stream.nals:
            try:
                got.append(len(decoder.feed(write_byte_stream([nal]), complete=True)))
            except codec.CodecError as error:
                got.append(str(error))
        counts.append([*got, len(decoder.flush())])
    assert counts[0] == counts[1] == counts[2] and any(isinstance(one, str) for one in counts[0])


def test_a_decoder_continues_after_an_error():
    stream = crafted.clip(8)
    del stream.nals[9]
    for threads in THREADS:
        decoder, frames, errors = Decoder(threads=threads), [], 0
        data = stream.data
        while True:
            try:
                frames += decoder.feed(data) if data else decoder.flush()
            except codec.CodecError:
                errors += 1
                data = b""
                continue
            if not data:
                break
            data = b""
        assert errors >= 1 and len(frames) == 8


def test_closing_the_iterator_early_ends_its_threads():
    data = crafted.clip(60, sps=crafted.sps_of(20, 12)).data
    gc.collect()
    before = running_threads()
    for stop in (0, 1, 2, 5):
        frames = codec.decode_video(data, threads=3)
        for _ in range(stop):
            next(frames)
        frames.close()
    del frames
    gc.collect()
    end = time.monotonic() + 20
    while running_threads() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert running_threads() <= before


def test_pictures_in_flight_are_bounded(monkeypatch):
    """At most those being decoded and one in the queue."""
    most, run = [], jobs.Workers.run

    def counted(self, *arguments, **options):
        run(self, *arguments, **options)
        most.append(sum(not batch.done for batch in self._running))

    monkeypatch.setattr(jobs.Workers, "run", counted)
    assert len(list(codec.decode_video(crafted.clip(40, sps=crafted.sps_of(20, 12)).data, threads=2))) == 40
    assert len(most) == 40 and max(most) <= 4


def test_what_fails_in_a_thread_is_raised(monkeypatch):
    """An exception that is not an error in the data is raised, and no thread waits for its picture for ever."""

    def broken(self, missing):
        raise MemoryError("no more")

    stream = crafted.clip(6)
    header = stream.nals[3]
    stream.nals[3] = header[: len(header) // 2]
    monkeypatch.setattr(coded_picture.PictureEnd, "repair", broken)
    for threads in THREADS:
        with pytest.raises(MemoryError, match="no more"):
            list(codec.decode_video(stream.data, threads=threads, on_error="conceal"))


def half_of(stream, nal):
    """The stream with one NAL unit cut in half, so that its picture lacks macroblocks."""
    data = stream.nals[nal]
    stream.nals[nal] = data[: len(data) // 2]
    return stream


def test_what_fails_in_a_first_field_is_raised(monkeypatch):
    """The frame fails, although its second field is intact."""

    def broken(self, missing):
        raise MemoryError("no more")

    sps = crafted.sps_of(frame_mbs_only_flag=0)
    stream = crafted.Stream(sps)
    for bottom in range(2):
        head = crafted.header(0, bottom, idr=True, field_pic_flag=1, bottom_field_flag=bottom)
        stream.nals.append(
            crafted.slice_of(head, sps, stream.pps, crafted.samples(sps, bottom, field=True), range(stream.mbs // 2))
        )
    assert len(list(codec.decode_video(stream.data))) == 1
    half_of(stream, 2)
    monkeypatch.setattr(coded_picture.PictureEnd, "repair", broken)
    for threads in THREADS:
        with pytest.raises(MemoryError, match="no more"):
            list(codec.decode_video(stream.data, threads=threads, on_error="conceal"))


def test_a_decoder_stops_after_a_failure_in_a_thread(monkeypatch):
    """Later pictures may refer to the one that was not repaired: none is given out. No batch is decoded again."""

    def broken(self, missing):
        raise MemoryError("no more")

    stream = crafted.Stream(crafted.sps_of(profile_idc=244, chroma_format_idc=3, separate_colour_plane_flag=1))
    stream.intra(
        crafted.header(0, 0, idr=True), planes=crafted.samples(crafted.sps_of(profile_idc=100, chroma_format_idc=0), 1)
    )
    half_of(stream, 2)
    monkeypatch.setattr(coded_picture.PictureEnd, "repair", broken)
    for threads in THREADS:
        decoder = Decoder(threads=threads, on_error="conceal")
        with pytest.raises(MemoryError, match="no more"):
            decoder.feed(stream.data, complete=True)
            decoder.flush()
        with pytest.raises(codec.ParameterError, match="interrupted by MemoryError"):
            decoder.flush()


def test_a_garbage_collection_in_a_thread_may_end_its_own_decoder(monkeypatch):
    """The thread waits neither for itself nor for threads that wait for its picture."""
    dropped, collected, repair = threading.Event(), threading.Event(), coded_picture.PictureEnd.repair

    def collecting(self, missing):
        dropped.wait(20)
        gc.collect()
        collected.set()
        repair(self, missing)

    def begin(data):
        decoder = Decoder(threads=3, on_error="conceal")
        cycle = [decoder]
        cycle.append(cycle)
        assert not list(decoder.ahead(data))

    stream = half_of(crafted.clip(6), 3)
    monkeypatch.setattr(coded_picture.PictureEnd, "repair", collecting)
    before = running_threads()
    gc.disable()
    try:
        begin(stream.data)
        dropped.set()
        assert collected.wait(20)
    finally:
        gc.enable()
    end = time.monotonic() + 20
    while running_threads() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert running_threads() <= before


def test_a_system_without_threads(monkeypatch):
    """Without threads the caller decodes, and with fewer threads than asked for there is no deadlock."""
    start = jobs.start_new_thread
    data = crafted.clip(8).data
    expected = outcome(data, threads=1)
    for most in (0, 1):
        started = []

        def limited(work, arguments):
            if len(started) == most:
                raise RuntimeError("can't start new thread")
            started.append(work)
            start(work, arguments)

        with monkeypatch.context() as patch:
            patch.setattr(jobs, "start_new_thread", limited)
            assert_same(outcome(data, threads=3), expected)


def test_very_many_slices():
    """Pictures of several batches."""
    stream = crafted.Stream(crafted.sps_of(16, 12))
    last = stream.intra(crafted.header(0, 0, idr=True), slices=jobs.BATCH + 40)
    stream.copy(crafted.header(1, 2), last)
    stream.intra(crafted.header(2, 4), slices=192)
    for threads in THREADS:
        frames, error = outcome(stream.data, threads=threads)
        assert error is None and len(frames) == 3
        assert all(
            np.array_equal(a, b)
            for (planes, *_), expected in zip(frames, stream.frames)
            for a, b in zip(planes, expected)
        )


def test_side_data_of_separate_planes_is_of_the_first():
    """Although a later picture has referred to the others."""
    sps = crafted.sps_of(profile_idc=244, chroma_format_idc=3, separate_colour_plane_flag=1)
    stream = crafted.Stream(sps)
    planes = crafted.samples(dataclasses.replace(sps, separate_colour_plane_flag=0), 3)
    for number, plane in enumerate(planes):
        stream.nals.append(
            crafted.slice_of(crafted.header(0, 0, True, colour_plane_id=number), sps, stream.pps, [plane], range(4))
        )
    for number in range(3):
        stream.nals.append(crafted.skipped(crafted.header(1, 2, kind=sh.P, colour_plane_id=number), sps, stream.pps, 4))
    for threads in THREADS:
        first, second = codec.decode_video(stream.data, threads=threads, side_data=True)
        assert all(map(np.array_equal, first.planes, second.planes))
        assert (first.side_data["slice"] == 0).all() and (second.side_data["slice"] == 0).all()


def test_a_stand_in_has_no_motion():
    """Its memory is that of some earlier picture, and which one depends on the references that exist."""
    decoder, stream = Decoder(threads=1), crafted.Stream()
    stream.copy(crafted.header(1, 2), stream.intra(crafted.header(0, 0, idr=True)))
    first, _ = decoder.feed(stream.data) + decoder.flush()
    del _  # its memory is reused, that of the first is not
    assert set(bytes(decoder._sequence._stand_in().motion()[1])) == {255} and first
