"""The host's side of the WIT world, as `aksara.host` wants it."""

from componentize_py_types import Err
from wit_world.imports import bus, config, log, models, services

from aksara.errors import HostError, NotGranted
from aksara.host import Refusal
from aksara.http import shown

try:
    from wit_world.imports import store
except ImportError:
    # The component was built without a cache.
    store = None

try:
    from . import wasi_http
except ImportError:
    # The component was built without HTTP.
    wasi_http = None

_INTERFACES = {"models": models, "bus": bus, "services": services, "config": config}


class WitHost:
    """Asks the host through the imports of the component."""

    def __init__(self):
        self.buckets = {}

    def log(self, line: bytes) -> None:
        """Writes a line."""
        log.write(line)

    def request(self, interface: str, operation: str, request: bytes) -> bytes:
        """Asks an import."""
        try:
            return getattr(_INTERFACES[interface], operation)(request)
        except Err as error:
            raise Refusal(error.value) from None

    def http(self, method: str, url: str, *request):
        """Sends a request."""
        if wasi_http is None:
            grants = "ask for them by `http` in `[tool.aksara.grants]`, and let the operator grant them"
            raise NotGranted(f"`{shown(url)}`: the host and port are not granted; {grants}")
        return wasi_http.send(method, url, *request)

    def cache(self, bucket: str, operation: str, *arguments):
        """Works on a bucket."""
        if store is None:
            raise NotGranted(f"the bucket `{bucket}` is not granted; list it in `grants.keyvalue` of `[tool.aksara]`")
        try:
            if bucket not in self.buckets:
                self.buckets[bucket] = store.open(bucket)
            return getattr(self.buckets[bucket], operation)(*arguments)
        except Err as error:
            refused = error.value
        if isinstance(refused, store.Error_Other):
            raise HostError(refused.value)
        raise NotGranted(f"the bucket `{bucket}` is not granted")
