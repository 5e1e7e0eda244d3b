"""Every test begins without handlers, and with a host in memory."""

import pytest

from aksara import meta, runtime, signals
from aksara.testing import Host


@pytest.fixture(autouse=True)
def clean():
    models = dict(meta._by_label)
    signals.reset()
    yield
    signals.reset()
    meta._by_label.clear()
    meta._by_label.update(models)


@pytest.fixture
def host():
    with Host() as host:
        yield host


@pytest.fixture
def run():
    return runtime.run
