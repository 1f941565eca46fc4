"""What the planner is held against: a linear program solved by HiGHS, and trying everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import inf

import highspy

from offpeak.planning.flow import Branch
from offpeak.planning.storage import Battery
from tests.planning.instances_group import GroupInstance

Levels = Sequence[tuple[int, float]]


def least_cost(
    prices: Sequence[float], room: Sequence[float], levels: Levels, most: float, floor: Sequence[float]
) -> float:
    """The least cost of x with floor <= x <= room, sum(x[:n]) >= level for each of `levels`, sum(x) <= most."""
    solver, drawn = _program(prices, room, floor)
    for count, level in levels:
        if count:
            solver.addConstr(sum(drawn[:count]) >= level)
    solver.addConstr(sum(drawn) <= most)
    solver.minimize()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getObjectiveValue())


def most_energy(room: Sequence[float], count: int, level: float) -> float:
    """The most of `level` that the first `count` slots hold."""
    if not count:
        return 0.0
    solver, drawn = _program([1.0] * len(room), room, [0.0] * len(room))
    solver.addConstr(sum(drawn[:count]) <= level)
    solver.maximize(sum(drawn[:count]))
    return float(solver.getObjectiveValue())


def least_cost_with_starts(
    prices: Sequence[float],
    units: Sequence[int],
    need: int,
    start_cost: float,
    *,
    is_on: bool,
    levels: Levels = (),
    most: int = 0,
    **_: object,
) -> float:
    """The least cost where slots are drawn from at any part of their time, by a mixed-integer program.

    Slot t is on at its edges t and t + 1 or not; it holds a start where it is on at its end alone, where it is on at
    both and not full (it pauses), and where it draws something and is on at neither.
    """
    solver = _exact()
    share = [solver.addVariable(lb=0, ub=1, obj=price * each) for price, each in zip(prices, units, strict=True)]
    on = [solver.addBinary() for _ in range(len(units) + 1)]
    full = [solver.addBinary() for _ in units]
    start = [solver.addBinary(obj=start_cost) for _ in units]
    solver.addConstr(on[-1] == 0)
    if not is_on:
        solver.addConstr(on[0] == 0)
    for t, each in enumerate(units):
        solver.addConstr(full[t] <= share[t])
        if each == 0:
            solver.addConstr(on[t] + on[t + 1] <= 1)
            solver.addConstr(full[t] == 0)
        solver.addConstr(start[t] >= on[t + 1] - on[t])
        solver.addConstr(start[t] >= on[t] + on[t + 1] - 1 - full[t])
        solver.addConstr(start[t] >= share[t] - on[t] - on[t + 1])
    for count, level in (*levels, (len(units), need)):
        solver.addConstr(sum(share[t] * units[t] for t in range(count)) >= level)
    solver.addConstr(sum(share[t] * units[t] for t in range(len(units))) <= max(need, most))
    solver.minimize()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getObjectiveValue())


def least_cost_by_steps(
    prices: Sequence[float],
    units: Sequence[int],
    lengths_s: Sequence[int],
    need: int,
    start_cost: float,
    *,
    is_on: bool,
    levels: Levels = (),
    most: int = 0,
    minimum_run_s: int = 0,
    step_s: int = 300,
) -> float:
    """The least cost over all ways to be on or off in each step of time; infinite where there is none.

    It looks at every state, (energy so far, how long it is on), and at no bound.
    """
    due = {sum(lengths_s[:count]) // step_s: level for count, level in levels}
    longest = max(1, -(-minimum_run_s // step_s))
    states = {(0, longest if is_on else 0): 0.0}
    step = 0
    for price, held, length_s in zip(prices, units, lengths_s, strict=True):
        energy = held * step_s // length_s
        for _ in range(length_s // step_s):
            after: dict[tuple[int, int], float] = {}
            for (drawn, run), cost in states.items():
                if run in (0, longest):
                    after[drawn, 0] = min(cost, after.get((drawn, 0), inf))
                if energy > 0 and drawn + energy <= max(need, most):
                    key = (drawn + energy, min(longest, run + 1))
                    after[key] = min(cost + price * energy + (0 if run else start_cost), after.get(key, inf))
            step += 1
            states = {key: cost for key, cost in after.items() if key[0] >= due.get(step, 0)}
    return min((cost for (drawn, run), cost in states.items() if drawn >= need and run in (0, longest)), default=inf)


def starts_in(units: Sequence[int], drawn: Sequence[int], *, is_on: bool) -> int:
    """How often charging starts, parts of slots put beside a run where there is one."""
    starts = 0
    for t, (part, held) in enumerate(zip(drawn, units, strict=True)):
        starts += part > 0 and not is_on
        leads = t + 1 < len(units) and drawn[t + 1] > 0
        is_on = leads and not is_on if 0 < part < held else part > 0
    return starts


def least_cost_of_storage(
    prices: Sequence[float],
    takes: Sequence[float],
    gives: Sequence[float],
    battery: Battery,
    target: float,
    levels: Levels = (),
) -> float:
    """The least cost of a linear program over what is taken, given and held; what cannot be held is left out of it."""
    solver = _exact()
    due = dict(levels)
    cost, held, most = 0.0, battery.energy, battery.energy
    highest = max(battery.high, battery.energy)
    for t, (price, take, give) in enumerate(zip(prices, takes, gives, strict=True), 1):
        burns = (price - battery.wear) * battery.discharging_efficiency > price / battery.charging_efficiency
        taken = solver.addVariable(lb=0, ub=take)
        given = solver.addVariable(lb=0, ub=0 if burns else give)
        most = min(highest, most + take * battery.charging_efficiency)
        held = held + taken * battery.charging_efficiency - given * (1 / battery.discharging_efficiency)
        after = solver.addVariable(lb=min(most, max(battery.low, due.get(t, 0.0))) - 1e-9, ub=highest)
        solver.addConstr(held - after == 0)
        held = after
        cost = cost + taken * price - given * (price - battery.wear)
    solver.addConstr(held >= min(most, target) - 1e-9)
    solver.minimize(cost)
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getObjectiveValue())


def least_cost_with_floor(
    prices: Sequence[float],
    least: Sequence[float],
    room: Sequence[float],
    need: float,
    milestones: Levels = (),
    most: float = inf,
) -> float:
    """The least cost where each slot holds nothing or `least[t]` to `room[t]`, and all together no more than `most`,
    by a mixed-integer program."""
    solver = _exact()
    drawn = [solver.addVariable(lb=0, ub=high, obj=price) for price, high in zip(prices, room, strict=True)]
    for energy, low, high in zip(drawn, least, room, strict=True):
        on = solver.addBinary()
        solver.addConstr(energy - on * high <= 0)
        solver.addConstr(energy - on * low >= 0)
    for count, level in (*milestones, (len(room), need)):
        solver.addConstr(sum(drawn[:count]) >= min(level, sum(room[:count])) - 1e-9)
    if most < inf:
        solver.addConstr(sum(drawn) <= most + 1e-9)
    solver.minimize()
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return inf
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getObjectiveValue())


def least_cost_tapered(
    prices: Sequence[float],
    lengths_s: Sequence[int],
    seconds: int,
    drawn_after: Callable[[int], float],
    start_cost: float,
    *,
    is_on: bool,
    at_once: int,
    levels: Levels,
) -> float:
    """The least cost over all sets of slots to charge in, one of them in part."""
    due = [(count, min(level, seconds, sum(lengths_s[:count]))) for count, level in levels]
    return min(
        cost_tapered(prices, lengths_s, way, drawn_after, start_cost, is_on=is_on)
        for way in _ways(lengths_s, seconds, at_once)
        if all(sum(way[:count]) >= level for count, level in due)
    )


def cost_tapered(
    prices: Sequence[float],
    lengths_s: Sequence[int],
    way: Sequence[int],
    drawn_after: Callable[[int], float],
    start_cost: float,
    *,
    is_on: bool,
) -> float:
    """What it costs to charge `way[t]` seconds in slot t: in part at its beginning or its end, as it starts less."""
    cost, charged = 0.0, 0
    for t, (price, length, part) in enumerate(zip(prices, lengths_s, way, strict=True)):
        if part:
            cost += price * (drawn_after(charged + part) - drawn_after(charged)) + (0 if is_on else start_cost)
            charged += part
            leads = any(way[t + 1 : t + 2])
            # In part between two others it leaves a pause; after a pause it leads into the next.
            is_on = part == length or (leads and not is_on)
        else:
            is_on = False
    return cost


def _ways(lengths_s: Sequence[int], seconds: int, at_once: int) -> Iterator[list[int]]:
    for on in product((False, True), repeat=len(lengths_s)):
        whole = [length if is_on else 0 for is_on, length in zip(on, lengths_s, strict=True)]
        surplus = sum(whole) - seconds
        for parted in range(len(lengths_s)):
            way = [*whole[:parted], whole[parted] - surplus, *whole[parted + 1 :]]
            is_at_once = all(sum(way[:n]) == min(seconds, sum(lengths_s[:n])) for n in range(at_once + 1))
            if 0 <= way[parted] <= whole[parted] and is_at_once:
                yield way


def _exact() -> highspy.Highs:
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 1e-9)
    solver.setOptionValue("mip_feasibility_tolerance", 1e-9)
    solver.setOptionValue("primal_feasibility_tolerance", 1e-9)
    return solver


def _program(
    prices: Sequence[float], room: Sequence[float], floor: Sequence[float]
) -> tuple[highspy.Highs, list[highspy.highs.highs_var]]:
    solver = highspy.Highs()
    solver.silent()
    drawn = [
        solver.addVariable(lb=low, ub=high, obj=price) for price, low, high in zip(prices, floor, room, strict=True)
    ]
    return solver, drawn


def group_optimum(
    instance: GroupInstance,
    *,
    levels: Sequence[tuple[int, int, float]] = (),
    most: Sequence[float] | None = None,
    tiers: Sequence[tuple[int, float, float]] = (),
    own_prices: Sequence[Sequence[float]] | None = None,
) -> tuple[float, float]:
    """The most that a group can be given of its needs, kWh, and the least that this costs, EUR.

    `levels` are (session, number of slots, kWh that it must have drawn in them); `most` is what each session may draw
    beyond its need, where that pays. `tiers` are (slot, price, kWh), where a slot has more than one price;
    `own_prices` are there where sessions have prices of their own.
    """
    solver = highspy.Highs()
    solver.silent()
    slots = range(len(instance.prices))
    drawn = [
        [solver.addVariable(lb=0.0, ub=room, obj=price) for room, price in zip(row, instance.prices, strict=True)]
        for row in instance.rooms
    ]
    if not drawn:
        return 0.0, 0.0
    met = [solver.addVariable(lb=0.0, ub=max(0.0, need)) for need in instance.needs]
    for session, row in enumerate(drawn):
        total = solver.qsum(row)
        if most is None:
            solver.addConstr(total == met[session])
        else:
            solver.addConstr(total >= met[session])
            solver.addConstr(total <= max(most[session], instance.needs[session]))
    for t in slots:
        solver.addConstr(solver.qsum([row[t] for row in drawn]) <= instance.caps[t])
    for place, branch in enumerate(instance.branches):
        below = sessions_below(instance.branches, place)
        for t in slots if below else ():
            solver.addConstr(solver.qsum([drawn[session][t] for session in below]) <= branch.caps[t])
    for session, count, level in levels:
        if level > 0:
            solver.addConstr(solver.qsum(drawn[session][:count]) >= level)
    wanted = solver.qsum(met)
    solver.maximize(wanted)
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    energy = float(solver.getObjectiveValue())
    solver.addConstr(wanted >= energy - 1e-9)
    parts = [(slot, price, solver.addVariable(lb=0.0, ub=most_here)) for slot, price, most_here in tiers]
    for t in slots if tiers else ():
        solver.addConstr(
            solver.qsum([row[t] for row in drawn]) == solver.qsum([x for slot, _, x in parts if slot == t])
        )
    solver.minimize(
        solver.qsum([price * each for _, price, each in parts])
        if tiers
        else solver.qsum(
            [
                price * each
                for session, row in enumerate(drawn)
                for price, each in zip(own_prices[session] if own_prices else instance.prices, row, strict=True)
            ]
        )
    )
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return energy, float(solver.getObjectiveValue())


def sessions_below(branches: Sequence[Branch], place: int) -> list[int]:
    """The sessions whose draw a branch caps: its own and those of the branches below it."""
    below = list(branches[place].members)
    for other in range(place + 1, len(branches)):
        if branches[other].parent == place:
            below += sessions_below(branches, other)
    return below


def most_for(instance: GroupInstance, session: int, kept: Sequence[float]) -> float:
    """The most that one session can draw of its need while each other session draws at least what it keeps."""
    solver = highspy.Highs()
    solver.silent()
    drawn = [[solver.addVariable(lb=0.0, ub=room) for room in row] for row in instance.rooms]
    for row, need, least in zip(drawn, instance.needs, kept, strict=True):
        solver.addConstr(solver.qsum(row) <= max(0.0, need))
        solver.addConstr(solver.qsum(row) >= least - 1e-7)
    limits = [(list(range(len(drawn))), instance.caps)]
    limits += [(sessions_below(instance.branches, place), each.caps) for place, each in enumerate(instance.branches)]
    for below, caps in limits:
        for t, cap in enumerate(caps):
            if len(below):
                solver.addConstr(solver.qsum([drawn[each][t] for each in below]) <= cap)
    solver.maximize(solver.qsum(drawn[session]))
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getObjectiveValue())


def turns_optimum(
    prices: Sequence[float],
    needs: Sequence[float],
    leaves: Sequence[int],
    caps_w: Sequence[float],
    floors_w: Sequence[float],
    mosts_w: Sequence[float],
    *,
    slot_h: float,
    missing_eur: float,
    start_eur: float,
) -> tuple[float, int]:
    """What energy costs, with `missing_eur` for each kWh that is not had, and the starts of charging, where both cost
    the least together, by a mixed-integer program.

    In each slot (a part of a price's time) a car charges at its floor or more, or not at all; `leaves` are the numbers
    of slots that it stays.
    """
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("mip_rel_gap", 1e-6)
    slots = range(len(prices))
    powers, bills, begins = [], [], []
    for need, stays, floor, most in zip(needs, leaves, floors_w, mosts_w, strict=True):
        row = [solver.addVariable(lb=0.0, ub=most if t < stays else 0.0) for t in slots]
        before = None
        for t in slots:
            on, begin = solver.addBinary(), solver.addVariable(lb=0.0, ub=1.0)
            solver.addConstr(row[t] >= floor * on)
            solver.addConstr(row[t] <= most * on)
            solver.addConstr(begin >= (on if before is None else on - before))
            begins.append(begin)
            before = on
        missing = solver.addVariable(lb=0.0)
        solver.addConstr(solver.qsum(row) * (slot_h / 1000) + missing == need)
        bills.append(missing * missing_eur)
        bills += [power * (price * slot_h / 1000) for power, price in zip(row, prices, strict=True)]
        powers.append(row)
    for t in slots:
        solver.addConstr(solver.qsum([row[t] for row in powers]) <= caps_w[t])
    solver.minimize(solver.qsum(bills) + start_eur * solver.qsum(begins))
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    starts = round(sum(solver.val(begin) for begin in begins))
    return float(solver.getObjectiveValue()) - start_eur * starts, starts
