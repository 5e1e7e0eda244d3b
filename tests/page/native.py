"""Runs the page's tests: each in a host of its own, with an event loop."""

import asyncio
import inspect

import pytest

from aksara.testing import Host


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    with Host():
        asyncio.run(pyfuncitem.obj())
    return True
