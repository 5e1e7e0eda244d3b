"""The commands that ask the host for something."""

import aksara
from aksara import F, cache, config
from conform_models import Note, Secret, happened

TWINS = ("integer", "float", "boolean", "text", "bytes", "time", "date", "uuid", "decimal", "json")


def document(it):
    """The document that commands put into a field, or send."""
    return {"fields": {name: getattr(it, name) for name in TWINS}, "list": [it.uuid, it.time, it.bytes]}


async def get(it):
    note = await Note.objects.get_or_none(it.integer)
    it.text_out = note.title if note else "none"


async def find(it):
    notes = await Note.objects.filter(stars__gte=it.integer).order_by("-stars")[:2]
    it.text_out = ",".join(note.title for note in notes)


async def count(it):
    it.integer_out = await Note.objects.filter(stars__gte=it.integer, title__startswith=it.text).count()


async def create(it):
    note = await Note.objects.create(title=it.text, stars=1)
    it.integer_out = note.id


async def update(it):
    it.integer_out = await Note.objects.update_one(it.integer, title=it.text)


async def increment(it):
    await Note.objects.get(it.integer)
    it.integer_out = await Note.objects.update_one(it.integer, stars=F("stars") + 1)


async def bump(it):
    it.integer_out = await Note.objects.filter(stars__lt=it.integer).update(stars=F("stars") + 1)


async def delete(it):
    it.integer_out = await Note.objects.filter(id=it.integer).delete()


async def taken(it):
    try:
        await Note.objects.create(id=it.integer)
    except aksara.HostError as error:
        it.text_out = f"{error.violation.kind} {error.violation.model} {','.join(error.violation.fields)}"


async def denied(it):
    try:
        await Secret.objects.get(1)
    except aksara.NotGranted as error:
        it.text_out = str(error)


async def send(it):
    await happened.send(number=it.integer, text=it.text)


async def send_wrong(it):
    await happened.send(number=it.integer)


async def service(it):
    it.text_out = await aksara.service("conform.reverse")(it.text)


async def keep(it):
    it.text_out = await aksara.service("conform.keep")(document(it))


async def setting(it):
    it.text_out = config.get("greeting", "none")


async def cached(it):
    bucket = cache.bucket("conform")
    await bucket.set("key", it.text)
    it.text_out = await bucket.get_text("key")
    await bucket.delete("key")
    it.boolean_out = await bucket.exists("key")


COMMANDS = {
    "get": get,
    "find": find,
    "count": count,
    "create": create,
    "update": update,
    "increment": increment,
    "bump": bump,
    "delete": delete,
    "taken": taken,
    "denied": denied,
    "send": send,
    "send_wrong": send_wrong,
    "service": service,
    "keep": keep,
    "config": setting,
    "cache": cached,
}
