"""`codec rd train-matrix`: tables in, tables out, and a record of the training data."""

import json

import numpy as np
from PIL import Image


def test_tables_and_their_origin_are_written(run, tmp_path):
    y, x = np.mgrid[:48, :64]
    picture = np.stack([128 + 90 * np.sin(x / 5 + c) * np.cos(y / 7) for c in range(3)], -1).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "wave.png")
    output, log = tmp_path / "matrices.json", tmp_path / "training.jsonl"
    made = run(
        "rd",
        "train-matrix",
        tmp_path / "wave.png",
        "--tune",
        "ssim",
        "--quality",
        "50",
        "--rounds",
        "1",
        "--crop",
        "40",
        "-o",
        output,
        "--log",
        log,
    )
    assert made.code == 0, made.err
    tables = json.loads(output.read_text())
    assert set(tables) == {"ssimulacra2", "ssim", "psnr"} and len(tables["ssim"]["tables"]["4:2:0"]["50"]) == 3
    row = json.loads(log.read_text())
    assert (
        row["tune"] == "ssim"
        and row["quality"] == 50
        and list(row["pictures"]) == ["wave.png"]
        and len(row["pictures"]["wave.png"]) == 64
    )


def test_gray_pictures_are_refused(run, tmp_path):
    Image.fromarray(np.zeros((48, 48), np.uint8)).save(tmp_path / "gray.png")
    made = run("rd", "train-matrix", tmp_path / "gray.png", "-o", tmp_path / "matrices.json")
    assert made.code == 1 and "gray.png is gray, and matrices are learned from 8-bit colour pictures" in made.err
    wrong = run("rd", "train-matrix", tmp_path / "gray.png", "--quality", "0", "-o", tmp_path / "matrices.json")
    assert wrong.code == 2 and "quality must be a number in 1..100" in wrong.err
    assert not (tmp_path / "matrices.json").exists()
