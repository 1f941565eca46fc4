from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offpeak.webhooks.sign import is_genuine, signature

BODY = b'{"id":"evt_1"}'
AT_S = 1_767_225_600


def test_a_signature_is_the_one_that_is_documented() -> None:
    assert signature(["whsec_example"], BODY, AT_S) == (
        "t=1767225600,v1=66767d6306a1173a1e9c6a7f1a0ffa2b9f613e44c1a02c71704222e753465204"
    )


def test_while_a_secret_is_replaced_both_open() -> None:
    header = signature(["new", "old"], BODY, AT_S)
    assert is_genuine(header, "new", BODY, AT_S)
    assert is_genuine(header, "old", BODY, AT_S)
    assert not is_genuine(header, "older", BODY, AT_S)


def test_what_was_sent_long_ago_is_not_taken() -> None:
    header = signature(["s"], BODY, AT_S)
    assert is_genuine(header, "s", BODY, AT_S + 300)
    assert not is_genuine(header, "s", BODY, AT_S + 301)
    assert not is_genuine(header, "s", BODY, AT_S - 301)


@given(body=st.binary(max_size=40), other=st.binary(max_size=40))
def test_another_body_is_not_genuine(body: bytes, other: bytes) -> None:
    assert is_genuine(signature(["s"], body, AT_S), "s", other, AT_S) == (body == other)


@given(header=st.text(max_size=80))
def test_whatever_a_header_holds_is_no_signature(header: str) -> None:
    assert not is_genuine(header, "s", BODY, AT_S)
    assert not is_genuine(f"t={AT_S},{header}", "s", BODY, AT_S)
