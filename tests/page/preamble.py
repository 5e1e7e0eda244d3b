"""What the page's blocks take for granted: the application's models, and the services that they call.

A block that stands alone on the page uses what other blocks import, so this has those names as well.
"""

from datetime import datetime  # noqa: F401

import aksara
from aksara import F, Model, fields  # noqa: F401
from aksara.signals import Signal, post_delete, post_save, pre_delete, pre_save  # noqa: F401


class User(Model):
    name = fields.String()
    email = fields.String()


class Post(Model):
    title = fields.String(max_length=200)
    slug = fields.String(max_length=200)
    content = fields.Text()
    view_count = fields.Integer(default=0)
    updated_at = fields.DateTime()
    author = fields.ForeignKey(User)


class Comment(Model):
    text = fields.Text()
    post = fields.ForeignKey(Post)
    author = fields.ForeignKey(User)


class Order(Model):
    total = fields.Decimal()


async def serve(name, **arguments):
    """Has the application do it, and says so in the log."""
    print(name, arguments)
    await aksara.service(name)(**arguments)


async def send_new_post_notification(post):
    await serve("notifications.new_post", post=post.id)


async def send_welcome_email(user):
    await serve("mail.welcome", user=user.id)


class BackupService:
    @staticmethod
    async def archive(instance):
        await serve("backups.archive", row=instance.to_dict())


class SearchIndex:
    @staticmethod
    async def remove(instance):
        await serve("search.remove", key=instance.id)


class NotificationService:
    @staticmethod
    async def send(user, type, message, data):
        await serve("notifications.send", user=user.id, type=type, message=message, data=data)


class external_service:
    @staticmethod
    async def notify(instance):
        await serve("external.notify", key=instance.id)
