"""One syntax writer, four sinks: what is counted is what is written, and what is written is read back.

Every kind of scan of T.81 (sequential F.1.2, DC and AC, first and refining G.1.2), over planes of levels that hypothesis makes.
"""

import numpy as np
import pytest
from codec._core import ZIGZAG, code_table, optimal_huffman
from codec.jpeg._scan_read import ReadTables, decode_scan
from codec.jpeg._scan_write import Tables, encode_scan
from codec.jpeg._segments import find_segments
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from properties import examples

from codec.errors import BitstreamError, ParameterError

SEQUENTIAL = dict(Ss=0, Se=63, Ah=0, Al=0, progressive=False)
DC_FIRST, DC_REFINED = dict(Ss=0, Se=0, Ah=0, Al=1, progressive=True), dict(Ss=0, Se=0, Ah=1, Al=0, progressive=True)
AC_FIRST, AC_REFINED = dict(Ss=1, Se=63, Ah=0, Al=1, progressive=True), dict(Ss=1, Se=63, Ah=1, Al=0, progressive=True)
KINDS = {
    "sequential": SEQUENTIAL,
    "DC first": DC_FIRST,
    "DC refined": DC_REFINED,
    "AC first": AC_FIRST,
    "AC refined": AC_REFINED,
    "AC band": dict(Ss=6, Se=20, Ah=0, Al=0, progressive=True),
    "one coefficient": dict(Ss=63, Se=63, Ah=0, Al=0, progressive=True),
    "refined band": dict(Ss=2, Se=9, Ah=4, Al=3, progressive=True),
}
MARKER = b"\xff\xd9"

# Levels as pictures have them (mostly zero), as they do not (any), and the extremes that 16 bits hold.
LEVELS = st.one_of(
    st.just(0), st.just(0), st.integers(-3, 3), st.integers(-1023, 1023), st.sampled_from([-32767, 32767, 1, -1, 2, -2])
)


@st.composite
def planes_of(draw, high=st.integers(1, 3), wide=st.integers(1, 5)):
    return draw(arrays(np.int16, (draw(high), draw(wide), 64), elements=LEVELS, fill=st.just(0)))


class Layout:
    """Components of a frame: planes, sampling factors, and the number of MCUs of an interleaved scan."""

    def __init__(self, planes, factors, mcus):
        self.planes, self.factors, self.mcus = [np.ascontiguousarray(p, np.int16) for p in planes], factors, mcus

    @classmethod
    def single(cls, plane):
        return cls([plane], [(1, 1)], plane.shape[:2])

    @classmethod
    def random(cls, rng, height, width, factors, scale=40, density=0.2):
        """Blocks as A.1.1 and A.2.2 count them for a picture of height x width samples."""
        Hmax, Vmax = max(H for H, V in factors), max(V for H, V in factors)
        planes = []
        for H, V in factors:
            shape = (-(-height * V // (8 * Vmax)), -(-width * H // (8 * Hmax)), 64)
            planes.append((rng.laplace(0, scale, shape) * (rng.random(shape) < density)).astype(np.int16))
        return cls(planes, factors, (-(-height // (8 * Vmax)), -(-width // (8 * Hmax))))

    def write(self, which, restart_interval=0, **kind):
        """A scan with optimal tables: (bytes, counted bits, {(Tc, Th): (counts, BITS, HUFFVAL)}, bits of each block)."""
        planes = [self.planes[i] for i in which]
        components = [(*self.factors[i], min(i, 1), min(i, 1)) for i in which]
        settings = dict(kind, mcus=self.mcus, restart_interval=restart_interval)
        statistics, tables, used = Tables(), Tables(), {}
        encode_scan(planes, components, statistics, "symbols", **settings)
        for key in [(Tc, Th) for Tc in (0, 1) for Th in (0, 1)]:
            counts = statistics.counts(*key)
            used[key] = counts, *optimal_huffman(counts)
            tables.set(*key, *used[key][1:])
        maps = [np.zeros(p.shape[:2], np.int32) for p in planes]
        counted = encode_scan(planes, components, tables, "count", **settings)
        return encode_scan(planes, components, tables, "bits", block_bits=maps, **settings), counted, used, maps

    def read(self, data, used, into, which, restart_interval=0, **kind):
        readers = ReadTables()
        for (Tc, Th), (_, BITS, HUFFVAL) in used.items():
            readers.set(Tc, Th, BITS, HUFFVAL)
        stream = np.frombuffer(data + MARKER, np.uint8)
        segments, end = find_segments(stream, 0)
        assert end == len(data)
        components = [(self.planes[i].shape[0], *self.factors[i], min(i, 1), min(i, 1)) for i in which]
        error = decode_scan(
            stream,
            segments,
            [into[i] for i in which],
            components,
            readers,
            mcus=self.mcus,
            restart_interval=restart_interval,
            **kind,
        )
        if error is not None:
            raise error

    def check(self, script, restart_interval=0):
        """Write and read all scans of a script; the levels must come back, in natural order."""
        into = [np.zeros_like(plane) for plane in self.planes]
        for which, kind in script:
            data, counted, used, maps = self.write(which, restart_interval, **kind)
            self.read(data, used, into, which, restart_interval, **kind)
        for plane, got in zip(self.planes, into):
            np.testing.assert_array_equal(got[..., ZIGZAG], plane)


def plain_bits(data):
    """The bits of an entropy-coded segment without stuffing, as text."""
    return "".join(f"{byte:08b}" for byte in data.replace(b"\xff\0", b"\xff"))


# ---------------------------------------------------------------- counted == written


def corrections(plane, Ss, Se, Ah, Al, **_):
    """Bits of a refining scan that no symbol announces: one for each coefficient that was non-zero before (G.1.2.3); all for DC."""
    if Ss == 0:
        return plane.shape[0] * plane.shape[1]
    return int((np.abs(plane[..., Ss : Se + 1].astype(int)) >> Ah != 0).sum())


def bits_of_symbols(used, progressive, Ss, Ah, **_):
    """Total of code lengths and of the extra bits that each symbol announces (F.1.2.1, F.1.2.2, G.1.2.2)."""
    total = 0
    for (Tc, Th), (counts, BITS, HUFFVAL) in used.items():
        lengths = code_table(BITS, HUFFVAL)
        for symbol in np.flatnonzero(counts).tolist():
            run, size = symbol >> 4, symbol & 15
            extra = symbol if Tc == 0 else size
            if progressive and Tc == 1 and size == 0 and run < 15:
                extra = run  # EOBn
            total += int(counts[symbol]) * (lengths[symbol][1] + extra)
    return total


@examples(40)
@pytest.mark.parametrize("name", KINDS)
@given(plane=planes_of())
def test_counted_bits_are_written_bits_are_the_bits_of_the_symbols(name, plane):
    kind = KINDS[name]
    data, counted, used, maps = Layout.single(plane).write([0], **kind)
    bits = plain_bits(data)
    assert 0 <= len(bits) - counted < 8 and set(bits[counted:]) <= {"1"}
    refinement = corrections(plane, **kind) if kind["Ah"] else 0
    assert counted == bits_of_symbols(used, **kind) + refinement
    assert encode_scan([plane], [(1, 1, 0, 0)], Tables(), "symbols", **kind) == refinement


@examples(40)
@pytest.mark.parametrize("name", KINDS)
@given(plane=planes_of(), restart_interval=st.integers(0, 4))
def test_tokens_give_the_bits_that_blocks_give(name, plane, restart_interval):
    kind = dict(KINDS[name], restart_interval=restart_interval)
    statistics, tables = Tables(), Tables()
    tokens = encode_scan([plane], [(1, 1, 0, 0)], statistics, "tokens", **kind)
    for Tc in (0, 1):
        tables.set(Tc, 0, *statistics.optimal(Tc, 0))
    assert tokens.write(tables) == encode_scan([plane], [(1, 1, 0, 0)], tables, "bits", **kind)


@examples(25)
@pytest.mark.parametrize("name", KINDS)
@given(plane=planes_of())
def test_the_bits_of_the_blocks_add_up_to_the_scan(name, plane):
    """With the stuffed zeros that have been written by then; those of the last four bytes may come after the last block."""
    data, counted, _, (block_bits,) = Layout.single(plane).write([0], **KINDS[name])
    assert counted <= block_bits.sum() <= counted + 8 * data.count(b"\xff\0")


def test_in_an_interleaved_scan_only_filling_blocks_are_left_over():
    layout = Layout.random(np.random.default_rng(1), 16 * 3, 16 * 4, [(2, 2), (1, 1), (1, 1)])
    data, counted, _, maps = layout.write([0, 1, 2], **SEQUENTIAL)
    assert counted <= sum(m.sum() for m in maps) <= counted + 8 * data.count(b"\xff\0")


@pytest.mark.parametrize("restart_interval", [1, 2, 5])
@pytest.mark.parametrize("name", KINDS)
def test_restart_markers_are_counted_too(name, restart_interval):
    layout = Layout.random(np.random.default_rng(2), 8 * 3, 8 * 5, [(1, 1)])
    data, counted, _, _ = layout.write([0], restart_interval, **KINDS[name])
    segments = find_segments(np.frombuffer(data + MARKER, np.uint8), 0)[0]
    assert segments[:, 2].tolist() == [-1] + [i % 8 for i in range(-(-15 // restart_interval) - 1)]
    assert 0 <= 8 * len(data.replace(b"\xff\0", b"\xff")) - counted < 8


def test_statistics_add_up_over_scans():
    plane = np.zeros((1, 2, 64), np.int16)
    tables = Tables()
    for _ in range(3):
        encode_scan([plane], [(1, 1, 0, 0)], tables, "symbols", **SEQUENTIAL)
    assert tables.counts(0, 0)[0] == 6 and tables.counts(1, 0)[0] == 6 and tables.counts(0, 1).sum() == 0


def test_symbols_of_a_block_are_those_of_the_standard():
    """F.1.2.2 by hand: DC 5, sixteen zeros, -1, forty zeros, 2, EOB."""
    plane = np.zeros((1, 1, 64), np.int16)
    plane[0, 0, [0, 17, 58]] = 5, -1, 2
    _, _, used, _ = Layout.single(plane).write([0], **SEQUENTIAL)
    assert np.flatnonzero(used[0, 0][0]).tolist() == [3]
    ac = used[1, 0][0]
    assert {s: int(ac[s]) for s in np.flatnonzero(ac).tolist()} == {0x00: 1, 0x01: 1, 0x82: 1, 0xF0: 3}


def test_bits_of_a_block_are_those_of_the_standard():
    """With the tables of Annex K: DC 5 is 100 101; 1 at once is 00 1; -2 after one zero is 11011 01; EOB is 1010."""
    from codec.jpeg.tables import T81_TABLE_K_3_DC_LUMINANCE, T81_TABLE_K_5_AC_LUMINANCE

    plane = np.zeros((1, 1, 64), np.int16)
    plane[0, 0, [0, 1, 3]] = 5, 1, -2
    tables = Tables()
    tables.set(0, 0, *T81_TABLE_K_3_DC_LUMINANCE)
    tables.set(1, 0, *T81_TABLE_K_5_AC_LUMINANCE)
    data = encode_scan([plane], [(1, 1, 0, 0)], tables, "bits", **SEQUENTIAL)
    assert plain_bits(data) == "100101001110110110101111"


# ---------------------------------------------------------------- written == read


def first_and_refined(which, Ss, Se, highest):
    """A first scan down to bit `highest`, then one scan for each bit below."""
    yield which, dict(Ss=Ss, Se=Se, Ah=0, Al=highest, progressive=True)
    for Al in reversed(range(highest)):
        yield which, dict(Ss=Ss, Se=Se, Ah=Al + 1, Al=Al, progressive=True)


@st.composite
def scripts(draw, components):
    """Any division of the coefficients into bands and bits: DC interleaved or not, each component with its own AC bands."""
    everything = list(range(components))
    groups = [everything] if draw(st.booleans()) else [[i] for i in everything]
    script = [scan for which in groups for scan in first_and_refined(which, 0, 0, draw(st.integers(0, 13)))]
    for i in everything:
        borders = sorted(draw(st.sets(st.integers(2, 63), max_size=4)))
        for Ss, end in zip([1, *borders], [*borders, 64]):
            script += first_and_refined([i], Ss, end - 1, draw(st.integers(0, 13)))
    return script


@examples(60)
@given(plane=planes_of(), restart_interval=st.integers(0, 16))
def test_sequential_levels_come_back(plane, restart_interval):
    Layout.single(plane).check([([0], SEQUENTIAL)], restart_interval)


@examples(80)
@given(plane=planes_of(), script=scripts(1), restart_interval=st.integers(0, 16))
def test_progressive_levels_come_back_whatever_the_script(plane, script, restart_interval):
    Layout.single(plane).check(script, restart_interval)


FACTORS = [
    [(1, 1)] * 3,
    [(2, 1), (1, 1), (1, 1)],
    [(1, 2), (1, 1), (1, 1)],
    [(2, 2), (1, 1), (1, 1)],
    [(2, 2), (1, 1), (1, 1), (2, 2)],
    [(1, 1), (2, 2), (1, 2)],
]


@examples(60)
@given(
    seed=st.integers(0, 99),
    height=st.integers(1, 50),
    width=st.integers(1, 50),
    factors=st.sampled_from(FACTORS),
    restart_interval=st.integers(0, 5),
    data=st.data(),
)
def test_interleaved_levels_come_back_at_any_number_of_blocks(seed, height, width, factors, restart_interval, data):
    """Where the blocks of a component do not fill its MCUs, filling blocks are written and dropped (A.2.4)."""
    layout = Layout.random(np.random.default_rng(seed), height, width, factors)
    everything = list(range(len(factors)))
    layout.check([(everything, SEQUENTIAL)], restart_interval)
    layout.check([([i], SEQUENTIAL) for i in everything], restart_interval)
    layout.check(data.draw(scripts(len(factors))), restart_interval)


@pytest.mark.parametrize("value", [1, -1, 2, -2, 1023, -1023, 2047, -2047, 32767, -32767])
@pytest.mark.parametrize("position", [1, 15, 16, 17, 32, 33, 48, 49, 62, 63])
def test_long_runs_of_zeros(position, value):
    plane = np.zeros((1, 3, 64), np.int16)
    plane[0, 1, position] = value
    layout = Layout.single(plane)
    layout.check([([0], SEQUENTIAL)])
    for highest in (0, 1, 5, 13):
        layout.check([*first_and_refined([0], 0, 0, highest), *first_and_refined([0], 1, 63, highest)])


@pytest.mark.parametrize("low, high", [(-32767, 32767), (-1023, 1023), (0, 0)])
def test_dc_differences_of_any_size(low, high):
    plane = np.zeros((2, 9, 64), np.int16)
    plane[..., 0] = np.where(np.arange(18) % 2, low, high).reshape(2, 9)
    layout = Layout.single(plane)
    layout.check([([0], SEQUENTIAL)])
    layout.check([*first_and_refined([0], 0, 0, 0), *first_and_refined([0], 1, 63, 0)])


# ---------------------------------------------------------------- end-of-band runs, G.1.2.2 and G.1.2.3


def end_of_band_symbols(used):
    """{n: how many EOBn} of a progressive AC scan."""
    counts = used[1, 0][0]
    return {n: int(counts[n << 4]) for n in range(15) if counts[n << 4]}


@pytest.mark.parametrize(
    "blocks, expected",
    [
        (1, {0: 1}),
        (2, {1: 1}),
        (3, {1: 1}),
        (4, {2: 1}),
        (32767, {14: 1}),
        (32768, {14: 1, 0: 1}),
        (32769, {14: 1, 1: 1}),
        (70000, {14: 2, 12: 1}),
    ],
)
def test_runs_of_ended_bands_are_as_long_as_they_may_be(blocks, expected):
    """EOBn stands for 2^n .. 2^(n+1) - 1 blocks; 32767 is the most."""
    layout = Layout.single(np.zeros((1, blocks, 64), np.int16))
    for kind in (AC_FIRST, AC_REFINED):
        data, counted, used, _ = layout.write([0], **kind)
        assert end_of_band_symbols(used) == expected
        assert used[1, 0][0].sum() == sum(expected.values())
        layout.read(data, used, [np.zeros_like(layout.planes[0])], [0], **kind)


@pytest.mark.parametrize("blocks", [32766, 32767, 32768, 32769, 66000])
def test_a_coefficient_behind_a_long_run_is_where_it_was(blocks):
    plane = np.zeros((1, blocks + 2, 64), np.int16)
    plane[0, blocks, 40], plane[0, 0, 1] = -3, 7
    Layout.single(plane).check([*first_and_refined([0], 0, 0, 0), *first_and_refined([0], 1, 63, 1)])


@pytest.mark.parametrize("blocks", [1, 14, 15, 16, 100])
def test_correction_bits_beyond_the_buffer_end_the_run_early(blocks):
    """Every coefficient is corrected in every block: 63 bits for each wait behind the run, and no more than a thousand may."""
    plane = np.full((1, blocks, 64), 5, np.int16)
    plane[:, ::2] = -6
    layout = Layout.single(plane)
    layout.check([*first_and_refined([0], 0, 0, 1), *first_and_refined([0], 1, 63, 1)])
    _, counted, used, _ = layout.write([0], **AC_REFINED)
    runs = end_of_band_symbols(used)
    assert sum(runs.values()) == -(-blocks // 15)  # 15 blocks x 63 bits = 945
    assert counted == 63 * blocks + bits_of_symbols(used, **AC_REFINED)


def test_a_run_stops_at_a_restart_marker():
    _, _, used, _ = Layout.single(np.zeros((1, 12, 64), np.int16)).write([0], restart_interval=4, **AC_FIRST)
    assert end_of_band_symbols(used) == {2: 3}


def test_a_new_coefficient_after_corrected_ones_and_runs_of_zeros():
    """Figure G.7: runs count only coefficients that are still zero; corrections go before the symbol that follows them."""
    plane = np.zeros((1, 2, 64), np.int16)
    plane[0, 0, [1, 5, 30, 40, 63]] = 9, -6, 1, 4, -1
    plane[0, 1, [2, 20]] = 1, 3
    Layout.single(plane).check([*first_and_refined([0], 0, 0, 0), *first_and_refined([0], 1, 63, 3)])


def test_corrections_alone_need_no_runs_of_zeros():
    """Figure G.7: ZRL is sent only while a new coefficient follows; corrections behind long runs wait for the end of the band."""
    plane = np.zeros((1, 1, 64), np.int16)
    plane[0, 0, [1, 40, 63]] = 2, 3, -2
    _, counted, used, _ = Layout.single(plane).write([0], **AC_REFINED)
    assert np.flatnonzero(used[1, 0][0]).tolist() == [0x00] and counted == 1 + 3  # EOB0 in one bit, three corrections


@pytest.mark.parametrize(
    "kind, symbols", [(SEQUENTIAL, {(0, 0): {7: 1, 0: 3}, (1, 0): {0: 4}}), (DC_FIRST, {(0, 0): {6: 1, 0: 3}})]
)
def test_blocks_that_only_fill_an_mcu_are_the_cheapest(kind, symbols):
    """One block of brightness 100 in an MCU of 2x2: the three others change nothing and have no AC."""
    plane = np.zeros((1, 1, 64), np.int16)
    plane[0, 0, 0] = 100
    layout = Layout([plane, np.zeros_like(plane)], [(2, 2), (1, 1)], (1, 1))
    used = layout.write([0, 1], **kind)[2]
    for key, expected in symbols.items():
        assert {int(s): int(used[key][0][s]) for s in np.flatnonzero(used[key][0])} == expected


# ---------------------------------------------------------------- what is refused, and what is damaged


def test_a_table_without_the_symbol_is_refused():
    plane = np.ones((1, 1, 64), np.int16)
    tables = Tables()
    tables.set(0, 0, [1] + [0] * 15, [0])
    tables.set(1, 0, [1] + [0] * 15, [0])
    with pytest.raises(ParameterError, match="no code for a symbol"):
        encode_scan([plane], [(1, 1, 0, 0)], tables, "bits", **SEQUENTIAL)
    with pytest.raises(ParameterError, match="no code for a symbol"):
        encode_scan([plane], [(1, 1, 0, 0)], Tables(), "tokens", **SEQUENTIAL).write(tables)


@pytest.mark.parametrize("kind", [dict(Ss=5, Se=4), dict(Ss=0, Se=64), dict(Al=14), dict(Ah=14)])
def test_impossible_scans_are_refused(kind):
    with pytest.raises(ParameterError, match="T.81 Table B.3"):
        encode_scan([np.zeros((1, 1, 64), np.int16)], [(1, 1, 0, 0)], Tables(), "count", **kind)
    with pytest.raises(ParameterError, match="blocks_high, blocks_wide, 64"):
        encode_scan([np.zeros((1, 1, 63), np.int16)], [(1, 1, 0, 0)], Tables(), "count")


@pytest.mark.parametrize("name", KINDS)
def test_half_a_scan_is_truncated_or_broken_never_silent(name):
    """Cut in the middle, the last MCUs cannot be read; the error names a byte inside of the data."""
    layout = Layout.random(np.random.default_rng(5), 8 * 8, 8 * 8, [(1, 1)], density=0.9)
    data, _, used, _ = layout.write([0], **KINDS[name])
    half = data[: len(data) // 2].rstrip(b"\xff")
    with pytest.raises(BitstreamError) as caught:
        layout.read(half, used, [np.zeros_like(layout.planes[0])], [0], **KINDS[name])
    assert 0 <= caught.value.offset <= len(half) and caught.value.clause.startswith("T.81")


@pytest.mark.parametrize(
    "data, segments",
    [
        (b"", [(0, 0, -1)]),
        (b"ab\xff", [(0, 3, -1)]),
        (b"ab\xff\0\xff\xd9", [(0, 4, -1)]),
        (b"a\xff\xd0b\xff\xd1\xff\xda", [(0, 1, -1), (3, 4, 0), (6, 6, 1)]),
        (b"\xff\xff\xd7c", [(0, 1, -1), (3, 4, 7)]),
        (b"\xff\xff\xff\xd9", [(0, 2, -1)]),
    ],
)
def test_entropy_coded_segments_end_at_markers(data, segments):
    stream = np.frombuffer(data, np.uint8)
    found, end = find_segments(stream, 0)
    assert [tuple(row) for row in found.tolist()] == segments and end == segments[-1][1]
