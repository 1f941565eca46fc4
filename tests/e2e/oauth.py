"""OAuth2 as a partner sees it, and as somebody does who holds our signing key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from offpeak.aws.secrets import TokenCipher
from offpeak.oauth.access_tokens import own_issuer, sign
from offpeak.oauth.key_store import Signer, SigningKeyStore
from tests.e2e.partner import Partner
from tests.e2e.stage import Stage


@dataclass(frozen=True)
class OAuthClient:
    """What an operator sent to the partner."""

    client_id: str
    secret: str
    api_key: str
    token_url: str
    audience: str


def access(partner: Partner, action: str, **details: Any) -> Any:
    """Give an operators' command about a partner's access."""
    order = {"action": action, "partner_id": partner.partner_id, **details}
    answer = partner.stage.cloud.invoke("ops_access", order)
    assert "error" not in answer, answer
    for name in ("client_secret", "api_key"):
        partner.stage.tokens |= {answer[name]} if answer.get(name) else set()
    return answer


def client_of(partner: Partner) -> OAuthClient:
    """Have a client made for a partner that has none yet."""
    made = access(partner, "create_client")
    return OAuthClient(made["client_id"], made["client_secret"], made["api_key"], made["token_url"], made["audience"])


def ask_token(stage: Stage, client: OAuthClient, *, basic: bool = False, **form: str) -> httpx.Response:
    """Ask for an access token; `form` changes what is usual, an empty text leaves it out."""
    shown = {} if basic else {"client_id": client.client_id, "client_secret": client.secret}
    fields = {"grant_type": "client_credentials", **shown, **form}
    auth = (client.client_id, client.secret) if basic else None
    return stage.http.post(client.token_url, data={name: text for name, text in fields.items() if text}, auth=auth)


def token_of(stage: Stage, client: OAuthClient) -> str:
    """Return an access token."""
    answer = ask_token(stage, client)
    assert answer.status_code == 200, answer.text
    token = str(answer.json()["access_token"])
    stage.tokens.add(token)
    return token


def bearer(token: str, api_key: str | None = None) -> dict[str, str]:
    """Return the headers that show an access token, and an ApiKey beside it."""
    return {"Authorization": f"Bearer {token}", **({"ApiKey": api_key} if api_key is not None else {})}


def token_signed_at(stage: Stage, client: OAuthClient, now: datetime) -> str:
    """Return a token that was signed with our own key at some time."""
    cloud = stage.cloud
    configuration = cloud.client("lambda").get_function_configuration(FunctionName=cloud.deployed.function("oauth"))
    cipher = TokenCipher(cloud.client("kms"), configuration["Environment"]["Variables"]["TOKEN_KEY_ID"])
    keys = SigningKeyStore(stage.table("partners"))
    signer = Signer(keys, cipher, new_id=lambda: "made-by-a-test")
    token = sign(client.client_id, own_issuer(cloud.base_url), signer.private_key(keys.load()[0][0].made_at), "1", now)
    stage.tokens.add(token)
    return token
