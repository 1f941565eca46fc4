"""The bidding zones that prices are known of, by the names that the feed has for them."""

from __future__ import annotations

NAMES = """
AT BE BG CH CZ DE-LU DK1 DK2 EE ES FI FR GR HR HU
IT-Calabria IT-Centre-North IT-Centre-South IT-North IT-Sardinia IT-Sicily IT-South
LT LV ME NL NO1 NO2 NO3 NO4 NO5 PL PT RO RS SE1 SE2 SE3 SE4 SI SK
"""
PRICED = frozenset(NAMES.split())
"""Energy-Charts' list of `bzn` (its API's documentation of /price), without those that are history (DE-AT-LU) and those
where nobody charges: the ends of cables (NO2NSL, IT-SACOAC, IT-SACODC)."""
