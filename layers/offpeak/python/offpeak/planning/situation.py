"""Everything that a plan for one session depends on: `decide` reads this and no clock, store or setting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offpeak.planning.outlook import Outlook
    from offpeak.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class PricedSlot:
    """What a kWh at the meter costs from `start_at` to `end_at`; negative prices are paid to the driver.

    `steer_eur_per_kwh` is what the grid would have it cost on top (congestion, carbon): plans are made by the sum of
    both, and what they tell of costs and savings counts `eur_per_kwh` alone.
    """

    start_at: datetime
    end_at: datetime
    eur_per_kwh: float
    is_forecast: bool = False
    steer_eur_per_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class PowerCap:
    """From `start_at` to `end_at` the session may draw no more than `power_w`; where caps overlap, the least holds."""

    start_at: datetime
    end_at: datetime
    power_w: float


@dataclass(frozen=True, slots=True)
class Milestone:
    """By `at`, at least `kwh` have been drawn, counted from now."""

    at: datetime
    kwh: float


@dataclass(frozen=True, slots=True)
class Taper:
    """A car of known state of charge takes less near full: evenly less from `from_soc` on, `end_w` at 1."""

    battery_kwh: float
    soc: float
    from_soc: float = 0.9
    end_w: float = 1400.0
    charging_efficiency: float = 0.9


@dataclass(frozen=True, slots=True)
class Storage:
    """A battery that may give energy back, at up to `discharge_w`; shares and kWh are those inside of it.

    It is never planned below `min_soc`, nor above `max_soc` but for what the need asks. `wear_eur_per_kwh` is what a
    kWh that it gives, at the meter, costs the battery.
    """

    battery_kwh: float
    soc: float
    discharge_w: float
    min_soc: float = 0.2
    max_soc: float = 0.9
    charging_efficiency: float = 0.9
    discharging_efficiency: float = 0.9
    wear_eur_per_kwh: float = 0.05


@dataclass(frozen=True, slots=True)
class Calm:
    """What rest is worth (docs/planning.md, 5).

    A start of charging counts as `start_eur` of cost, so that a plan has few pieces, and none of them is shorter than
    `minimum_run_s` where the need can be met so. A better plan replaces the running
    one only when it saves more than the larger of `threshold_eur` and `threshold_share` of what that costs. A need of
    at most `energy_kwh` counts as met, and blocks stay as they are while what they give is right to within it or, while
    the car charges, to within `drift_share` of what is left; where a plan ends in a pause, it gives `energy_kwh` more.
    """

    start_eur: float = 0.01
    minimum_run_s: int = 0
    threshold_eur: float = 0.05
    threshold_share: float = 0.02
    energy_kwh: float = 0.1
    drift_share: float = 0.25


@dataclass(frozen=True, slots=True)
class Situation:
    """One session at the instant `now`. All instants are aware; energy is in kWh at the meter, from now on.

    `slots` ascend without overlap; where they leave a part of the time until departure open, its price counts as
    their mean. `need_kwh` is what is still missing, 0 or less when it is met. Negative prices are used beyond the need,
    up to `room_kwh`, the most that the battery takes (None: not known, so no more than the need).

    `max_power_w` is the most that the car may be granted and `limit_step_w` the step in which limits can be told (see
    `profile.limit_step_w`): plans grant whole steps, so that nothing is lost when they become a charging profile.
    Where the car `is_idle`, it takes nothing though it may; then the running plan is not mended until it does.

    `draw_w` is what this car takes when it is granted the most, where its session has shown it; a plan that trusts
    the charger's figure instead gives slow cars too little time. `phase_share` is the part of a grant that it can
    take: a limit holds on each phase, so a car on one of three can take a third. `caps` lower `max_power_w` for a time
    (a grid signal, a share of a group's limit), after the departure too; below `min_power_w`, the least a car charges
    at, it pauses.

    `minimum_now_kwh` is charged at once, whatever the price. So is all of the need where `boosts`, and what fits of it
    until `boost_until` where only that is said.

    `slot_s` is set where a charger's power changes at multiples of so many seconds only, counted from full hours.
    `taper` and `storage` are there where the state of charge is known, `storage` where the driver lets energy go.

    `outlook` is what habits tell where nobody says when the car leaves and what it needs. `departure_at` and `need_kwh`
    are then a cautious reading of it, for whoever needs one figure; a session that is planned alone weighs all of it.

    `need_is_known` tells a need that the car or the driver told from a default. When an assumed need is met the car
    may want more, so it is left without limit; a known one is the end of charging.
    """

    now: datetime
    slots: tuple[PricedSlot, ...]
    need_kwh: float
    departure_at: datetime
    max_power_w: float
    min_power_w: float = 0.0
    minimum_now_kwh: float = 0.0
    boosts: bool = False
    boost_until: datetime | None = None
    milestones: tuple[Milestone, ...] = ()
    caps: tuple[PowerCap, ...] = ()
    running: Plan | None = None
    calm: Calm = Calm()
    need_is_known: bool = False
    is_idle: bool = False
    room_kwh: float | None = None
    slot_s: int | None = None
    taper: Taper | None = None
    storage: Storage | None = None
    draw_w: float | None = None
    phase_share: float = 1.0
    limit_step_w: float = 0.1
    time_zone: str = "UTC"
    outlook: Outlook | None = None
