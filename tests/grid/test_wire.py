"""Signals as operators write them: what is taken, and what is refused by name."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from offpeak.errors import InvalidMessage
from offpeak.grid.model import SignalKind
from offpeak.grid.wire import MOST_STEPS, changes_shown, read_new_signal, read_signal, signal_shown
from offpeak.instants import format_instant
from offpeak.ocpi.wire_json import read_json, write_json
from tests.grid.builders import DEPOT, NOON, ZONE, a_signal, at

CAP: dict[str, Any] = {
    "zone": "DE-LU",
    "kind": "CAP",
    "steps": [{"start_at": format_instant(at(17)), "power_w": 4100}],
    "end_at": format_instant(at(19)),
}


def test_a_signal_is_written_as_it_is_read() -> None:
    for signal in (
        a_signal(),
        a_signal("a", SignalKind.PRICE_ADDER, "-0.125", end=None, scope=DEPOT),
        a_signal("b", SignalKind.CARBON, "421.5", 300, hours=(17, 18)),
        a_signal("c", SignalKind.CONGESTION, 0),
    ):
        shown = {name: value for name, value in signal_shown(signal).items() if name not in ("signal_id", "revision")}
        assert read_signal(read_json(write_json(shown)), signal.signal_id, NOON) == signal


def test_a_new_signal_has_the_id_that_it_names_or_one_made_up() -> None:
    assert read_new_signal(CAP, "made-up", NOON).signal_id == "made-up"
    assert read_new_signal({**CAP, "signal_id": "mine"}, "made-up", NOON).signal_id == "mine"
    assert read_new_signal(CAP, "x", NOON).scope == ZONE


def step(**value: object) -> list[dict[str, object]]:
    return [{"start_at": format_instant(at(17)), **value}]


YEAR = timedelta(days=365)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "BLACKOUT"}, "kind"),
        ({"kind": None}, "kind"),
        ({"zone": None}, "zone"),
        ({"group": "depot"}, "group"),
        ({"zone": "DE LU"}, "zone"),
        ({"zone": "de-lu"}, "zone"),
        ({"zone": "X" * 21}, "zone"),
        ({"zone": None, "group": "../x"}, "group"),
        ({"colour": "red"}, "colour"),
        ({"steps": []}, "steps"),
        ({"steps": None}, "steps"),
        ({"steps": step(power_w=1) * (MOST_STEPS + 1)}, "steps"),
        ({"steps": step(power_w=1) * 2}, "steps.1.start_at"),
        ({"steps": step(power_w=-1)}, "steps.0.power_w"),
        ({"steps": step(power_w=10**10)}, "steps.0.power_w"),
        ({"steps": step(power_w="NaN")}, "steps.0.power_w"),
        ({"steps": step(power_w=4100.5)}, "steps.0.power_w"),
        ({"steps": step()}, "steps.0.power_w"),
        ({"steps": step(power_w=1, share=1)}, "steps.0.share"),
        ({"steps": step(share=1)}, "steps.0.power_w"),
        ({"steps": [{"power_w": 1}]}, "steps.0.start_at"),
        ({"steps": [{"start_at": 1, "power_w": 1}]}, "steps.0.start_at"),
        ({"steps": [{"start_at": format_instant(at(17) - YEAR), "power_w": 1}]}, "steps.0.start_at"),
        ({"steps": [{"start_at": format_instant(at(17) + 2 * YEAR), "power_w": 1}]}, "steps.0.start_at"),
        ({"kind": "CONGESTION", "steps": step(share="1.1")}, "steps.0.share"),
        ({"kind": "CONGESTION", "steps": step(share="Infinity")}, "steps.0.share"),
        ({"kind": "CONGESTION", "steps": step(share="0.5"), "end_at": None}, "end_at"),
        ({"kind": "CARBON", "steps": step(g_per_kwh=300), "end_at": None}, "end_at"),
        ({"kind": "CARBON", "steps": step(g_per_kwh=5001)}, "steps.0.g_per_kwh"),
        ({"kind": "PRICE_ADDER", "steps": step(eur_per_kwh="NaN")}, "steps.0.eur_per_kwh"),
        ({"kind": "PRICE_ADDER", "steps": step(eur_per_kwh=11)}, "steps.0.eur_per_kwh"),
        ({"kind": "PRICE_ADDER", "steps": step(eur_per_kwh="0.0000000000001")}, "steps.0.eur_per_kwh"),
        ({"end_at": format_instant(at(17))}, "end_at"),
        ({"end_at": "9999-12-31T23:59:59Z"}, "end_at"),
        ({"end_at": "soon"}, "end_at"),
        ({"source": ""}, "source"),
        ({"source": "x" * 101}, "source"),
        ({"note": "a\nb"}, "note"),
        ({"signal_id": "a b"}, "signal_id"),
        ({"signal_id": "feed.carbon.DE-LU"}, "signal_id"),
        ({"signal_id": "x" * 65}, "signal_id"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        read_new_signal({**CAP, **change}, "made-up", NOON)
    assert refused.value.field == field


def test_two_days_of_quarter_hours_are_taken() -> None:
    steps = [{"start_at": format_instant(at(n / 4)), "g_per_kwh": Decimal("300.5")} for n in range(192)]
    read = read_new_signal({**CAP, "kind": "CARBON", "steps": steps, "end_at": format_instant(at(48))}, "x", NOON)
    assert len(read.steps) == 192


def test_a_change_tells_what_was_and_what_is() -> None:
    before, after = a_signal(), a_signal(end=20)
    assert changes_shown(before, after) == [("end_at", "2026-01-15T19:00:00.000Z", "2026-01-15T20:00:00.000Z")]
    assert {name for name, _, _ in changes_shown(None, after)} == {"zone", "kind", "steps", "end_at", "source"}
    assert all(new is None for _, _, new in changes_shown(before, None))
