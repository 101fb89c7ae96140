"""Parameters are data: validated, frozen, printable, and an unknown option names the nearest one."""

import dataclasses
import json

import numpy as np
import pytest

import codec
from codec.errors import ParameterError
from codec.jpeg import EncodeOptions, Metadata, QuantTables, estimate_quality
from codec.jpeg.params import SUBSAMPLING

# ---------------------------------------------------------------- quantization tables


def test_quality_50_is_annex_k(data_folder):
    tables = json.loads((data_folder / "tables" / "jpeg.json").read_text())
    half = QuantTables.ijg(50)
    assert list(half.luminance) == tables["Table K.1 luminance quantization"]["raster"]
    assert list(half.chrominance) == tables["Table K.2 chrominance quantization"]["raster"]


def test_first_rows_of_tables_k_1_and_k_2():
    assert QuantTables.ijg(50).luminance[:8] == (16, 11, 10, 16, 24, 40, 51, 61)
    assert QuantTables.ijg(50).chrominance[:8] == (17, 18, 24, 47, 99, 99, 99, 99)


@pytest.mark.parametrize("quality, first", [(1, 255), (10, 80), (25, 32), (75, 8), (90, 3), (95, 2), (100, 1)])
def test_scaled_steps(quality, first):
    """16 scaled by 5000/Q % below 50 and by 200 - 2Q % from there on, within 1..255."""
    assert QuantTables.ijg(quality).luminance[0] == first


def test_quality_100_is_all_ones():
    assert set(QuantTables.ijg(100).luminance + QuantTables.ijg(100).chrominance) == {1}


def test_steps_never_grow_with_quality():
    tables = [QuantTables.ijg(q).luminance + QuantTables.ijg(q).chrominance for q in range(1, 101)]
    assert all((np.array(a) >= b).all() for a, b in zip(tables, tables[1:]))


def test_every_quality_is_recognised_from_its_table():
    assert [estimate_quality(QuantTables.ijg(q).luminance)[:2] for q in range(1, 101)] == [
        (q, True) for q in range(1, 101)
    ]


def test_a_table_between_two_qualities_is_near_one_of_them():
    Q = np.array(QuantTables.ijg(80).luminance)
    Q[40] += 1
    assert estimate_quality(Q) == (80, False, None)


@pytest.mark.parametrize("table", [[16] * 64, np.full((8, 8), 16), np.full(64, 16, np.uint8), tuple([16] * 64)])
def test_a_table_may_have_any_shape_of_64(table):
    assert QuantTables(table).luminance == (16,) * 64 == QuantTables(table).chrominance


@pytest.mark.parametrize(
    "table, why",
    [
        ([16] * 63, "64 integers"),
        ([16.0] * 64, "64 integers"),
        ([0] + [16] * 63, r"steps of 1\.\.65535, not 0\.\.16"),
        ([65536] * 64, r"1\.\.65535"),
        ("x", "64 integers"),
        (None, "64 integers"),
    ],
)
def test_impossible_tables_are_refused(table, why):
    with pytest.raises(ParameterError, match="luminance.*" + why):
        QuantTables(table)
    if table is not None:
        with pytest.raises(ParameterError, match="chrominance.*" + why):
            QuantTables([1] * 64, table)


def test_tables_are_json():
    report = json.loads(json.dumps(QuantTables.ijg(75).to_json()))
    assert np.array(report["luminance"]).shape == (8, 8) and np.ravel(report["chrominance"]).tolist() == list(
        QuantTables.ijg(75).chrominance
    )


# ---------------------------------------------------------------- options


@pytest.mark.parametrize(
    "parameters",
    [
        EncodeOptions(),
        EncodeOptions(
            quality=90,
            subsampling="4:2:2",
            effort=1,
            tune="ssim",
            chroma_quality=60,
            progressive=True,
            color="ycbcr",
            quant_tables=QuantTables.ijg(30),
            restart_interval=5,
            metadata=Metadata(comments=(b"x",)),
            coding="arithmetic",
        ),
        QuantTables.ijg(12),
        Metadata(icc=b"abc"),
    ],
)
def test_printed_parameters_are_python(parameters):
    assert eval(repr(parameters)) == parameters


@pytest.mark.parametrize("parameters", [EncodeOptions(), QuantTables.ijg(50), Metadata()])
def test_parameters_are_frozen(parameters):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(parameters, dataclasses.fields(parameters)[0].name, None)


@pytest.mark.parametrize(
    "given, meant",
    [("444", "4:4:4"), ("422", "4:2:2"), ("440", "4:4:0"), ("420", "4:2:0"), ("4:2:0", "4:2:0"), ("auto", "auto")],
)
def test_short_names_of_subsampling(given, meant):
    assert EncodeOptions(subsampling=given).subsampling == meant
    assert meant == "auto" or meant in SUBSAMPLING


@pytest.mark.parametrize(
    "option, value, why",
    [
        ("quality", 0, r"quality must be a number in 1\.\.100, not 0"),
        ("quality", 101, r"1\.\.100, not 101"),
        ("quality", 100.5, "not 100.5"),
        ("quality", "75", "not '75'"),
        ("quality", True, "not True"),
        ("effort", 0, r"effort must be an integer in 1\.\.9"),
        ("effort", 10, "not 10"),
        ("restart_interval", -1, r"0\.\.65535"),
        ("restart_interval", 65536, r"0\.\.65535"),
        ("subsampling", "4:1:1", r"one of 'auto', '4:4:4', '4:2:2', '4:4:0', '4:2:0', not '4:1:1'$"),
        ("subsampling", 420, "not 420"),
        ("subsampling", "421", "not '4:2:1'"),
        ("color", "YCbCr", "did you mean 'ycbcr'"),
        ("color", "rgba", "'rgba'"),
        ("color", ["rgb"], "color must be one of"),
        ("progressive", "yes", "progressive must be one of None, True, False"),
        ("progressive", 2, "not 2"),
        ("progressive", 1, "not 1"),
        ("color", np.array(["rgb", "gray"]), "color must be one of"),
        ("quant_tables", [1] * 64, "must be a codec.jpeg.QuantTables, not list"),
        ("metadata", b"x", "must be a codec.jpeg.Metadata, not bytes"),
        ("threads", -1, "threads is -1; it must be 0"),
        ("threads", 1.0, "a number of threads"),
        ("threads", True, "threads is True"),
    ],
)
def test_impossible_values_are_refused(option, value, why):
    with pytest.raises(ParameterError, match=why):
        EncodeOptions(**{option: value})
    with pytest.raises(ParameterError, match=why):
        codec.encode(np.zeros((8, 8, 3), np.uint8), **{option: value})


@pytest.mark.parametrize(
    "typo, meant",
    [
        ("qualty", "quality"),
        ("sub_sampling", "subsampling"),
        ("efort", "effort"),
        ("optimise_progressive", "progressive"),
        ("colour", "color"),
        ("restart_intervals", "restart_interval"),
        ("quant_table", "quant_tables"),
        ("meta", "metadata"),
    ],
)
def test_an_unknown_option_names_the_nearest(typo, meant):
    for function in (codec.encode, codec.jpeg.encode):
        with pytest.raises(ParameterError, match=f"unknown option '{typo}' for JPEG; did you mean '{meant}'"):
            function(np.zeros((8, 8), np.uint8), **{typo: 1})


def test_an_option_like_no_other_names_them_all():
    with pytest.raises(ParameterError, match=r"unknown option 'zzz' for JPEG \(options: quality, subsampling, effort"):
        codec.encode(np.zeros((8, 8), np.uint8), zzz=1)


def test_numpy_integers_are_integers():
    assert EncodeOptions(np.int64(80), effort=np.uint8(3)) == EncodeOptions(80, effort=3)


@pytest.mark.parametrize(
    "effort, progressive, expected",
    [
        (3, None, (False, True)),
        (4, None, (True, True)),
        (2, None, (False, False)),
        (1, True, (True, True)),
        (9, False, (False, True)),
    ],
)
def test_what_effort_stands_for(effort, progressive, expected):
    options = EncodeOptions(effort=effort, progressive=progressive)
    assert (options.is_progressive, options.optimize) == expected
