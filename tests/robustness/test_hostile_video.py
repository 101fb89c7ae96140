"""For any bytes the H.264 decoder gives a CodecError or valid frames, the same every time."""

import crafted_h264 as crafted
import hostile_video as hostile
import pytest

import codec
from codec.h264.stream.nal import write_byte_stream

SEEDS = 1000 if hostile.FULL else 80
SMALL_BYTES = 700


@pytest.mark.parametrize("first", range(0, SEEDS, 8))
def test_valid_headers_with_hostile_values_and_any_data(first):
    outcomes = [hostile.judge(hostile.hostile_stream(seed)) for seed in range(first, first + 8)]
    assert any(len(concealed) > 1 for _, _, concealed in outcomes)


def test_every_truncation_of_a_crafted_stream():
    """Frames up to the cut equal those of the whole stream; concealment gives a frame per started picture or more."""
    data = crafted.clip(4).data
    whole, _ = hostile.attempt(data)
    for end in range(0, len(data), 1 if hostile.FULL else 53):
        strict, error, concealed = hostile.judge(data[:end])
        assert hostile.equal(strict, whole[: len(strict)])
        assert error is not None or len(strict) == len(concealed)


def small(streams):
    return {vector: path.read_bytes() for vector, (_, path) in streams.items() if path.stat().st_size <= SMALL_BYTES}


def test_every_truncation_of_small_streams(streams):
    found = small(streams)
    assert len(found) > 10
    for number, data in enumerate(found.values()):
        for end in range(number % 37, len(data), 1 if hostile.FULL else 37):
            hostile.judge(data[:end])


def test_mutations(streams):
    found = [*small(streams).values(), crafted.clip(3).data]
    for seed in range(40 * SEEDS if hostile.FULL else 90):
        hostile.judge(hostile.mutated(found[seed % len(found)], seed))


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\0\0\1", b"\0\0\1\0\0\1", b"\xff" * 50, b"\0\0\1" + b"\x65" * 40, b"\0\0\1\x67", b"\0\0\1\x27\x42"],
)
def test_next_to_nothing(data):
    hostile.judge(data)


def test_the_same_whatever_the_size_of_the_pieces():
    for seed in range(6):
        data = hostile.hostile_stream(seed)
        whole = list(codec.decode_video(data, on_error="conceal"))
        for size in (1, 7, 1000):
            pieces = [data[at : at + size] for at in range(0, len(data), size)]
            assert hostile.equal(whole, list(codec.decode_video(pieces, on_error="conceal")))


def test_frames_that_only_headers_claim_cost_little():
    """A bomb: many pictures of the largest size without data. Limits stop it, and so does the missing data."""
    sps = crafted.sps_of(500, 200, max_num_ref_frames=16)
    stream = crafted.Stream(sps)
    stream.nals += [crafted.skipped(crafted.header(i % 16, 2 * i % 256), sps, stream.pps, 0) for i in range(20)]
    _, error = hostile.attempt(write_byte_stream(stream.nals))
    assert isinstance(error, codec.LimitError)
