"""Arithmetic coding (T.81 Annex D, F.1.4, G.1.3): the coder against the flow charts, round trips, unusual files."""

import json

import numpy as np
import pytest
from codec.jpeg._arith import decode_decisions, encode_decisions
from codec.jpeg._arith_write import encode_arith_scan
from codec.jpeg._scan_read import ReadTables, decode_scan
from codec.jpeg._segments import find_segments
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from properties import examples

import codec
from codec._core import ZIGZAG
from codec.errors import BitstreamError, ParameterError, TruncatedError
from codec.jpeg import markers
from codec.jpeg.assemble import assemble
from codec.jpeg.scans import sequential_script
from codec.jpeg.tables import T81_TABLE_D_3

K_4_1 = "00020051000000C00352872AAAAAAAAA82C02000FCD79EF674EAABF7697EE74C"
K_4_1_CODED = "655B5144F7969D517855BFFF00FC5184C7CEF93900287D46708ECBC0F6"


# ---------------------------------------------------------------- the coder, Annex D


def test_the_table_is_that_of_the_standard(data_folder):
    printed = json.loads((data_folder / "tables" / "jpeg.json").read_text())["Table D.3 arithmetic coder"]["values"]
    assert [list(row) for row in T81_TABLE_D_3] == printed


def test_the_sequence_of_the_standard():
    decisions = np.unpackbits(np.frombuffer(bytes.fromhex(K_4_1), np.uint8))
    one_bin = np.zeros(256, np.uint8)
    assert encode_decisions(decisions, one_bin).hex().upper() == K_4_1_CODED
    np.testing.assert_array_equal(decode_decisions(bytes.fromhex(K_4_1_CODED), one_bin), decisions)


def decode_by_the_flow_charts(data, bins):
    """D.2 literally: one bit at a time, Cx and C-low in one register of 32 bits, statistics in two tables."""
    data, I, MPS, decisions = iter(data.replace(b"\xff\x00", b"\xff")), [0] * 256, [0] * 256, []
    C, A, CT = next(data, 0) << 24 | next(data, 0) << 16, 0x10000, 0
    for S in bins:
        Qe, next_LPS, next_MPS, switch = T81_TABLE_D_3[I[S]]
        A -= Qe
        lower = C >> 16 < A
        if lower and A >= 0x8000:
            decisions.append(MPS[S])
            continue
        probable = lower == (A >= Qe)  # conditional exchange
        decisions.append(MPS[S] if probable else 1 - MPS[S])
        if not lower:
            C, A = C - (A << 16), Qe
        if not probable and switch:
            MPS[S] = 1 - MPS[S]
        I[S] = next_MPS if probable else next_LPS
        while A < 0x8000:
            if CT == 0:
                C, CT = C | next(data, 0) << 8, 8
            A, C, CT = A << 1, C << 1, CT - 1
    return decisions


@pytest.mark.parametrize("probability", [0.5, 0.1, 0.01, 0.999])
@pytest.mark.parametrize("count", [0, 1, 7, 1000, 20000])
def test_decisions_come_back_and_the_flow_charts_read_them(probability, count):
    rng = np.random.default_rng(count)
    bins = rng.integers(0, 5, count)
    decisions = (rng.random(count) < probability ** (1 + bins % 3)).astype(np.uint8)
    data = encode_decisions(decisions, bins)
    np.testing.assert_array_equal(decode_decisions(data, bins), decisions)
    assert decode_by_the_flow_charts(data, bins) == decisions.tolist()
    assert not data.endswith(b"\0") or data.endswith(b"\xff\0")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 255)), max_size=300), st.integers(0, 40))
def test_any_decisions_come_back(pairs, repeat):
    decisions, bins = [D for D, S in pairs] * repeat, [S for D, S in pairs] * repeat
    np.testing.assert_array_equal(decode_decisions(encode_decisions(decisions, bins), bins), decisions)


def test_carries_run_through_many_bytes():
    """Decisions that keep the code string just below a carry: all its bytes are FF until the last decision."""
    data = b"\xff\0" * 40 + b"\x12\x34"
    bins = np.arange(700) % 256
    decisions = decode_decisions(data, bins)
    for last in (0, 1):
        decisions[-1] = last
        np.testing.assert_array_equal(decode_decisions(encode_decisions(decisions, bins), bins), decisions)


def test_probable_decisions_cost_next_to_nothing():
    assert len(encode_decisions(np.zeros(100_000, np.uint8), np.zeros(100_000, np.uint8))) < 4
    assert len(encode_decisions(np.ones(100_000, np.uint8), np.zeros(100_000, np.uint8))) < 8


# ---------------------------------------------------------------- round trips of scans

LEVELS = st.one_of(
    st.just(0), st.just(0), st.integers(-3, 3), st.integers(-1023, 1023), st.sampled_from([-16384, 16383, 1, -1, 2, -2])
)
PLANES = st.tuples(st.integers(1, 3), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.int16, (*shape, 64), elements=LEVELS, fill=st.just(0))
)
CONDITIONING = [{}, {(0, 0): (4, 6), (1, 0): 6}, {(0, 0): (0, 0), (1, 0): 1}, {(0, 0): (15, 15), (1, 0): 63}]
SCRIPTS = [
    [dict(Ss=0, Se=63, Ah=0, Al=0, progressive=False)],
    [
        dict(Ss=Ss, Se=Se, Ah=Ah, Al=Al, progressive=True)
        for Ss, Se, Ah, Al in [
            (0, 0, 0, 2),
            (1, 5, 0, 2),
            (0, 0, 2, 1),
            (6, 63, 0, 1),
            (1, 5, 2, 1),
            (0, 0, 1, 0),
            (1, 5, 1, 0),
            (6, 63, 1, 0),
        ]
    ],
    [dict(Ss=k, Se=k, Ah=0, Al=0, progressive=True) for k in (0, *range(63, 0, -1))],
]


def there_and_back(planes, factors, mcus, kind, into, conditioning, restart_interval=0):
    which = range(len(planes))
    data = encode_arith_scan(
        planes,
        [(*f, i, i) for i, f in enumerate(factors)],
        mcus=mcus,
        conditioning=conditioning,
        restart_interval=restart_interval,
        **kind,
    )
    stream = np.frombuffer(data + b"\xff\xd9", np.uint8)
    segments, end = find_segments(stream, 0)
    assert end == len(data)
    error = decode_scan(
        stream,
        segments,
        into,
        [(planes[i].shape[0], *factors[i], i, i) for i in which],
        ReadTables(),
        mcus=mcus,
        conditioning=conditioning,
        restart_interval=restart_interval,
        **kind,
    )
    assert error is None, error


@pytest.mark.parametrize("script", SCRIPTS, ids=["sequential", "progressive", "one by one"])
@pytest.mark.parametrize("conditioning", CONDITIONING)
@examples(40)
@given(plane=PLANES, restart_interval=st.integers(0, 4))
def test_levels_come_back(script, conditioning, plane, restart_interval):
    into = np.zeros_like(plane)
    for kind in script:
        there_and_back([plane], [(1, 1)], plane.shape[:2], kind, [into], conditioning, restart_interval)
    np.testing.assert_array_equal(into[..., ZIGZAG], plane)


@pytest.mark.parametrize(
    "factors", [((2, 2), (1, 1), (1, 1)), ((1, 1), (2, 1), (1, 2)), ((1, 1),) * 4, ((4, 1), (1, 2), (2, 1))]
)
def test_interleaved_scans_come_back(factors):
    rng = np.random.default_rng(1)
    components = tuple(markers.FrameComponent(i, H, V, 0) for i, (H, V) in enumerate(factors))
    frame = markers.Frame(markers.SOF9, 8, 61, 45, components)
    planes = [
        (rng.laplace(0, 20, (*frame.blocks(c), 64)) * (rng.random((*frame.blocks(c), 64)) < 0.2)).astype(np.int16)
        for c in components
    ]
    for restart_interval in (0, 1, 5):
        into = [np.zeros_like(plane) for plane in planes]
        there_and_back(planes, factors, frame.mcus, SCRIPTS[0][0], into, {}, restart_interval)
        for plane, got in zip(planes, into):
            np.testing.assert_array_equal(got[..., ZIGZAG], plane)


def test_bits_of_blocks_add_up():
    rng = np.random.default_rng(3)
    plane = (rng.laplace(0, 9, (9, 12, 64)) * (rng.random((9, 12, 64)) < 0.3)).astype(np.int16)
    bits = np.zeros(plane.shape[:2], np.int32)
    data = encode_arith_scan([plane], [(1, 1, 0, 0)], block_bits=[bits])
    assert abs(int(bits.sum()) - 8 * len(data.replace(b"\xff\0", b"\xff"))) <= 32 and bits.min() > 0


def test_differences_that_no_category_holds_are_refused():
    plane = np.zeros((1, 2, 64), np.int16)
    plane[0, :, 0] = -30000, 30000
    with pytest.raises(ParameterError, match="differ by more than 32768"):
        encode_arith_scan([plane], [(1, 1, 0, 0)])


# ---------------------------------------------------------------- files


@pytest.fixture
def image(picture):
    return picture(61, 83)


@pytest.mark.parametrize("progressive", [False, True])
def test_the_option_changes_the_file_and_not_the_picture(progressive, image):
    huffman = codec.encode(image, 80, progressive=progressive)
    result = codec.jpeg.encode(image, 80, progressive=progressive, coding="arithmetic")
    np.testing.assert_array_equal(codec.decode(result.data), codec.decode(huffman))
    assert result.size < len(huffman)
    assert (
        codec.probe(result.data).process
        == ("progressive" if progressive else "extended sequential") + ", arithmetic coding"
    )
    assert "Huffman tables" not in result.bits and sum(result.bits.values()) == 8 * result.size
    with pytest.raises(
        ParameterError,
        match="coding must be one of 'huffman', 'arithmetic', not 'arithmetik'; did you mean 'arithmetic'",
    ):
        codec.encode(image, coding="arithmetik")


def test_all_kinds_of_pictures(picture):
    for channels, options in [
        (1, {}),
        (3, dict(color="rgb")),
        (4, dict(color="cmyk")),
        (4, dict(color="ycck", subsampling="4:2:0")),
        (3, dict(restart_interval=3)),
        (3, dict(quality=100)),
        (3, dict(quality=1)),
    ]:
        for shape in ((1, 1), (17, 9), (40, 33)):
            for progressive in (False, True):
                image = picture(*shape, channels)
                coded = codec.encode(image, progressive=progressive, coding="arithmetic", **options)
                np.testing.assert_array_equal(
                    codec.decode(coded), codec.decode(codec.encode(image, progressive=progressive, **options))
                )


def written(SOFn, conditioning=None):
    """A file of fixed random levels in one scan: separate bands would not exercise Kx."""
    rng = np.random.default_rng(5)
    frame = markers.Frame(SOFn, 8, 61, 83, (markers.FrameComponent(1, 1, 1, 0),))
    plane = (rng.laplace(0, 12, (*frame.blocks(frame.components[0]), 64)) * (np.arange(64) < 12)).astype(np.int16)
    return assemble(
        frame, [plane], {0: np.full(64, 3, np.uint16)}, sequential_script(1), conditioning=conditioning
    ).data


@pytest.mark.parametrize("conditioning", CONDITIONING[1:])
def test_conditioning_is_written_and_followed(conditioning):
    data, whole = written(markers.SOF9, conditioning), codec.decode(written(markers.SOF1))
    segment = markers.write_conditioning(conditioning)
    assert segment in data
    np.testing.assert_array_equal(codec.decode(data), whole)
    without = codec.jpeg.decode(data.replace(segment, b""), on_error="conceal")
    assert not np.array_equal(without.pixels, whole)


@pytest.mark.parametrize(
    "body, why",
    [
        ("00", "half a one"),
        ("20 05", "table 0 of class 2"),
        ("04 10", "table 4 of class 0"),
        ("00 01", "L <= U"),
        ("10 00", "1 <= Kx <= 63"),
        ("10 40", "1 <= Kx <= 63"),
    ],
)
def test_impossible_conditioning(body, why, image):
    data = codec.encode(image, coding="arithmetic")
    with pytest.raises(BitstreamError, match=f"{why}.*B.2.4.3"):
        codec.decode(data[:2] + markers.write_segment(markers.DAC, bytes.fromhex(body)) + data[2:])


# ---------------------------------------------------------------- where data ends, D.1.8


def test_flat_pictures_take_few_bytes_and_are_whole():
    """A constant decision costs almost nothing, and trailing zeros are omitted: few bytes do not indicate damage."""
    for progressive in (False, True):
        data = codec.encode(np.full((3000, 2000, 3), 128, np.uint8), coding="arithmetic", progressive=progressive)
        assert len(data) < 700
        result = codec.jpeg.decode(data)
        assert (result.pixels == 128).all() and not result.warnings and result.damage is None


def test_zeros_behind_a_segment_may_stay_or_go(image):
    data = codec.encode(image, 60, effort=3, coding="arithmetic")
    longer = data[:-2] + bytes(50) + data[-2:]
    np.testing.assert_array_equal(codec.decode(longer), codec.decode(data))


def test_data_that_breaks_off_is_truncated(image):
    data = codec.encode(image, 60, effort=3, coding="arithmetic", restart_interval=4)
    for size in range(len(data) - 400, len(data) - 3, 7):
        with pytest.raises(TruncatedError):
            codec.decode(data[:size])
        result = codec.jpeg.decode(data[:size], on_error="conceal")
        assert result.damage.mcus_lost and isinstance(result.damage.errors[0], TruncatedError)


def test_damage_stays_within_its_interval(image):
    data = codec.encode(image, 60, effort=3, coding="arithmetic", restart_interval=4)
    starts = [i for i in range(len(data) - 1) if data[i] == 0xFF and 0xD0 <= data[i + 1] <= 0xD7]
    cut = data[: starts[1]] + data[starts[2] :]
    whole, result = codec.decode(data), codec.jpeg.decode(cut, on_error="conceal")
    assert result.damage.mask.sum() == 4
    lost = np.argwhere(result.damage.mask)
    far = np.ones(whole.shape[:2], bool)  # chroma is interpolated across the border of the damage
    for y, x in lost:
        far[max(0, 16 * y - 2) : 16 * y + 18, max(0, 16 * x - 2) : 16 * x + 18] = False
    np.testing.assert_array_equal(result.pixels[far], whole[far])
    assert far.any()


def test_a_run_that_leads_out_of_the_block():
    """A block that never ends and has only zero coefficients: DIFF = 0, EOB = 0, then zeros."""
    data = codec.encode(np.full((8, 8), 128, np.uint8), effort=3, coding="arithmetic")
    at = data.index(b"\xff\xda")
    segment = encode_decisions([0] * 65, [0, 1, *range(2, 65)])
    with pytest.raises(BitstreamError, match="a run or magnitude that leads out of the block, at MCU 0 of 1"):
        codec.decode(data[: at + 10] + segment + b"\xff\xd9")


def test_a_category_that_does_not_exist():
    data = codec.encode(np.full((8, 8), 128, np.uint8), effort=3, coding="arithmetic")
    at = data.index(b"\xff\xda")
    segment = encode_decisions([1, 0, 1, *[1] * 16], [0, 1, 2, *range(20, 36)])  # S0, SS, SP, X1 ... X16
    with pytest.raises(BitstreamError, match="a run or magnitude that leads out of the block, at MCU 0 of 1"):
        codec.decode(data[: at + 10] + segment + b"\xff\xd9")
