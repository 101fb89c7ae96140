"""One picture by several threads: the bytes, pixels and errors of one thread."""

import _thread
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from codec.jpeg._segments import find_segments

import codec
from codec.executors import in_order

THREADS = (2, 3, 8)


def textured(height, width, channels=3, seed=1):
    """A picture with detail everywhere, so that every part of its data differs."""
    y, x = np.mgrid[:height, :width]
    smooth = 128 + 60 * np.sin(x / 9) + 40 * np.cos(y / 7)
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, channels))
    return np.clip(smooth[..., None] + noise, 0, 255).astype(np.uint8)


# Larger than 8 << 16 pixels: smaller ones are left to fewer threads (executors.useful_threads).
PICTURE = textured(777, 701)


# ---------------------------------------------------------------- encoding


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:0", "4:4:4"])
@pytest.mark.parametrize("effort", [1, 2, 3, 4])
def test_the_bytes_do_not_depend_on_threads(subsampling, effort):
    settings = dict(quality=85, subsampling=subsampling, effort=effort)
    expected = codec.encode(PICTURE, **settings)
    for threads in THREADS:
        assert codec.encode(PICTURE, **settings, threads=threads) == expected


@pytest.mark.parametrize("effort", [5, 8, 9])
def test_nor_do_those_of_optimised_levels(effort):
    expected = codec.encode(PICTURE, 60, effort=effort)
    for threads in THREADS:
        assert codec.encode(PICTURE, 60, effort=effort, threads=threads) == expected


@pytest.mark.parametrize("restart_interval", [1, 5, 44, 88, 7, 2156, 65535])
def test_restart_intervals(restart_interval):
    """44 MCUs are a row: strips end where intervals do, wherever that is possible."""
    settings = dict(quality=85, subsampling="4:2:0", effort=1, restart_interval=restart_interval)
    expected = codec.encode(PICTURE, **settings)
    for threads in THREADS:
        assert codec.encode(PICTURE, **settings, threads=threads) == expected


@pytest.mark.parametrize("effort", [1, 3])
@pytest.mark.parametrize("color, channels", [("gray", 1), ("rgb", 3), ("cmyk", 4), ("ycck", 4)])
def test_other_colours(color, channels, effort):
    picture = textured(1000, 555, channels)
    settings = dict(quality=95, color=color, effort=effort)
    assert codec.encode(picture, **settings, threads=3) == codec.encode(picture, **settings)


@pytest.mark.parametrize("height, width", [(65535, 3), (3, 65535), (30000, 17), (17, 30000)])
def test_extreme_shapes(height, width):
    picture = textured(height, width)
    for effort, subsampling in itertools.product((1, 2), ("4:2:0", "4:4:4")):
        settings = dict(effort=effort, subsampling=subsampling)
        assert codec.encode(picture, **settings, threads=3) == codec.encode(picture, **settings)


@pytest.mark.parametrize("restart_interval", [0, 3])
def test_a_picture_whose_first_rows_are_no_sample_of_it(restart_interval):
    """Room for a file is made by its first strip, and again when that proves too little, or too much."""
    noise = np.random.default_rng(3).integers(0, 256, (900, 701, 3), np.uint8)
    for flat in (np.s_[:200], np.s_[8:], np.s_[:]):
        noise[flat] = 90
        settings = dict(quality=100, effort=1, subsampling="4:4:4", restart_interval=restart_interval)
        expected = codec.jpeg.encode(noise, **settings).data  # which writes a scan of levels
        for threads in (1, *THREADS):
            assert codec.encode(noise, **settings, threads=threads) == expected


LITTLE_MEMORY = """
import resource, sys, numpy as np, codec
picture = np.random.default_rng(1).integers(0, 256, (1800, 1800, 3), np.uint8)
picture[:200] = 90          # so the file proves larger than its first strip tells
options = dict(quality=100, effort=1, subsampling="4:4:4")
expected, failed = codec.encode(picture, **options), 0
for megabytes in range(1, 25):
    for threads in (1, 2, 4):
        with open("/proc/self/statm") as statm:
            size = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + megabytes * 1_000_000, -1))
        try:
            assert codec.encode(picture, **options, threads=threads) == expected
        except MemoryError:
            failed += 1
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
print(failed)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of the process is read from /proc")
@pytest.mark.skipif(os.environ.get("CODEC_DEBUG") == "1", reason="the sanitizers take all addresses")
def test_a_child_with_too_little_memory_for_the_file():
    """It is the bytes that are returned, which threads make room in: after the first failure nobody writes to it."""
    ran = subprocess.run([sys.executable, "-c", LITTLE_MEMORY], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert 0 < int(ran.stdout) < 72


def test_all_processors_and_small_pictures():
    picture = PICTURE[:9, :20]
    assert codec.encode(picture, threads=0) == codec.encode(picture, threads=50) == codec.encode(picture)
    assert codec.encode(PICTURE, effort=1, threads=0) == codec.encode(PICTURE, effort=1)


# ---------------------------------------------------------------- decoding


def decoded(data, threads, **options):
    """Pixels, error, damage, warnings and doubts."""
    try:
        result = codec.jpeg.decode(data, threads=threads, **options)
    except codec.CodecError as error:
        return None, (type(error), str(error)), None, None, None
    damage = result.damage and (list(map(str, result.damage.errors)), result.damage.mask.tolist())
    return result.pixels, None, damage, result.warnings, result.doubts


def assert_threads_agree(data, counts=THREADS, **options):
    pixels, *rest = decoded(data, 1, **options)
    for threads in counts:
        others, *more = decoded(data, threads, **options)
        assert rest == more
        np.testing.assert_array_equal(pixels, others)


KINDS = {
    "4:2:0": dict(subsampling="4:2:0"),
    "4:2:2": dict(subsampling="4:2:2"),
    "4:4:0": dict(subsampling="4:4:0"),
    "4:4:4": dict(subsampling="4:4:4"),
    "progressive": dict(progressive=True, subsampling="4:2:0"),
    "progressive 4:4:4": dict(progressive=True, subsampling="4:4:4", effort=5),
    "arithmetic": dict(coding="arithmetic", subsampling="4:2:0"),
    "progressive arithmetic": dict(coding="arithmetic", progressive=True),
    "rows of intervals": dict(subsampling="4:2:0", restart_interval=44),
    "short intervals": dict(subsampling="4:4:4", restart_interval=4),
    "intervals across rows": dict(subsampling="4:2:0", restart_interval=33),
    "arithmetic intervals": dict(coding="arithmetic", progressive=False, restart_interval=88),
    "odd intervals": dict(subsampling="4:4:4", restart_interval=101),
    "progressive intervals": dict(progressive=True, subsampling="4:2:0", restart_interval=50),
}


@pytest.fixture(scope="module", params=KINDS)
def coded(request):
    return codec.encode(PICTURE, 85, **{"effort": 1, **KINDS[request.param]})


def test_the_pixels_do_not_depend_on_threads(coded):
    assert_threads_agree(coded)


@pytest.mark.parametrize("color, channels", [("gray", 1), ("rgb", 3), ("cmyk", 4), ("ycck", 4)])
def test_other_colours_are_decoded(color, channels):
    for restart_interval in (0, 70):
        picture = textured(1000, 555, channels)
        assert_threads_agree(codec.encode(picture, color=color, effort=1, restart_interval=restart_interval))


@pytest.mark.parametrize("height, width", [(65535, 3), (3, 65535), (30000, 17), (17, 30000), (3000, 1), (1, 3000)])
def test_extreme_shapes_are_decoded(height, width):
    for options in (dict(effort=1), dict(effort=1, restart_interval=1), dict(effort=4)):
        assert_threads_agree(codec.encode(textured(height, width), 75, subsampling="4:2:0", **options), (3,))


def test_all_processors_decode():
    data = codec.encode(PICTURE, effort=1)
    np.testing.assert_array_equal(codec.decode(data, threads=0), codec.decode(data))


@pytest.mark.parametrize("threads", [-1, 1.0, True, None, "2"])
def test_impossible_numbers_of_threads(threads):
    data = codec.encode(PICTURE[:8, :8])
    for call in (codec.decode, codec.read, codec.jpeg.decode):
        with pytest.raises(codec.ParameterError, match="threads is"):
            call(data, threads=threads)
    with pytest.raises(codec.ParameterError, match="threads is"):
        codec.encode(PICTURE, threads=threads)


@pytest.mark.parametrize("on_error", ["raise", "conceal"])
def test_damage_is_found_in_the_same_place(coded, on_error):
    """Bytes flipped, lost and cut off: the error names the same byte, and the same MCUs are lost."""
    random = np.random.default_rng(3)
    start = coded.index(b"\xff\xda")
    for _ in range(12):
        damaged = bytearray(coded)
        for at in random.integers(start + 20, len(coded), 3):
            damaged[at] ^= int(random.integers(1, 256))
        at = int(random.integers(start + 20, len(coded)))
        assert_threads_agree(bytes(damaged), (2, 3), on_error=on_error)
        assert_threads_agree(coded[:at], (2,), on_error=on_error)
        assert_threads_agree(coded[:at] + coded[at + 5 :], (2,), on_error=on_error)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_threads_that_read_in_several_places(subsampling):
    """Damage may come before it is known what a thread has read, or after."""
    data = codec.encode(PICTURE, 99, effort=1, subsampling=subsampling)
    assert_threads_agree(data)
    for part in range(1, 20):
        at = len(data) * part // 20
        assert_threads_agree(data[:at] + b"\xff\0" * 8 + data[at + 16 :])
        assert_threads_agree(data[: at - 9] + data[at:], (2, 3))
    assert decoded(data[: len(data) // 2], 3)[1][0] is codec.TruncatedError


@pytest.mark.parametrize("quality", [5, 50, 100])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:0", "4:4:4"])
def test_a_reader_in_the_middle_of_the_data(quality, subsampling):
    """Whatever is there: detail, the same again and again, where any bit may seem to begin an MCU, or mostly nothing."""
    wide = textured(1200, 500, seed=2)
    flat = np.full_like(wide, 77)
    tiles = np.tile(textured(16, 16), (80, 40, 1))
    half = np.where(np.arange(1200)[:, None, None] < 600, wide, flat)
    for picture in (wide, flat, tiles, half, half[::-1]):
        data = codec.encode(picture, quality, effort=1, subsampling=subsampling)
        assert_threads_agree(data, (2,))
        assert_threads_agree(data[:-2] + b"\x12\x34" * 40 + data[-2:], (2,))


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_many_pieces(subsampling):
    """A piece has 512 kB of levels: 12 or 24 of them."""
    data = codec.encode(np.tile(PICTURE, (3, 2, 1)), 90, effort=1, subsampling=subsampling)
    for _ in range(3):
        assert_threads_agree(data)
    for part in range(1, 9):
        at = len(data) * part // 9
        assert_threads_agree(data[:at] + b"\xff\0" * 8 + data[at + 16 :], (2, 4))
        assert_threads_agree(data[:at] + data[at + 1 :], (2, 4))
        for fill in (300, 5000):  # pieces end behind all of these
            assert_threads_agree(data[:at] + b"\xff" * fill + b"\0" + data[at:], (2, 4))
    assert_threads_agree(data[: len(data) // 2], (2,))


@pytest.mark.parametrize("seed", range(12))
def test_a_strip_of_noise_in_a_flat_picture(seed):
    """Pieces are of like sizes in bytes and not in MCUs: those in the noise hold more bytes than two pieces."""
    rng = np.random.default_rng(seed)
    height, width, high, top = (int(rng.integers(*span)) for span in ((600, 1500), (600, 1500), (20, 160), (0, 400)))
    picture = np.full((height, width, 3), 90, np.uint8)
    noise = 128 + rng.normal(0, (6, 12, 25, 60)[seed % 4], (high, width, 3))
    picture[top : top + high] = noise.clip(0, 255).astype(np.uint8)
    data = codec.encode(picture, (75, 85, 95)[seed % 3], effort=1, subsampling=("4:2:0", "4:4:4")[seed % 2])
    for _ in range(3):
        assert_threads_agree(data, (2, 3, 4, 8))


@pytest.mark.parametrize("restart_interval", [44, 4])
def test_lost_and_renumbered_intervals(restart_interval):
    """What follows in the file is decided by markers out of sequence: then intervals are read in order."""
    data = codec.encode(PICTURE, 85, effort=1, subsampling="4:2:0", restart_interval=restart_interval)
    places = [at for at in range(len(data) - 1) if data[at] == 0xFF and 0xD0 <= data[at + 1] <= 0xD7]
    for first, second in ((3, 4), (3, 5), (3, 9), (10, 18)):
        without = data[: places[first]] + data[places[second] :]
        renumbered = data[: places[first] + 1] + bytes([0xD0 | (second & 7)]) + data[places[first] + 2 :]
        for changed in (without, renumbered):
            for on_error in ("raise", "conceal"):
                assert_threads_agree(changed, (2, 3), on_error=on_error)


# ---------------------------------------------------------------- progressive scans


def marker_segments(data):
    """(start, end) of everything between SOI and EOI: segments, a scan with its data being one."""
    at, found = 2, []
    while data[at + 1] != 0xD9:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xDA:
            while data[end] != 0xFF or data[end + 1] == 0 or 0xD0 <= data[end + 1] <= 0xD7:
                end += 1
        found.append((at, end))
        at = end
    return found


def test_scans_in_any_number_and_order():
    """Scans twice, left out, and out of order change pixels and warnings, and not with the number of threads."""
    data = codec.encode(PICTURE, 85, subsampling="4:2:0", effort=4)
    pieces = [data[start:end] for start, end in marker_segments(data)]
    scans = [i for i, piece in enumerate(pieces) if piece[1] == 0xDA]
    random = np.random.default_rng(5)
    for _ in range(12):
        chosen = list(pieces)
        i, j = random.choice(scans, 2, replace=False)
        chosen[i], chosen[j] = chosen[j], chosen[i]
        if random.random() < 0.5:
            del chosen[i]
        for on_error in ("raise", "conceal"):
            assert_threads_agree(data[:2] + b"".join(chosen) + b"\xff\xd9", (2, 3), on_error=on_error)


@pytest.mark.parametrize(
    "options",
    [
        dict(subsampling="4:2:0"),
        dict(subsampling="4:4:0", restart_interval=50),
        dict(subsampling="4:4:4", coding="arithmetic"),
        dict(color="rgb"),
    ],
)
def test_progressive_bands_have_the_pixels_of_whole_planes(options):
    """Concealment reads one scan after the other into planes of the picture."""
    data = codec.encode(PICTURE, 85, effort=4, progressive=True, **options)
    for view in ({}, dict(scale=1 / 2), dict(scale=1 / 8), dict(region=(70, 333, 200, 150)), dict(scale=3 / 8)):
        expected = decoded(data, 1, on_error="conceal", **view)[0]
        for threads in (1, 2, 3):
            np.testing.assert_array_equal(decoded(data, threads, **view)[0], expected)


def test_more_scans_than_wait_at_a_time():
    data = codec.encode(PICTURE, 85, subsampling="4:4:4", effort=4)
    pieces = [data[start:end] for start, end in marker_segments(data)]
    last = [piece for piece in pieces if piece[1] in (0xC4, 0xDA)][-2:]
    assert_threads_agree(data[:-2] + b"".join(last * 40) + b"\xff\xd9")


def test_the_error_of_an_earlier_scan_comes_before_a_bad_header():
    data = bytearray(codec.encode(PICTURE, 85, subsampling="4:2:0", effort=4))
    scans = [end for start, end in marker_segments(data) if data[start + 1] == 0xDA]
    data[scans[1] - 400 : scans[1] - 300] = b"\x00" * 100
    damaged = bytes(data[: scans[4]]) + b"\xff\xda\x00\x03\x09" + bytes(data[scans[4] :])
    assert decoded(damaged, 1)[1] is not None
    assert_threads_agree(damaged)


# ---------------------------------------------------------------- threads that fail or are interrupted


def test_a_system_without_more_threads(monkeypatch):
    def refuse(*arguments):
        raise RuntimeError("can't start new thread")

    data = codec.encode(PICTURE, effort=1)
    monkeypatch.setattr("codec._team.start_new_thread", refuse)
    assert codec.encode(PICTURE, effort=1, threads=3) == data
    assert_threads_agree(data)


def test_threads_that_begin_late_find_nothing_to_do(monkeypatch):
    late = []
    data = codec.encode(PICTURE, effort=1)
    monkeypatch.setattr("codec._team.start_new_thread", lambda body, arguments: late.append(body))
    assert codec.encode(PICTURE, effort=1, threads=3) == data
    assert_threads_agree(data)
    assert late
    for body in late:
        body()


def test_an_interruption_waits_for_the_threads():
    """The exception of a signal handler comes when the work is done, and the next call is as good as any."""
    data = codec.encode(PICTURE, effort=1)
    for call in (lambda: codec.encode(PICTURE, effort=1, threads=3), lambda: codec.decode(data, threads=3)):
        with pytest.raises(KeyboardInterrupt):
            _thread.interrupt_main()
            call()
        call()
    assert codec.encode(PICTURE, effort=1, threads=3) == data


def test_calls_from_several_threads():
    data = codec.encode(PICTURE, effort=1)
    jobs = [lambda: codec.encode(PICTURE, effort=1, threads=2), lambda: codec.encode(codec.decode(data, threads=2))] * 3
    results = list(in_order(jobs, 4))
    assert results[::2] == [data] * 3 and len(set(results[1::2])) == 1


@pytest.mark.parametrize("marker", [0xDB, 0xC4])
def test_a_scan_that_cannot_begin_is_gray(marker):
    """Without its quantization table, or with a broken Huffman table, the only scan has no data that could be read."""
    data = codec.encode(PICTURE[:40, :50], effort=1)
    at = next(start for start, _ in marker_segments(data) if data[start + 1] == marker)
    damaged = data[: at + 4] + (b"\x03" if marker == 0xDB else b"\x00\xff") + data[at + (5 if marker == 0xDB else 6) :]
    pixels, error, damage, *_ = decoded(damaged, 1, on_error="conceal")
    assert error is not None or (pixels.shape == (40, 50, 3) and damage is not None)
    assert_threads_agree(damaged, on_error="conceal")


def scans_of(data):
    """(header, [(begin, end) of its restart intervals]) of each scan."""
    at = 2
    while data[at + 1] != 0xD9:
        length = int.from_bytes(data[at + 2 : at + 4], "big") + 2
        header, marker, at = data[at : at + length], data[at + 1], at + length
        if marker == 0xDA:
            intervals, at = find_segments(data, at)
            yield header, [interval[:2] for interval in intervals]


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_damage_below_a_region_is_not_read_by_any_number_of_threads(subsampling):
    """The bands of several threads have several rows, of which the last may reach below the region."""
    image, whole = textured(1024, 640), {}
    data = codec.encode(image, 85, effort=4, progressive=True, subsampling=subsampling, restart_interval=80)
    for threads in (1, 2, 3):
        whole[threads] = codec.decode(data, region=(0, 0, 640, 80), threads=threads).tobytes()
    assert len(set(whole.values())) == 1
    scans = [(header, intervals) for header, intervals in scans_of(data) if header[-3]]  # AC
    for row in range(8, 20):
        damaged = bytearray(data)
        for _, intervals in scans:
            begin, end = intervals[min(row, len(intervals) - 1)]
            damaged[begin:end] = bytes([0xFE]) * (end - begin)
        ends = set()
        for threads in (1, 2, 3):
            try:
                ends.add(codec.decode(bytes(damaged), region=(0, 0, 640, 80), threads=threads).tobytes())
            except codec.CodecError as error:
                ends.add(str(error))
        assert len(ends) == 1
