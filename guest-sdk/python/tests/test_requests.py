"""What handlers ask of the host, and how it is put on the wire."""

import re

import pytest

import aksara
from aksara import F, Model, Q, cache, config, fields, http, msgpack
from aksara.host import Refusal
from aksara.signals import SignalContext, post_delete, pre_save


class Note(Model):
    title = fields.String()
    stars = fields.Integer(default=0)


def last(host):
    return host.requests[-1]


def add(host, *stars):
    host.add(*(Note(title=f"n{count}", stars=count) for count in stars))


def test_a_query_is_sent_when_it_is_awaited(host, run):
    add(host, 1, 2, 3, 9)

    async def ask():
        found = await Note.objects.filter(stars__gte=2).order_by("-stars")[:2]
        assert [note.stars for note in found] == [9, 3]
        assert last(host) == (
            "models.find",
            {
                "model": "Note",
                "filter": {"field": "stars", "op": "ge", "value": 2},
                "fields": ["id", "stars", "title"],
                "order_by": ["-stars"],
                "limit": 2,
            },
        )
        assert [note.stars async for note in Note.objects.all()] == [1, 2, 3, 9]
        assert (await Note.objects.exclude(stars=1).first()).stars == 2
        assert await Note.objects.filter(title__startswith="n", stars__range=(2, 3)).count() == 2
        assert await Note.objects.filter(Q(stars=1) | ~Q(stars__lt=9)).count() == 2
        assert await Note.objects.filter(stars__in=[1, 9], title__contains="9").exists()
        assert not await Note.objects.filter(title=None).exists()

    run(ask())


def test_get_by_key_and_by_conditions(host, run):
    add(host, 1, 2)

    async def ask():
        assert (await Note.objects.get(1)).stars == (await Note.objects.get(id=1)).stars == 1
        assert last(host)[0] == "models.get"
        assert (await Note.objects.get(stars=2)).id == 2
        assert await Note.objects.get_or_none(7) is None
        with pytest.raises(Note.DoesNotExist, match="no `Note` has the key 7"):
            await Note.objects.get(7)
        with pytest.raises(aksara.MultipleObjectsReturned):
            await Note.objects.get(stars__gte=1)

    run(ask())


def test_writes(host, run):
    add(host, 1, 2)

    async def ask():
        note = await Note.objects.create(title="new")
        assert (note.id, note.stars) == (3, 0)
        assert await Note.objects.filter(stars__gte=1).update(stars=F("stars") + 1, title="many") == 2
        assert last(host)[1]["expressions"] == {"stars": {"field": "stars", "op": "add", "value": 1}}
        assert await Note.objects.update_one(3, title="newer") == 1
        assert last(host) == ("models.update", {"model": "Note", "key": 3, "values": {"title": "newer"}})
        assert await Note.objects.update_one(3, stars=F("stars") + 4) == 1
        assert last(host)[1]["expressions"] == {"stars": {"field": "stars", "op": "add", "value": 4}}
        assert (await Note.objects.get(3)).stars == 4
        assert await Note.objects.update_one(7, title="nobody") == 0
        assert await Note.objects.update(stars=1) == 3
        assert last(host)[1]["filter"] == {"and": []}
        note = await Note.objects.get(3)
        note.stars = 5
        await note.save()
        assert last(host)[1]["values"] == {"stars": 5}
        requests = len(host.requests)
        await note.save()
        assert len(host.requests) == requests
        assert await note.delete() == 1
        fresh = Note(title="fresh")
        await fresh.save()
        assert fresh.id == 3 and fresh.changed_fields() == []

    run(ask())


def test_expressions_that_cannot_be_sent_are_refused(run):
    for wrong in (lambda: F("stars") + F("id"), lambda: (F("stars") + 1) * 2):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(TypeError, match="changes nothing"):
        run(Note.objects.update(stars=F("id")))
    with pytest.raises(TypeError, match="`author__name` has no operator"):
        run(Note.objects.filter(author__name="x").count())
    with pytest.raises(TypeError, match="without order and limit"):
        run(Note.objects.order_by("stars").count())


def test_saves_without_signals(host, run):
    add(host, 1)
    fired = []
    pre_save.connect(lambda s, i, **k: fired.append("saved"), sender=Note)
    post_delete.connect(lambda s, i, **k: fired.append("deleted"), sender=Note)

    async def ask():
        note = await Note.objects.get(1)
        async with SignalContext.disable_for(Note):
            note.stars = 7
            await note.save()
            await Note.objects.update_one(1, title="other")
            with pytest.raises(TypeError, match="`delete` of `Note` cannot be done without signals"):
                await note.delete()
        assert (fired, (await Note.objects.get(1)).stars) == ([], 7)
        note.stars = 8
        await note.save()
        await note.delete()
        assert fired == ["saved", "deleted"]

    run(ask())


def test_services_settings_and_cache(host, run):
    host.services["notifications.send"] = lambda args: f"sent {args}"
    host.settings["greeting"] = "hello"

    async def ask():
        assert await aksara.service("notifications.send")(user=7) == "sent {'user': 7}"
        assert await aksara.service("notifications.send")([1]) == "sent [1]"
        assert await aksara.services.call("notifications.send", 5) == "sent 5"
        with pytest.raises(aksara.HostError, match="there is no service `mail`"):
            await aksara.services.call("mail")
        assert (config.get("greeting"), config.get("other", "none")) == ("hello", "none")
        await cache.cache.set("key", "é")
        assert (await cache.cache.get("key"), await cache.cache.get_text("key")) == ("é".encode(), "é")
        await cache.cache.set_json("key", {"a": 1})
        assert await cache.cache.get_json("key") == {"a": 1}
        await cache.cache.delete("key")
        assert await cache.cache.get("key") is None and not await cache.cache.exists("key")
        with pytest.raises(TypeError, match="use `set_json`"):
            await cache.cache.set("key", {"a": 1})

    run(ask())


def test_http_requests_have_their_responses(host, run):
    url = "https://api.example.com/posts?page=2"
    host.responses[url] = {"status": 404, "headers": {"content-type": "application/json"}, "body": '{"é": 1}'}

    async def ask():
        response = await http.post(url, json={"a": 1}, headers={"Accept": "*/*"})
        assert (response.status, response.ok, response.headers) == (404, False, {"content-type": "application/json"})
        assert (response.text, response.json()) == ('{"é": 1}', {"é": 1})
        headers = {"accept": "*/*", "content-type": "application/json"}
        assert last(host) == ("http", {"method": "POST", "url": url, "headers": headers, "body": b'{"a": 1}'})
        await http.request("put", url, body="é")
        assert last(host)[1] == {"method": "PUT", "url": url, "headers": {}, "body": "é".encode()}
        for wrong, message in (
            ("mail", "`mail` has no `http://` or `https://`"),
            ("http:///", "`http:///` names no host"),
            ("https://example.com", "`https://example.com`: there is no response; give the host one in `responses`"),
        ):
            with pytest.raises(aksara.HostError, match=re.escape(message)):
                await http.get(wrong)
        with pytest.raises(TypeError, match="use `json` for anything else"):
            await http.post(url, {"a": 1})
        with pytest.raises(TypeError, match="not both"):
            await http.post(url, "text", json={})

    run(ask())


def test_what_is_not_granted_is_an_exception_of_its_own(host, run):
    def deny(*_):
        raise Refusal(msgpack.pack({"error": "`get` on the model `Note` is not granted"}))

    host.request = deny
    with pytest.raises(aksara.NotGranted, match="`get` on the model `Note` is not granted") as caught:
        run(Note.objects.get(1))
    assert isinstance(caught.value, PermissionError)


def test_without_a_host_the_exception_says_so(run):
    with pytest.raises(aksara.AksaraError, match="there is no host here"):
        run(Note.objects.count())
