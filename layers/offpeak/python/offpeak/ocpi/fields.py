"""The types of fields that peers fill, and how an object is read so that a wrong one is named."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints, ValidationError

from offpeak.errors import InvalidMessage
from offpeak.instants import parse_instant
from offpeak.ocpi.peer_address import LONGEST_URL
from offpeak.ocpi.wire_json import JsonValue, problem_with

NOT_AVAILABLE = "#NA"
"""What a peer writes where a required string cannot be filled (CONFORMANCE T13)."""

Model = TypeVar("Model", bound=BaseModel)


def read_object(model: type[Model], value: JsonValue, *, where: str = "") -> Model:
    """Read one object. Raises InvalidMessage naming the first wrong field by its path, below `where`."""
    if not isinstance(value, dict):
        raise InvalidMessage(where or "body", "must be a JSON object")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = ".".join(str(part) for part in ((where, *first["loc"]) if where else first["loc"]))
        raise InvalidMessage(path or "body", first["msg"].removeprefix("Value error, ")) from None


def _instant(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a string with an RFC 3339 date-time")
    return parse_instant(value)


def _available(value: object) -> object:
    return None if value == NOT_AVAILABLE else value


def _bounded(value: Decimal) -> Decimal:
    problem = problem_with(value)
    if problem is not None:
        raise ValueError(problem)
    return value


def _list(value: object) -> object:
    return [] if value is None else value


def _capitals(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _written(value: object) -> object:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return str(value) if is_number else value


def _all_capitals(value: object) -> object:
    return [_capitals(each) for each in value] if isinstance(value, list) else value


Instant = Annotated[datetime, BeforeValidator(_instant)]
Text = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
OptionalText = Annotated[Text | None, BeforeValidator(_available)]
Number = Annotated[Decimal, Field(allow_inf_nan=False, ge=-(10**9), le=10**9), AfterValidator(_bounded)]
"""Some peers write numbers as text, which the parser's bounds have not seen."""
Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL, pattern=r"^[\x21-\x7e]*$")]
NoneAsEmpty = BeforeValidator(_list)
"""A list that may also be missing or null (CONFORMANCE T13)."""
AnyCase = BeforeValidator(_capitals)
"""An enumeration that some peers write in small letters."""
Written = Annotated[Text | None, BeforeValidator(_available), BeforeValidator(_written)]
"""Optional text that some peers write as a number."""
Code = Annotated[Written, AnyCase]
"""An open enumeration: names that we do not know are kept, in capitals."""
Codes = Annotated[list[Annotated[Text, BeforeValidator(_written)]], BeforeValidator(_all_capitals), NoneAsEmpty]
Words = Annotated[list[Annotated[Text, BeforeValidator(_written)]], NoneAsEmpty]
Told = dict[str, object] | None
"""An object that we only give back: kept as it came."""
AllTold = Annotated[list[dict[str, object]], NoneAsEmpty]
