"""Figures of a replay, by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from local.replay.baselines import Baselines
from local.replay.figures import COLUMNS, Figures, is_ready, peak_kw, row
from local.replay.run import Played
from local.replay.stay import Stretch
from tests.local.replay_scene import START, a_stay

MINUTE = timedelta(minutes=1)


def a_played(cost_eur: float, missing_kwh: float = 0.0, *, kwh: float = 10.0, sent: int = 1) -> Played:
    drawn = (Stretch(START, START + 60 * MINUTE, kwh - missing_kwh),)
    return Played(a_stay(kwh=kwh), drawn, cost_eur, missing_kwh, 1, 20, sent, Baselines(3.0, 2.0, 1.8, 1.0))


def test_the_share_kept_is_that_of_the_saving_that_was_possible() -> None:
    figures = Figures("", (a_played(1.2), a_played(1.4)))
    assert figures.kept == pytest.approx((6 - 2.6) / (6 - 2))
    assert figures.share_of_saving(figures.block_eur) == pytest.approx(0.5)


def test_missing_energy_costs_what_it_would_have_cost_at_once() -> None:
    assert Figures("", (a_played(1.0, missing_kwh=2.0),)).cost_eur == pytest.approx(1.0 + 2.0 * 0.3)


def test_a_car_is_ready_with_99_per_cent_of_its_energy() -> None:
    assert is_ready(a_played(1, 0.1))
    assert not is_ready(a_played(1, 0.101))
    assert Figures("", (a_played(1, 0.0), a_played(1, 3.0))).ready == 0.5


def test_where_nothing_can_be_saved_no_share_is_told() -> None:
    flat = Played(a_stay(), (), 3.0, 0.0, 1, 1, 1, Baselines(3.0, 3.0, 3.0, 3.0))
    assert Figures("", (flat,)).kept is None
    assert row(Figures("", (flat,)))[COLUMNS.index("kept")] == "-"


def test_the_peak_counts_what_is_drawn_at_the_same_instant() -> None:
    drawn = [
        Stretch(START, START + 10 * MINUTE, 11.0),
        Stretch(START + 5 * MINUTE, START + 20 * MINUTE, 7.0),
        Stretch(START + 10 * MINUTE, START + 20 * MINUTE, 11.0),
    ]
    assert peak_kw(drawn) == pytest.approx(18.0)
    assert peak_kw([]) == 0.0


def test_so_many_profiles_were_enough_for_nine_sessions_of_ten() -> None:
    figures = Figures("", tuple(a_played(1, sent=each) for each in (1, 1, 1, 1, 1, 2, 2, 2, 3, 9)))
    assert figures.sent_within(0.9) == 9
    assert figures.sent_within(0.8) == 3
    assert figures.sent == pytest.approx(2.3)
