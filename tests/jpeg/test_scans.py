"""Scan scripts obey Annex G and send every bit of every coefficient once."""

import pytest

from codec.jpeg.scans import arithmetic_script, progressive_script, sequential_script

KINDS = [(1, "gray"), (3, "ycbcr"), (3, "rgb"), (4, "cmyk"), (4, "ycck")]
each_script = pytest.mark.parametrize("script", [progressive_script, arithmetic_script])


@each_script
@pytest.mark.parametrize("components, color", KINDS)
def test_every_bit_of_every_coefficient_is_sent_once(components, color, script):
    """G.1.1.1: the first scan of a coefficient has Ah = 0; each one after it lowers Al by one; in the end Al is 0."""
    bit = {(i, k): None for i in range(components) for k in range(64)}
    for scan in script(components, color):
        for i in scan.components:
            for k in range(scan.Ss, scan.Se + 1):
                if scan.Ah == 0:
                    assert bit[i, k] is None
                else:
                    assert bit[i, k] == scan.Ah == scan.Al + 1
                if k:
                    assert bit[i, 0] is not None, "DC comes before AC (G.1.1.1.1)"
                bit[i, k] = scan.Al
    assert set(bit.values()) == {0}


@each_script
@pytest.mark.parametrize("components, color", KINDS)
def test_dc_is_alone_and_ac_has_one_component(components, color, script):
    for scan in script(components, color):
        assert (scan.Ss, scan.Se) == (0, 0) or (1 <= scan.Ss <= scan.Se <= 63 and len(scan.components) == 1)


@each_script
@pytest.mark.parametrize("components, color", KINDS)
def test_the_first_scan_shows_all_colours(components, color, script):
    assert script(components, color)[0].components == tuple(range(components))


@pytest.mark.parametrize("components", [1, 3, 4])
def test_a_sequential_picture_is_one_scan_of_everything(components):
    (scan,) = sequential_script(components)
    assert (scan.components, scan.Ss, scan.Se, scan.Ah, scan.Al) == (tuple(range(components)), 0, 63, 0, 0)
