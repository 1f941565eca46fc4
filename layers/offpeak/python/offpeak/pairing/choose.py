"""Whose code is it? What a driver typed, as it was meant, and the partners whose codes look like that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from offpeak.partners.codes import fits, tidied
from offpeak.partners.model import Partner


@dataclass(frozen=True, slots=True)
class Chosen:
    """A code as it is asked for, and the partners that may know it, in the order in which they are asked."""

    code: str
    partner_ids: tuple[str, ...]


def choose(typed: str, partners: Sequence[Partner]) -> Chosen | None:
    """Return a spelling of what was typed that looks like a code, and of whom; None where none does.

    Phones write small letters and put spaces in, people leave hyphens out; so what was typed is tried as it is, without
    spaces, with hyphens for them, and each of these in capitals.
    Who says what his codes look like is believed before those whose codes may look like anything.
    """
    may_pair = list(pairing_partners(partners))
    spellings = list(_spellings(typed))
    for with_a_pattern in (True, False):
        for code in spellings:
            like = [each for each in may_pair if fits(code, each.pairing)]
            if any(each.pairing.code_pattern is not None for each in like) or (like and not with_a_pattern):
                return Chosen(code, tuple(each.partner_id for each in like))
    return None


def pairing_partners(partners: Iterable[Partner]) -> Iterator[Partner]:
    """Yield those whose pairing interface can be asked."""
    return (each for each in partners if each.is_registered and each.pairing.url is not None)


def examples(partners: Iterable[Partner]) -> tuple[str, ...]:
    """Return what codes of those partners look like, as they say it."""
    hints = (each.pairing.code_hint for each in pairing_partners(partners))
    return tuple(dict.fromkeys(hint for hint in hints if hint))


def _spellings(typed: str) -> Iterator[str]:
    code = tidied(typed)
    if code is None:
        return
    for spelling in dict.fromkeys((code, "".join(code.split()), "-".join(code.split()))):
        yield from dict.fromkeys((spelling, spelling.upper()))
