"""What is left of a refused object: enough to mend it, nothing that is secret or a person's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offpeak.partners.redact import MOST_CHARACTERS, excerpt, field_shown, problem_shown

SECRET = "k7Qz-93kfLw0x"

PERIOD = {"start_date_time": "2027-03-01T18:00:00Z", "dimensions": [{"type": "POWER", "volume": -11.5}]}
SESSION = {
    "id": "S-1",
    "status": "CHARGING",
    "kwh": 7.25,
    "cdr_token": {"uid": "04E1A2", "contract_id": "NL-TNM-C12345678-X", "type": "RFID"},
    "evse_uid": None,
    "charging_periods": [PERIOD, PERIOD, PERIOD],
    "Jane Doe": "x",
}


def test_the_form_of_an_object_and_the_wrong_value_are_shown() -> None:
    assert json.loads(excerpt(SESSION, "status")) == {
        "id": "<text of 3 characters>",
        "status": "CHARGING",
        "kwh": "7.25",
        "cdr_token": {"uid": "<text of 6 characters>", "contract_id": "<text of 18 characters>", "type": "RFID"},
        "evse_uid": None,
        "charging_periods": [
            {"start_date_time": "2027-03-01T18:00:00Z", "dimensions": [{"type": "POWER", "volume": "-11.5"}]},
            "<2 more>",
        ],
        "?": "<text of 1 characters>",
    }


def test_of_a_list_the_item_that_was_wrong_is_shown() -> None:
    wrong = {**PERIOD, "start_date_time": "yesterday"}
    told = json.loads(excerpt({"charging_periods": [PERIOD, wrong, PERIOD]}, "charging_periods.1.start_date_time"))
    assert told["charging_periods"][0]["start_date_time"] == "yesterday"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["status", "kwh", "type", "uid", "price", SECRET]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values, st.lists(st.sampled_from(["status", "kwh", "0", "1", SECRET]), max_size=4))
def test_a_secret_shows_in_no_place(body: object, path: list[str]) -> None:
    field = ".".join(path)
    assert SECRET not in excerpt(body, field)
    assert SECRET not in field_shown(field)
    assert SECRET not in problem_shown(f"is {SECRET!r} in the body but {SECRET!r} in the URL")


def test_an_excerpt_is_short_however_large_the_object() -> None:
    large = {f"field_{'x' * (at % 20)}_{'y' * (at // 20)}": "z" * 5000 for at in range(400)}
    assert len(excerpt(large, "status")) <= MOST_CHARACTERS + 4


@pytest.mark.parametrize(
    ("problem", "shown"),
    [
        ("is 'NL' in the body but 'BE' in the URL", "is 'NL' in the body but 'BE' in the URL"),
        ("is 'S-1-Jane' in the body", "is <text of 8 characters> in the body"),
        ("Input should be 'ACTIVE' or 'PENDING'", "Input should be 'ACTIVE' or 'PENDING'"),
        ("is required", "is required"),
    ],
)
def test_a_problem_keeps_words_of_the_specification_alone(problem: str, shown: str) -> None:
    assert problem_shown(problem) == shown
