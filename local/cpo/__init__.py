"""The CPO simulator: a charge point operator with chargers and cars, behind a real HTTP server."""

from __future__ import annotations

from local.cpo.charge_point_operator import Advanced, Push, Settings
from local.cpo.handshake import RegistrationFailed
from local.cpo.load import Load
from local.cpo.messages import Dialect, Style
from local.cpo.misbehaviour import Answer, CredentialsTrouble, Misbehaviour, Result, ResultComes
from local.cpo.oauth import OAuthSettings, TokenMisbehaviour
from local.cpo.object_list import ListCall, ListTrouble
from local.cpo.overview import SessionLog, SessionState
from local.cpo.pairing import PairingCall, PairingTrouble
from local.cpo.peer import CallFailed
from local.cpo.places import Place, Tariff
from local.cpo.profile_receiver import CallKind, ProfileCall
from local.cpo.simulator import CpoSimulator
from local.cpo.wire import Party

__all__ = [
    "Advanced",
    "Answer",
    "CallFailed",
    "CallKind",
    "CpoSimulator",
    "CredentialsTrouble",
    "Dialect",
    "ListCall",
    "ListTrouble",
    "Load",
    "Misbehaviour",
    "OAuthSettings",
    "PairingCall",
    "PairingTrouble",
    "Party",
    "Place",
    "ProfileCall",
    "Push",
    "RegistrationFailed",
    "Result",
    "ResultComes",
    "SessionLog",
    "SessionState",
    "Settings",
    "Style",
    "Tariff",
    "TokenMisbehaviour",
]
