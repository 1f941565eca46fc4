"""A tenant's colour, made fit to be read: contrast by WCAG 2.2 (1.4.3 and 1.4.11). Pure.

The band at the top and the buttons keep the tenant's colour as it is, with black or white upon it: one of them always
has 4.5 : 1 and more. Links, marks and the borders of buttons get a shade of it that has 4.5 : 1 against the ground, one
in light and one in dark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Rgb: TypeAlias = tuple[int, int, int]

READABLE = 4.5
LIGHT_GROUND, DARK_GROUND = "#ffffff", "#121614"
"""What the pages are printed on; style.css has the same."""
WHITE, BLACK = "#ffffff", "#000000"
STEPS = 40
"""From a colour to black or white, when one is sought that can be read."""
OURS = "#0b6e4f"


@dataclass(frozen=True, slots=True)
class Band:
    """The tenant's own colour, and what is written upon it."""

    colour: str
    text: str


@dataclass(frozen=True, slots=True)
class Palette:
    """`light` and `dark` are the shades that can be read on the light and the dark ground."""

    band: Band
    light: str
    dark: str


def palette(colour: str) -> Palette:
    """Return the colours of a tenant's pages; ours where `colour` is none of the form #rrggbb."""
    known = colour.lower() if re.fullmatch(r"#[0-9a-fA-F]{6}", colour) else OURS
    return Palette(
        Band(known, text_on(known)),
        _readable(known, LIGHT_GROUND, towards=BLACK),
        _readable(known, DARK_GROUND, towards=WHITE),
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(colour: str) -> str:
    return max((WHITE, BLACK), key=lambda text: contrast(text, colour))


def _readable(colour: str, ground: str, *, towards: str) -> str:
    shades = (_mixed(colour, towards, step / STEPS) for step in range(STEPS + 1))
    return next(each for each in shades if contrast(each, ground) >= READABLE)


def _mixed(colour: str, other: str, share: float) -> str:
    channels = zip(_rgb(colour), _rgb(other), strict=True)
    return "#" + "".join(f"{round(one + (another - one) * share):02x}" for one, another in channels)


def _rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue


def _luminance(colour: Rgb) -> float:
    """Relative luminance, 0 to 1, of sRGB."""
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
