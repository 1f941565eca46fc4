"""Whatever becomes of what is sent, no cap is passed."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from offpeak.profiles.power_steps import PowerSteps, flat, held_in_slots, highest, merged, power_at, sampled
from offpeak.profiles.release import Bound, Claim, release
from tests.sessions.builders import at

NOW = at(0)
HARDWARE_W = 11000
LEAST_W = 4000


def steps(*powers: tuple[float, int]) -> PowerSteps:
    """(minutes after plug-in, watts)"""
    return merged((at(minutes), power_w) for minutes, power_w in powers)


def a_claim(holds: PowerSteps, wanted: PowerSteps | None = None, **changes: object) -> Claim:
    return Claim(**{"exposure": holds, "expected": holds, "wanted": wanted, "least_w": LEAST_W, **changes})  # type: ignore[arg-type]


def a_bound(cap_w: float, *keys: str, name: str = "board") -> Bound:
    return Bound(name, ((at(0), cap_w),), dict.fromkeys(keys, 1.0))


def test_a_rise_goes_out_where_there_is_room() -> None:
    wanted = steps((0, 0), (60, 11000))
    outcome = release({"A": a_claim(flat(0), wanted)}, [a_bound(11000, "A")], NOW)
    assert outcome.going == {"A": wanted}
    assert not outcome.waiting


def test_what_only_goes_down_is_free_to_go_even_above_the_cap() -> None:
    claims = {"A": a_claim(flat(11000), flat(5000)), "B": a_claim(flat(11000))}
    outcome = release(claims, [a_bound(6000, "A", "B")], NOW)
    assert outcome.going == {"A": steps((0, 5000))}
    [excess] = outcome.excess
    assert (excess.name, excess.at, excess.power_w) == ("board", NOW, 10000)


def test_a_rise_waits_for_the_confirmation_of_the_fall_that_makes_room_for_it() -> None:
    claims = {"A": a_claim(flat(0), flat(11000)), "B": a_claim(flat(11000), flat(0))}
    outcome = release(claims, [a_bound(11000, "A", "B")], NOW)
    assert outcome.going == {"B": steps((0, 0))}
    assert outcome.waiting == {"A": ("B",)}
    assert not outcome.excess


def test_a_rise_waits_for_a_fall_that_was_sent_before() -> None:
    claims = {"A": a_claim(flat(0), flat(11000)), "B": a_claim(flat(11000), expected=flat(0))}
    outcome = release(claims, [a_bound(11000, "A", "B")], NOW)
    assert not outcome.going
    assert outcome.waiting == {"A": ("B",)}


def test_a_rise_that_nothing_on_its_way_makes_room_for_goes_out_as_far_as_there_is_room() -> None:
    claims = {"A": a_claim(flat(0), flat(11000)), "B": a_claim(flat(5000))}
    outcome = release(claims, [a_bound(11000, "A", "B")], NOW)
    assert outcome.going == {"A": steps((0, 6000))}
    assert outcome.cut == {"A"}


def test_a_fall_within_a_slot_waits_for_its_end_and_who_takes_the_place_rises_then() -> None:
    """A's charger obeys at quarter-hours only, B's at once. The least of a slot is all that A's is cut to."""
    falling = held_in_slots(steps((0, 6000), (7, 0)), 900)
    assert falling == steps((0, 6000), (15, 0))
    claims = {"A": a_claim(falling, slot_s=900), "B": a_claim(flat(0), steps((0, 0), (7, 11000)))}
    assert release(claims, [a_bound(11000, "A", "B")], NOW).going == {"B": steps((0, 0), (7, 5000), (15, 11000))}
    claims = {"A": a_claim(flat(0), flat(11000), slot_s=900), "B": a_claim(steps((0, 0), (67, 5000)))}
    outcome = release(claims, [a_bound(11000, "A", "B")], NOW)
    assert outcome.going == {"A": steps((0, 11000), (60, 6000))}


def test_less_room_than_a_car_charges_at_is_none() -> None:
    claims = {"A": a_claim(flat(0), flat(11000)), "B": a_claim(flat(8000))}
    outcome = release(claims, [a_bound(11000, "A", "B")], NOW)
    assert not outcome.going
    assert outcome.waiting == {"A": ()}


def test_two_that_change_places_do_so_in_three_profiles() -> None:
    early, late = steps((0, 11000), (60, 0)), steps((0, 0), (60, 11000))
    bounds = [a_bound(11000, "A", "B")]
    first = release({"A": a_claim(early, late), "B": a_claim(late, early)}, bounds, NOW)
    assert first.going == {"A": steps((0, 0))}, "the first gives up what the second waits for"
    assert first.waiting == {"B": ("A",)}
    second = release({"A": a_claim(flat(0), late), "B": a_claim(late, early)}, bounds, NOW)
    assert second.going == {"B": early}
    assert second.waiting == {"A": ("B",)}
    third = release({"A": a_claim(flat(0), late), "B": a_claim(early)}, bounds, NOW)
    assert third.going == {"A": late}


def test_who_must_go_down_does_so_at_once_though_his_rise_waits() -> None:
    holds = steps((0, 11000), (60, 0))
    claims = {
        "A": a_claim(holds, steps((0, 5000), (60, 11000))),
        "B": a_claim(steps((0, 0), (60, 11000)), flat(0)),
    }
    cap = Bound("board", ((at(0), 5000), (at(60), 11000)), {"A": 1.0, "B": 1.0})
    outcome = release(claims, [cap], NOW)
    assert outcome.going["A"] == steps((0, 5000), (60, 0))
    assert outcome.cut == {"A"}


def test_limits_are_taken_away_whole_or_not_at_all() -> None:
    claims = {
        "A": a_claim(flat(0), flat(11000), is_whole=True),
        "B": a_claim(flat(6000), flat(0)),
        "C": a_claim(flat(3000)),
    }
    outcome = release(claims, [a_bound(12000, "A", "B", "C")], NOW)
    assert outcome.going == {"B": steps((0, 0))}
    assert outcome.waiting["A"] == (), "C leaves it no room for good"


def test_each_cap_on_the_way_to_the_root_holds() -> None:
    claims = {"A": a_claim(flat(0), flat(9000)), "B": a_claim(flat(5000))}
    board, connection = a_bound(8000, "A"), a_bound(12000, "A", "B", name="connection")
    assert release(claims, [board, connection], NOW).going == {"A": steps((0, 7000))}


def test_a_watt_counts_as_often_as_its_share_says() -> None:
    bound = Bound("board L1", ((at(0), 3680.0),), {"A": 1 / 3, "B": 1.0})
    claims = {"A": a_claim(flat(0), flat(11040)), "B": a_claim(flat(0), flat(3680))}
    outcome = release(claims, [bound], NOW)
    assert set(outcome.going) == {"A"}
    assert outcome.waiting == {"B": ()}


def test_room_is_given_away_in_the_order_of_the_claims() -> None:
    bounds = [a_bound(11000, "A", "B")]
    one, other = a_claim(flat(0), flat(8000)), a_claim(flat(0), flat(8000))
    assert set(release({"A": one, "B": other}, bounds, NOW).going) == {"A"}
    assert set(release({"B": other, "A": one}, bounds, NOW).going) == {"B"}


# -- any interleaving

INSTANTS = [at(minutes) for minutes in range(0, 60, 10)]


@st.composite
def powers(draw: st.DrawFn) -> PowerSteps:
    return merged((instant, draw(st.sampled_from([0, LEAST_W, 7000, HARDWARE_W]))) for instant in INSTANTS)


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[str, PowerSteps], dict[str, PowerSteps], list[Bound]]:
    """What each session holds and wants, and caps over them. What is wanted may well pass the caps: release does not
    trust the solver."""
    keys = [f"S{number}" for number in range(draw(st.integers(1, 5)))]
    holds = {key: draw(powers()) for key in keys}
    wanted = {key: draw(powers()) for key in keys}
    bounds = []
    for number in range(draw(st.integers(1, 2))):
        members = keys if number == 0 else [key for key in keys if draw(st.booleans())]
        caps = tuple((instant, float(draw(st.integers(0, 40)) * 1000)) for instant in INSTANTS)
        shares = {key: draw(st.sampled_from([1.0, 1 / 3])) for key in members}
        bounds.append(Bound(f"node {number}", caps, shares))
    return holds, wanted, bounds


def loads(bound: Bound, powers: Mapping[str, PowerSteps]) -> list[float]:
    columns = [[share * value for value in sampled(powers[key], INSTANTS)] for key, share in bound.shares.items()]
    return [sum(column) for column in zip(*columns, strict=True)] or [0.0] * len(INSTANTS)


@given(plans(), st.data())
def test_any_subset_of_what_goes_out_leaves_every_cap_as_it_was(
    plan: tuple[dict[str, PowerSteps], dict[str, PowerSteps], list[Bound]], data: st.DataObject
) -> None:
    holds, wanted, bounds = plan
    outcome = release({key: a_claim(holds[key], wanted[key]) for key in holds}, bounds, NOW)
    in_force = {
        key: outcome.going[key] if key in outcome.going and data.draw(st.booleans()) else holds[key] for key in holds
    }
    for bound in bounds:
        caps = [power_w for _, power_w in bound.steps]
        for before, after, cap in zip(loads(bound, holds), loads(bound, in_force), caps, strict=True):
            assert after <= max(cap, before) + 1e-6
    for key, goes in outcome.going.items():
        allowed = highest([holds[key], wanted[key]])
        assert all(power_at(goes, instant) <= power_at(allowed, instant) for instant in INSTANTS)


@given(plans())
def test_what_fits_together_arrives_in_a_few_rounds_of_confirmations(
    plan: tuple[dict[str, PowerSteps], dict[str, PowerSteps], list[Bound]],
) -> None:
    holds, wanted, bounds = plan
    fitting = [
        Bound(each.name, tuple(zip(INSTANTS, map(ceil, loads(each, wanted)), strict=True)), each.shares)
        for each in bounds
    ]
    sent = 0
    for _ in range(3 * len(holds)):
        asking = {key: wanted[key] if holds[key] != wanted[key] else None for key in holds}
        outcome = release({key: a_claim(holds[key], asking[key]) for key in holds}, fitting, NOW)
        assert not outcome.going.keys() & outcome.waiting.keys()
        sent += len(outcome.going)
        holds = holds | outcome.going
        if not any(asking.values()):
            break
    assert holds == wanted
    assert sent <= 2 * len(holds), "at most one profile on the way"
