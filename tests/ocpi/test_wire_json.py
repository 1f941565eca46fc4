"""What JSON is taken from peers, and which of it is refused, by name."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.errors import InvalidMessage, UnparseableBody
from offpeak.ocpi.wire_json import MOST_LEVELS, read_json, write_json


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        ('{"kwh": NaN}', "kwh", "not a number of JSON"),
        ('{"kwh": -Infinity}', "kwh", "not a number of JSON"),
        ('{"kwh": 1e400}', "kwh", "out of all bounds"),
        ('{"kwh": 1e-400}', "kwh", "out of all bounds"),
        ('{"kwh": 1e999999999999}', "kwh", "out of all bounds"),
        ('{"kwh": -1e31}', "kwh", "out of all bounds"),
        ('{"kwh": 10000000000000000000000000000000}', "kwh", "out of all bounds"),
        ('{"a": [{"b": 1}, {"b": 1e400}]}', "a.1.b", "out of all bounds"),
        ('{"kwh": 0.%s}' % ("1" * 39), "kwh", "more than 38 digits"),
        ('{"kwh": %s}' % ("9" * 5000), "kwh", "more than 38 digits"),
        ('{"kwh": 1, "kwh": 2}', "kwh", "there twice"),
        ('{"periods": [{"volume": 1, "volume": 1}]}', "periods.0.volume", "there twice"),
        ('{"id": "\\ud800"}', "id", "surrogate"),
        ('{"a": {"\\udfff": 1}}', "a", "surrogate"),
        ("1e400", "body", "out of all bounds"),
    ],
)
def test_a_value_that_cannot_be_taken_is_refused_by_its_path(text: str, field: str, problem: str) -> None:
    """T7, T16"""
    with pytest.raises(InvalidMessage) as refused:
        read_json(text)
    assert refused.value.field == field
    assert problem in refused.value.problem


@pytest.mark.parametrize("text", ["", "{", '{"a": }', "{'a': 1}", "\x00", '{"a": 1} x', "01", "[1,]", '"\n"'])
def test_what_is_no_json_is_unparseable(text: str) -> None:
    """T6"""
    with pytest.raises(UnparseableBody):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"kwh": 12.340}', {"kwh": Decimal("12.340")}),
        ('{"kwh": 7}', {"kwh": 7}),
        ('{"kwh": 0e999999999}', {"kwh": 0}),
        ('{"kwh": -0.0}', {"kwh": 0}),
        ('{"kwh": 1.5e3}', {"kwh": Decimal(1500)}),
        ('\ufeff{"id": "ü\U0001f600"}', {"id": "ü\U0001f600"}),
        ('{"id": "\\ud83d\\ude00"}', {"id": "\U0001f600"}),
        ("null", None),
    ],
)
def test_numbers_stay_exact_and_texts_whole(text: str, value: object) -> None:
    """T16"""
    assert read_json(text) == value


@pytest.mark.parametrize("depth", [MOST_LEVELS + 1, 900, 20_000, 130_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused_and_breaks_nothing(depth: int, opening: str, closing: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        read_json(opening * depth + "1" + closing * depth)
    assert "nested" in refused.value.problem


def test_the_deepest_nesting_that_is_allowed_is_read() -> None:
    assert read_json("[" * MOST_LEVELS + "]" * MOST_LEVELS)


def test_a_long_path_is_cut_in_the_message() -> None:
    with pytest.raises(InvalidMessage) as refused:
        read_json('{"%s": NaN}' % ("k" * 5000))
    assert len(refused.value.field) < 150


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**20), 10**20)
        | st.decimals(-(10**6), 10**6, allow_nan=False, places=3)
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
        max_leaves=12,
    )
)
def test_what_is_written_is_read_back(value: object) -> None:
    """T16"""
    assert read_json(write_json(value)) == value


@given(st.text(max_size=60) | st.text('{}[]",:0123456789.eE+-ntf\\u', max_size=60))
def test_any_text_is_read_or_refused_on_purpose(text: str) -> None:
    try:
        value = read_json(text)
    except (InvalidMessage, UnparseableBody):
        return
    json.dumps(value, default=str).encode()


@pytest.mark.parametrize(
    ("value", "written"),
    [("1.23456", "1.2346"), ("2.0000", "2"), ("1E+25", "10000000000000000000000000"), ("-0.00001", "0")],
)
def test_at_most_four_decimals_are_written(value: str, written: str) -> None:
    """T16"""
    assert write_json(Decimal(value)) == written
