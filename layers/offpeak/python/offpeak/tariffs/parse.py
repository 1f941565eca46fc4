"""From the body of a PUT or PATCH to a Push of the tariff that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from offpeak.errors import InvalidMessage
from offpeak.ocpi.fields import read_object
from offpeak.ocpi.merging import Push
from offpeak.ocpi.stamps import check_stamp
from offpeak.ocpi.tariffs import TAX_INCLUDED, TariffObject, fields_of, required
from offpeak.ocpi.wire_json import JsonValue
from offpeak.tariffs.model import TariffKey

LONGEST_CURRENCY = 3


@dataclass(frozen=True, slots=True)
class TariffPush:
    """`filled` says what lenient parsing did not find."""

    push: Push
    filled: tuple[str, ...] = ()


def parse_tariff_push(
    body: JsonValue, key: TariffKey, version: str, *, is_whole: bool, strict: bool, now: datetime
) -> TariffPush:
    """Read the body of a PUT (`is_whole`) or PATCH that was addressed to `key`, in one of our versions.

    A PUT without last_updated counts as told now - the specification's own sample is one -, a PATCH without is refused
    (CONFORMANCE T14). Raises InvalidMessage, which names the field, for what cannot be taken (T6, T7, T8).
    """
    wire = read_object(TariffObject, body)
    identity = {"country_code": key.party.country_code, "party_id": key.party.party_id, "id": key.tariff_id}
    for name, in_url in identity.items():
        said = getattr(wire, name)
        if said is not None and said.casefold() != in_url.casefold():
            raise InvalidMessage(name, f"is {said!r} in the body but {in_url!r} in the URL")
        identity[name] = said or in_url
    needed = required(version) if is_whole else ("last_updated",)
    missing = tuple(name for name in needed if getattr(wire, name) in (None, []))
    must = needed if strict or not is_whole else ("currency", "elements")
    for name in missing:
        if name in must:
            raise InvalidMessage(name, "is required")
    if strict and len(wire.currency or "") > LONGEST_CURRENCY:
        raise InvalidMessage("currency", f"is longer than {LONGEST_CURRENCY} characters")
    stamp = wire.last_updated or now
    check_stamp("last_updated", stamp, now)
    told = set(TariffObject.model_fields) if is_whole else set(wire.model_fields_set) - {TAX_INCLUDED, *identity}
    told |= {TAX_INCLUDED} & wire.model_fields_set
    wire.last_updated = stamp
    fields = fields_of(wire, told, version)
    if is_whole:
        fields |= identity
    else:
        fields = {name: value for name, value in fields.items() if value is not None or name not in required(version)}
    return TariffPush(Push(stamp, is_whole, fields), missing)
