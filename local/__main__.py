"""The embedded cloud in the background: `up` starts it with a simulated CPO, `status` tells of it, `down` ends it."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

REQUIRED = ("boto3", "aws_cdk", "ministack", "httpx", "uvicorn", "pydantic")
DEFAULT_PORT = 4600


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="{up,status,down}", dest="command")
    up = commands.add_parser(
        "up", help="start it, deploy to it, register a simulated CPO, and say how to reach all that"
    )
    up.add_argument("--port", type=int, default=DEFAULT_PORT, help="loopback port of the cloud (default: %(default)s)")
    up.add_argument(
        "--live-prices",
        action="store_true",
        help="ask the Energy-Charts API; without it recorded days are retold as if they were these days",
    )
    up.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help="simulated seconds per second, for everybody: at 60 a night passes in minutes (default: real time)",
    )
    commands.add_parser("status", help="say how to reach it, or that it does not run")
    commands.add_parser("down", help="end all that up has started")
    chosen = parser.parse_args(arguments)

    missing = [each for each in REQUIRED if find_spec(each) is None]
    if missing:
        print(
            f"Not installed: {', '.join(missing)}. Run `make up`, or pip install -r requirements.txt.", file=sys.stderr
        )
        return 1
    from local.cloud_up import CANNOT, BackgroundStack

    stack = BackgroundStack()
    try:
        if chosen.command == "up":
            stack.up(chosen.port, live_prices=chosen.live_prices, speed=chosen.speed)
        elif chosen.command == "status":
            stack.status()
        else:
            stack.down()
    except CANNOT as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
