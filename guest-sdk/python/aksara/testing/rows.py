"""The database of a host in memory: rows by model and key, with the values that the wire has."""

from ..meta import Meta, model_of

_TESTS = {
    "eq": lambda value, wanted: value == wanted,
    "ne": lambda value, wanted: value != wanted,
    "lt": lambda value, wanted: value < wanted,
    "le": lambda value, wanted: value <= wanted,
    "gt": lambda value, wanted: value > wanted,
    "ge": lambda value, wanted: value >= wanted,
    "in": lambda value, wanted: value in wanted,
    "contains": lambda value, wanted: wanted in value,
    "starts_with": lambda value, wanted: value.startswith(wanted),
}

_ARITHMETIC = {
    "add": lambda value, by: value + by,
    "sub": lambda value, by: value - by,
    "mul": lambda value, by: value * by,
    "div": lambda value, by: value / by,
}


class Rows:
    """All rows of all models."""

    def __init__(self):
        self._rows: dict[str, list[dict]] = {}

    def of(self, model) -> list[dict]:
        """The rows of a model, or of its label."""
        return self._rows.setdefault(getattr(model, "_meta", None) and model._meta.label or model, [])

    def insert(self, meta: Meta, row: dict) -> dict:
        """Adds a row, with a key that is free where it has none."""
        rows = self.of(meta.label)
        if row.get(meta.key) in (None, 0):
            taken = [one[meta.key] for one in rows if isinstance(one[meta.key], int)]
            row = {**row, meta.key: max(taken, default=0) + 1}
        rows.append(row)
        return row

    def remove(self, meta: Meta, row: dict) -> None:
        """Takes a row away."""
        rows = self.of(meta.label)
        rows[:] = [one for one in rows if one[meta.key] != row[meta.key]]

    def get(self, label: str, key) -> dict | None:
        """The row with this key."""
        name = model_of(label)._meta.key
        return next((row for row in self.of(label) if row[name] == key), None)

    def find(self, request: dict) -> list[dict]:
        """The rows that a request selects, in its order."""
        rows = [row for row in self.of(request["model"]) if _holds(request.get("filter"), row)]
        for name in reversed(request.get("order_by") or ()):
            field = name.lstrip("-")
            rows.sort(key=lambda row, field=field: (row[field] is not None, row[field]), reverse=name[0] == "-")
        return rows[: request.get("limit")]

    def update(self, request: dict) -> int:
        """Writes to the rows that a request selects."""
        rows = self.find(request)
        for row in rows:
            row.update({**request.get("values", {}), **computed(row, request)})
        return len(rows)


def computed(row: dict, request: dict) -> dict:
    """The values that the expressions of a request give for a row."""
    expressions = (request.get("expressions") or {}).items()
    return {name: _ARITHMETIC[one["op"]](row[one["field"]], one["value"]) for name, one in expressions}


def _holds(condition, row) -> bool:
    if condition is None:
        return True
    if "and" in condition:
        return all(_holds(part, row) for part in condition["and"])
    if "or" in condition:
        return any(_holds(part, row) for part in condition["or"])
    if "not" in condition:
        return not _holds(condition["not"], row)
    value, wanted = row.get(condition["field"]), condition["value"]
    if condition["op"] == "is_null":
        return (value is None) == wanted
    return value is not None and _TESTS[condition["op"]](value, wanted)
