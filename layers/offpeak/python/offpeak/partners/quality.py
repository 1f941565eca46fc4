"""A partner's figures of a day in words: what is well, and what its CPO should change, with an example. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from offpeak.instants import format_instant
from offpeak.partners.figures import Figures

HARDLY = 0.02
"""A share up to which a fault counts as an accident."""
SECOND = timedelta(seconds=1)


class Verdict(StrEnum):
    GOOD = "good"
    FIX = "fix"
    """The CPO should change this: plans or drivers suffer."""
    BETTER = "better"
    """Works as it is; plans would be better, or errors fewer, with a change."""
    NOTHING = "nothing"
    """Nothing of the kind came that day."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`told` is what was seen; `to_do` what the CPO should change, and `example` how that looks."""

    about: str
    verdict: Verdict
    told: str
    to_do: str | None = None
    example: str | None = None


def findings(figures: Figures) -> list[Finding]:
    """Return all findings of a day, those first that the CPO should act upon."""
    found = [finding for look in LOOKS for finding in look(figures)]
    order = [Verdict.FIX, Verdict.BETTER, Verdict.GOOD, Verdict.NOTHING]
    return sorted(found, key=lambda each: order.index(each.verdict))


def quality_shown(partner_id: str, day: date, figures: Figures) -> dict[str, object]:
    """Return a day's findings and figures as plain dicts, lists, text and numbers; durations in seconds."""
    return {
        "partner_id": partner_id,
        "day": day.isoformat(),
        "findings": [
            {"about": each.about, "verdict": each.verdict.value, "told": each.told}
            | ({"to_do": each.to_do} if each.to_do else {})
            | ({"example": each.example} if each.example else {})
            for each in findings(figures)
        ],
        "refused_samples": [
            {
                "at": format_instant(each.at),
                "call": each.call,
                "field": each.field,
                "problem": each.problem,
                "excerpt": each.excerpt,
            }
            for each in figures.samples
        ],
        "durations_s": {
            name: {"count": figures.timed(name), "late": figures[f"{name}.late"]}
            | {f"p{share}": _seconds(figures.quantile(name, share / 100)) for share in (50, 95)}
            for name in ("interval", "delay", "answer", "result", "observed")
        },
        "counts": {name: n for name, n in sorted(figures.counts.items()) if "~" not in name},
    }


def _interval(figures: Figures) -> Iterator[Finding]:
    yield _timing(
        figures,
        "interval",
        "time between updates of a running session",
        "5 minutes",
        to_do="PATCH each ACTIVE session at least every 5 minutes, whether anything has changed or not: with the new "
        "last_updated and a charging period.",
        example='PATCH .../sessions/NL/ABC/S1 {"kwh": 7.2, "last_updated": "2027-03-01T18:10:00Z", "charging_periods": '
        '[{"start_date_time": "2027-03-01T18:05:00Z", "dimensions": [{"type": "POWER", "volume": 11.0}]}]}',
    )


def _delay(figures: Figures) -> Iterator[Finding]:
    yield _timing(
        figures,
        "delay",
        "time from last_updated until a message is here",
        "1 minute",
        to_do="Send a message as soon as last_updated is set; where messages wait in a queue of yours, send the newest "
        "first.",
    )
    share = _share(figures["clock_ahead"], figures["messages"])
    if share > HARDLY:
        yield Finding(
            "clock",
            Verdict.FIX,
            f"{share:.0%} of the messages have a last_updated that lies ahead of our clock.",
            "Set your servers' clocks by NTP and write last_updated in UTC: a local time with Z at its end is hours "
            "wrong.",
            '"last_updated": "2027-03-01T18:10:00Z" is 19:10 in Amsterdam',
        )


def _power(figures: Figures) -> Iterator[Finding]:
    periods, without = figures["periods"], figures["periods_without_power"]
    about = "power and energy in charging periods"
    if not figures["messages"]:
        yield Finding(about, Verdict.NOTHING, "No session messages came.")
    elif not periods:
        yield Finding(
            about,
            Verdict.FIX,
            f"None of {figures['messages']} messages had a charging period.",
            "Send charging_periods with each update: without them nobody sees whether a car follows its profile.",
            PERIOD,
        )
    elif _share(without, periods) > HARDLY:
        yield Finding(
            about,
            Verdict.FIX,
            f"{without} of {periods} charging periods tell neither POWER nor ENERGY.",
            "Send POWER (kW, mean of the period) or ENERGY (kWh of this period alone) in every charging period.",
            PERIOD,
        )
    else:
        told = ", ".join(f"{name} in {_share(n, periods):.0%}" for name, n in figures.below("dimension").items())
        yield Finding(about, Verdict.GOOD, f"{periods} charging periods: {told}.")
    if periods and not figures["dimension.STATE_OF_CHARGE"]:
        yield Finding(
            "state of charge",
            Verdict.BETTER,
            "STATE_OF_CHARGE was never sent: the energy that a car needs is assumed.",
            "Where the charger knows it (ISO 15118, DC), send it; a car is then charged as far as it should be.",
            '{"type": "STATE_OF_CHARGE", "volume": 55}',
        )
    if figures["in_wh"]:
        yield Finding(
            "unit of energy",
            Verdict.FIX,
            f"{figures['in_wh']} messages claim more energy than a car can take: they seem to count in Wh.",
            "Send kwh and ENERGY in kWh.",
            '"kwh": 7.2 instead of "kwh": 7200',
        )


def _order(figures: Figures) -> Iterator[Finding]:
    faults = (
        (
            "out_of_order",
            "came after a newer one of the same session",
            "Send the messages of one session one after another: wait for the answer to one before you send the next.",
        ),
        (
            "repeated",
            "told nothing that the one before had not told",
            "Take HTTP 200 or 201 with status_code 1000 for success and do not send again; set last_updated anew when "
            "something has changed.",
        ),
        (
            "before_their_put",
            "changed a session that was not known yet",
            "PUT a session when it starts, and PATCH it after the PUT was answered; after a 404, PUT it.",
        ),
    )
    for name, told, to_do in faults:
        share = _share(figures[name], figures["messages"])
        if share > HARDLY:
            yield Finding(
                name.replace("_", " "), Verdict.BETTER, f"{share:.0%} of the messages ({figures[name]}) {told}.", to_do
            )
    if figures["messages"] and not any(figures[name] for name, _, _ in faults):
        yield Finding("order", Verdict.GOOD, f"{figures['messages']} messages, all in order and none twice.")


def _fields(figures: Figures) -> Iterator[Finding]:
    filled = figures.below("filled")
    if filled:
        listed = ", ".join(f"{name} ({n})" for name, n in filled.items())
        yield Finding(
            "required fields",
            Verdict.BETTER,
            f"Of {figures['puts']} PUTs, these fields of a Session were missing in some: {listed}.",
            "Send them in every PUT (OCPI 2.2.1, 9.3.1). We take sessions without them until your connection is "
            "strict.",
        )
    for name, n in figures.below("renamed").items():
        right = f"{name.removesuffix('_datetime')}_date_time"
        yield Finding(
            "names of fields",
            Verdict.BETTER,
            f"{n} messages call {right} {name}.",
            f"Call it {right} (OCPI 2.2.1, 9.3.1).",
            f'"{right}": "2027-03-01T18:05:00Z"',
        )


def _refused(figures: Figures) -> Iterator[Finding]:
    if not figures["refused"]:
        if figures["messages"]:
            yield Finding("refused objects", Verdict.GOOD, "Nothing was refused.")
        return
    calls = ", ".join(f"{n} {call}" for call, n in figures.below("refused").items())
    kinds = [f"{each.field or 'body'}: {each.problem}" for each in figures.samples]
    yield Finding(
        "refused objects",
        Verdict.FIX,
        f"{figures['refused']} objects were refused ({calls}). " + " ".join(f"[{each}]" for each in kinds),
        "Each was answered with the field and what is wrong with it in status_message: log that, and mend the field.",
        figures.samples[0].excerpt if figures.samples else None,
    )


def _profiles(figures: Figures) -> Iterator[Finding]:
    unknown, refusals = figures["profiles.unknown"], figures.below("refusals")
    asked = figures.timed("answer") + sum(refusals.values())
    if _share(unknown, asked or unknown) > HARDLY:
        yield Finding(
            "results of charging profiles",
            Verdict.FIX,
            f"{unknown} charging profiles stayed without a result in time.",
            "After ACCEPTED, POST the charger's result to the response_url that came with the request, whatever the "
            "charger says; say in timeout how long that may take.",
            'POST {response_url} {"result": "ACCEPTED"}',
        )
    for reason, n in refusals.items():
        share = _share(n, asked)
        verdict = Verdict.FIX if share > HARDLY else Verdict.GOOD
        yield Finding(
            "refused charging profiles",
            verdict,
            f"{n} of {asked} charging profiles ({share:.0%}) were refused: {reason}.",
            REFUSALS.get(reason) if verdict is Verdict.FIX else None,
        )
    steps = (
        ("answer", "your answer"),
        ("result", "the charger's result"),
        ("observed", "the session's power shows it"),
    )
    for name, what in steps:
        yield _timing(
            figures,
            name,
            f"time from our charging profile until {what}",
            "10 seconds",
            to_do="Hand a charging profile to the charger at once, and its result back at once; chargers that are "
            "asked in turn, or that poll, take too long."
            if name != "observed"
            else "PATCH the session as soon as its power changes.",
        )


PERIOD = (
    '"charging_periods": [{"start_date_time": "2027-03-01T18:05:00Z", "dimensions": '
    '[{"type": "POWER", "volume": 11.0}, {"type": "ENERGY", "volume": 0.92}]}]'
)
REFUSALS = {
    "TOO_OFTEN": "Take a charging profile every few minutes per charger; we send one only when it changes something.",
    "UNKNOWN_SESSION": "Know a session in your ChargingProfiles module by the id with which it was pushed, from its "
    "first PUT on.",
    "NOT_SUPPORTED": "Say CHARGING_PROFILE_CAPABLE in the capabilities of those EVSEs alone that take profiles.",
    "REJECTED": "Say in status_message why, and tell us which EVSEs cannot take profiles.",
    "the charger": "See why the chargers refuse: firmware, a profile of another backend, a limit below 6 A.",
}
LOOKS: tuple[Callable[[Figures], Iterator[Finding]], ...] = (
    _interval,
    _delay,
    _power,
    _order,
    _fields,
    _refused,
    _profiles,
)


def _timing(figures: Figures, name: str, about: str, limit: str, *, to_do: str, example: str | None = None) -> Finding:
    """Judge a histogram: whoever is late in more than a twentieth of all cases has something to mend."""
    measured, late = figures.timed(name), figures[f"{name}.late"]
    if not measured:
        return Finding(about, Verdict.NOTHING, "None was measured.")
    half, most = figures.quantile(name, 0.5), figures.quantile(name, 0.95)
    assert half is not None
    assert most is not None
    told = f"Half within {_words(half)}, 95 % within {_words(most)}; {late} of {measured} were late against {limit}."
    if late / measured <= 0.05:
        return Finding(about, Verdict.GOOD, told)
    return Finding(about, Verdict.FIX, told, to_do, example)


def _words(took: timedelta) -> str:
    seconds = took / SECOND
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _seconds(took: timedelta | None) -> float | None:
    return None if took is None else round(took / SECOND, 3)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
