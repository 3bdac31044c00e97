"""One Kafka and one PostgreSQL for all tests of deployments, which stop, kill and start them as they like."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.deployment import Deployment, deployment


@pytest.fixture(scope="package")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """Kafka and PostgreSQL, running or not as the test before left them; each module names its own deployment."""
    async with deployment(tmp_path_factory.mktemp("deployment")) as deployed:
        yield deployed
