"""What of `asyncio` makes sense where nothing waits: several coroutines at once are one after the other."""

import sys

_SENTENCE = "a plugin has no event loop, and cannot wait: its caller would wait with it"


async def _gather(*awaitables, return_exceptions=False):
    results = []
    for awaitable in awaitables:
        try:
            results.append(await awaitable)
        except Exception as error:
            if not return_exceptions:
                raise
            results.append(error)
    return results


async def _wait_for(awaitable, timeout):
    return await awaitable


async def _sleep(delay, result=None):
    if delay > 0:
        raise OSError(_SENTENCE)
    return result


def seal() -> None:
    """Changes `asyncio`, where the plugin imports it."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        from aksara import runtime

        asyncio.gather, asyncio.wait_for, asyncio.sleep = _gather, _wait_for, _sleep
        asyncio.run = lambda awaitable, **_: runtime.run(awaitable)
