"""Plans as rows: plain values that a table can hold, and back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from offpeak.planning.decide import decide
from offpeak.planning.plan import from_row, to_row
from offpeak.planning.situation import PowerCap
from tests.planning.builders import NIGHT, a_situation, after


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"need_kwh": 150.0},
        {"departure_at": after(-1)},
        {"minimum_now_kwh": 5.0, "need_is_known": True},
        {"slots": tuple(replace(slot, is_forecast=True) for slot in NIGHT)},
        {"caps": (PowerCap(after(7.5), after(14), 4_000.0),)},
    ],
)
def test_a_plan_comes_back_from_the_table_as_it_was(changes: dict[str, Any]) -> None:
    plan = decide(a_situation(**changes))
    assert from_row(TypeDeserializer().deserialize(TypeSerializer().serialize(to_row(plan)))) == plan


def test_what_is_left_of_a_group_for_the_time_after_comes_back_too() -> None:
    plan = replace(decide(a_situation()), rest_power_w=Decimal("2300.0"))
    assert from_row(TypeDeserializer().deserialize(TypeSerializer().serialize(to_row(plan)))) == plan


def test_a_row_of_before_there_were_caps_still_reads() -> None:
    plan = decide(a_situation())
    row = {name: value for name, value in to_row(plan).items() if name not in ("rest_power_w", "caps")}
    assert from_row(row) == plan


def test_a_row_holds_no_float() -> None:
    def leaves(value: object) -> list[object]:
        if isinstance(value, dict):
            return [leaf for each in value.values() for leaf in leaves(each)]
        if isinstance(value, list):
            return [leaf for each in value for leaf in leaves(each)]
        return [value]

    found = leaves(to_row(decide(a_situation())))
    assert all(isinstance(each, str | int | Decimal | bool | None) for each in found)
