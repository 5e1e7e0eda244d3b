"""What a plugin can need, read from its code: the grants that it asks for when its manifest lists none.

A guess in favour of the author: what is only reached through a variable (`model = Post`, `await instance.save()`) is
not seen, and has to be listed.
"""

import ast
from urllib.parse import urlsplit

OPERATIONS = ("get", "find", "count", "create", "update", "delete")

# The operations that each method of a manager or a query set needs.
_METHODS = {
    "all": ("find",),
    "count": ("count",),
    "create": ("create",),
    "delete": ("delete",),
    "exclude": ("find",),
    "exists": ("count",),
    "filter": ("find",),
    "first": ("find",),
    "get": ("get", "find"),
    "get_or_none": ("get",),
    "limit": ("find",),
    "order_by": ("find",),
    "update": ("update",),
    "update_one": ("update",),
}
# Those that end a chain: before them, `filter` asks for nothing by itself.
_ENDS = {"count", "delete", "exists", "update"}


def needed(plugin: str, modules: dict[str, ast.Module]) -> dict:
    """The grants for what these modules do."""
    labels, targets, services, buckets, hosts, signals = {}, set(), set(), set(), set(), {}
    for tree in modules.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(_last(base) == "Model" for base in node.bases):
                labels[node.name] = _label(node)
            elif isinstance(node, ast.Call):
                _call(node, targets, services, buckets)
                hosts |= _host(node)
            elif isinstance(node, ast.Assign) and _is_signal(node.value):
                for target in node.targets:
                    signals[_last(target)] = _text(node.value.args) or f"{plugin}.{_last(target)}"
            elif isinstance(node, ast.ImportFrom) and node.module == "aksara.cache":
                buckets |= {"cache"} & {alias.name for alias in node.names}
    sent = {name: sender for tree in modules.values() for name, sender in _sent(tree)}
    # A signal for an instance reads it.
    targets |= {sender for sender in sent.values() if sender in labels}
    models = {labels.get(target, target): {"get"} for target in targets}
    for tree in modules.values():
        for name, operations in _operations(tree):
            if name in labels:
                models.setdefault(labels[name], set()).update(operations)
    grants = {"models": {label: sorted(models[label], key=OPERATIONS.index) for label in sorted(models)}}
    for kind, names in (
        ("signals", {signals[name] for name in sent if name in signals}),
        ("services", services),
        ("keyvalue", buckets),
        ("http", hosts),
    ):
        if names:
            grants[kind] = sorted(names)
    return grants


def _call(node, targets, services, buckets):
    name = _last(node.func)
    if name == "ForeignKey" and node.args:
        targets.add(_text(node.args) or _last(node.args[0]))
    elif name == "service" or name == "call" and _last(getattr(node.func, "value", node)) == "services":
        services |= {_text(node.args)} - {None}
    elif name in ("bucket", "Bucket"):
        buckets |= {_text(node.args)} - {None}


def _host(node) -> set[str]:
    """Host and port of a request, whose URL stands in it."""
    if _last(getattr(node.func, "value", node)) != "http" or _last(node.func) not in ("get", "post", "request"):
        return set()
    url = urlsplit(_text(node.args[1:] if _last(node.func) == "request" else node.args) or "")
    return {f"{url.hostname}:{url.port or (80 if url.scheme == 'http' else 443)}"} if url.hostname else set()


def _operations(tree):
    """Model and operations of each chain that begins with `Model.objects`."""
    ended = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        chain, inner = [], node
        while isinstance(inner, (ast.Attribute, ast.Call, ast.Subscript)):
            if isinstance(inner, ast.Attribute):
                chain.append((inner.attr, inner))
                inner = inner.value
            else:
                inner = inner.func if isinstance(inner, ast.Call) else inner.value
        names = [name for name, _ in chain]
        if not isinstance(inner, ast.Name) or names[-1:] != ["objects"] or len(names) < 2 or node in ended:
            continue
        # The longest chain comes first; its parts ask for nothing more.
        ended.update(part for _, part in chain)
        methods = names[:1] if names[0] in _ENDS else names[:-1]
        if names[0] == "get" and len(names) > 2:
            yield inner.id, {"find"}
            continue
        yield inner.id, {operation for method in methods for operation in _METHODS.get(method, OPERATIONS)}


def _sent(tree):
    """Each signal that is sent, and the class of the instance that it is sent for, if it stands there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last(node.func) in ("send", "send_robust"):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            sender = _last(given["sender"]) if {"sender", "instance"} <= set(given) else None
            yield _last(getattr(node.func, "value", node)), sender


def _is_signal(node) -> bool:
    return isinstance(node, ast.Call) and _last(node.func) == "Signal"


def _label(node: ast.ClassDef) -> str:
    """The label of a declared model: that of its `Meta`, or its name."""
    metas = [inner for inner in node.body if isinstance(inner, ast.ClassDef) and inner.name == "Meta"]
    for statement in (statement for meta in metas for statement in meta.body):
        if isinstance(statement, ast.Assign) and _last(statement.targets[0]) == "label":
            return _text([statement.value]) or node.name
    return node.name


def _last(node) -> str:
    """The last name of an expression such as `fields.ForeignKey`."""
    return getattr(node, "attr", None) or getattr(node, "id", None) or ""


def _text(arguments) -> str | None:
    """The first argument, when it is a text."""
    first = arguments[0] if arguments else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
