"""The CPO simulator as a program: `serve` runs it, `register` connects a running one to Offpeak."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from local.cpo.charge_point_operator import Settings
from local.cpo.messages import Dialect, Style
from local.cpo.simulator import CpoSimulator
from local.cpo.wire import Party, read_instant

EXAMPLES = """\
examples:
  python -m local.cpo serve --url-file /tmp/cpo.url
  python -m local.cpo register --cpo $(cat /tmp/cpo.url) --offpeak-versions-url URL --token TOKEN_A
  curl $(cat /tmp/cpo.url)/_control                               # everything that can be ordered
  curl $(cat /tmp/cpo.url)/_control/plug-in -d '{"soc": 0.4, "phases": 1, "max_current_a": 32}'
  curl $(cat /tmp/cpo.url)/_control/tell-location -d '{"evse_uid": "EVSE-1", "power_type": "AC_1_PHASE"}'
  curl $(cat /tmp/cpo.url)/_control/advance -d '{"minutes": 30}'
  curl $(cat /tmp/cpo.url)/_control/misbehave -d '{"result_comes": "BEFORE_ANSWER"}'
  curl $(cat /tmp/cpo.url)/_control/state
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local.cpo", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="{serve,register}")

    serve = commands.add_parser("serve", help="run a CPO until it is told to end (Ctrl-C or SIGTERM)")
    serve.set_defaults(run=_serve)
    serve.add_argument("--port", type=int, default=0, help="loopback port (default: a free one)")
    serve.add_argument("--url-file", type=Path, help="write the address into this file once it serves")
    serve.add_argument("--name", default="Simulated CPO", help="business name (default: %(default)s)")
    serve.add_argument("--country-code", default="DE", help="ISO 3166 alpha-2 (default: %(default)s)")
    serve.add_argument("--party-id", default="SIM", help="OCPI party id (default: %(default)s)")
    serve.add_argument(
        "--dialect",
        choices=[each.value for each in Dialect],
        default=Dialect.FULL.value,
        help="how sessions are written: the specification in full, or the common guide's few fields",
    )
    serve.add_argument("--start-at", type=_instant, help="simulated time at the start, RFC 3339 (default: now)")
    serve.add_argument(
        "--speed",
        type=float,
        default=0.0,
        help="simulated seconds per second; 0 (default): time stands still until /_control/advance",
    )
    serve.add_argument("--seed", type=int, default=0, help="seed of all chances in misbehaviour (default: 0)")

    register = commands.add_parser("register", help="let a running CPO register with Offpeak")
    register.set_defaults(run=_register)
    register.add_argument("--cpo", required=True, help="address of the running simulator")
    register.add_argument("--offpeak-versions-url", required=True, help="Offpeak's OCPI versions endpoint")
    register.add_argument("--token", required=True, help="token A, from Offpeak's invitation")

    chosen = parser.parse_args(arguments)
    return int(chosen.run(chosen))


def _serve(chosen: argparse.Namespace) -> int:
    start_at = chosen.start_at or datetime.now(UTC).replace(microsecond=0)
    style = Style(Party(chosen.country_code, chosen.party_id), Dialect(chosen.dialect))
    try:
        cpo = CpoSimulator(start_at=start_at, settings=Settings(style, chosen.name, seed=chosen.seed), port=chosen.port)
    except OSError as error:
        print(f"port {chosen.port}: {error.strerror}", file=sys.stderr)
        return 1
    ended = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: ended.set())
    with cpo:
        print(f"{chosen.name} serves at {cpo.url}; what it can be told: curl {cpo.url}/_control", flush=True)
        if chosen.url_file:
            chosen.url_file.write_text(cpo.url + "\n")
        began_s = time.monotonic()
        while not ended.wait(1.0 if chosen.speed else None):
            to = start_at + timedelta(seconds=(time.monotonic() - began_s) * chosen.speed)
            with suppress(ValueError):  # somebody advanced it further by hand
                cpo.advance(to)
    return 0


def _register(chosen: argparse.Namespace) -> int:
    order = {"offpeak_versions_url": chosen.offpeak_versions_url, "token": chosen.token}
    try:
        answer = httpx.post(f"{chosen.cpo.rstrip('/')}/_control/register", json=order, timeout=60, trust_env=False)
    except httpx.HTTPError as error:
        print(f"no simulator answers at {chosen.cpo}: {error}", file=sys.stderr)
        return 1
    if answer.status_code != 200:
        print(answer.json()["error"], file=sys.stderr)
        return 1
    print("registered")
    return 0


def _instant(text: str) -> datetime:
    try:
        return read_instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-01-31T18:05:00Z") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
