import pytest

from tests.sandbox.client import SandboxClient


@pytest.fixture
def sandbox() -> SandboxClient:
    return SandboxClient()
