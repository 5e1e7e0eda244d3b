"""Handlers: how they are connected, called, and answered for."""

import asyncio
from unittest.mock import AsyncMock, patch
from uuid import UUID

import pytest

import aksara
from aksara import Model, fields, msgpack, runtime, signals
from aksara.signals import Signal, post_save, pre_delete, pre_save
from aksara.testing import Host


class Post(Model):
    title = fields.String()
    slug = fields.String()


def described():
    runtime.ready("blog", "1.2.0", {}, [])
    return msgpack.unpack(runtime.describe())


def subscriptions():
    return [(one["handler"], one["signal"], one["sender"]) for one in described()["subscriptions"]]


async def generate_slug(sender, instance, **kwargs):
    if not instance.slug:
        instance.slug = instance.title.lower().replace(" ", "-")


async def hears(sender, instance, created, **kwargs):
    aksara.log.info("heard", created=created, title=instance.title)


def handle(signal="pre_save", instance=None, **more):
    event = {"v": 0, "id": bytes(16), "signal": signal, "sender": "Post", "db": "default", "depth": 0, **more}
    event["instance"] = instance or {"title": "Hello World", "slug": ""}
    succeeded, answer = runtime.handle(0, msgpack.pack(event))
    return succeeded, msgpack.unpack(answer) if answer else None


def test_decorators_with_and_without_a_sender():
    assert pre_save(Post)(generate_slug) is generate_slug
    pre_save()(hears)
    pre_save(hears)
    pre_delete.connect(hears, sender="Comment")
    post_save.connect(sender=Post, priority=5, created=True, changed=["title"])(hears)
    assert subscriptions() == [
        ("generate_slug", "pre_save", "Post"),
        ("hears", "pre_save", None),
        ("hears", "pre_delete", "Comment"),
        ("hears", "post_save", "Post"),
    ]
    last = msgpack.unpack(runtime.describe())["subscriptions"][-1]
    assert last["when"] == {"created": True, "changed": ["title"]}
    assert (last["priority"], last["reads"], last["writes"]) == (5, ["id", "slug", "title"], None)


def test_disconnect_takes_back():
    pre_save.connect(generate_slug, sender=Post)
    assert not pre_save.disconnect(generate_slug)
    assert pre_save.disconnect(generate_slug, sender=Post)
    assert subscriptions() == []
    with pytest.raises(aksara.AksaraError, match="`connect` comes too late"):
        pre_save.connect(generate_slug)


def test_lambdas_are_named_by_their_place(host):
    for model in ("User", "Post"):
        post_save.connect(lambda s, i, created, **k: hears(s, i, created, **k), sender=model)
        post_save.connect(lambda s, i, **k: hears(s, i, **k), sender=model)
    names = [name for name, _, _ in subscriptions()]
    assert len(set(names)) == 2 and all(name.startswith("test_handlers.py:") for name in names)
    host.fire("post_save", Post(title="Hello"), created=False)
    assert host.lines == [{"level": "info", "message": "heard", "created": False, "title": "Hello"}] * 2


def test_the_first_two_arguments_may_have_any_name(host):
    heard = []

    @pre_save(Post)
    def model_and_event(model, event):
        heard.append((model, event.title))

    @pre_save(Post)
    def signal_and_kwargs(signal, created, **kwargs):
        heard.append((signal, created.title, sorted(kwargs)))

    host.fire("pre_save", Post(title="Hello"))
    assert heard == [(Post, "Hello"), (Post, "Hello", ["event", "raw", "update_fields"])]


def test_two_handlers_of_one_name_are_told_apart():
    def again(function):
        def handler(sender, instance):
            return function(sender, instance)

        return handler

    pre_save.connect(again(generate_slug), sender=Post)
    pre_save.connect(again(generate_slug), sender=Post)
    assert [name for name, _, _ in subscriptions()] == ["handler", "handler_2"]


def test_a_coroutine_is_run_to_its_end():
    pre_save.connect(generate_slug, sender=Post)
    assert handle() == (True, {"instance": {"slug": "hello-world"}})
    assert handle(instance={"title": "Hello", "slug": "mine"}) == (True, None)


def test_the_three_ways_to_fail():
    def refuse(sender, instance):
        {"reject": lambda: aksara.reject("no"), "invalid": both, "error": explode}[instance.title]()

    def both():
        raise aksara.ValidationError(title="is bad").add("title", "is worse").add("slug", "is long")

    def explode():
        raise RuntimeError("boom")

    pre_save.connect(refuse, sender=Post)
    assert handle(instance={"title": "reject"}) == (False, {"reject": "no"})
    messages = {"title": ["is bad", "is worse"], "slug": ["is long"]}
    assert handle(instance={"title": "invalid"}) == (False, {"invalid": messages})
    _, failure = handle(instance={"title": "error"})
    assert "in explode\n" in failure["error"] and failure["error"].endswith("RuntimeError: boom")
    assert "runtime.py" not in failure["error"]


def test_an_exit_is_a_failure_of_the_handler():
    @pre_save(Post)
    def leave(sender, instance):
        raise SystemExit(3)

    assert handle()[1]["error"].endswith("SystemExit: 3")


def test_nonsense_is_a_failure_as_well():
    assert runtime.handle(0, b"")[0] is False
    pre_save.connect(generate_slug)
    assert runtime.handle(0, b"\xc1")[0] is False


def test_names_that_are_added_to_update_fields_go_back():
    @pre_save(Post)
    def widen(sender, instance, update_fields=None, **kwargs):
        if update_fields is not None:
            instance.slug = "new"
            update_fields.append("slug")

    assert handle(created=False, update_fields=["title"]) == (
        True,
        {"instance": {"slug": "new"}, "update_fields": ["slug"]},
    )
    assert handle(created=True) == (True, None)


def test_bulk_and_relations():
    @signals.pre_bulk_create(Post)
    def number(sender, instances, **kwargs):
        for index, instance in enumerate(instances):
            instance.slug = str(index)

    event = {"v": 0, "signal": "pre_bulk_create", "sender": "Post", "instances": [{"slug": "0"}, {"slug": ""}]}
    assert runtime.call(signals.connections()[0], msgpack.pack(event)) == {"instances": [{}, {"slug": "1"}]}
    signals.reset()

    @signals.m2m_changed(sender="Post.tags")
    def fewer(sender, instance, action, model, pk_set, **kwargs):
        assert (action, model.__name__, sender.__name__) == ("pre_add", "Tag", "Post.tags")
        pk_set.remove(2)

    event = {"v": 0, "signal": "m2m_changed", "sender": "Post.tags", "action": "pre_add", "model": "Tag"}
    event["pk_set"] = [1, 2]
    assert runtime.call(signals.connections()[0], msgpack.pack(event)) == {"pk_set": [1]}


def test_a_key_that_is_a_uuid_is_one_in_the_event_as_well(host):
    heard = []
    signals.after_commit.connect(lambda s, i, key, event: heard.append((key, event.key)), sender=Post)
    host.fire("after_commit", sender=Post, key=bytes(16))
    assert heard == [(UUID(int=0), UUID(int=0))]


def test_custom_signals_are_named_and_heard(host, run):
    signals.reset()
    module = type("module", (), {"paid": Signal(providing_args=["amount"])})
    given = Signal("billing.refunded", providing_args=[])
    foreign = Signal("shop.closed")
    heard = []

    @module.paid.connect
    async def on_paid(sender, instance, amount, **kwargs):
        heard.append((sender, instance, amount))

    @foreign.connect
    def on_closed(sender, instance):
        heard.append((sender, instance))

    runtime.ready("billing", "1.0.0", {}, [module])
    assert msgpack.unpack(runtime.describe())["signals"] == {"billing.paid": ["amount"], "billing.refunded": []}
    post = Post(title="Hello")
    host.add(post)
    run(module.paid.send(sender=Post, instance=post, amount=9.5))
    run(foreign.send())
    assert heard == [(Post, post, 9.5), (None, None)]
    assert host.sent[0] == {"signal": "billing.paid", "args": {"amount": 9.5}, "sender": "Post", "key": 1}
    assert run(given.send_robust()) == []
    with pytest.raises(ValueError, match=r"it has a `.`"):
        Signal("nameless")
    with pytest.raises(aksara.AksaraError, match="sent by the host"):
        run(pre_save.send(Post))


def test_handlers_are_called_directly_as_on_the_page():
    post = Post(title="Hello World")
    asyncio.run(generate_slug(Post, post))
    assert post.slug == "hello-world"


def test_handlers_are_replaced_by_patch():
    pre_save.connect(generate_slug, sender=Post)

    async def create():
        with patch(f"{__name__}.generate_slug", new_callable=AsyncMock) as mock:
            await Post.objects.create(title="Test")
            mock.assert_called_once()

    with Host():
        asyncio.run(create())
