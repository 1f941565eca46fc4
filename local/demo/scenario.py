"""What the demonstration plays: CPOs with their cars, prices, and what goes wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from local.car import Visit
from local.cpo import Answer, Dialect, Misbehaviour, Party, ResultComes, Settings, Style
from local.night import overnight_visits, recorded_visits
from local.price_feed import LICENSE
from local.recorded import Laid, LaidSession, RecordedPrices, lay_over, read_prices, read_sessions

SAMPLE_PRICES = Path(__file__).parent.parent / "samples" / "prices_de_lu.csv"
EVENING = date(2025, 10, 2)
"""An ordinary Thursday of the sample: dear from 17 to 20 h, cheap from 1 to 5 h."""
LOCAL = ZoneInfo("Europe/Berlin")
NOON = time(12)
"""A night lasts from noon to noon, so that it begins before tomorrow's prices are published."""
MOST = 24
"""So many take two to three minutes on two idle cores."""
PUSHES_AT_ONCE = 4
BEGUN = timedelta(minutes=6)
SOC = frozenset({"STATE_OF_CHARGE"})


@dataclass(frozen=True, slots=True)
class Order:
    """From `from_at` on, this goes wrong in a session."""

    session_id: str
    from_at: datetime
    wrong: Misbehaviour


class NothingToPlay(Exception):
    """The files hold no night such as was asked for; the text says what they hold."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A CPO and the cars at its chargers. `settings` are those that operators give the partner."""

    partner_id: str
    cpo: Settings
    settings: Mapping[str, object]
    visits: tuple[Visit, ...]
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """`notes` tell where all this comes from; `price_source` is the attribution that the price feed gives."""

    title: str
    fleets: tuple[Fleet, ...]
    prices: RecordedPrices
    price_source: str
    start_at: datetime
    end_at: datetime
    notes: tuple[str, ...] = ()

    @property
    def visits(self) -> tuple[Visit, ...]:
        return tuple(visit for fleet in self.fleets for visit in fleet.visits)


def made_up_night(evening: date, cars: int, seed: int, prices_file: Path | None = None) -> Scenario:
    """Return a night of `cars` made-up cars at two CPOs that speak differently.

    One writes OCPI in full, tells states of charge and vouches for three phases, so it gets limits in amperes. The
    other writes the few fields of the common guides and tells no state of charge: Offpeak has to assume what its cars
    need. Raises NothingToPlay where the prices do not reach over the night, UnreadableRecord.
    """
    prices = read_prices(prices_file or SAMPLE_PRICES)
    start_at, end_at = _night(evening)
    if not (prices.start_at <= start_at and end_at <= prices.end_at):
        raise NothingToPlay(
            f"The prices reach from {_day(prices.start_at)} to {_day(prices.end_at)}: "
            f"there is no night of {evening} in them. Choose another one with --night."
        )
    visits = _with_haste(overnight_visits(cars, evening, seed))
    told = [visit for place, visit in enumerate(visits) if visit.car.phases == 3 and place % 5]
    untold = [visit for visit in visits if visit not in told]
    return Scenario(
        title=f"{cars} cars in the night of {evening:%A, %-d %B %Y}",
        fleets=tuple(each for each in (_nordstrom(told), _kiezladen(untold)) if each.visits),
        prices=prices,
        price_source=_source(prices_file),
        start_at=start_at,
        end_at=end_at,
        notes=("The cars are made up; the prices are real ones.",) if prices_file is None else (),
    )


def _nordstrom(visits: Sequence[Visit]) -> Fleet:
    return Fleet(
        partner_id="nordstrom",
        cpo=Settings(
            Style(Party("DE", "NRD"), Dialect.FULL, Style().dimensions | SOC), "Nordstrom", pool=PUSHES_AT_ONCE
        ),
        settings={"name": "Nordstrom", "parties": ["DE-NRD"], "planning": {"phases": 3}},
        visits=tuple(visits),
        orders=_orders(
            visits,
            Misbehaviour(lost=0.15),
            Misbehaviour(duplicated=0.3, reordered=0.2),
            Misbehaviour(result_comes=ResultComes.BEFORE_ANSWER, result_times=2),
        ),
    )


def _kiezladen(visits: Sequence[Visit]) -> Fleet:
    dimensions = frozenset({"ENERGY", "TIME", "PARKING_TIME"})
    return Fleet(
        partner_id="kiezladen",
        cpo=Settings(
            Style(Party("DE", "KIE"), Dialect.GUIDE, dimensions), "Kiezladen", raw_token=True, pool=PUSHES_AT_ONCE
        ),
        settings={"name": "Kiezladen", "parties": ["DE-KIE"], "flags": {"raw_token": True}},
        visits=tuple(visits),
        orders=_orders(
            visits,
            Misbehaviour(result_comes=ResultComes.LATE, calls=1),
            Misbehaviour(answer=Answer.TOO_OFTEN, calls=1),
            Misbehaviour(late=0.2),
        ),
    )


def _orders(visits: Sequence[Visit], *wrong: Misbehaviour) -> tuple[Order, ...]:
    """Give every third car one of the orders, from the second on, as far as they go.

    A CPO that loses a session's first message has not told of the session at all, so pushes go wrong after it.
    """
    return tuple(
        Order(visit.session_id, visit.arrives_at + (BEGUN if each.lost or each.late else timedelta(0)), each)
        for visit, each in zip(visits[1::3], wrong, strict=False)
    )


def _with_haste(visits: Sequence[Visit]) -> tuple[Visit, ...]:
    """Let every twelfth car leave after three hours and a half, which nobody knew, and charge one in nine slowly."""
    hurried = []
    for place, visit in enumerate(visits):
        car = visit.car
        if place % 12 == 7:
            visit = replace(visit, leaves_at=visit.arrives_at + timedelta(hours=3, minutes=30))
        if car.phases == 1 and place % 9 < 3:
            visit = replace(visit, car=replace(car, max_current_a=16.0))
        hurried.append(visit)
    return tuple(hurried)


def recorded_nights(
    sessions_file: Path,
    prices_file: Path | None,
    *,
    night: date | None = None,
    nights: int = 1,
    most: int = MOST,
    tells_soc: bool = True,
) -> Scenario:
    """Return recorded sessions laid over prices: those that begin and end within `nights` nights from `night` on.

    Without `night` it is the night with the most of them. More than `most` are thinned out evenly. The recorded cars
    told nobody what they needed; with `tells_soc` they do, as a state of charge from which that follows. Raises
    NothingToPlay, UnreadableRecord.
    """
    prices = read_prices(prices_file or SAMPLE_PRICES)
    laid = lay_over(read_sessions(sessions_file), prices)
    if not laid.sessions:
        raise NothingToPlay(f"No session lies over the prices: {laid.summary}.")
    night = night or _busiest(laid.sessions)
    start_at, end_at = _night(night, nights)
    begun = [each for each in laid.sessions if start_at <= each.arrives_at < end_at]
    whole = [each for each in begun if each.leaves_at <= end_at]
    if not whole:
        raise NothingToPlay(
            f"No session lies within the night of {night}; they reach from {_day(laid.sessions[0].arrives_at)} "
            f"to {_day(laid.sessions[-1].arrives_at)}."
        )
    chosen = thinned(whole, most)
    dimensions = Style().dimensions | (SOC if tells_soc else frozenset())
    fleet = Fleet(
        partner_id="recorded",
        cpo=Settings(Style(Party("DE", "REC"), Dialect.FULL, dimensions), "Recorded", pool=PUSHES_AT_ONCE),
        settings={"name": "Recorded", "parties": ["DE-REC"]},
        visits=recorded_visits(chosen),
    )
    return Scenario(
        title=f"{len(chosen)} recorded sessions, laid over the night of {night:%A, %-d %B %Y}"
        + (f" and {nights - 1} more" if nights > 1 else ""),
        fleets=(fleet,),
        prices=prices,
        price_source=_source(prices_file),
        start_at=start_at,
        end_at=end_at,
        notes=_recorded_notes(laid, night, nights, len(begun), len(whole), chosen, tells_soc=tells_soc),
    )


def thinned(sessions: Sequence[LaidSession], most: int) -> tuple[LaidSession, ...]:
    """Return at most `most` of the sessions, evenly spread over all of them."""
    if len(sessions) <= most:
        return tuple(sessions)
    return tuple(sessions[place * len(sessions) // most] for place in range(most))


def _busiest(sessions: Sequence[LaidSession]) -> date:
    """Return the evening of the night that holds the most sessions whole; of several, the first."""
    count: dict[date, int] = {}
    for each in sessions:
        evening = (each.arrives_at.astimezone(LOCAL) - timedelta(hours=NOON.hour)).date()
        if each.leaves_at <= _night(evening)[1]:
            count[evening] = count.get(evening, 0) + 1
    if not count:
        raise NothingToPlay("No session begins and ends between one noon and the next; try --nights 2 with --night.")
    return max(sorted(count), key=lambda evening: count[evening])


def _recorded_notes(
    laid: Laid,
    night: date,
    nights: int,
    begun: int,
    whole: int,
    chosen: Sequence[LaidSession],
    *,
    tells_soc: bool,
) -> tuple[str, ...]:
    shifts = sorted({each.shifted_by // timedelta(weeks=26) for each in chosen})
    span = "the night" if nights == 1 else f"the {nights} nights"
    left_out = [
        f"{count} left out {why}"
        for count, why in ((begun - whole, "that stay longer"), (whole - len(chosen), "to fit into the time (--most)"))
        if count
    ]
    need = (
        "Here they tell a state of charge from which their need follows."
        if tells_soc
        else "They do not tell what they need: Offpeak assumes its default."
    )
    return (
        f"{laid.summary}.",
        f"Played: {span} from noon of {night} on, shifted by {', '.join(map(str, shifts))} times 26 weeks; "
        + ", ".join([f"{begun} plug-ins", *left_out])
        + ".",
        f"The recorded cars took {sum(each.kwh for each in chosen):.1f} kWh. {need}",
    )


def _night(evening: date, nights: int = 1) -> tuple[datetime, datetime]:
    noon, last_noon = (datetime.combine(day, NOON, LOCAL) for day in (evening, evening + timedelta(days=nights)))
    return noon.astimezone(UTC), last_noon.astimezone(UTC)


def _source(prices_file: Path | None) -> str:
    return LICENSE if prices_file is None else f"from {prices_file.name}"


def _day(at: datetime) -> str:
    return f"{at.astimezone(LOCAL):%Y-%m-%d}"
