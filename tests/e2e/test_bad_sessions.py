"""Whatever comes in is answered in OCPI's words, names the field, and neither stores nor loses anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.cpo.wire import write_instant
from offpeak.ocpi.sessions import SessionObject
from tests.e2e.partner import Partner
from tests.e2e.scene import scene_on
from tests.e2e.stage import EVENING, Stage

INVALID = (200, 2001)
UNPARSEABLE = (400, 2001)
KNOWN = "known"


@pytest.fixture(scope="module")
def partner(stage: Stage) -> Iterator[Partner]:
    """A partner with one session, which none of these tests may change."""
    with scene_on(stage) as scene:
        partner = scene.partner()
        period = {"start_date_time": write_instant(EVENING), "dimensions": [{"type": "ENERGY", "volume": 1}]}
        partner.put(partner.session(KNOWN, kwh=1, charging_periods=[period]))
        scene.settle()
        yield partner


@dataclass(frozen=True)
class Bad:
    """A PUT's body: fields of a good session that are replaced, or the text as it is sent."""

    name: str
    field: str
    fields: dict[str, Any] | None = None
    text: str | None = None
    codes: tuple[int, int] = INVALID
    methods: tuple[str, ...] = ("PUT", "PATCH")


def with_number(number: str) -> str:
    """A session as text, with a number that no JSON library would write."""
    good = {"start_date_time": write_instant(EVENING), "status": "ACTIVE", "last_updated": write_instant(EVENING)}
    return json.dumps({**good, "kwh": "NUMBER"}).replace('"NUMBER"', number)


def nested(levels: int) -> str:
    return with_number("1")[:-1] + ', "extra": ' + "[" * levels + "]" * levels + "}"


def period(**fields: Any) -> dict[str, Any]:
    return {"charging_periods": [{"start_date_time": write_instant(EVENING), "dimensions": [], **fields}]}


def dimension(kind: object, volume: object) -> dict[str, Any]:
    return period(dimensions=[{"type": kind, "volume": volume}])


VOLUME = "charging_periods.0.dimensions.0.volume"
MANY_PERIODS = [{"start_date_time": write_instant(EVENING + timedelta(seconds=n))} for n in range(2001)]
FAR_AHEAD = write_instant(EVENING + timedelta(days=2))
BAD = [
    Bad("nothing", "body", text="", codes=UNPARSEABLE),
    Bad("blanks", "body", text="   ", codes=UNPARSEABLE),
    Bad("half an object", "body", text='{"id": ', codes=UNPARSEABLE),
    Bad("two objects", "body", text="{} {}", codes=UNPARSEABLE),
    Bad("no JSON at all", "body", text="<session/>", codes=UNPARSEABLE),
    Bad("a number", "body", text="42"),
    Bad("null", "body", text="null"),
    Bad("a list", "body", text="[]"),
    Bad("text", "body", text='"session"'),
    Bad("nothing in it", "start_date_time", text="{}", methods=("PUT",)),
    Bad("too large", "body", text=with_number("1")[:-1] + ', "extra": "' + "x" * 300_000 + '"}'),
    Bad("deeply nested", "extra", text=nested(200)),
    Bad("endlessly nested", "body", text=nested(100_000)),
    Bad("a field twice", "kwh", text=with_number("1")[:-1] + ', "kwh": 2}'),
    Bad("half a character", "evse_uid", text=with_number("1")[:-1] + ', "evse_uid": "\\ud800"}'),
    Bad("a control character", "evse_uid", {"evse_uid": "E\u00001"}),
    Bad("endless text", "evse_uid", {"evse_uid": "E" * 5000}),
    Bad("NaN", "kwh", text=with_number("NaN")),
    Bad("Infinity", "kwh", text=with_number("Infinity")),
    Bad("-Infinity", "kwh", text=with_number("-Infinity")),
    Bad("1e400", "kwh", text=with_number("1e400")),
    Bad("-1e400", "kwh", text=with_number("-1e400")),
    Bad("1e-400", "kwh", text=with_number("1e-400")),
    Bad("1e999999999", "kwh", text=with_number("1e999999999")),
    Bad("a number of 5000 digits", "kwh", text=with_number("9" * 5000)),
    Bad("a number of 60 decimals", "kwh", text=with_number("1." + "3" * 60)),
    Bad("a billion kWh", "kwh", {"kwh": 1_000_000_000}),
    Bad("negative kWh", "kwh", {"kwh": -0.1}),
    Bad("kWh as text", "kwh", {"kwh": "ten"}),
    Bad("kWh as truth", "kwh", {"kwh": True}),
    Bad("kWh as null", "kwh", {"kwh": None}, methods=("PUT",)),
    Bad("kWh as a list", "kwh", {"kwh": [1]}),
    Bad("no such status", "status", {"status": "CHARGING"}),
    Bad("status as a number", "status", {"status": 1}),
    Bad("no status", "status", {"status": None}, methods=("PUT",)),
    Bad("no last_updated", "last_updated", {"last_updated": None}),
    Bad("last_updated in 1970", "last_updated", {"last_updated": "1970-01-01T00:00:00Z"}),
    Bad("last_updated far ahead", "last_updated", {"last_updated": FAR_AHEAD}),
    Bad("last_updated without a day", "last_updated", {"last_updated": "2025-13-45T00:00:00Z"}),
    Bad("last_updated as a date", "last_updated", {"last_updated": "2025-10-02"}),
    Bad("last_updated as a number", "last_updated", {"last_updated": 1759424400}),
    Bad("no start", "start_date_time", {"start_date_time": None}, methods=("PUT",)),
    Bad("a start in the year 1", "start_date_time", {"start_date_time": "0001-01-01T00:00:00+14:00"}),
    Bad("a start in the year 9999", "start_date_time", {"start_date_time": "9999-12-31T23:59:59-14:00"}),
    Bad("an end in the year 9999", "end_date_time", {"end_date_time": "9999-12-31T23:59:59Z"}),
    Bad("another id", "id", {"id": "somebody-elses"}),
    Bad("another country", "country_code", {"country_code": "XX"}),
    Bad("another party", "party_id", {"party_id": "XXX"}),
    Bad("an id as a number", "id", {"id": 7}),
    Bad("periods as an object", "charging_periods", {"charging_periods": {}}),
    Bad("a period as a number", "charging_periods.0", {"charging_periods": [1]}),
    Bad("a period without start", "charging_periods.0.start_date_time", period(start_date_time=None)),
    Bad("a period of 1970", "charging_periods.0.start_date_time", period(start_date_time="1970-01-01T00:00:00Z")),
    Bad("a volume as text", VOLUME, dimension("ENERGY", "x")),
    Bad("negative energy", VOLUME, dimension("ENERGY", -1)),
    Bad("a battery of 101 %", VOLUME, dimension("STATE_OF_CHARGE", 101)),
    Bad("a dimension without type", "charging_periods.0.dimensions.0.type", dimension(None, 1)),
    Bad("more periods than a session has", "charging_periods", {"charging_periods": MANY_PERIODS}),
    Bad("a token as text", "cdr_token", {"cdr_token": "RFID"}),
]


@pytest.mark.parametrize(
    ("method", "bad"),
    [pytest.param(method, bad, id=f"{method} {bad.name}") for bad in BAD for method in bad.methods],
)
def test_a_bad_session_names_its_field_and_changes_nothing(partner: Partner, method: str, bad: Bad) -> None:
    """T6, T7, T8, T14, S3"""
    before = partner.rows(KNOWN)
    for session_id in (KNOWN, "new"):
        content = bad.text if bad.fields is None else json.dumps(partner.session(session_id) | bad.fields)
        answer = partner.ask(method, partner.path(session_id), content=content)
        assert answer.codes == bad.codes, answer.message
        assert bad.field in answer.message
        assert "Traceback" not in answer.message
    assert partner.rows(KNOWN) == before
    assert partner.rows("new") == []


def test_a_body_beyond_all_bounds_is_refused_at_the_door(partner: Partner) -> None:
    answer = partner.ask("PUT", partner.path("new"), content='{"extra": "' + "x" * 11_000_000 + '"}')
    assert answer.codes in ((413, 2001), INVALID)
    assert partner.rows("new") == []


@pytest.mark.parametrize("session_id", ["x" * 37, "x" * 300, "x" * 1100, "x" * 2100, "é" * 600])
def test_an_id_of_any_length_is_served_or_refused(partner: Partner, session_id: str) -> None:
    """T15: a table's keys end somewhere, and a URL before that."""
    answer = partner.put(partner.session(session_id))
    assert answer.http_status < 500
    assert (answer.status == 1000) == (partner.rows(session_id) != [])


def test_fields_that_ocpi_does_not_know_are_kept_out(partner: Partner) -> None:
    """T13"""
    session = partner.session("extra", colour="blue", vendor={"deep": [1, {"er": None}]})
    assert partner.put(session).codes == (201, 1000)
    given = partner.get("extra").data
    assert not {"colour", "vendor"} & given.keys()
    assert "blue" not in str(partner.rows("extra"))


def test_energy_in_wh_is_read_as_what_it_must_be_and_reported(partner: Partner) -> None:
    """S3: no car takes 12 MWh in an hour."""
    told = partner.session("in-wh", kwh=12_000, last_updated=write_instant(EVENING + timedelta(hours=1)))
    assert partner.put(told).codes == (201, 1000)
    assert partner.known("in-wh").delivered_kwh == 12
    reported = [line for line in partner.stage.cloud.logs("ocpi_sessions") if '"session_id":"in-wh"' in line]
    assert '"was_wh":true' in reported[0]


TEXT = st.text('aZ0 .-/\\"\u0000\u007f\u00e9\u20ac\U0001f697', max_size=8)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(),
    TEXT,
    st.sampled_from(["", "#NA", "9999-12-31T23:59:59Z", "2025-10-02T17:00:00", "1e5", "\u0000", "COMPLETED"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(TEXT, st.integers(), max_size=2),
)


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, Any]:
    """Return what replaces fields of a good session."""
    fields = draw(
        st.dictionaries(st.sampled_from([*SessionObject.model_fields, "extra"]), JUNK, min_size=1, max_size=3)
    )
    if draw(st.booleans()):
        dimensions = draw(st.lists(st.fixed_dictionaries({"type": JUNK, "volume": JUNK}), max_size=2))
        fields["charging_periods"] = [{"start_date_time": draw(JUNK), "dimensions": dimensions}]
    return fields


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["PUT", "PATCH"]), mutations())
def test_no_body_is_answered_with_a_server_error(partner: Partner, method: str, fields: dict[str, Any]) -> None:
    """T6, T7: what is refused is not stored, what is stored can be given back, and what is known stays readable."""
    session_id = "mutated"
    before = partner.stored(session_id)
    body = json.dumps(partner.session(session_id) | fields)
    answer = partner.ask(method, partner.path(session_id), content=body)
    assert answer.codes in ((200, 1000), (201, 1000), INVALID, UNPARSEABLE, (404, 2000)), answer
    if answer.status == 2001:
        assert partner.stored(session_id) == before
    assert partner.get(session_id).codes in ((200, 1000), (404, 2000))
    assert partner.get(KNOWN).data["kwh"] == 1
