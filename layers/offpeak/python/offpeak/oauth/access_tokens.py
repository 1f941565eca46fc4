"""Access tokens: signed JWTs (RFC 7519; ours with the claims of RFC 9068), written and read.

Reading means: the signature of a key that the issuer publishes comes first, then the claims. A token whose signature is
right but whose time is over still tells who shows it, so that the refusal can say what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from offpeak.errors import NotAuthenticated
from offpeak.oauth.key_store import ALGORITHM
from offpeak.oauth.signing_keys import TOKEN_LIFETIME

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from jwt import PyJWK

LONGEST_TOKEN = 4096
"""Characters. Ours have about 500; outside issuers put more into theirs."""
ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA")
"""Signatures with a private key; a token that names none of these, or "none", is refused."""
LEEWAY = timedelta(seconds=60)
"""By so much may an issuer's clock and ours differ."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs access tokens. `audience` None: tokens are taken whatever they are for (some issuers name nobody).

    `client_claim` is the claim that names the client: sub, client_id, azp, appid.
    """

    issuer: str
    jwks_url: str
    audience: str | None
    client_claim: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a token with a right signature says. `problem` is what is wrong with it, None where nothing is."""

    client_id: str
    expires_at_s: int
    """Epoch seconds."""
    problem: str | None = None


def own_issuer(base_url: str) -> Issuer:
    """Return ourselves as an issuer of tokens for partners."""
    return Issuer(base_url, f"{base_url}/.well-known/jwks.json", f"{base_url}/ocpi", "client_id")


def own_issuer_for_apps(base_url: str) -> Issuer:
    """Return ourselves as an issuer of tokens for tenants: they are for the app API, and good for nothing else."""
    return replace(own_issuer(base_url), audience=f"{base_url}/v1")


def sign(client_id: str, issuer: Issuer, key: tuple[str, EllipticCurvePrivateKey], token_id: str, now: datetime) -> str:
    """Write an access token of ours for a client."""
    import jwt

    kid, private = key
    claims = {
        "iss": issuer.issuer,
        "aud": issuer.audience,
        "sub": client_id,
        "client_id": client_id,
        "iat": now,
        "exp": now + TOKEN_LIFETIME,
        "jti": token_id,
    }
    return jwt.encode(claims, private, ALGORITHM, headers={"kid": kid, "typ": "at+jwt"})


def issuer_of(token: str) -> str:
    """Return whom a token names as its issuer; nothing of it has been checked. Raises NotAuthenticated."""
    claims = _unchecked(token)[1]
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer.isascii():  # half a surrogate pair cannot even be hashed
        raise NotAuthenticated("the access token names no issuer")
    return issuer


def claimed_client(token: str) -> str | None:
    """Return the client that a token names, if it is a token of ours; nothing of it has been checked.

    Raises NotAuthenticated for what is no token.
    """
    client_id = _unchecked(token)[1].get("client_id")
    return client_id if isinstance(client_id, str) else None


def read(token: str, issuer: Issuer, key_named: Callable[[str | None], PyJWK | None]) -> Shown:
    """Check a token of `issuer`. `key_named` finds the key of an id among those that the issuer publishes.

    Raises NotAuthenticated for a signature that is not the issuer's, and for a token that names no client.
    """
    import jwt

    kid = _unchecked(token)[0].get("kid")
    key = key_named(kid if isinstance(kid, str) else None)
    if key is None:
        raise NotAuthenticated("the access token is signed with a key that its issuer does not publish")
    problem = None
    try:
        claims = _claims(token, key, issuer)
    except jwt.ExpiredSignatureError:
        problem, claims = "the access token has expired", _claims(token, key, issuer, verify_exp=False)
    except jwt.PyJWTError as error:
        raise NotAuthenticated(f"the access token is not good: {error}") from None
    client_id = claims.get(issuer.client_claim)
    if not isinstance(client_id, str) or not client_id:
        raise NotAuthenticated(f"the access token has no claim {issuer.client_claim}")
    return Shown(client_id, int(claims["exp"]), problem)


def _claims(token: str, key: PyJWK, issuer: Issuer, *, verify_exp: bool = True) -> dict[str, Any]:
    import jwt

    options: Any = {"require": ["exp", "iss"], "verify_exp": verify_exp, "verify_aud": issuer.audience is not None}
    return jwt.decode(
        token,
        key,
        algorithms=list(ALGORITHMS),
        audience=issuer.audience,
        issuer=issuer.issuer,
        leeway=LEEWAY,
        options=options,
    )


def _unchecked(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the claims of a token that anybody may have written."""
    import jwt

    if len(token) > LONGEST_TOKEN:
        raise NotAuthenticated(f"the access token has more than {LONGEST_TOKEN} characters")
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise NotAuthenticated("the access token is no JWT") from None
    return whole["header"], whole["payload"]
