"""What a person sees of a demonstration, in the terminal and in the picture."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local.demo.figures import Drawn, Figures, Granted, SessionFigures
from local.demo.picture import draw, examples
from local.demo.play import Course
from local.demo.records import Glance
from local.demo.scenario import EVENING, made_up_night
from local.demo.show import Progressing, introduce, report, results
from offpeak.prices.model import QUARTER, PriceCurve, PriceSlot
from offpeak.profiles.model import RequestState, Step
from tests.profiles.builders import REAL, a_request
from tests.sessions.builders import PLUG_IN, at

PRICES = PriceCurve(
    "DE-LU",
    tuple(PriceSlot(PLUG_IN + n * QUARTER, PLUG_IN + (n + 1) * QUARTER, Decimal(n) / 1000) for n in range(-4, 40)),
    "CC BY 4.0 from somebody",
)


def a_session(
    number: int = 1, cost_eur: float = 1.0, at_once_eur: float = 3.0, *, is_ready: bool = True
) -> SessionFigures:
    return SessionFigures(
        session_id=f"S-{number}",
        partner_id="p1",
        start_at=at(0),
        end_at=at(300),
        drawn=(Drawn(at(60), at(120), 11.0),),
        at_once=Drawn(at(0), at(60), 11.0),
        cost_eur=cost_eur,
        cost_at_once_eur=at_once_eur,
        departure_at=at(280),
        is_ready=is_ready,
        granted=(Granted(at(1), 0.0), Granted(at(60), 11040.0), Granted(at(280), None)),
    )


def figures(name: str, *sessions: SessionFigures) -> Figures:
    steps = {
        Step.RECEIVED: REAL,
        Step.PLANNED: REAL,
        Step.SENT: REAL + timedelta(milliseconds=250),
        Step.CONFIRMED: REAL + timedelta(milliseconds=300),
    }
    return Figures(name, sessions, (a_request(state=RequestState.CHARGER_ACCEPTED, steps=steps),))


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=80)


def shown(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def cells(text: str, name: str) -> list[str]:
    [line] = [line.strip() for line in text.splitlines() if line.strip().startswith(name)]
    return [cell.strip() for cell in line.removeprefix(name).split("  ") if cell.strip()]


def test_the_table_has_a_column_for_each_cpo_and_one_for_all(console: Console) -> None:
    first, second = figures("One", a_session()), figures("Two", a_session(), a_session(is_ready=False))
    whole = Figures("All", first.sessions + second.sessions, first.requests + second.requests)
    results([first, second], whole, console)
    text = shown(console)
    assert cells(text, "Sessions") == ["1", "2", "3"]
    assert cells(text, "Energy") == ["11.0 kWh", "22.0 kWh", "33.0 kWh"]
    assert cells(text, "Saving") == ["2.00 EUR", "4.00 EUR", "6.00 EUR"]
    assert cells(text, "of the cost at once") == ["66.7 %"] * 3
    assert cells(text, "Ready on time") == ["1 of 1", "1 of 2", "2 of 3"]
    assert cells(text, "Received to sent, p50") == ["250 ms"] * 3
    assert cells(text, "Sent to confirmed, p50") == ["50 ms"] * 3
    assert "2 charger_accepted" in text
    assert "99 % of its need" in text, "the footnote says what ready means"


def test_everything_fits_into_eighty_columns(console: Console) -> None:
    whole = figures("All", *(a_session(number, 1234.56, 2345.67) for number in range(36)))
    results([figures("Nordstrom", *whole.sessions), figures("Kiezladen", a_session())], whole, console)
    assert max(len(line.rstrip()) for line in shown(console).splitlines()) <= 80
    assert "…" not in shown(console)


def test_without_a_terminal_the_progress_is_a_line_for_each_hour(console: Console) -> None:
    scenario = made_up_night(EVENING, 4, seed=1)
    progressing = Progressing(scenario, console)
    with progressing.shown():
        for minutes in range(0, 181, 5):
            glance = Glance(connected=3, power_w=22_080, plans=10, sent=4, confirmed=2)
            progressing.tell(scenario.start_at + timedelta(minutes=minutes), glance, 17)
        progressing.finish()
    lines = shown(console).splitlines()
    assert [line[:9] for line in lines] == ["Thu 12:00", "Thu 13:00", "Thu 14:00", "Thu 15:00"]
    assert "fleet 22.1 kW, connected 3, messages 17, plans 10, profiles sent 4, confirmed 2" in lines[0]
    assert "price now 7.0 ct/kWh" in lines[0]


def test_in_a_terminal_the_progress_is_a_bar() -> None:
    console = Console(file=StringIO(), width=80, force_terminal=True)
    scenario = made_up_night(EVENING, 4, seed=1)
    progressing = Progressing(scenario, console)
    with progressing.shown():
        progressing.tell(scenario.start_at + timedelta(hours=12), Glance(), 0)
    assert "50%" in shown(console)
    assert "Fri 00:00" in shown(console)


def test_what_is_played_is_introduced(console: Console) -> None:
    introduce(made_up_night(EVENING, 36, seed=1), console)
    text = " ".join(shown(console).split())
    assert "36 cars in the night of Thursday, 2 October 2025" in text
    assert "Kiezladen" in text
    assert "does not tell what they need" in text


def test_what_went_wrong_is_said_once_with_how_often(console: Console) -> None:
    course = Course()
    course.troubles["sweep_sessions: no [luck]."] += 3
    report(course, console)
    assert shown(console).strip() == "Went wrong: sweep_sessions: no [luck]. (3 times)"


def test_the_examples_reach_from_the_largest_saving_to_the_smallest() -> None:
    sessions = [a_session(number, 0, number) for number in range(20)]
    chosen = [each.saving_eur for each in examples(sessions)]
    assert len(chosen) == 6
    assert (chosen[0], chosen[-1]) == (19, 0)
    assert chosen == sorted(chosen, reverse=True)


@pytest.mark.parametrize("count", [1, 7])
def test_the_picture_is_drawn_whatever_the_number_of_sessions(count: int, tmp_path: Path) -> None:
    path = tmp_path / "night.png"
    draw("A night", figures("All", *(a_session(number) for number in range(count))), PRICES, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_picture_names_whose_prices_it_shows(tmp_path: Path) -> None:
    path = tmp_path / "night.svg"
    draw("A night", figures("All", a_session()), PRICES, path)
    assert "CC BY 4.0 from somebody" in path.read_text()
