from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from local.car import advance
from local.night import overnight_visits, recorded_visits
from local.recorded import LaidSession

EVENING = date(2026, 1, 30)


def test_the_same_seed_makes_the_same_cars_and_another_makes_others() -> None:
    assert overnight_visits(30, EVENING, 7) == overnight_visits(30, EVENING, 7)
    assert overnight_visits(30, EVENING, 7) != overnight_visits(30, EVENING, 8)


def test_cars_come_in_the_evening_leave_in_the_morning_and_could_all_be_ready() -> None:
    visits = overnight_visits(200, EVENING, 1)
    assert len({visit.session_id for visit in visits}) == 200
    for visit in visits:
        assert visit.leaves_at is not None
        assert datetime(2026, 1, 30, 13, tzinfo=UTC) < visit.arrives_at < datetime(2026, 1, 30, 22, tzinfo=UTC)
        assert datetime(2026, 1, 31, 5, tzinfo=UTC) < visit.leaves_at < datetime(2026, 1, 31, 9, tzinfo=UTC)
        left, _ = advance(visit.car, (), visit.arrives_at, visit.leaves_at)
        assert left.soc == pytest.approx(visit.car.target_soc, abs=0.01)


@pytest.mark.parametrize(("kwh", "stay_h"), [("0.5", 10), ("7", 1), ("80.86", 14), ("20", 1)])
def test_a_recorded_car_takes_just_the_recorded_energy(kwh: str, stay_h: int) -> None:
    arrives_at = datetime(2026, 1, 30, 18, tzinfo=UTC)
    session = LaidSession("1", arrives_at, arrives_at + timedelta(hours=stay_h), Decimal(kwh), timedelta(0))
    (visit,) = recorded_visits([session])
    assert visit.leaves_at is not None
    _, stretches = advance(visit.car, (), visit.arrives_at, visit.leaves_at)
    assert sum(each.energy_kwh for each in stretches) == pytest.approx(float(kwh))
