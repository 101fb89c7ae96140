"""The scan-script search: predicted sizes equal written sizes, scripts are legal, and no simpler script is smaller."""

import dataclasses
import io
import itertools

import numpy as np
import pytest
from codec.jpeg._scan_search import band_costs, cheapest_partitions
from codec.jpeg._scan_write import Tables, encode_scan, significance, significances
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from properties import examples

import codec
from codec import cpu
from codec.errors import ParameterError
from codec.jpeg import markers
from codec.jpeg.assemble import Common, assemble, script_cost
from codec.jpeg.scans import SEARCHES, ScanSpec, progressive_script, search_script, sequential_script
from codec.jpeg.sharing import shared_tables

LEVELS = st.one_of(
    st.just(0), st.integers(-3, 3), st.integers(-40, 40), st.sampled_from([-32767, 32767, 1, -1, 15, -16])
)
PLANES = st.tuples(st.integers(1, 4), st.integers(1, 6)).flatmap(
    lambda s: arrays(np.int16, (*s, 64), elements=LEVELS, fill=st.just(0))
)
STARTS = st.sets(st.integers(1, 63), min_size=1, max_size=6).map(sorted)
STEPS = {0: np.full(64, 8, np.uint16), 1: np.full(64, 9, np.uint16)}
SAMPLINGS = [
    ((1, 1),),
    ((1, 1),) * 3,
    ((2, 2), (1, 1), (1, 1)),
    ((2, 1), (1, 1), (1, 1)),
    ((2, 2), (1, 1), (1, 1), (2, 2)),
]
COLOR = {1: "gray", 3: "ycbcr", 4: "ycck"}


def plane_like(rng, high, wide, scale, density=0.5):
    """Levels that get rarer and smaller with frequency, as in pictures."""
    fall = np.exp(-np.arange(64) / rng.uniform(2, 20))
    levels = rng.laplace(0, 1, (high, wide, 64)) * (0.5 + scale * fall)
    return np.where(rng.random(levels.shape) < density * (0.05 + fall), levels, 0).astype(np.int16)


def picture(rng, height, width, factors, scale=10):
    components = tuple(markers.FrameComponent(i + 1, H, V, min(i % 3, 1)) for i, (H, V) in enumerate(factors))
    frame = markers.Frame(markers.SOF2, 8, height, width, components)
    return frame, [plane_like(rng, *frame.blocks(c), scale) for c in components]


def gray_frame(plane):
    return markers.Frame(markers.SOF2, 8, 8 * plane.shape[0], 8 * plane.shape[1], (markers.FrameComponent(1, 1, 1, 0),))


def bytes_of_scans(frame, planes, script, **options):
    """Written size of everything that belongs to scans, without stuffed zeros."""
    data = assemble(frame, planes, STEPS, script, **options).data
    stuffed = data[data.index(b"\xff\xda") :].count(b"\xff\0")
    around = len(assemble(frame, planes, STEPS, ()).data)
    return len(data) - stuffed - around


# ---------------------------------------------------------------- counts


@examples(30)
@given(plane=PLANES)
def test_significance_is_being_nonzero_after_division(plane):
    for Al in (0, 1, 2, 5, 13):
        bits = (np.abs(plane.astype(int)) >> Al != 0).astype(np.uint64) << np.arange(64, dtype=np.uint64)
        np.testing.assert_array_equal(significance(plane, Al), bits.sum(-1))
    expected = [significance(plane, Al) for Al in range(3)]
    np.testing.assert_array_equal(significances(plane, 2), expected)
    high = len(plane)
    room = np.full((3, high + 2, plane.shape[1]), 7, np.uint64)
    significances(plane, 2, room[:, 1:-1])
    np.testing.assert_array_equal(room[:, 1:-1], expected)
    assert (room[:, [0, -1]] == 7).all()


@pytest.mark.parametrize("shape, every", [((2, 4, 5), 1), ((3, 5, 5), 1), ((3, 4, 6), 1), ((3, 4, 10), 2)])
def test_room_for_masks_of_another_shape_is_refused(shape, every):
    with pytest.raises(ParameterError, match="out has the shape"):
        significances(np.zeros((4, 5, 64), np.int16), 2, np.zeros(shape, np.uint64)[..., ::every])


@pytest.mark.parametrize("rows", [1, 3, 9])
def test_what_scans_share_may_be_found_in_parts(rows):
    plane = np.random.default_rng(3).integers(-9, 9, (9, 4, 64)).astype(np.int16)
    common, expected = Common(), Common()
    for first in reversed(range(0, 9, rows)):
        common.add(plane, slice(first, first + rows))
    np.testing.assert_array_equal(common.dc(plane), expected.dc(plane))
    for Al in (0, 1, 2, 3, 0, 3):
        np.testing.assert_array_equal(common.masks(plane, Al), expected.masks(plane, Al))


@pytest.mark.parametrize(("Ah", "Al"), [(0, 0), (0, 1), (2, 1)])
@pytest.mark.parametrize("factors", [((1, 1),), ((2, 2), (1, 1), (1, 1))])
def test_scans_of_dc_need_nothing_else(factors, Ah, Al):
    frame, planes = picture(np.random.default_rng(1), 70, 90, factors)
    components, settings = [(*f, 0, 0) for f in factors], dict(Se=0, Ah=Ah, Al=Al, progressive=True, mcus=frame.mcus)
    tables = Tables()
    encode_scan(planes, components, tables, "symbols", **settings)
    if Ah == 0:
        tables.set(0, 0, *tables.optimal(0, 0))
    alone = [plane[..., :1].copy() for plane in planes]
    whole = encode_scan(planes, components, tables, "bits", **settings)
    assert encode_scan(alone, components, tables, "bits", **settings) == whole
    assert encode_scan(alone, components, Tables(), "tokens", **settings).write(tables) == whole
    with pytest.raises(ParameterError, match="progressive scans of DC"):
        encode_scan(alone, components, tables, "bits", mcus=frame.mcus)


def check_costs(plane, starts, points=4):
    significant, frame = [significance(plane, Al) for Al in range(points + 1)], gray_frame(plane)
    for Al, refine in itertools.product(range(points), (False, True)):
        costs = band_costs(plane, significant, starts, Al, refine)
        for s, e in itertools.combinations_with_replacement(range(len(starts)), 2):
            spec = ScanSpec((0,), starts[s], (*starts, 64)[e + 1] - 1, Al + 1 if refine else 0, Al)
            assert costs[s, e] == bytes_of_scans(frame, [plane], [spec]), spec


@examples(25)
@given(plane=PLANES, starts=STARTS)
def test_predicted_bytes_are_written_bytes(plane, starts):
    check_costs(plane, starts, 3)


@pytest.mark.parametrize("seed", range(4))
def test_predicted_bytes_are_written_bytes_of_pictures(seed):
    rng = np.random.default_rng(seed)
    check_costs(plane_like(rng, 20, 30, rng.choice([2, 20, 200])), [1, 2, 6, 19])


def test_runs_of_more_than_32767_blocks_are_counted_as_they_are_written():
    plane = np.zeros((100, 700, 64), np.int16)
    plane[94, 200, 40] = 2
    check_costs(plane, [1, 30], 2)


def test_runs_that_the_writer_ends_for_want_of_room_are_counted_as_they_are_written():
    """63 corrections per block, at most a thousand pending (see `_scan_write`), and a few new coefficients."""
    plane = np.full((30, 40, 64), 5, np.int16)
    plane[[3, 3, 20], [7, 8, 0], [9, 63, 1]] = 1
    check_costs(plane, [1, 5, 40], 3)


@pytest.mark.parametrize("blocks", [61, 62, 63, 64, 125, 126, 127, 190, 191])
def test_runs_are_counted_to_the_last_block(blocks):
    """A map has a bit for each block and two more, in words of 64."""
    plane = plane_like(np.random.default_rng(blocks), 1, blocks, 20, 0.05)
    plane[0, [0, -1], 63] = 2, -1
    check_costs(plane, [1, 3, 9, 40, 63], 2)


def test_costs_are_the_same_at_every_level():
    """Rare corrections and long runs in some bands, many in others; a flat part in the middle."""
    plane = plane_like(np.random.default_rng(5), 50, 60, 40)
    plane[20:35, :, 1:] = 0
    significant = significances(plane, 3)

    def costs():
        return [band_costs(plane, significant, SEARCHES[9].starts, *bit) for bit in ((0, 0), (2, 0), (0, 1), (1, 1))]

    with cpu.force("scalar"):
        expected = costs()
    np.testing.assert_array_equal(costs(), expected)


@pytest.mark.parametrize("starts", [[], [0, 5], [64], [5, 5], list(range(1, 40))])
def test_impossible_borders_are_refused(starts):
    plane = np.zeros((1, 1, 64), np.int16)
    with pytest.raises(ParameterError, match="ascending positions of 1..63"):
        band_costs(plane, [significance(plane, 0)], starts, 0, False)


@given(st.integers(1, 7).flatmap(lambda n: arrays(np.int64, (n, n), elements=st.integers(1, 1000))))
def test_partitions_are_the_cheapest_of_all(cost):
    n = len(cost)
    best, end_of = cheapest_partitions(cost)
    ways = [(0, *cuts, n) for r in range(n) for cuts in itertools.combinations(range(1, n), r)]
    assert best[0, n - 1] == min(sum(cost[a, b - 1] for a, b in zip(way, way[1:])) for way in ways)
    s, total = 0, 0
    while s < n:
        total, s = total + cost[s, end_of[s, n - 1]], end_of[s, n - 1] + 1
    assert total == best[0, n - 1]


# ---------------------------------------------------------------- scripts


def check_script(script, components):
    """T.81 G.1.1.1, and the requirements of progressive display."""
    bit = {}
    for scan in script:
        assert (scan.Ss, scan.Se) == (0, 0) or (1 <= scan.Ss <= scan.Se <= 63 and len(scan.components) == 1)
        for i, k in itertools.product(scan.components, range(scan.Ss, scan.Se + 1)):
            assert bit.get((i, k)) is None if scan.Ah == 0 else bit[i, k] == scan.Ah == scan.Al + 1
            assert k == 0 or (i, 0) in bit, "DC comes before AC (G.1.1.1.1)"
            bit[i, k] = scan.Al
    assert set(bit) == set(itertools.product(range(components), range(64))) and set(bit.values()) == {0}
    first = [scan.Ss > 0 for scan in script if scan.Ah == 0]
    assert first == sorted(first), "all DC is shown before any AC"


@pytest.mark.parametrize("effort", SEARCHES)
@pytest.mark.parametrize("factors", SAMPLINGS)
@examples(6)
@given(
    seed=st.integers(0, 999),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    scale=st.sampled_from([0, 3, 30, 300]),
)
def test_scripts_are_legal_and_every_decoder_gets_the_same_levels(effort, factors, seed, height, width, scale):
    frame, planes = picture(np.random.default_rng(seed), height, width, factors, scale)
    script = search_script(planes, COLOR[len(factors)], effort, frame)
    check_script(script, len(factors))
    check_script(search_script(planes, COLOR[len(factors)], effort), len(factors))
    searched, plain = (
        assemble(frame, planes, STEPS, s).data for s in (script, progressive_script(len(factors), COLOR[len(factors)]))
    )
    pixels = [np.asarray(Image.open(io.BytesIO(data))) for data in (searched, plain)]
    np.testing.assert_array_equal(*pixels)


@pytest.mark.parametrize("factors", SAMPLINGS)
def test_the_cost_of_a_script_is_its_size(factors):
    frame, planes = picture(np.random.default_rng(3), 90, 75, factors)
    color = COLOR[len(factors)]
    for script in (progressive_script(len(factors), color), search_script(planes, color, 9, frame)):
        assert script_cost(frame, planes, script) == bytes_of_scans(frame, planes, script)


@pytest.mark.parametrize("effort", SEARCHES)
@pytest.mark.parametrize("factors", SAMPLINGS)
@pytest.mark.parametrize("scale", [2, 10, 100])
def test_no_script_that_the_search_contains_is_cheaper(effort, factors, scale):
    """The alternatives include the fixed script and scripts without successive approximation."""
    frame, planes = picture(np.random.default_rng(scale), 120, 150, factors, scale)
    n, color = len(factors), COLOR[len(factors)]
    found = script_cost(frame, planes, search_script(planes, color, effort, frame))
    everything = tuple(range(n))
    assert found <= script_cost(frame, planes, progressive_script(n, color))
    for Al in range(3):
        script = [ScanSpec(everything, 0, 0), *(ScanSpec((i,), 1, 63, 0, Al) for i in everything)]
        script += [ScanSpec((i,), 1, 63, bit + 1, bit) for bit in reversed(range(Al)) for i in everything]
        assert found <= script_cost(frame, planes, script)


def test_a_sequential_script_compares_with_a_progressive_one():
    """In a thumbnail, the headers of many scans cost more than they save."""
    frame, planes = picture(np.random.default_rng(1), 16, 16, ((2, 2), (1, 1), (1, 1)))
    sequential = markers.Frame(markers.SOF0, 8, 16, 16, frame.components)
    script = sequential_script(3)
    assert script_cost(sequential, planes, script) == bytes_of_scans(sequential, planes, script)
    assert script_cost(sequential, planes, script) < script_cost(frame, planes, progressive_script(3, "ycbcr"))


# ---------------------------------------------------------------- shared tables


def check_definitions(counts, plan, destinations):
    """Every table of a scan is defined, not replaced since, and has a code for each symbol."""
    defined = {}
    for scan, (definitions, used) in zip(counts, plan):
        assert len({(Tc, Th) for Tc, Th, *_ in definitions}) == len(definitions)
        for Tc, Th, BITS, HUFFVAL in definitions:
            assert Th < destinations
            defined[Tc, Th] = BITS, HUFFVAL
        assert set(used) == set(scan)
        for key, (Th, BITS, HUFFVAL) in used.items():
            assert defined[key[0], Th] == (BITS, HUFFVAL) and set(np.flatnonzero(scan[key])) <= set(HUFFVAL)


@given(st.data())
def test_shared_tables_are_there_when_they_are_needed(data):
    symbols = st.dictionaries(st.integers(0, 255), st.integers(1, 500), min_size=1, max_size=8)
    counts = []
    for _ in range(data.draw(st.integers(1, 9))):
        keys = data.draw(
            st.sampled_from([[(0, 0)], [(1, 0)], [(1, 1)], [(0, 0), (0, 1)], [(0, 0), (0, 1), (1, 0), (1, 1)], []])
        )
        tables = {key: data.draw(symbols) for key in keys}
        counts.append(
            {key: np.array([table.get(i, 0) for i in range(256)], np.uint32) for key, table in tables.items()}
        )
    for destinations in (2, 4):
        check_definitions(counts, shared_tables(counts, destinations), destinations)


@pytest.mark.parametrize("SOFn", [markers.SOF0, markers.SOF2])
@pytest.mark.parametrize("factors", SAMPLINGS)
@pytest.mark.parametrize("height, width, restart_interval", [(16, 16, 0), (100, 130, 0), (50, 60, 3)])
def test_shared_tables_save_bytes_and_nothing_else(SOFn, factors, height, width, restart_interval):
    frame, planes = picture(np.random.default_rng(5), height, width, factors, 20)
    frame = dataclasses.replace(frame, SOFn=SOFn)
    color = COLOR[len(factors)]
    script = sequential_script(len(factors)) if SOFn == markers.SOF0 else progressive_script(len(factors), color)
    settings = dict(restart_interval=restart_interval)
    shared, plain = (
        assemble(frame, planes, STEPS, script, share_tables=share, **settings).data for share in (True, False)
    )
    assert len(shared) <= len(plain) and (len(shared) < len(plain) or len(factors) == 1)
    np.testing.assert_array_equal(*(np.asarray(Image.open(io.BytesIO(data))) for data in (shared, plain)))
    np.testing.assert_array_equal(*(codec.decode(data) for data in (shared, plain)))
    mapped = assemble(frame, planes, STEPS, script, share_tables=True, count_blocks=True, **settings)
    assert mapped.data == shared and sum(int(m.sum()) for m in mapped.block_bits) > 0
    if not restart_interval:
        assert script_cost(frame, planes, script, share_tables=True) == bytes_of_scans(
            frame, planes, script, share_tables=True
        )
