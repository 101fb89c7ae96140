"""JPEG kernels: each vector variant equals its scalar body on random, extreme and hostile data, and writes nothing else."""

import re
from pathlib import Path

import numpy as np
import pytest
from codec.jpeg._scan_read import masks_of
from codec.jpeg._scan_write import Tables, encode_scan, significance
from codec.jpeg._trellis import Rates, optimise, statistics, symbol_counts

import codec
from codec import _core, cpu
from codec.jpeg import _kernels
from codec.jpeg.decoder import Decoder

LEVELS = sorted({i for levels in _core.KERNELS.values() for i in levels if i <= cpu.level_index()})
WIDTHS = (1, 2, 3, 15, 16, 17, 31, 32, 33, 34, 63, 64, 65, 66, 97, 200)


def same(call, *outputs):
    """call(level, *copies of outputs) leaves the same bytes in all of them, whatever the level."""
    results = []
    for level in LEVELS:
        copies = [a.copy() for a in outputs]
        call(level, *copies)
        results.append(copies)
    for copies in results[1:]:
        for a, b in zip(results[0], copies):
            np.testing.assert_array_equal(a, b)


def samples(rng, *shape):
    """Uniform bytes, a picture of black and white, and one of few values."""
    yield rng.integers(0, 256, shape, dtype=np.uint8)
    yield (255 * rng.integers(0, 2, shape)).astype(np.uint8)
    yield rng.choice(np.uint8([0, 1, 127, 128, 254, 255]), shape)


@pytest.mark.skipif(LEVELS == [0], reason="no vector instructions here, or they are switched off")
def test_vector_variants_exist_where_the_machine_has_vectors():
    """Otherwise the comparisons below would compare scalar with scalar."""
    assert all(set(_core.BUILT_LEVELS) <= set(levels) for levels in _core.KERNELS.values())


def test_cython_declares_the_members_of_the_table():
    declarations = Path(_core.__file__).with_name("_core.pxd")
    if not declarations.exists():
        pytest.skip("no sources here")
    body = declarations.read_text().split("ctypedef struct JpegDsp:\n")[1].split("\n\n")[0]
    assert [f"jpeg_{name}" for name in re.findall(r"^ +jpeg_\w+_fn (\w+)", body, re.M)] == list(_core.KERNELS)


def test_every_member_is_registered_as_a_kernel():
    assert _core.KERNELS.keys() <= cpu.kernels().keys()


@pytest.mark.parametrize("step", [3, 4])
def test_colour(step):
    rng = np.random.default_rng(step)
    for n in WIDTHS:
        for pixels in samples(rng, step * (n - 1) + 3):
            same(
                lambda level, out: _kernels.rgb_to_ycc(pixels, step, out, n, level),
                rng.integers(0, 256, (3, n + 1), dtype=np.uint8),
            )
        for planes in samples(rng, 3, n):
            same(
                lambda level, out: _kernels.ycc_to_rgb(planes, out, step, n, level),
                np.full(step * (n - 1) + 3 + 9, 0 if step == 4 else 77, np.uint8),
            )


def test_every_chroma_pair_gives_the_same_colour():
    cb, cr = np.divmod(np.arange(65536), 256)
    for y in (0, 1, 63, 128, 200, 255):
        planes = np.stack([np.full(65536, y), cb, cr]).astype(np.uint8)
        same(lambda level, out: _kernels.ycc_to_rgb(planes, out, 3, 65536, level), np.zeros(3 * 65536, np.uint8))


def test_the_byte_beside_the_last_pixel_stays():
    for level in LEVELS:
        for n in WIDTHS:
            out = np.full(4 * n + 40, 99, np.uint8)
            _kernels.ycc_to_rgb(np.full((3, n), 128, np.uint8), out, 4, n, level)
            assert (out[4 * n - 1 :] == 99).all()


def test_downsampling_and_upsampling():
    rng = np.random.default_rng(2)
    for n in WIDTHS:
        for rows in samples(rng, 2, 2 * n):
            same(lambda level, out: _kernels.downsample_h2v2(rows, out, n, level), np.zeros(n + 5, np.uint8))
            if n >= 2:
                same(lambda level, out: _kernels.upsample_h2v2(rows, out, n, level), np.zeros(2 * n + 5, np.uint8))


def test_least_squares_downsampling():
    rng = np.random.default_rng(3)
    for n in WIDTHS:
        for rows in samples(rng, 14, n):
            same(lambda level, out: _kernels.pair_rows(rows, out, n, level), np.full(n + 5, 99, np.int16))
        ends = rng.choice(np.int16([-23970, 23970, 0, 64 * 255]), 2 * n + 12)
        for sums in (ends, rng.integers(-7650, 23971, 2 * n + 12).astype(np.int16)):
            outputs = np.full(n + 5, 99, np.uint8), np.full(n + 5, 99, np.uint8)
            same(lambda level, whole, rest: _kernels.pair_columns(sums, whole, rest, n, level), *outputs)


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_forward_transform(n):
    rng = np.random.default_rng(n)
    for offset in (128, 0):
        for _ in range(100):
            for block in samples(rng, 8, 8 * n + 3):
                block = block if offset else block >> 1
                same(lambda level, out: _kernels.fdct(block, offset, out, n, level), np.zeros((n + 1, 64), np.int16))


def test_forward_transform_at_its_limits():
    """The signs that make each coefficient largest, in both passes."""
    u, x = np.mgrid[:8, :8]
    basis = np.cos((2 * x + 1) * u * np.pi / 16)
    for a in range(8):
        for b in range(8):
            block = np.where(np.outer(basis[a], basis[b]) > 0, 255, 0).astype(np.uint8)
            for picture in (block, 255 - block):
                same(lambda level, out: _kernels.fdct(picture, 128, out, 1, level), np.zeros((2, 64), np.int16))


@pytest.mark.parametrize("scale", [1, 8])
def test_quantization(scale):
    rng = np.random.default_rng(scale)
    extremes = np.int16([-32768, -32767, -8192, -1, 0, 1, 8191, 32767])
    for n in (1, 2, 5):
        for turn in range(200):
            coef = rng.integers(-32768, 32768, (n, 64)) >> rng.integers(0, 16)
            if turn % 4 == 0:
                coef = rng.choice(extremes, (n, 64))
            coef = coef.astype(np.int16)
            Q = (rng.integers(0, 65536, 64) >> rng.integers(0, 16)).clip(1).astype(np.uint16)
            same(lambda level, out: _kernels.quantize(coef, Q, scale, out, n, level), np.zeros((n + 1, 64), np.int16))


def test_inverse_transform_wraps_alike():
    """Blocks of every sparseness, with levels and steps that no picture has."""
    rng = np.random.default_rng(3)
    corner = np.arange(64).reshape(8, 8)
    for n in (1, 2, 3, 7):
        for turn in range(400):
            level_nat = (rng.integers(-32768, 32768, (n, 64)) >> rng.integers(0, 16)).astype(np.int16)
            if turn % 3:
                level_nat[:, 1:] *= rng.random((n, 63)) < rng.choice([0, 0.05, 0.3])
            if turn % 4 == 0:
                level_nat[:, corner[4:].ravel()] = 0
            if turn % 5 == 0:
                level_nat[:, corner[:, 4:].ravel()] = 0
            Q = (rng.integers(0, 65536, 64) >> rng.integers(0, 16)).clip(1).astype(np.uint16)
            same(lambda level, out: _kernels.idct(level_nat, Q, out, n, level), np.zeros((9, 8 * n + 3), np.uint8))


@pytest.mark.parametrize("size", range(2, 17))
def test_inverse_transforms_of_other_sizes(size):
    """Hostile levels wrap and saturate alike; nothing beside the blocks is written."""
    rng = np.random.default_rng(size)
    for n in (1, 2, 3, 9):
        for turn in range(120):
            level_nat = (rng.integers(-32768, 32768, (n, 64)) >> rng.integers(0, 16)).astype(np.int16)
            if turn % 3:
                level_nat[:, 1:] *= rng.random((n, 63)) < rng.choice([0, 0.05, 0.3])
            Q = (rng.integers(0, 65536, 64) >> rng.integers(0, 16)).clip(1).astype(np.uint16)
            same(
                lambda level, out: _kernels.idct_reduced(level_nat, Q, size, out, n, level),
                np.full((size + 1, size * n + 20), 99, np.uint8),
            )


@pytest.mark.parametrize("options", [{}, {"restart_interval": 3}, {"subsampling": "4:4:4"}, {"color": "rgb"}], ids=str)
@pytest.mark.parametrize("size", [(8, 8), (33, 50), (40, 200)])
def test_files_and_pictures_do_not_depend_on_the_level(size, options):
    """Entropy coding included: `put_mcus`, `read_mcus` and `skim_mcus`."""
    rng = np.random.default_rng(size)
    results = set()
    noise = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    smooth = (np.add.outer(np.arange(size[0]), np.arange(size[1]))[..., None] + [0, 9, 70]).astype(np.uint8)
    for level in LEVELS:
        with cpu.force(_core.CPU_LADDER[level]):
            files = [codec.encode(p, quality=q, effort=1, **options) for p in (noise, smooth) for q in (1, 50, 90, 100)]
            views = [{}, {"scale": 1 / 8}, {"scale": 0.5}, {"region": (1, size[0] - 3, 5, 2)}]
            pixels = b"".join(codec.decode(file, **view).tobytes() for file in files for view in views)
            results.add((tuple(files), pixels))
    assert len(results) == 1


def damaged(rng, file, header):
    """The file with some bytes behind its headers changed, cut out, or cut off."""
    data = bytearray(file)
    for _ in range(rng.integers(1, 5)):
        data[rng.integers(header, len(data))] = rng.integers(0, 256)
    if rng.random() < 0.3:
        at = rng.integers(header, len(data))
        del data[at : at + rng.integers(1, 30)]
    return bytes(data[: rng.integers(header, len(data))] if rng.random() < 0.3 else data)


@pytest.mark.filterwarnings("ignore::codec.errors.DamageWarning")
@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_interval": 5}, {}], ids=str)
def test_damage_does_not_depend_on_the_level(options):
    """Errors, concealed pixels and reports, at every level."""
    rng = np.random.default_rng(4)
    picture = np.cumsum(rng.integers(-9, 10, (72, 120, 3)), 1).clip(-128, 127).astype(np.int8).view(np.uint8)
    file = codec.encode(picture, quality=85, effort=1, **options)
    header = file.index(b"\xff\xda") + 14
    for _ in range(60):
        bad, results = damaged(rng, file, header), set()
        for level in LEVELS:
            with cpu.force(_core.CPU_LADDER[level]):
                try:
                    result = codec.jpeg.decode(bad, on_error="conceal")
                    results.add((result.pixels.tobytes(), result.damage and result.damage.report))
                except codec.CodecError as error:
                    results.add(str(error))
        assert len(results) == 1


def test_masks_follow_the_coefficients_of_damaged_files():
    """A kernel that gives up a block must leave its mask alone: else it reads the block in another way when it is asked
    again, and damage goes unnoticed."""

    class Watched(Decoder):
        watched = 0

        def scan(self, segment):
            end = super().scan(segment)
            for plane, present in zip(self.planes, self.present):
                np.testing.assert_array_equal(masks_of(plane) << np.uint64(1), present << np.uint64(1))
                self.watched += 1
            return end

    rng = np.random.default_rng(5)
    picture = np.cumsum(rng.integers(-9, 10, (72, 120, 3)), 1).clip(-128, 127).astype(np.int8).view(np.uint8)
    file = codec.encode(picture, quality=90, effort=4)
    watched = 0
    for _ in range(100):
        decoder = Watched(damaged(rng, file, 200), True, codec.Limits())
        try:
            decoder.run()
        except codec.CodecError:
            pass
        watched += decoder.watched
    assert watched > 500


def test_a_band_in_the_header_of_a_sequential_scan_changes_nothing():
    """Ss and Se mean nothing there; the kernels of progressive scans must not read it."""
    file = codec.encode(np.add.outer(np.arange(40), np.arange(60)).astype(np.uint8), effort=1)
    at = file.index(b"\xff\xda") + 4 + 1 + 2  # length, Ns, one component
    assert file[at : at + 3] == bytes((0, 63, 0))
    odd = file[:at] + bytes((5, 20, 0)) + file[at + 3 :]
    np.testing.assert_array_equal(codec.decode(odd), codec.decode(file))


# ---------------------------------------------------------------- choice of levels


def test_levels_of_least_cost():
    """Through their callers: levels, symbols and statistics of smooth, busy and hostile blocks, and of coefficients
    around half a step, from which on a level may be nonzero."""
    rng = np.random.default_rng(8)
    decay = 1 / (1 + np.arange(64))
    smooth = rng.normal(0, 1, (3, 150, 64)) * decay * rng.choice([30, 300, 3000], (3, 150, 1))
    busy = rng.normal(0, 60, (3, 150, 64))
    hostile = rng.choice([-32768, -32767, -8184, -1, 0, 1, 8184, 32767], (3, 150, 64))
    weights = rng.integers(64, 65536, (3, 150)).astype(np.uint16)
    for step in (1, 2, 16, 255, rng.integers(1, 256, 64)):
        Q = np.full(64, step, np.uint16)
        halves = rng.integers(-3, 4, (3, 150, 64)) * 4 * Q[np.array(_core.ZIGZAG)].astype(int)
        for blocks in (smooth, busy, hostile, halves + rng.integers(-1, 2, halves.shape)):
            coefficients, results = np.clip(np.rint(blocks), -32768, 32767).astype(np.int16), []
            for level in LEVELS:
                with cpu.force(_core.CPU_LADDER[level]):
                    counts = statistics(coefficients, Q)
                    levels = optimise(coefficients, Q, Rates(counts), 20.0, weights)
                    results.append((counts, levels, symbol_counts(levels)))
            for result in results[1:]:
                for a, b in zip(results[0], result):
                    np.testing.assert_array_equal(a, b)


def test_masks_of_levels():
    rng = np.random.default_rng(9)
    values = [-32768, -32767, -4, -3, -2, -1, 0, 0, 0, 1, 2, 3, 4, 32767]
    planes = rng.choice(values, (2, 37, 64)).astype(np.int16)
    for Al in (0, 1, 2, 14):
        bits = (np.abs(planes.astype(int)) >> Al != 0).astype(np.uint64) << np.arange(64, dtype=np.uint64)
        for level in LEVELS:
            with cpu.force(_core.CPU_LADDER[level]):
                np.testing.assert_array_equal(significance(planes, Al), bits.sum(-1))


AC_BANDS = [(1, 63, 0), (1, 2, 1), (6, 40, 0), (63, 63, 0)]
FIRST_SCANS = [((0, 0, 0), False), ((0, 0, 2), False), *((band, False) for band in AC_BANDS)]


@pytest.mark.parametrize(("band", "refine"), [*FIRST_SCANS, *((band, True) for band in AC_BANDS)], ids=str)
def test_tokens_of_progressive_scans(band, refine):
    """Their symbols and bits are those of the walk that follows the figures of Annex G block by block, for sparse,
    busy and extreme levels, long runs of ended bands and of corrections."""
    Ss, Se, Al = band
    rng, tried = np.random.default_rng([Ss, Se, Al, refine]), 0
    settings = dict(Ss=Ss, Se=Se, Ah=Al + 1 if refine else 0, Al=Al, progressive=True)
    for density in (0.0, 0.001, 0.02, 0.08, 0.2, 0.9, 1.0):
        for largest in (1, 2, 5, 300, 16383):
            plane = rng.integers(-largest, largest + 1, (9, 31, 64)) * (rng.random((9, 31, 64)) < density)
            if largest == 5:
                plane[:, :, 1:] &= -4  # corrections, and nothing new
            plane = np.ascontiguousarray(plane.astype(np.int16))
            counted = Tables()
            encode_scan([plane], [(1, 1, 0, 0)], counted, "symbols", restart_interval=10**6, **settings)
            counts = counted.counts(int(Ss > 0), 0)
            if not counts.any():
                continue
            coded = Tables()
            coded.set(int(Ss > 0), 0, *_core.optimal_huffman(counts))
            expected = encode_scan([plane], [(1, 1, 0, 0)], coded, "bits", **settings)
            for level in LEVELS:
                with cpu.force(_core.CPU_LADDER[level]):
                    seen = Tables()
                    tokens = encode_scan([plane], [(1, 1, 0, 0)], seen, "tokens", **settings)
                    np.testing.assert_array_equal(seen.counts(int(Ss > 0), 0), counts)
                    assert tokens.write(coded) == expected
                    tried += 1
    assert tried >= 20


def test_a_run_of_ended_bands_longer_than_a_symbol_holds():
    plane = np.zeros((300, 256, 64), np.int16)
    plane[::100, 7, 5] = 3
    for Ah, Al in ((0, 0), (1, 0)):
        settings = dict(Ss=1, Se=63, Ah=Ah, Al=Al, progressive=True)
        naive = Tables()
        encode_scan([plane], [(1, 1, 0, 0)], naive, "symbols", restart_interval=10**6, **settings)
        for level in LEVELS:
            with cpu.force(_core.CPU_LADDER[level]):
                seen = Tables()
                encode_scan([plane], [(1, 1, 0, 0)], seen, "tokens", **settings)
                np.testing.assert_array_equal(seen.counts(1, 0), naive.counts(1, 0))


def stuffed(rng):
    """Bytes with FF, 00 and markers in any order, from none to nothing else."""
    yield rng.integers(1, 255, 300, dtype=np.uint8)
    for share in (0.01, 0.1, 0.5, 1):
        data = rng.integers(0, 256, 300, dtype=np.uint8)
        special = rng.random(300) < share
        data[special] = rng.choice(np.uint8([0, 0xFF, 0xFF, 0xD0]), int(special.sum()))
        yield data
        yield np.frombuffer(data.tobytes().replace(b"\xff", b"\xff\0"), np.uint8)
    yield np.full(300, 0xFF, np.uint8)


def test_entropy_coded_bytes():
    rng = np.random.default_rng(4)
    for data in stuffed(rng):
        for n in (*WIDTHS, 300):
            text = data[:n].tobytes()
            found = re.search(rb"\xff(?=[^\0\xff])", text, re.DOTALL)
            plain = re.sub(rb"\xff(\0?)", lambda match: b"\xff" if match[1] else b"", text)
            for level in LEVELS:
                assert _kernels.next_marker(data, n, level) == (found.start() if found else n)
                out = np.full(n + 40, 99, np.uint8)
                count = _kernels.unstuff(data, n, out, level)
                assert out[:count].tobytes() == plain and (out[n:] == 99).all()


@pytest.mark.parametrize("restart_interval", [0, 5])
@pytest.mark.parametrize("quality", [20, 85, 100])
def test_long_scans_are_read_as_short_ones(quality, restart_interval):
    """Two coefficients by a load, where a scan has 2048 blocks or more: the blocks are those of its parts, which have
    fewer. Smooth blocks and noise, which ends with the last coefficient."""
    rng = np.random.default_rng(quality)
    wide = np.kron(rng.integers(0, 256, (16, 64)), np.ones((8, 8)))
    wide[:64] = rng.integers(0, 256, (64, 512))
    wide[64:] += rng.normal(0, 3, (64, 512))
    high = np.tile(np.clip(wide, 0, 255).astype(np.uint8), (4, 1))
    options = {"quality": quality, "effort": 2, "progressive": False, "restart_interval": restart_interval}
    planes = [codec.jpeg.read_coefficients(codec.encode(one, **options)).levels[0] for one in (high, high[:128])]
    assert planes[0].shape[0] * planes[0].shape[1] >= 2048 > planes[1].shape[0] * planes[1].shape[1]
    np.testing.assert_array_equal(planes[0], np.tile(planes[1], (4, 1, 1, 1)))
