"""By the clock: work the deletions of users that are not finished, until nothing of them is found any more."""

from __future__ import annotations

from offpeak import wiring
from offpeak.edge import clock_handler
from offpeak.errors import OffpeakError
from offpeak.pairing.erase import look
from offpeak.telemetry import logger


def run() -> None:
    by = wiring.eraser()
    for deletion in by.deletions.open():
        try:
            look(deletion, by)
        except OffpeakError as error:  # the next tick comes again; one deletion holds up no other
            logger.warning("deletion_left_to_next_tick", deletion_id=deletion.deletion_id, problem=str(error))


handler = clock_handler(run)
