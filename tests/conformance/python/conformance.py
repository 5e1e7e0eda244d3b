"""The conformance plugin in Python: what `tests/conformance/README.md` says."""

import time

import aksara
from aksara import log, signals
from asks import COMMANDS, TWINS, document
from conform_models import Conform, happened
from too_deep import caught


@signals.pre_save(Conform)
async def obey(sender, instance, event, **kwargs):
    """Does what the instance says; an unknown command does nothing."""
    command = instance.command
    if command == "echo":
        for name in TWINS:
            setattr(instance, f"{name}_out", getattr(instance, name))
    elif command == "same":
        instance.text = str(instance.text)
    elif command == "reject":
        aksara.reject(f"no: {instance.text}")
    elif command == "invalid":
        aksara.invalid("text", "is bad", "is worse")
    elif command == "raise":
        explode()
    elif command == "chain":
        raise RuntimeError("outer") from ValueError("the real reason")
    elif command == "cut":
        raise RuntimeError("cut \ud83d")
    elif command == "document":
        instance.json_out = document(instance)
    elif command == "not_a_number":
        instance.json_out = {"items": [1, {"at": float("nan")}]}
    elif command == "deep":
        instance.json_out = deep()
    elif command in ("nest", "recurse"):
        instance.text_out = ",".join(caught(command))
    elif command == "wrong":
        instance.integer = "seven"
    elif command == "unknown":
        instance.nonsense = 1
    elif command == "about":
        instance.text_out = about(event)
    elif command == "operation":
        instance.text_out = event.operation.hex()
    elif command == "log":
        log.info("hello", number=instance.integer)
    elif command == "print":
        print(instance.text)
    elif command == "time":
        instance.integer_out = int(time.time())
    elif command == "loop":
        while True:
            pass
    elif command == "memory":
        exhaust()
    elif command in COMMANDS:
        await COMMANDS[command](instance)


def deep():
    nested = []
    for _ in range(199):
        nested = [nested]
    return nested


def explode():
    raise RuntimeError("boom")


def exhaust():
    kept = []
    while True:
        kept.append(bytearray(b"\1" * (1 << 20)))


def about(event):
    names = "none" if event.update_fields is None else ",".join(sorted(event.update_fields))
    created = str(event.created).lower()
    return f"{event.signal} {event.sender} created={created} update_fields={names} depth={event.depth}"


def seen(sender, subject, event):
    """Says what it heard."""
    heard = {
        name: getattr(event, name) for name in ("created", "origin", "rows", "action", "reverse", "deleted", "key")
    }
    if event.changes:
        heard["changes"] = ",".join(sorted(change.field for change in event.changes))
    if event.instances is not None:
        heard["instances"] = len(event.instances)
    if event.pk_set is not None:
        heard["pk_set"] = len(event.pk_set)
    log.info(f"seen {event.signal}", **{name: value for name, value in heard.items() if value is not None})
    if event.signal == "pre_bulk_create":
        for index, instance in enumerate(event.instances or ()):
            instance.text_out = f"bulk {index}"


for signal in (
    "post_save",
    "pre_delete",
    "post_delete",
    "pre_bulk_create",
    "post_bulk_create",
    "pre_bulk_update",
    "post_bulk_update",
    "after_commit",
    "after_rollback",
):
    getattr(signals, signal).connect(seen, sender=Conform, name=f"seen_{signal}")
signals.m2m_changed.connect(seen, sender="Conform.notes", name="seen_m2m_changed")


@happened.connect(name="happened")
def hear(sender, instance, number, text, **kwargs):
    log.info("happened", number=number, text=text)
