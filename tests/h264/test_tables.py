"""The generated tables: they are up to date, and have the properties that such tables must have."""

from fractions import Fraction

import pytest
from h264_samples import TABLES, c_table

from codec.h264.tables import generate, parameters


def codes(name):
    """The code words of an H264Vlc table as bit strings, by rows of the last dimension (coeff_token: by nC)."""
    numbers, dimensions = c_table(name)
    words = [format(code, f"0{length}b") if length else None for code, length in zip(numbers[::2], numbers[1::2])]
    row = dimensions[-1] * (dimensions[-2] if len(dimensions) == 3 else 1)
    return [[word for word in words[i : i + row] if word] for i in range(0, len(words), row)]


def test_the_committed_files_are_what_the_script_writes(data_folder):
    source = data_folder / "tables" / "h264.json"
    if not source.exists():
        pytest.skip(f"no {source}")
    for name, text in generate.generated(source).items():
        assert (TABLES / name).read_text() == text, f"run codec/h264/tables/generate.py: {name} is not up to date"


@pytest.mark.parametrize(
    "name, unused",
    [
        (
            "9_5_COEFF_TOKEN",
            {Fraction(1, 32768), Fraction(1, 8192), Fraction(1, 1024), Fraction(1, 32), 0, Fraction(7, 8192)},
        ),
        ("9_7_TOTAL_ZEROS", {0, Fraction(1, 512)}),
        ("9_9A_TOTAL_ZEROS", {0}),
        ("9_9B_TOTAL_ZEROS", {0}),
        ("9_10_RUN_BEFORE", {0, Fraction(1, 2048)}),
        ("9_36_MB_TYPE_I", {0}),
        ("9_37_MB_TYPE_B", {0}),
        ("9_37_MB_TYPE_P", {0}),
        ("9_38_SUB_MB_TYPE_P", {0}),
        ("9_38_SUB_MB_TYPE_B", {0}),
    ],
)
def test_code_words_are_prefix_free_and_leave_the_unused_codes_of_the_standard(name, unused):
    for words in codes(f"H264_TABLE_{name}"):
        for a in words:
            assert not any(b != a and b.startswith(a) for b in words) and words.count(a) == 1
        if words:
            assert 1 - sum(Fraction(1, 2 ** len(word)) for word in words) in unused


@pytest.mark.parametrize("name", ["8_13_SCAN_4X4", "8_14_SCAN_8X8", "9_4_CBP", "9_4_CBP_LUMA"])
def test_scans_and_patterns_are_permutations(name):
    numbers, (rows, n) = c_table(f"H264_TABLE_{name}")
    for row in range(rows):
        assert sorted(numbers[row * n : row * n + n]) == list(range(n))


def test_context_offsets_stay_within_the_contexts():
    assert max(c_table("H264_TABLE_9_40_CODED_BLOCK_FLAG")[0]) + 3 == 1023
    significant, last = (c_table(f"H264_TABLE_9_40_{name}SIGNIFICANT_COEFF_FLAG")[0] for name in ("", "LAST_"))
    assert (
        significant[0] == 105
        and significant[14] == 277
        and last[0] == 166
        and last[14] == 338
        and max(significant + last) < 1024
    )


def test_parameter_tables_have_the_values_of_the_standard():
    assert parameters.H264_TABLE_A_1_LEVELS["4.1"]["MaxDpbMbs"] == 32768
    assert parameters.H264_TABLE_E_1_SAMPLE_ASPECT_RATIOS[2] == (12, 11)
    assert sum(parameters.H264_TABLE_7_4_DEFAULT_8X8_INTER) == sum(c_table("H264_TABLE_7_4_DEFAULT_8X8")[0][64:])
