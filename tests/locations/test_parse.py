"""Whatever a peer writes is taken, or refused by the name of its field; what is taken can be stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.aws.tables import type_deserializer, type_serializer
from offpeak.errors import InvalidMessage
from offpeak.locations.charger import chargers_of, chargers_to_row, fitted
from offpeak.locations.model import Address, LocationKey
from offpeak.locations.parse import OBJECTS, parse_location_push
from offpeak.locations.render import told_object
from offpeak.ocpi.locations import ConnectorObject, EvseObject, LocationObject
from offpeak.ocpi.merging import UNTOLD, Push, merge
from offpeak.ocpi.tariffs import RestrictionsObject, TariffObject
from offpeak.ocpi.wire_json import JsonValue, read_json, write_json
from offpeak.partners.model import Party, PlanningDefaults
from offpeak.tariffs.model import TariffKey
from offpeak.tariffs.parse import parse_tariff_push
from offpeak.tariffs.planned import tariff_of
from offpeak.tariffs.render import tariff_object

NOW = datetime(2026, 1, 15, 17, tzinfo=UTC)
LOCATION = LocationKey("acme", Party("NL", "ACM"), "LOC-1")
ADDRESSES = [Address(LOCATION), Address(LOCATION, "E1"), Address(LOCATION, "E1", "1")]
TARIFF = TariffKey("acme", Party("NL", "ACM"), "T1")

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.decimals(-(10**6), 10**6, places=3),
    st.sampled_from(["", "#NA", "AC_3_PHASE", "DC", "ENERGY", "EUR", "2026-01-15T18:00:00Z", "22:00", "E1", "1"]),
    st.text(max_size=5),
)
NAMES = sorted(
    {name for model in (*OBJECTS, TariffObject) for name in model.model_fields} | {"", "amperage", "voltage"}
)
INNER = [
    "price_components",
    "restrictions",
    "type",
    "price",
    "vat",
    "start_time",
    "excl_vat",
    "taxes",
    "amount",
    *NAMES,
]
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(INNER), inner, max_size=5)),
    max_leaves=12,
)


def objects(
    base: dict[str, Any], names: Iterable[str], values: st.SearchStrategy[Any], most: int = 2
) -> st.SearchStrategy[Any]:
    """Mostly right objects: `base`, with a few of its fields told in any way."""
    return st.dictionaries(st.sampled_from(sorted(names)), values, max_size=most).map(lambda odd: base | odd)


amounts = st.one_of(st.integers(0, 500), st.just("16"), st.none(), scalars)
connectors = objects({"id": "1", "power_type": "AC_3_PHASE"}, ConnectorObject.model_fields, amounts)
evses = st.builds(
    lambda evse, connector: {**evse, "connectors": [connector]},
    objects({"uid": "E1", "status": "AVAILABLE"}, EvseObject.model_fields, anything),
    connectors,
)
elements = objects(
    {"price_components": [{"type": "ENERGY", "price": Decimal("0.25")}]},
    ["restrictions", "price_components"],
    anything,
    1,
)
restrictions = objects({"start_time": "22:00"}, RestrictionsObject.model_fields, amounts)
bodies = st.one_of(
    objects({}, NAMES, anything),
    objects({"last_updated": "2026-01-15T16:00:00Z"}, LocationObject.model_fields, anything),
    evses,
    st.builds(lambda evse: {"evses": [evse]}, evses),
)
tariffs = st.builds(
    lambda tariff, element, when: {**tariff, "elements": [{**element, "restrictions": when}, element]},
    objects({"currency": "EUR", "last_updated": "2026-01-15T16:00:00Z"}, TariffObject.model_fields, anything, 1),
    elements,
    restrictions,
)


def as_read(body: object) -> JsonValue:
    return read_json(write_json(body))


@given(bodies, st.sampled_from(ADDRESSES), st.booleans(), st.booleans())
def test_a_location_message_is_understood_or_its_field_is_named(
    body: dict[str, Any], address: Address, is_whole: bool, strict: bool
) -> None:
    """T6, T7, T13: nothing but InvalidMessage comes out, and that has a field"""
    try:
        told = parse_location_push(as_read(body), address, is_whole=is_whole, strict=strict, now=NOW)
    except InvalidMessage:
        return
    assert_storable(told.push)
    merged = merge(UNTOLD, told.push)
    for evse in merged.parts.values():
        for charger in chargers_of(evse).values():
            assert fitted(PlanningDefaults(), charger).max_power_w > 0
        assert_same_in_a_table(chargers_to_row(chargers_of(evse)))
    if is_whole and not address.path:
        for version in ("2.2.1", "2.3.0"):
            assert read_json(write_json(told_object(merged, address, version)))


@given(st.one_of(tariffs, bodies), st.sampled_from(["2.2.1", "2.3.0"]), st.booleans(), st.booleans())
def test_a_tariff_is_understood_or_its_field_is_named(
    body: dict[str, Any], version: str, is_whole: bool, strict: bool
) -> None:
    """T6, T7, T13"""
    try:
        told = parse_tariff_push(as_read(body), TARIFF, version, is_whole=is_whole, strict=strict, now=NOW)
        assert_storable(told.push)
        merged = merge(UNTOLD, told.push)
        for each in ("2.2.1", "2.3.0"):
            assert read_json(write_json(tariff_object(merged, each))) is not None
        tariff_of(merged)
    except InvalidMessage:
        return


def assert_storable(push: Push) -> None:
    for value in push.fields.values():
        assert_same_in_a_table(value)
    for part in push.parts.values():
        assert_storable(part)


def assert_same_in_a_table(value: object) -> None:
    assert type_deserializer.deserialize(type_serializer.serialize(value)) == value


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"evses": [{"connectors": []}]}, "evses.0.uid"),
        ({"evses": [{"uid": "E1", "connectors": [{"max_voltage": -1}]}]}, "evses.0.connectors.0.max_voltage"),
        ({"evses": [{"uid": "ö" * 200}]}, "evses.0.uid"),
        ({"evses": [{"uid": "E1", "last_updated": "2031-01-01T00:00:00Z"}]}, "evses.0.last_updated"),
        ({"opening_times": "always"}, "opening_times"),
        ({"name": "x" * 300}, "name"),
    ],
)
def test_a_refusal_names_the_field_by_its_path(body: dict[str, Any], field: str) -> None:
    """T7"""
    with pytest.raises(InvalidMessage) as refused:
        parse_location_push(as_read(body), ADDRESSES[0], is_whole=True, strict=False, now=NOW)
    assert refused.value.field == field


def test_what_was_filled_in_and_renamed_is_said() -> None:
    """T13"""
    body = {"evses": [{"uid": "E1", "status": "AVAILABLE", "connectors": [{"id": "1", "amperage": 16}]}]}
    told = parse_location_push(as_read(body), ADDRESSES[0], is_whole=True, strict=False, now=NOW)
    assert told.renamed == ("amperage",)
    assert {"last_updated", "evses.connectors.power_type", "address"} <= set(told.filled)
    assert "evses.connectors.max_amperage" not in told.filled


def test_unknown_fields_are_kept_out_and_members_without_a_name_too() -> None:
    """T13"""
    body = {"colour": "blue", "coordinates": {"latitude": "52.1", "": 1}, "publish": False}
    told = parse_location_push(as_read(body), ADDRESSES[0], is_whole=True, strict=False, now=NOW).push
    assert "colour" not in told.fields
    assert told.fields["coordinates"] == {"latitude": "52.1"}
