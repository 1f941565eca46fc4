"""A partner survives the database, and so do the defaults of settings that came after it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from offpeak.partners.model import Flags, Partner, PlanningDefaults
from offpeak.partners.row import partner_from_row, partner_to_row
from tests.partners.builders import a_full_partner, a_partner


@pytest.mark.parametrize("partner", [a_partner(), a_full_partner()])
def test_a_partner_comes_back_as_it_was_written(partner: Partner) -> None:
    assert partner_from_row(partner_to_row(partner)) == partner


@pytest.mark.parametrize("settings", [Flags, PlanningDefaults])
def test_the_full_partner_of_these_tests_differs_from_every_default(settings: type) -> None:
    name = "flags" if settings is Flags else "planning"
    full, default = getattr(a_full_partner(), name), settings()
    assert [each.name for each in fields(settings) if getattr(full, each.name) == getattr(default, each.name)] == []


def test_a_row_that_does_not_know_a_setting_yet_has_its_default() -> None:
    row = partner_to_row(a_full_partner())
    row["flags"].pop("in_flight_cap")
    row["planning"].pop("departure")
    row["planning"].pop("tariff")
    partner = partner_from_row(row)
    assert partner.flags.in_flight_cap == Flags().in_flight_cap
    assert partner.planning.departure == PlanningDefaults().departure
    assert partner.planning.tariff == PlanningDefaults().tariff


def test_a_row_with_a_setting_that_is_gone_is_still_read() -> None:
    row = partner_to_row(a_partner())
    row["flags"]["gone"] = True
    assert partner_from_row(row) == a_partner()
