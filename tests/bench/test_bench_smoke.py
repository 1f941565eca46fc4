"""The benches measure what they say, with sizes that cost nothing; the local stack is not needed for that."""

from __future__ import annotations

import io
import json
import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from rich.console import Console

from local.background import PROJECT
from offpeak.partners.model import Party
from offpeak.profiles.model import ProfileRequest, RequestKind, RequestState, Step
from offpeak.sessions.model import SessionKey
from tests.bench import (
    cost,
    empty_chain,
    exactness,
    history,
    latency,
    limit_cut,
    packages,
    passing,
    planning,
    session_to_profile,
    throughput,
)
from tests.bench.carry import carry
from tests.bench.outside import Passed
from tests.bench.peers import instances
from tests.bench.peers.__main__ import PEERS, rows_of
from tests.bench.peers.asked import Peer, running
from tests.bench.peers.checked import broken_by
from tests.bench.peers.contest import OURS, Outcome, compete
from tests.bench.peers.instances import made_up
from tests.bench.report import Row, median, quantile, show
from tests.bench.sessions import EVENING
from tests.bench.usage import Usage, beyond, combined, size_of


def test_a_cut_takes_as_long_as_the_last_charger_that_has_to_be_told() -> None:
    cut = limit_cut.cut_of([[90.0, 103.0], [104.5, 102.0], [95.0], []], ordered_at=100.0)
    assert cut == limit_cut.Cut(chargers=2, took_s=4.5)
    [row] = limit_cut.rows(cut, empty_s=0.5)
    assert (row.value, row.makes, row.holds) == ("4.5 s", "9.0", False), "two of fifty are not all"
    assert [limit_cut.rows(limit_cut.Cut(50, took_s), 0.5)[0].holds for took_s in (9.9, 10.1)] == [True, False]


@pytest.mark.parametrize("has_milestones", [False, True])
def test_the_planner_and_highs_pay_the_same_on_the_same_days(has_milestones: bool) -> None:
    *_, same_cost = planning.compare("few", planning.made_up(3, has_milestones=has_milestones))
    assert same_cost.holds


def test_a_days_milestones_can_be_met() -> None:
    for day in planning.made_up(20, has_milestones=True):
        assert all(level <= sum(day.room[:slots]) for slots, level in day.milestones)
        assert day.need <= sum(day.room)


def test_a_session_becomes_a_profile_that_waits_for_the_night() -> None:
    profile = carry(*session_to_profile.a_session())
    assert profile.periods[0].start_period_s == 0
    assert profile.periods[0].limit == Decimal(0), "the evening is dear"
    assert {each.limit for each in profile.periods} == {Decimal(0), Decimal("11040.0")}


def test_a_fresh_interpreter_spends_its_time_on_imports() -> None:
    imported_s, first_s = session_to_profile.cold(session_to_profile.a_session())
    assert imported_s > first_s > 0


def test_the_session_path_imports_nothing_heavy() -> None:
    assert packages.heavy_row().holds


def test_a_package_is_smaller_than_what_is_in_it() -> None:
    functions = PROJECT / "functions"
    files = list(functions.glob("*.py"))
    assert 0 < len(packages.zipped(files, functions)) < sum(each.stat().st_size for each in files) + 200 * len(files)


def test_what_a_session_took_is_read_from_the_steps_of_its_request() -> None:
    at = {step: EVENING + timedelta(milliseconds=ms) for step, ms in (("received", 0), ("planned", 40), ("sent", 70))}
    steps = {Step(name): instant for name, instant in at.items()} | {Step.CONFIRMED: EVENING + timedelta(seconds=0.1)}
    request = ProfileRequest(
        "R1",
        SessionKey("bench", "S1"),
        Party("DE", "BEN"),
        RequestKind.SET,
        RequestState.CHARGER_ACCEPTED,
        EVENING,
        None,
        steps=steps,
    )
    took = latency.of_request(request, arrived_at=EVENING.timestamp() + 0.08)
    assert (took.to_planned, took.to_sent, took.to_arrived, took.sent_to_confirmed) == pytest.approx(
        (0.04, 0.07, 0.08, 0.03)
    )


def test_half_as_much_again_as_the_empty_chain_is_allowed_and_no_more() -> None:
    empty = latency.of_message(Passed(received_at=0, planned_at=1, sent_at=2, arrived_at=2, confirmed_at=3))
    slower = replace(empty, to_sent=2 * 1.5, sent_to_confirmed=1 * 1.6)
    sent, _, confirmed, *_, within = latency.rows("8 in flight", [slower], [empty], has_goal=True)
    assert (sent.holds, sent.makes) == (True, "1.50")
    assert (confirmed.holds, confirmed.makes) == (False, "1.60")
    assert within.holds is False, "three seconds"


def test_a_rate_is_what_was_answered_in_the_time_it_took() -> None:
    ours, beside = throughput.Taken(), throughput.Taken()
    ours.time_round(lambda: [0.01] * 10, lambda: None)
    beside.time_round(lambda: [0.02] * 10, lambda: None)
    assert ours.answered_a_second[0] >= ours.done_a_second[0] > 0
    assert throughput.rows(ours, beside)[-1].makes == "0.50"


def test_histories_rates_are_sessions_by_the_time_they_took() -> None:
    new, known = history.rows(new_s=10, again_s=5, pushed_s=20, sessions=600)
    assert (new.value, new.beside, new.makes) == ("60", "30 PUTs, 8 at once", "2.00")
    assert (known.value, known.makes) == ("120", "4.00")


def test_a_months_bill_is_the_sum_of_what_was_used_times_its_price() -> None:
    update = Usage(write_units=10, gb_s=0.05)
    update.invocations["authorise"] = 1
    events = cost.Events(plug_in=combined([(2, update)]), update=update, replan=Usage(), kept_bytes=0)
    month = cost.Month(sessions=10, stays_h=1, profiles_a_session=2)
    amounts = cost.amounts(month, events)
    # a plug-in counts as two updates, the second profile as one more, then an update every five minutes of the hour
    assert amounts["API Gateway: REST requests"] == 10 * (2 + 1 + 12)
    assert amounts["DynamoDB: write units"] == 10 * amounts["API Gateway: REST requests"]
    assert cost.usd("API Gateway: REST requests", 1e6) == 3.70
    assert cost.month_rows(month, events)[-2].what.startswith("a charger and month")


def test_the_use_of_one_more_is_never_negative() -> None:
    less, more = Usage(gb_s=2.0, write_units=1), Usage(gb_s=1.0, write_units=4)
    less.duration_ms.update(plan=10, clock=9)
    more.duration_ms.update(plan=30, clock=8)
    over = beyond(less, more)
    assert (over.gb_s, over.write_units, dict(over.duration_ms)) == (0.0, 3, {"plan": 20})


def test_an_items_size_counts_names_and_values() -> None:
    item = {"pk": {"S": "ab"}, "n": {"N": "1234"}, "list": {"L": [{"S": "x"}]}, "map": {"M": {"k": {"BOOL": True}}}}
    assert size_of(item) == (2 + 2) + (1 + 3) + (4 + 3 + 1 + 1) + (3 + 3 + 1 + 1 + 1)


def test_the_empty_chain_refers_to_nothing_that_it_does_not_have() -> None:
    template = empty_chain.template(["arn:layer"], at_once=8)
    resources = template["Resources"]
    text = json.dumps(template)
    for function in empty_chain.MEMORY_MB:
        assert callable(getattr(passing, function))
        assert resources[f"{function.capitalize()}Function"]["Properties"]["Handler"] == f"index.{function}"
    assert all(f'"{name}"' in text for name in resources)
    assert set(_referred(template)) - {"AWS::Region"} <= set(resources)


def _referred(node: object) -> list[str]:
    if isinstance(node, list):
        return [name for each in node for name in _referred(each)]
    if not isinstance(node, dict):
        return []
    named = [node["Ref"]] if "Ref" in node else [node["Fn::GetAtt"][0]] if "Fn::GetAtt" in node else []
    return [*named, *(name for each in node.values() for name in _referred(each))]


def test_the_empty_chains_authoriser_lets_everybody_in() -> None:
    answer = passing.authorise({"methodArn": "arn:aws:execute-api:eu-central-1:0:api/bench/POST/messages"}, None)
    [statement] = answer["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Allow", "arn:aws:execute-api:eu-central-1:0:api/*")


def test_quantiles_are_values_that_were_measured() -> None:
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert quantile(range(1, 101), 0.99) == 99
    assert quantile([5.0], 0.99) == 5.0


def test_without_a_terminal_a_figure_is_a_line() -> None:
    out = io.StringIO()
    show([Row("a bench", "a figure", "1 ms", "2 ms", "0.50", "≤ 1", holds=True)], Console(file=out, width=20))
    assert out.getvalue() == "a bench\ta figure\t1 ms\t2 ms\t0.50\t≤ 1\tmet\n"


@pytest.mark.parametrize("kind", sorted(instances.MAKERS))
def test_what_peers_are_asked_can_be_solved_and_a_worse_answer_shows(kind: str) -> None:
    """Our own program stands in for two: the peers' environments are not needed."""
    ours = Peer(OURS, "by_offpeak.py")
    days = made_up(kind, 2, size=3)
    with ExitStack() as stack:
        asked = [stack.enter_context(running(ours, PROJECT, PROJECT / ".local" / "bench-peers")) for _ in range(2)]
        outcome = compete(kind, days, {OURS: (asked[0], kind), "twin": (asked[1], kind)}, {OURS: 2, "twin": 1})
        drawn = asked[0].solve(kind, days[0], 1).drawn
    assert outcome.apart == 0.0
    assert outcome.broken_kwh < 1e-9
    assert [len(took) for took in outcome.took.values()] == [2, 2]
    first = drawn[0] if kind == "group" else drawn
    at = max(range(len(first)), key=first.__getitem__)
    first[at] -= 0.5
    assert broken_by(kind, days[0], drawn) == pytest.approx(0.5, abs=0.03), "what is missing at the end"


def test_everybody_is_asked_by_the_same_numbers_in_whole_units() -> None:
    for kind in instances.MAKERS:
        first, second = made_up(kind, 1, size=5), made_up(kind, 1, size=5)
        assert first == second
        assert all(price == round(price, 5) for price in first[0]["prices"])


def test_every_peer_has_a_program_and_pins_for_its_environment() -> None:
    here = PROJECT / "tests" / "bench" / "peers"
    for peer in PEERS.values():
        assert (here / peer.program).exists()
        assert peer.environment is None or (here / f"{peer.environment}.txt").exists()
    for pins in here.glob("*.txt"):
        lines = [line for line in pins.read_text().splitlines() if not line.startswith("#")]
        assert lines, pins
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+", line) for line in lines), pins


def test_a_goal_beside_a_peer_is_how_many_times_faster_we_are() -> None:
    outcome = Outcome({OURS: [1e-6], "slow": [2e-3], "quick": [1e-6]})
    slow, quick = rows_of("plain", outcome, {"slow": 1500, "quick": 2})
    assert (slow.makes, slow.holds) == ("2,000 x", True)
    assert (quick.makes, quick.holds) == ("1 x", False)


def test_the_planner_is_held_against_oracles_of_every_kind() -> None:
    for name, kind in exactness.KINDS.items():
        row = exactness.row_of(name, [exactness.gap_of(kind, seed) for seed in range(10)])
        assert row.holds, row


def test_taking_turns_is_told_by_cost_and_starts() -> None:
    rows = exactness.turns_rows([exactness.turns_of(seed) for seed in (0, 8)])
    assert [row.what.rsplit(": ")[1] for row in rows] == ["cost", "starts", "cost", "starts"]


def test_an_answer_that_is_apart_is_named_by_its_seed() -> None:
    row = exactness.row_of("some", [0.0, float("nan"), 1e-3])
    assert row.holds is False
    assert "[1, 2]" in row.what


def test_a_decision_takes_longer_than_its_solver() -> None:
    assert planning.decide_row(planning.made_up(2, has_milestones=False)).makes.endswith(" x")


def test_the_planning_core_is_imported_without_site_packages() -> None:
    assert planning.import_row("all that decides", ("decide", "group", *planning.SOLVERS), times=1).value
