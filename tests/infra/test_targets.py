"""The laptop runs what AWS runs: the two templates differ where this list says, and nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.stacks import Stacks

ALLOWED = {
    "wheels of the layer are for this machine": (
        r"Resources\.LayersDependencies\w+\.Properties\.Content\.S3Key",
        r"Resources\.LayersDependencies\w+\.Metadata\.aws:asset:path",
    ),
    "the clock can be simulated": (r"Resources\.\w+\.Properties\.Environment\.Variables\.SIMULATED_CLOCK_FILE",),
    "end points are on loopback": (
        r"Resources\.\w+\.Properties\.Environment\.Variables\.(BASE_URL|PRICE_FEED_URL|LOOPBACK_PEERS)",
        r"Outputs\.BaseUrl\.Value",
        r"Resources\.RestApi\w+\.Properties\.Tags",
    ),
}


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield the paths at which two templates differ; a name that only one of them has counts with all below it."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            below = f"{path}.{key}".lstrip(".")
            if key in one and key in other:
                yield from differences(one[key], other[key], below)
            else:
                yield below
    elif one != other:
        yield path


def without_the_hash_of_the_api(template: dict[str, Any]) -> Any:
    """The deployment is named by a hash of the API, its tag included; all that it is made of is compared itself."""
    return json.loads(re.sub(r"(RestApiDeployment[0-9A-F]{8})[0-9a-f]{32}", r"\1", json.dumps(template)))


def test_the_targets_differ_by_the_list_and_every_line_of_it_is_needed(qa: Stacks, qa_on_a_laptop: Stacks) -> None:
    service = (without_the_hash_of_the_api(each.service) for each in (qa, qa_on_a_laptop))
    found = set(differences(*service)) | set(differences(qa.data, qa_on_a_laptop.data))
    patterns = [pattern for reasons in ALLOWED.values() for pattern in reasons]

    assert [path for path in sorted(found) if not any(re.fullmatch(each, path) for each in patterns)] == []
    assert [each for each in patterns if not any(re.fullmatch(each, path) for path in found)] == []


@pytest.mark.parametrize(
    ("one", "other", "paths"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 1}}, set()),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, {"a.b"}),
        ({"a": {"b": 1}}, {"a": {}}, {"a.b"}),
        ({"a": [1, 2]}, {"a": [2, 1]}, {"a"}),
        ({}, {"a": {"b": 1}}, {"a"}),
    ],
)
def test_a_difference_is_found_wherever_it_is(one: Any, other: Any, paths: set[str]) -> None:
    assert set(differences(one, other)) == paths
