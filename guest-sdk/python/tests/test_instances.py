"""Instances: what a handler reads, and what goes back."""

from datetime import date, datetime, timezone
from decimal import Decimal
from uuid import UUID

import pytest

import aksara
from aksara import Model, fields
from aksara.signals import post_save, pre_save


@pytest.fixture
def models():
    class Author(Model):
        name = fields.String()

    class Post(Model):
        id = fields.UUID(primary_key=True)
        title = fields.String(default="untitled")
        price = fields.Decimal()
        day = fields.Date()
        at = fields.DateTime()
        data = fields.JSON(default=dict)
        author = fields.ForeignKey(Author)

    return Author, Post


def loaded(model, **wire):
    return model._loaded(wire)


def test_declared_fields_have_their_types(models):
    _, Post = models
    post = loaded(Post, id=bytes(16), price="19.90", day="2026-03-01", title="Hello", undeclared="19.90")
    assert (post.id, post.price, post.day) == (UUID(int=0), Decimal("19.90"), date(2026, 3, 1))
    assert (post.title, post.undeclared) == ("Hello", "19.90")
    assert post.changed_fields() == []


def test_only_what_differs_goes_back(models):
    _, Post = models
    post = loaded(Post, title="Hello", price="19.90", stars=1, data={"a": [1]}, at=None)
    post.title = "Hello"
    post.price = Decimal("19.90")
    assert post.changed_fields() == []
    post.data["a"].append(2)
    post.stars = True
    post.at = datetime(2026, 3, 1)
    post.nonsense = 1
    assert post._changes() == {
        "data": {"a": [1, 2]},
        "stars": True,
        "at": datetime(2026, 3, 1, tzinfo=timezone.utc),
        "nonsense": 1,
    }


def test_what_is_only_read_is_as_the_host_sent_it(models):
    _, Post = models
    # The application's column is a float, whatever the plugin says.
    post = loaded(Post, price=9.5, title=7, data=None)
    assert (post.price, post.title, post.data) == (9.5, 7, None)
    assert post.changed_fields() == []


def test_what_a_field_takes(models):
    _, Post = models
    post = loaded(Post, price="1", day=None, at=None, id=bytes(16))
    post.price, post.day, post.at = 2, "2026-03-01", "2026-03-01T12:00:00+01:00"
    post.id = "00000000-0000-0000-0000-000000000001"
    assert post._changes() == {
        "price": Decimal(2),
        "day": date(2026, 3, 1),
        "at": datetime(2026, 3, 1, 11, tzinfo=timezone.utc),
        "id": UUID(int=1),
    }
    post.day = datetime(2026, 3, 2, 12)
    assert post._changes()["day"] == date(2026, 3, 2)
    post.price = None
    assert post._changes()["price"] is None


def test_a_new_instance_has_its_defaults(models):
    _, Post = models
    post = Post(price=1)
    assert (post.title, post.data, post.pk) == ("untitled", {}, None)
    assert post.data is not Post().data
    assert post.to_dict()["price"] == 1
    assert repr(post) == "Post(id=None)"


def test_json_takes_what_to_dict_gives(models):
    _, Post = models
    post = loaded(Post, id=bytes(16), price="19.90", day="2026-03-01", data={})
    post.data = {**post.to_dict(), 1: b"\x0a"}
    assert post._changes()["data"] == {
        "id": "00000000-0000-0000-0000-000000000000",
        "price": "19.90",
        "day": "2026-03-01",
        "data": {},
        "1": "0a",
    }


async def rows(Author, Post, host):
    author = Author(name="Ada")
    host.add(author)
    post = Post(id=UUID(int=1), author=author)
    assert (post.author_id, await post.author) == (1, author)
    host.add(post)
    found = await Post.objects.get(UUID(int=1))
    assert (found.author_id, (await found.author).name) == (1, "Ada")
    found.author_id = None
    assert await found.author is None
    found.author = author
    assert found.changed_fields() == []


def test_a_foreign_key_is_followed(models, host, run):
    run(rows(*models, host))


def test_a_foreign_key_that_is_not_declared_is_followed_by_its_name(models, host, run):
    Author, _ = models

    class Comment(Model):
        pass

    host.add(Author(name="Ada"))

    async def follow():
        assert (await loaded(Comment, author_id=1).author).name == "Ada"
        with pytest.raises(aksara.AksaraError, match="declare `editor = fields.ForeignKey"):
            await loaded(Comment, editor_id=1).editor
        with pytest.raises(AttributeError, match=r"\(await instance.author\).name"):
            _ = loaded(Comment, author_id=1).author.name

    run(follow())


def test_reads_are_the_declared_fields():
    class Plane(Model):
        tailnum = fields.String(primary_key=True)
        seats = fields.Integer()

        class Meta:
            label = "fleet.Plane"

    class Anything(Model):
        pass

    assert Plane._meta.reads() == ["seats", "tailnum"]
    assert (Plane._meta.label, Plane._meta.key, Plane.__name__) == ("fleet.Plane", "tailnum", "Plane")
    assert Anything._meta.reads() is None


def test_models_that_nobody_declares_are_made_up(host):
    heard = []

    @pre_save()
    def look(sender, instance, created):
        heard.append((sender.__name__, instance.to_dict(), created))
        instance.seen = hasattr(instance, "seen") and not instance.seen

    unknown = aksara.meta.model_of("Unknown")
    instance = host.fire("pre_save", unknown._loaded({"id": 7, "seen": False}))
    assert heard == [("Unknown", {"id": 7, "seen": False}, True)]
    assert instance.seen is True


def test_changes_that_come_too_late_are_dropped_and_logged(host, models):
    _, Post = models

    @post_save(Post)
    def change(sender, instance, **kwargs):
        instance.title = "other"

    host.fire("post_save", loaded(Post, id=bytes(16), title="Hello"))
    assert host.messages("warn") == ["changes of `title` are dropped: `post_save` comes after what it tells of"]
