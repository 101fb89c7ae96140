"""Estimating the quality from tables, and recognising re-encoding that would lose more than it saves."""

import numpy as np
import pytest

import codec
from codec.jpeg import QuantTables, estimate_quality, read_coefficients, worse_generation


def test_every_quality_is_recognised_with_both_tables():
    for quality in range(1, 101):
        tables = QuantTables.ijg(quality)
        found = estimate_quality(tables.luminance, tables.chrominance)
        assert (
            found.quality == quality
            and found.exact
            and QuantTables.ijg(found.chrominance).chrominance == tables.chrominance
        )


def test_tables_of_two_qualities_are_not_standard():
    assert estimate_quality(QuantTables.ijg(80).luminance, QuantTables.ijg(60).chrominance) == (80, False, 60)


def test_a_table_of_another_encoder_is_near_some_quality():
    flat = [16] * 64
    steps = np.array(QuantTables.ijg(70).luminance)
    assert (
        not estimate_quality(flat).exact and abs(estimate_quality((steps * 1.03).round().astype(int)).quality - 70) <= 2
    )
    assert estimate_quality([1] * 64) == (100, True, None) and estimate_quality([60000] * 64).quality == 1


def test_the_matrices_of_a_file_will_do():
    read = read_coefficients(codec.encode(np.zeros((8, 8, 3), np.uint8), quality=66, tune="annex-k"))
    assert estimate_quality(*read.matrices[:2]) == (66, True, 66)


@pytest.mark.parametrize("matrix", [[0] * 64, [1] * 63, np.ones(64), [-1] * 64])
def test_what_is_no_matrix_is_refused(matrix):
    with pytest.raises(codec.ParameterError, match="64 integers"):
        estimate_quality(matrix)


def test_a_generation_pays_from_steps_1_4_times_as_coarse():
    source = [10] * 64
    assert worse_generation(source, QuantTables([13] * 64)) and not worse_generation(source, QuantTables([14] * 64))
    assert worse_generation([65535] * 64, QuantTables([65535] * 64)) and worse_generation(
        [1] * 64, QuantTables([1] * 64)
    )


def test_a_lower_quality_never_is_worse_when_a_higher_one_is_not():
    for quality in (40, 75, 90, 100):
        verdicts = [worse_generation(QuantTables.ijg(quality).luminance, QuantTables.ijg(q)) for q in range(1, 101)]
        assert verdicts == sorted(verdicts) and verdicts[quality - 1]
