"""Costs before coding, and the types of pictures that follow from them."""

from dataclasses import replace

import numpy as np
import pytest
from codec.h264.encode._lookahead import HalfFrame
from made_clips import assert_decodes_to, encoded, moving, noise, text

import codec
from codec import cpu
from codec.h264.encode import encoder
from codec.h264.encode.lookahead import B_PERCENT, Lookahead, Planned, Seen, structure
from codec.h264.encode.settings import chroma_weight, noisiness, tools_of
from codec.h264.macroblock import _kernels
from codec.h264.stream.nal import split_byte_stream
from codec.h264.stream.parameter_sets import ParameterSets
from codec.h264.stream.slice_header import B, I, P, read_slice_header

LEFT, TOP, TOPRIGHT, TOPLEFT = 1, 2, 4, 8
NEEDS = [TOP, LEFT, 0, TOP, LEFT | TOP, LEFT | TOP, LEFT | TOP, TOP, LEFT]  # by mode of Intra_8x8 (Table 8-3)
HADAMARD = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, -1, 1], [1, -1, 1, -1]])


def luma_of(frame):
    return codec.Frame.from_rgb(frame).planes[0]


def half(luma):
    made = HalfFrame(-(-luma.shape[1] // 16), -(-luma.shape[0] // 16))
    made.fill(luma)
    return made


def halved(luma, right=0, down=0):
    """Means of 2x2 samples, shifted by samples of the frame."""
    padded = np.pad(luma.astype(int), 128, "edge")
    moved = padded[128 + down :, 128 + right :]
    rows, columns = luma.shape
    return (sum(moved[y : y + rows : 2, x : x + columns : 2] for y in (0, 1) for x in (0, 1)) + 2) >> 2


def satd(a, b):
    """Of 8x8 blocks: halved magnitudes of the 4x4 Hadamard transforms of the difference."""
    d = (a.astype(int) - b).reshape(2, 4, 2, 4).swapaxes(1, 2)
    return int(np.abs(HADAMARD @ d @ HADAMARD.T).sum()) // 2


def bits(d):
    return 2 * int(abs(int(d))).bit_length()


def blocks(luma):
    """(index, y, x) of the 8x8 blocks of the half frame."""
    rows, columns = luma.shape[0] // 16, luma.shape[1] // 16
    return [(y * columns + x, 8 * y, 8 * x) for y in range(rows) for x in range(columns)]


@pytest.fixture(params=["scalar", None])
def level(request):
    with cpu.force(request.param or cpu.level()):
        yield


def test_intra_costs_are_the_best_of_nine_modes(level):
    luma = luma_of(moving(64, 48, 1)[0])
    small = halved(luma).astype(np.uint8)
    around = np.pad(small, 16, "edge")
    found = half(luma).intra
    for i, y, x in blocks(luma):
        avail = (x > 0) * LEFT | (y > 0) * TOP | (x > 0 and y > 0) * TOPLEFT
        avail |= (y > 0 and x + 8 < small.shape[1]) * TOPRIGHT
        costs = []
        for mode in range(9):
            if NEEDS[mode] & ~avail == 0:
                picture = around.copy()
                _kernels.intra(picture, y + 16, x + 16, "8x8", mode, avail, 255, 0)
                costs.append(satd(small[y : y + 8, x : x + 8], picture[y + 16 : y + 24, x + 16 : x + 24]))
        assert found[i] == min(costs) + 5


@pytest.mark.parametrize("rows, columns", [(33, 47), (48, 31), (17, 18), (1, 1), (32, 50)])
def test_edges_are_repeated_up_to_whole_macroblocks(rows, columns):
    cut = [np.ascontiguousarray(luma_of(frame)[:rows, :columns]) for frame in moving(64, 48, 2)]
    small = [half(luma) for luma in cut]
    large = [half(np.pad(luma, ((0, -rows % 16), (0, -columns % 16)), "edge")) for luma in cut]
    assert small[0].moments == large[0].moments
    assert np.array_equal(small[0].intra, large[0].intra)
    one, other = (two[1].inter(two[0], None, 1, 1) for two in (small, large))
    assert np.array_equal(one.vectors, other.vectors) and np.array_equal(one.costs, other.costs)


def predicted(reference, y, x, vector):
    """The 8x8 block that a vector leads to, from the frame: its vectors are samples."""
    right, down = int(vector[0]) & 1, int(vector[1]) & 1
    plane = np.pad(halved(reference, right, down), 64, "edge")
    y, x = y + 64 + (int(vector[1]) >> 1), x + 64 + (int(vector[0]) >> 1)
    return plane[y : y + 8, x : x + 8]


def medians(vectors, i, columns):
    y, x = divmod(i, columns)
    near = [vectors[i - 1]] if x else []
    near += [vectors[i - columns + k] for k in range(2) if y and x + k < columns]
    return np.median(near, axis=0).astype(int) if len(near) == 3 else near[0] if near else np.zeros(2, int)


def test_inter_costs_are_those_of_the_vectors(level):
    a, b = (luma_of(frame) for frame in moving(96, 64, 2))
    frame, small = half(b), halved(b)
    made = frame.inter(half(a), None, 1, 1)
    vectors, costs = made.vectors, made.costs
    for i, y, x in blocks(b):
        found = satd(small[y : y + 8, x : x + 8], predicted(a, y, x, vectors[i]))
        assert costs[i] == found + 4 + sum(bits(d) for d in vectors[i] - medians(vectors, i, 6))
    best, sum_of_best = made.best
    assert np.array_equal(best, np.minimum(costs, frame.intra)) and sum_of_best == best.sum()
    assert made.total == costs.sum() and frame.total == frame.intra.sum()


def test_the_mean_of_two_predictions(level):
    a, b, c = (luma_of(frame) for frame in moving(64, 64, 3))
    first, last = half(a), half(c)
    middle = half(b)
    one, other = middle.inter(first, None, 1, 1), middle.inter(last, None, 1, 1)
    found, total = middle.two(one, other, np.full(16, 1 << 20, np.int32))
    for i, y, x in blocks(b):
        mean = (predicted(a, y, x, one.vectors[i]) + predicted(c, y, x, other.vectors[i]) + 1) >> 1
        assert found[i] == satd(halved(b)[y : y + 8, x : x + 8], mean) + 8
    assert total == found.sum()
    best, total = middle.two(one, other)
    assert np.array_equal(best, np.minimum.reduce([found, middle.intra, one.costs, other.costs]))
    assert total == best.sum()
    with pytest.raises(codec.ParameterError, match="a cost for each"):
        middle.two(one, other, found[1:])
    with pytest.raises(codec.ParameterError, match="frames of one size"):
        half(a[:32]).two(one, other)


@pytest.mark.parametrize("shift", [(6, 2), (-3, 5), (10, -8)])
def test_motion_of_the_whole_picture_is_found(shift):
    wide = luma_of(moving(256, 256, 1)[0])
    a = np.ascontiguousarray(wide[64:192, 64:192])
    b = np.ascontiguousarray(wide[64 + shift[1] : 192 + shift[1], 64 + shift[0] : 192 + shift[0]])
    vectors = half(b).inter(half(a), None, 1, 1).vectors.reshape(8, 8, 2)
    assert (vectors[2:6, 2:6] == shift).all(axis=2).mean() > 0.8


@pytest.mark.parametrize("shift", [(0, 53), (0, -100), (31, 0), (-126, 0)])
def test_pages_that_slide_or_scroll_far_are_found(shift):
    marks = np.random.default_rng(0).random((256, 256)) < 0.3
    wide = np.where(np.kron(marks, np.ones((2, 2), bool)), 20, 235).astype(np.uint8)
    a = np.ascontiguousarray(wide[128:384, 128:384])
    b = np.ascontiguousarray(wide[128 + shift[1] : 384 + shift[1], 128 + shift[0] : 384 + shift[0]])
    made = half(b).inter(half(a), None, 1, 1)
    vectors, costs = made.vectors.reshape(16, 16, 2), made.costs.reshape(16, 16)
    inside = costs[max(-shift[1], 0) // 16 + 1 : 16 - max(shift[1], 0) // 16 - 1]
    inside = inside[:, max(-shift[0], 0) // 16 + 1 : 16 - max(shift[0], 0) // 16 - 1]
    assert (inside < 64).mean() > 0.8
    assert (vectors == shift).all(axis=2).mean() > 0.3


def test_a_guess_is_scaled_and_tried():
    wide = luma_of(moving(400, 128, 1)[0])
    a, b = (np.ascontiguousarray(wide[:, x : x + 128]) for x in (200, 100))
    far = np.tile(np.array([-50, 0], np.int16), (64, 1))
    without, with_guess = (half(b).inter(half(a), guess, 2, 1).total for guess in (None, far))
    assert with_guess < without


# ---------------------------------------------------------------- types


def types(frames, *, keyint=250, tune=None, preset="medium", **changes):
    """[(type, key)] by display order, and the sizes of intervals."""
    tools = replace(tools_of(preset, tune), **changes)
    lookahead, found, sizes = Lookahead(tools, keyint), {}, []
    intervals = [one for i, frame in enumerate(frames) for one in lookahead.add(codec.Frame.from_rgb(frame), i)]
    for interval in [*intervals, *lookahead.flush()]:
        sizes.append(len(interval))
        found.update({one.number: ("PBI"[one.kind], one.key) for one in interval})
    assert sorted(found) == list(range(len(frames)))
    return [found[i] for i in range(len(frames))], sizes


def letters(found):
    return "".join(kind for kind, _ in found[0])


def test_structure_of_b_pictures():
    assert structure(0) == [] and structure(1) == [(0, -1, 1, False, 1)]
    for count in range(1, 16):
        rows, known = structure(count), {-1, count}
        assert sorted(row[0] for row in rows) == list(range(count))
        for index, before, after, reference, _ in rows:
            assert {before, after} <= known and before < index < after
            if reference:
                known.add(index)


def test_one_and_two_frames():
    assert types(moving(32, 32, 1))[0] == [("I", True)]
    assert letters(types(moving(32, 32, 2))) == "IP"


def test_a_still_clip_has_as_many_b_pictures_as_allowed():
    found = types(np.repeat(moving(48, 48, 1), 14, axis=0))
    assert letters(found).startswith("IBBBPBBBP") and max(found[1]) == 4


@pytest.mark.parametrize("lookahead", [4, 9, 12, 40])
def test_the_end_of_the_lookahead_is_no_reason_for_a_p_picture(lookahead):
    _, sizes = types(np.repeat(moving(32, 32, 1), 81, axis=0), lookahead=lookahead)
    assert sizes == [1] + [4] * 20


@pytest.mark.parametrize("preset", ["superfast", "medium"])
def test_frames_that_wait_are_bounded(preset):
    tools = tools_of(preset, None)
    lookahead, waiting = Lookahead(tools, 250), set()
    for i, frame in enumerate(np.repeat(moving(16, 16, 30), 4, axis=0)):
        waiting.add(i)
        for interval in lookahead.add(codec.Frame.from_rgb(frame), i):
            waiting.difference_update(one.number for one in interval)
        assert len(waiting) <= tools.lookahead


def cut_clip(before=10, after=10):
    return np.concatenate([moving(64, 48, before), np.repeat(text(64, 48, 1), after, axis=0)])


@pytest.mark.parametrize("at", [5, 8, 9, 10, 11, 30])
def test_a_scene_begins_with_a_key_picture(at):
    found, _ = types(cut_clip(at, 12), keyint=50)
    assert [i for i, (kind, _) in enumerate(found) if kind == "I"] == [0, at]
    assert found[at] == ("I", True) and found[at - 1][0] == "P"


def test_a_scene_close_to_the_last_key_picture_begins_with_an_i_picture():
    found, _ = types(cut_clip(6, 12), keyint=250)
    assert found[6] == ("I", False)
    assert not any(key for _, key in found[1:])


def test_a_flash_is_no_scene():
    frames = moving(64, 48, 20).copy()
    frames[9:11] = 255 - frames[9:11] // 4
    assert "I" not in letters(types(frames))[1:]


def test_a_flash_before_a_scene_does_not_hide_it():
    frames = cut_clip(10, 10)
    frames[9] = 255 - frames[9] // 4
    assert letters(types(frames))[10] == "I"


def test_noise_is_one_scene():
    assert letters(types(noise(48, 48, 12))).count("I") <= 2


@pytest.mark.parametrize("keyint", [1, 2, 7, 8])
def test_keyint_is_respected(keyint):
    found, _ = types(moving(32, 32, 17), keyint=keyint)
    assert [i for i, (_, key) in enumerate(found) if key] == list(range(0, 17, keyint))


def test_a_lookahead_longer_than_the_clip():
    frames = cut_clip(9, 9)
    assert types(frames, lookahead=100) == types(frames, lookahead=18)


def test_without_a_lookahead_no_frame_waits():
    tools = replace(tools_of("medium", None), b_frames=0, lookahead=0)
    lookahead = Lookahead(tools, 250)
    for i, frame in enumerate(cut_clip(5, 5)):
        (interval,) = lookahead.add(codec.Frame.from_rgb(frame), i)
        assert [one.number for one in interval] == [i]
        assert (interval[0].kind == 2) == (i in (0, 5))


class Costed:
    """A frame with given costs."""

    def __init__(self, number, costs, changed):
        self.number, self._costs, self.changed, self.costs = number, costs, changed, {}

    def inter(self, *others):
        return None, self._costs[(self.number, *(other.number for other in others))]


def ways(count, most):
    """All lists of lengths of at most `most` that sum to `count`."""
    if count == 0:
        return [[]]
    return [[n, *rest] for n in range(1, min(count, most) + 1) for rest in ways(count - n, most)]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("changes", [range(10), [5], []])
def test_the_first_interval_is_of_the_cheapest_way(seed, changes):
    """Against all ways, one by one: of even intervals, and others around frames that change."""
    rng = np.random.default_rng(seed)
    count, most = 9, 4
    costs = {(i, j): int(rng.integers(500, 1500)) for i in range(count + 1) for j in range(i)}
    costs.update({(i, j, k): int(rng.integers(300, 1900)) for (i, j) in list(costs) for k in range(i + 1, count + 1)})
    frames = [Costed(i, costs, i in changes) for i in range(count + 1)]
    lookahead = Lookahead(tools_of("medium", None), 250)

    def cost(way):
        total = at = 0
        for n in way:
            total += costs[at + n, at]
            for i, before, after, _, _ in structure(n - 1):
                total += costs[at + 1 + i, at + 1 + before, at + 1 + after] * B_PERCENT // 100
            at += n
        return total

    def possible(way):
        ends = np.cumsum(way)
        return all(end % n == 0 and n != 3 or {*range(end - n + 1, end + 1)} & {*changes} for n, end in zip(way, ends))

    for i in range(1, count + 1):
        lookahead._close(frames[i], frames[max(i - most, 0) : i])
    assert lookahead._cheapest(frames, True) == min(filter(possible, ways(count, most)), key=cost)


@pytest.mark.parametrize("changed", [False, True])
def test_frames_that_change_are_searched_in_all_before(changed, monkeypatch):
    """Others in those of even intervals: two and a half searches a frame in place of six."""
    monkeypatch.setattr("codec.h264.encode.lookahead.CHANGED", -1.0 if changed else 1e9)
    lookahead, tools = Lookahead(tools_of("medium", None), 250), tools_of("medium", None)
    seen = [Seen(codec.Frame.from_rgb(frame), i, tools) for i, frame in enumerate(moving(32, 32, 9))]
    for i, one in enumerate(seen):
        lookahead._look(one, seen[max(i - 4, 0) : i])
    searches = [sorted(i - number for number in one._one) for i, one in enumerate(seen)]
    if changed:
        assert searches[4] == [-2, -1, 1, 2, 3, 4]
    else:
        assert searches == [[], [-1, 1], [-2, 1, 2], [-1, 1], [1, 2, 4], [-1, 1], [-2, 1, 2], [-1, 1], [1, 2, 4]]


def test_costs_flow_to_the_coder():
    planned = []
    lookahead = Lookahead(tools_of("medium", None), 250)
    for i, frame in enumerate(moving(64, 48, 9)):
        planned += [one for interval in lookahead.add(codec.Frame.from_rgb(frame), i) for one in interval]
    planned += [one for interval in lookahead.flush() for one in interval]
    for one in planned:
        intra, inter = one.costs
        assert one.intra.shape == one.inter.shape == (12,) and inter <= intra
        assert [vectors.shape for vectors in one.vectors] == [(12, 2)] * {2: 0, 0: 1, 1: 2}[one.kind]


@pytest.mark.parametrize("content", [moving, noise])
def test_what_is_new_and_how_evenly(content):
    lookahead, intervals = Lookahead(tools_of("medium", None), 250), []
    for i, frame in enumerate(content(64, 48, 9)):
        intervals += lookahead.add(codec.Frame.from_rgb(frame), i)
    intervals += lookahead.flush()
    assert any(len(interval) > 1 for interval in intervals)
    assert len(intervals[0]) == 1  # an I picture knows of the noise that comes after it
    for interval, after in zip(intervals, [*intervals[1:], []]):
        found, between = (0, 0), interval[1:] or after[1:]
        if between:
            costs = sorted(int(cost) for one in between for cost in one.inter)
            intra = sum(int(cost) for one in between for cost in one.intra)
            found = 100 * sum(costs) // intra, 100 * costs[len(costs) // 5] * len(costs) // sum(costs)
        assert {(one.new, one.even) for one in interval} == {found}


def test_smooth_is_what_blocks_differ_from_the_mean_of_two_predictions():
    rng = np.random.default_rng(1)
    luma = [rng.integers(0, 256, (32, 48)).astype(np.uint8) for _ in range(3)]
    frame, before, after = map(half, luma)
    first, second = frame.inter(before, None, 1, 1), frame.inter(after, None, 1, 1)
    of_blocks = of_samples = 0
    for i, y, x in blocks(luma[0]):
        one, other = (predicted(p, y, x, made.vectors[i]) for p, made in zip(luma[1:], (first, second)))
        differs = halved(luma[0])[y : y + 8, x : x + 8] - ((one + other + 1) >> 1)
        of_blocks, of_samples = of_blocks + abs(differs.sum()), of_samples + np.abs(differs).sum()
    assert frame.smooth(first, second) == (of_blocks, of_samples)
    with pytest.raises(codec.ParameterError, match="frames of one size"):
        half(luma[0][:16]).smooth(first, second)


def rolling_light(width, height, count):
    """A still picture under a lamp that flickers faster than the rows of a camera are read."""
    light = 1 + 0.2 * np.sin(2.1 * np.arange(count)[:, None] + np.arange(height) / 20)
    return np.clip(moving(width, height, 1)[0] * light[:, :, None, None], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("content, noisy", [(rolling_light, False), (noise, True)])
def test_light_that_changes_is_no_noise(content, noisy):
    """It is new in each picture, and everywhere, but its sign is the same all over a block."""
    lookahead, intervals = Lookahead(tools_of("medium", None), 250), []
    for i, frame in enumerate(content(160, 96, 17)):
        intervals += lookahead.add(codec.Frame.from_rgb(frame), i)
    between = [one for interval in (*intervals, *lookahead.flush()) for one in interval if one.kind == B]
    assert all(noisiness(one._replace(smooth=0)) > 0 for one in between)
    assert all((noisiness(one) == 256) if noisy else (noisiness(one) == 0) for one in between)


def test_chroma_counts_more_in_what_others_refer_to_and_most_in_noise():
    weights = lambda **more: [chroma_weight(Planned(None, 0, kind, **more)) for kind in (I, P, B)]
    assert weights() == weights(new=60, even=50) == weights(new=24, even=90) == [224, 224, 192]
    assert weights(new=32, even=58) == weights(new=60, even=90) == [1024, 768, 192]
    assert weights(new=28, even=90) == [624, 496, 192]


@pytest.mark.parametrize("preset", ["faster", "medium", "slow"])
def test_the_weight_of_chroma_moves_bits_to_it(monkeypatch, preset):
    def errors():
        found = encoded(frames, preset=preset, qp=30)[1]
        pairs = [list(zip(planes, codec.Frame.from_rgb(rgb).planes)) for planes, rgb in zip(found, frames)]
        return [sum(((one[k][0].astype(int) - one[k][1]) ** 2).sum() for one in pairs) for k in range(3)]

    frames = moving(64, 48, 6)
    monkeypatch.setattr(encoder, "chroma_weight", lambda planned: 256)
    plain = errors()
    monkeypatch.setattr(encoder, "chroma_weight", lambda planned: 1024)
    weighted = errors()
    assert weighted[1] < 0.9 * plain[1] and weighted[2] < 0.9 * plain[2]


def test_a_frame_that_weights_brighten_passes_the_square_of_the_contrasts():
    bright = moving(64, 48, 1)[0]
    dark, bright = (
        Seen(codec.Frame.from_rgb(rgb), i, tools_of("medium", "psnr"))
        for i, rgb in enumerate((bright // 2 + 30, bright))
    )
    for seen in (dark, bright):
        seen.examine()
    dark.amounts, bright.amounts = np.full(12, 1000, np.int32), np.full(12, 1000, np.int32)
    amounts, weights = bright.passed((dark,))
    assert np.all(np.abs(amounts - 250) < 10)
    assert np.all(np.abs(4 * weights - bright.weights) < 0.1 * bright.weights)
    assert dark.passed((bright,)) == (dark.amounts, dark.weights)


def test_text_is_drawn_and_cameras_are_not():
    assert half(np.kron(luma_of(text(64, 48, 1)[0]), np.ones((2, 4), np.uint8))).drawn
    assert not half(luma_of(moving(64, 48, 1)[0])).drawn and not half(luma_of(noise(64, 48, 1)[0])).drawn
    assert not half(np.full((48, 64), 16, np.uint8)).drawn  # black
    assert not half(np.full((48, 1), 16, np.uint8)).drawn


@pytest.mark.parametrize("equal, steps", [(61, 3), (60, 3), (61, 2), (90, 0)])
def test_drawn_is_flat_with_steps(equal, steps):
    """Rows of 101 samples. The arguments are the percentages of neighbours that are equal and that differ by 24; the
    others differ by 23."""
    row = np.cumsum([0] * (1 + equal) + [24, -24] * 50)[:101]
    row[1 + equal + steps :] = row[equal + steps] + 23 * (np.arange(100 - equal - steps) % 2 * 2 - 1).clip(0)
    luma = np.ascontiguousarray(np.tile((100 + row).astype(np.uint8), (20, 1)))
    d = np.abs(np.diff(luma.astype(int), axis=1))
    wanted = 100 * np.sum(d == 0) > 60 * d.size and 100 * np.sum(d >= 24) > 2 * d.size
    assert half(luma).drawn == wanted


@pytest.mark.parametrize(
    "preset, tune, offset", [("medium", None, -6), ("medium", "fastdecode", 0), ("ultrafast", None, 0)]
)
def test_text_is_deblocked_less(preset, tune, offset):
    frames = np.kron(text(24, 16, 6), np.ones((1, 3, 4, 1), np.uint8))
    data, planes, _ = encoded(frames, preset=preset, tune=tune, qp=34)
    assert_decodes_to(data, planes, 96, 48)
    sets, found = ParameterSets(), set()
    for nal in split_byte_stream(data):
        if nal.nal_unit_type in (7, 8):
            sets.add(nal)
        elif nal.nal_unit_type in (1, 5):
            header = read_slice_header(nal, sets.find)[0]
            found.add((header.FilterOffsetA, header.FilterOffsetB))
    assert found == {(offset, offset)}


@pytest.mark.parametrize("preset", ["superfast", "medium"])
def test_streams_with_cuts_decode(preset):
    frames = np.concatenate([cut_clip(7, 6), cut_clip(5, 4)])
    data, planes, pictures = encoded(frames, preset=preset, keyint=30)
    assert {one.number for one in pictures if one.type == "I"} == {0, 7, 13, 18}
    assert_decodes_to(data, planes, 64, 48)
