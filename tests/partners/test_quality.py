"""A partner's figures in words that its CPO can act upon."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from offpeak.ocpi.wire_json import write_json
from offpeak.partners.figures import Figures, Sample, timing
from offpeak.partners.quality import Verdict, findings, quality_shown

DAY = date(2027, 3, 1)
UPDATE = timedelta(minutes=5, seconds=30)
TEN = timedelta(seconds=10)


def timed(name: str, *seconds: float, late_after: timedelta) -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in seconds:
        counts.update(timing(name, timedelta(seconds=each), late_after=late_after))
    return counts


GOOD_DAY = (
    Counter({"messages": 100, "puts": 5, "patches": 95, "periods": 95})
    + Counter({"dimension.POWER": 95, "dimension.STATE_OF_CHARGE": 90})
    + timed("interval", *[300.0] * 90, late_after=UPDATE)
    + timed("delay", *[0.4] * 100, late_after=timedelta(minutes=1))
    + timed("answer", *[0.2] * 20, late_after=TEN)
    + timed("result", *[3.0] * 20, late_after=TEN)
    + timed("observed", *[8.0] * 20, late_after=TEN)
)


def test_of_a_good_day_nothing_is_to_be_changed() -> None:
    found = findings(Figures(GOOD_DAY))
    assert {each.verdict for each in found} == {Verdict.GOOD}
    told = " ".join(each.told for each in found)
    assert "100 messages, all in order and none twice" in told
    assert "Half within 5 min, 95 % within 5 min; 0 of 90 were late against 5 minutes" in told


def test_of_a_day_without_messages_there_is_nothing_to_say() -> None:
    assert {each.verdict for each in findings(Figures())} == {Verdict.NOTHING}


@pytest.mark.parametrize(
    ("bad", "verdict", "about", "told", "to_do"),
    [
        (timed("interval", *[900.0] * 10, late_after=UPDATE), Verdict.FIX, "between updates", "10 of 100 were late",
         "at least every 5 minutes"),
        (timed("delay", *[7200.0] * 10, late_after=timedelta(minutes=1)), Verdict.FIX, "last_updated until",
         "10 of 110 were late against 1 minute", "as soon as last_updated is set"),
        (Counter({"clock_ahead": 3}), Verdict.FIX, "clock", "3%", "NTP"),
        (Counter({"periods_without_power": 40}), Verdict.FIX, "power and energy", "40 of 95 charging periods", "POWER"),
        (Counter({"periods": -95}), Verdict.FIX, "power and energy", "None of 100 messages", "charging_periods"),
        (Counter({"dimension.STATE_OF_CHARGE": -90}), Verdict.BETTER, "state of charge", "never sent", "ISO 15118"),
        (Counter({"in_wh": 1}), Verdict.FIX, "unit of energy", "Wh", "in kWh"),
        (Counter({"out_of_order": 5}), Verdict.BETTER, "out of order", "5% of the messages (5)", "one after another"),
        (Counter({"repeated": 30}), Verdict.BETTER, "repeated", "30%", "do not send again"),
        (Counter({"before_their_put": 9}), Verdict.BETTER, "before their put", "9%", "PUT a session when it starts"),
        (Counter({"filled.currency": 5, "filled.auth_method": 2}), Verdict.BETTER, "required fields",
         "currency (5), auth_method (2)", "in every PUT"),
        (Counter({"renamed.start_datetime": 7}), Verdict.BETTER, "names of fields",
         "7 messages call start_date_time start_datetime", "Call it start_date_time"),
        (Counter({"refused": 2, "refused.PUT sessions": 2}), Verdict.FIX, "refused objects",
         "2 objects were refused (2 PUT sessions). [kwh: must be a number]", "mend the field"),
        (Counter({"profiles.unknown": 4}), Verdict.FIX, "results of charging profiles", "4 charging profiles",
         "response_url"),
        (Counter({"refusals.TOO_OFTEN": 5}), Verdict.FIX, "refused charging profiles",
         "5 of 25 charging profiles (20%) were refused: TOO_OFTEN", "every few minutes"),
        (timed("result", *[45.0] * 5, late_after=TEN), Verdict.FIX, "the charger's result",
         "5 of 25 were late against 10 seconds", "at once"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_what_to_change(
    bad: Counter[str], verdict: Verdict, about: str, told: str, to_do: str
) -> None:
    sample = Sample(datetime(2027, 3, 1, tzinfo=UTC), "PUT sessions", "kwh", "must be a number", "{}")
    counts = Counter(GOOD_DAY)
    counts.update(bad)
    found = findings(Figures(+counts, (sample,) if bad["refused"] else ()))
    [finding] = [each for each in found if each.verdict is not Verdict.GOOD]
    assert found[0] == finding, "what is to be changed comes first"
    assert finding.verdict is verdict
    assert about in finding.about
    assert told in finding.told
    assert to_do in (finding.to_do or "")


def test_an_accident_is_no_fault() -> None:
    counts = GOOD_DAY + Counter({"out_of_order": 1, "repeated": 2, "clock_ahead": 1, "periods_without_power": 1})
    assert {each.verdict for each in findings(Figures(counts))} == {Verdict.GOOD}


def test_findings_and_figures_are_shown_as_json_without_the_buckets() -> None:
    shown = json.loads(write_json(quality_shown("acme", DAY, Figures(GOOD_DAY))))
    assert (shown["partner_id"], shown["day"]) == ("acme", "2027-03-01")
    assert shown["durations_s"]["interval"]["count"] == 90
    assert shown["durations_s"]["interval"]["late"] == 0
    assert shown["durations_s"]["interval"]["p95"] == pytest.approx(300, rel=0.05)
    assert shown["durations_s"]["answer"]["p50"] == pytest.approx(0.2, rel=0.05)
    assert shown["counts"]["patches"] == 95
    assert not [name for name in shown["counts"] if "~" in name]
