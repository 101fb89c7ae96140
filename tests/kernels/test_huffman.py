"""Huffman codes of T.81: Annex C, optimal codes under its two restrictions, and the reader."""

import heapq
import itertools
import json

import numpy as np
import pytest
from codec.jpeg._scan_read import ReadTables, decode_scan
from codec.jpeg._segments import find_segments
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from codec._core import ZIGZAG, code_table, optimal_huffman, pack_bits, table_bits
from codec.errors import BitstreamError, ParameterError
from codec.jpeg import tables

TABLES = {
    "Table K.3 DC luminance": tables.T81_TABLE_K_3_DC_LUMINANCE,
    "Table K.4 DC chrominance": tables.T81_TABLE_K_4_DC_CHROMINANCE,
    "Table K.5 AC luminance": tables.T81_TABLE_K_5_AC_LUMINANCE,
    "Table K.6 AC chrominance": tables.T81_TABLE_K_6_AC_CHROMINANCE,
}
ONE_SYMBOL = ([1] + [0] * 15, [0])


# ---------------------------------------------------------------- Annex C


@pytest.mark.parametrize("name", TABLES)
def test_codes_of_annex_k_are_the_printed_ones(name, data_folder):
    """Tables K.3 to K.6 print every code word; Annex C must generate them from BITS and HUFFVAL."""
    printed = json.loads((data_folder / "tables" / "jpeg.json").read_text())[name]["codes"]
    symbol_of = (lambda key: int(key, 16)) if " AC " in name else int
    assert {symbol: f"{code:0{size}b}" for symbol, (code, size) in code_table(*TABLES[name]).items()} == {
        symbol_of(k): v for k, v in printed.items()
    }


def test_first_codes_of_table_k_3():
    assert {s: f"{c:0{n}b}" for s, (c, n) in code_table(*tables.T81_TABLE_K_3_DC_LUMINANCE).items()} == {
        0: "00",
        1: "010",
        2: "011",
        3: "100",
        4: "101",
        5: "110",
        6: "1110",
        7: "11110",
        8: "111110",
        9: "1111110",
        10: "11111110",
        11: "111111110",
    }


@pytest.mark.parametrize(
    "BITS, HUFFVAL, why",
    [
        ([3] + [0] * 15, [0, 1, 2], "more codes of 1 bits than exist"),
        ([1, 3] + [0] * 14, [0, 1, 2, 3], "more codes of 2 bits than exist"),
        ([1] + [0] * 15, [0, 1], "2 symbols, but BITS"),
        ([1] + [0] * 14, [0], "1 symbols, but BITS"),
        ([0] * 16, [], "0 symbols"),
    ],
)
def test_impossible_tables_are_refused(BITS, HUFFVAL, why):
    with pytest.raises(BitstreamError, match=why):
        code_table(BITS, HUFFVAL)
    with pytest.raises(BitstreamError, match=why):
        ReadTables().set(0, 0, BITS, HUFFVAL)


# ---------------------------------------------------------------- the optimum


def cost(counts, BITS, HUFFVAL):
    return sum(counts[symbol] * size for symbol, (code, size) in code_table(BITS, HUFFVAL).items())


def spread(weights):
    """256 counts that hold these weights at symbols 3, 8, 13, ..."""
    counts = [0] * 256
    for i, weight in enumerate(weights):
        counts[(3 + 5 * i) % 256] = weight
    return counts


def cheapest_by_trial(weights):
    """Least cost over all code lengths with a Kraft sum below 1: one code stays free, so none must be all ones."""
    n, ordered = len(weights), sorted(weights, reverse=True)
    lengths = itertools.combinations_with_replacement(range(1, n + 1), n)
    return min(sum(map(int.__mul__, ordered, each)) for each in lengths if sum(2.0**-size for size in each) < 1)


def unlimited_huffman(weights):
    """(cost, longest code) of Huffman's own algorithm for these weights and one symbol that never occurs."""
    heap = [(w, 0, i) for i, w in enumerate(sorted(weights) + [0])]
    heapq.heapify(heap)
    total = 0
    for i in range(len(heap), 2 * len(heap) - 1):
        (a, deep_a, _), (b, deep_b, _) = heapq.heappop(heap), heapq.heappop(heap)
        total += a + b
        heapq.heappush(heap, (a + b, 1 + max(deep_a, deep_b), i))
    return total, heap[0][1]


def cheapest_by_levels(weights, longest=16):
    """Least cost with codes of at most `longest` bits: walk down the tree; at each level some of
    the nodes become leaves.

    State: symbols placed (heaviest first), free nodes of the level. A level costs the weight of
    all symbols not yet placed.
    """
    ordered = sorted(weights, reverse=True) + [0]
    n, rest = len(ordered), [sum(ordered[i:]) for i in range(len(ordered) + 1)]
    states = {(0, 1): 0}
    best = float("inf")
    for _ in range(longest):
        following = {}
        for (placed, nodes), so_far in states.items():
            nodes, paid = min(2 * nodes, n - placed), so_far + rest[placed]
            for leaves in range(nodes + 1):
                if placed + leaves == n:
                    best = min(best, paid)
                elif nodes > leaves:
                    key = placed + leaves, nodes - leaves
                    following[key] = min(following.get(key, paid), paid)
        states = following
    return best


def check_restrictions(counts, BITS, HUFFVAL):
    """Every symbol that occurs has one code, of at most 16 bits, and the longest codes leave all ones free (C.2)."""
    assert len(BITS) == 16 and sum(BITS) == len(HUFFVAL)
    assert sorted(HUFFVAL) == [symbol for symbol in range(256) if counts[symbol]]
    codes = code_table(BITS, HUFFVAL).values()
    assert all(code != (1 << size) - 1 for code, size in codes)
    assert sum(1 << 16 - size for code, size in codes) < 1 << 16


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_small_alphabets_cost_what_trying_all_codes_finds(weights):
    counts = spread(weights)
    table = optimal_huffman(counts)
    check_restrictions(counts, *table)
    assert cost(counts, *table) == cheapest_by_trial(weights)


@given(st.lists(st.integers(1, 2000) | st.integers(1, 2**32 - 1), min_size=1, max_size=256))
def test_where_huffman_needs_no_limit_the_cost_is_his(weights):
    counts = spread(weights)
    table = optimal_huffman(counts)
    check_restrictions(counts, *table)
    free_cost, longest = unlimited_huffman(weights)
    assert cost(counts, *table) >= free_cost
    if longest <= 16:
        assert cost(counts, *table) == free_cost


@given(st.lists(st.integers(1, 60) | st.integers(0, 31).map(lambda e: 1 << e), max_size=256))
def test_the_total_without_the_table_is_that_of_the_table(weights):
    counts = spread(weights)
    bits = 8 * (17 + max(len(weights), 1)) + (cost(counts, *optimal_huffman(counts)) if weights else 0)
    some = np.array(counts, np.uint32)
    assert table_bits(some, np.zeros(256, np.uint32)) == bits
    assert table_bits(some - some // 3, some // 3) == bits


def test_sums_that_no_table_is_made_for():
    most = np.full(256, 2**32 - 1, np.uint32)
    assert table_bits(most, most) == 2**62
    with pytest.raises(ParameterError, match="256"):
        table_bits(most, most[:255])


@examples(30)
@given(st.lists(st.integers(0, 31).map(lambda e: 1 << e) | st.integers(1, 2**32 - 1), min_size=18, max_size=30))
def test_steep_weights_cost_what_a_search_over_trees_finds(weights):
    counts = spread(weights)
    table = optimal_huffman(counts)
    check_restrictions(counts, *table)
    assert cost(counts, *table) == cheapest_by_levels(weights)


@pytest.mark.parametrize("size", [16, 17, 18, 24, 40])
def test_fibonacci_weights_force_the_limit(size):
    """Fibonacci weights make Huffman's tree as deep as it can be: n symbols and the free code need n bits."""
    weights = [1, 1]
    while len(weights) < size:
        weights.append(weights[-1] + weights[-2])
    counts = spread(weights)
    BITS, HUFFVAL = optimal_huffman(counts)
    check_restrictions(counts, BITS, HUFFVAL)
    assert unlimited_huffman(weights)[1] == size
    assert cost(counts, BITS, HUFFVAL) == cheapest_by_levels(weights)
    assert (cost(counts, BITS, HUFFVAL) > unlimited_huffman(weights)[0]) == (size > 16)


def test_all_256_symbols_alike_take_eight_bits_but_for_the_free_code():
    BITS, HUFFVAL = optimal_huffman([1] * 256)
    assert BITS == [0] * 7 + [255, 1] + [0] * 7 and len(set(HUFFVAL)) == 256


def test_one_symbol_takes_one_bit():
    counts = [0] * 256
    counts[77] = 12
    assert optimal_huffman(counts) == ([1] + [0] * 15, [77])


def test_no_symbol_gives_a_legal_table_all_the_same():
    assert optimal_huffman([0] * 256) == ONE_SYMBOL


def test_more_frequent_symbols_never_have_longer_codes():
    counts = np.random.default_rng(1).integers(0, 100_000, 256)
    codes = code_table(*optimal_huffman(counts))
    in_order = sorted(codes, key=lambda symbol: counts[symbol])
    assert all(codes[a][1] >= codes[b][1] for a, b in zip(in_order, in_order[1:]) if counts[a] < counts[b])


@pytest.mark.parametrize("counts", [[1] * 255, [-1] + [0] * 255, [2**32] + [0] * 255, [0.5] * 256])
def test_counts_of_another_kind_are_refused(counts):
    with pytest.raises(ParameterError, match="256 integers in 0..2"):
        optimal_huffman(counts)


# ---------------------------------------------------------------- the reader


def read_blocks(data, dc, ac, count):
    """`count` sequential blocks in natural order, as the decoder reads them."""
    readers = ReadTables()
    readers.set(0, 0, *dc)
    readers.set(1, 0, *ac)
    stream = np.frombuffer(data + b"\xff\xd9", np.uint8)
    plane = np.zeros((1, count, 64), np.int16)
    error = decode_scan(
        stream,
        find_segments(stream, 0)[0],
        [plane],
        [(1, 1, 1, 0, 0)],
        readers,
        Ss=0,
        Se=63,
        Ah=0,
        Al=0,
        progressive=False,
        mcus=(1, count),
        restart_interval=0,
    )
    assert error is None
    return plane[0]


SIZES = [(run, size) for run in range(16) for size in range(1, 16)]


def check_every_coefficient(table, seed):
    """A block for each (run, size) of the table: DC 0, one coefficient of that run and size, end of block."""
    codes, rng = code_table(*table), np.random.default_rng(seed)
    fields, expected = [], []
    for symbol in rng.permutation([s for s in codes if s & 15]).tolist():
        run, size = symbol >> 4, symbol & 15
        value = int(rng.integers(1 << size - 1, 1 << size)) * int(rng.choice([-1, 1]))
        expected.append((run, value))
        fields += [(0, 1), codes[symbol], (value if value > 0 else value + (1 << size) - 1, size), codes[0]]
    data = pack_bits([v for v, n in fields], [n for v, n in fields])
    blocks = read_blocks(data, ONE_SYMBOL, table, len(expected))
    for block, (run, value) in zip(blocks, expected):
        assert block[ZIGZAG[run + 1]] == value and np.count_nonzero(block) == 1


@pytest.mark.parametrize("seed", range(8))
def test_every_run_and_size_of_random_tables_is_read(seed):
    rng = np.random.default_rng(seed)
    counts = np.zeros(256, np.int64)
    counts[[run << 4 | size for run, size in SIZES] + [0]] = (
        np.exp(rng.uniform(0, 2.8 * seed, len(SIZES) + 1)).astype(np.int64) + 1
    )
    check_every_coefficient(optimal_huffman(counts), seed)


@pytest.mark.parametrize("seed", range(3))
def test_codes_of_16_bits_are_read(seed):
    """One code of each length 1..15, the others with 16 bits: longer than any look-ahead table."""
    symbols = np.random.default_rng(seed).permutation([run << 4 | size for run, size in SIZES] + [0]).tolist()
    BITS = [0, 1, 1, 1, 1, 1, 1, 1] + [0] * 7 + [len(symbols) - 7]
    check_every_coefficient((BITS, symbols), seed)


def test_a_table_of_one_symbol_is_read():
    data = pack_bits([0] * 40, [1] * 40)
    assert not read_blocks(data, ONE_SYMBOL, ONE_SYMBOL, 20).any()


@pytest.mark.parametrize("length", range(1, 17))
def test_a_single_code_of_any_length_is_read(length):
    table = [0] * (length - 1) + [1] + [0] * (16 - length), [0]
    data = pack_bits([0] * 14, [length] * 14)
    assert not read_blocks(data, table, table, 7).any()
