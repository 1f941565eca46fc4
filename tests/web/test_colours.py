"""Whatever colour a tenant has, what is written in it and upon it can be read."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offpeak.web.colours import DARK_GROUND, LIGHT_GROUND, OURS, READABLE, contrast, palette

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert contrast("#0b6e4f", "#0b6e4f") == pytest.approx(1)


@given(COLOURS)
@example("#ffff00")
@example("#777777")
@example("#000000")
@example("#ffffff")
def test_every_colour_can_be_read_in_light_and_in_dark(colour: str) -> None:
    made = palette(colour)
    assert contrast(made.band.colour, made.band.text) >= READABLE
    assert contrast(made.light, LIGHT_GROUND) >= READABLE
    assert contrast(made.dark, DARK_GROUND) >= READABLE


def test_the_band_and_what_can_be_read_anyway_keep_the_tenants_colour() -> None:
    made = palette("#0B6E4F")
    assert (made.band.colour, made.light) == ("#0b6e4f", "#0b6e4f")


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#0b6e4f;}body{display:none", ""])
def test_what_is_no_colour_gets_ours_and_never_into_a_style(colour: str) -> None:
    assert palette(colour) == palette(OURS)
