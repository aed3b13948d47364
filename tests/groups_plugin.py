"""Makes `--dist loadgroup` work: pytest-xdist 3.8 marks a test's group in an attribute that pytest 9.2 no longer reads.

Without it the tests of one `xdist_group` are spread over the workers. Remove it with the first xdist that sets `Node._id`;
`tests/test_groups.py` tells whether groups hold.
"""

from __future__ import annotations

import pytest
from _pytest.nodeid import NodeId


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker, end each grouped test's id in `@group`, which is what the scheduler groups by."""
    if not config.getoption("loadgroup", False):
        return
    for item in items:
        groups = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
        suffix = f"@{'_'.join(groups)}"
        if groups and not item.nodeid.endswith(suffix):
            item._id = NodeId.parse(item.nodeid + suffix)
