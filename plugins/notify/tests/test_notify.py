"""The author of a post hears of comments by others."""

import notify  # noqa: F401
from app_models import Comment, Post, User

from aksara.testing import Host


def sent(comment, created=True):
    with Host(services={"notifications.send": None}) as host:
        host.add(User(id=1, name="Ada"), User(id=2, name="Bob"), Post(id=7, title="Hello", author_id=1))
        host.fire("post_save", comment, created=created)
        return [request["args"] for name, request in host.requests if name == "services.call"]


def test_the_author_is_notified():
    assert sent(Comment(id=3, post_id=7, author_id=2)) == [
        {
            "user": 1,
            "type": "new_comment",
            "message": "New comment on 'Hello'",
            "data": {"post_id": "7", "comment_id": "3"},
        }
    ]


def test_nobody_is_notified_of_their_own_comments_or_of_edits():
    assert sent(Comment(id=3, post_id=7, author_id=1)) == []
    assert sent(Comment(id=3, post_id=7, author_id=2), created=False) == []
