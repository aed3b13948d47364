"""Tests of one group run in one worker, or a stack that they share would be started twice."""

from __future__ import annotations

import pytest

SEEN: set[str] = set()


@pytest.mark.xdist_group("check of groups")
@pytest.mark.parametrize("number", range(4))
def test_group_stays_in_one_worker(number: int, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("loadgroup", False):
        pytest.skip("only with -n and --dist loadgroup")
    mine = [item.name for item in request.session.items if item.path == request.path]
    SEEN.add(str(number))

    assert request.node.nodeid.endswith("@check of groups")
    assert len(SEEN) == mine.index(request.node.name) + 1, "the tests before this one ran in another worker"
