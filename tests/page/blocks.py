"""The page's blocks: where each is, what it needs around it, and what it does when it is called."""

from dataclasses import dataclass, field

# Every heading of the page that may end a block.
HEADINGS = {
    "Overview",
    "Basic Usage",
    "Signal Decorators",
    "Signal Arguments",
    "Pre-Save Arguments",
    "Post-Save Arguments",
    "Delete Arguments",
    "Connecting Signals Manually",
    "Using connect()",
    "Multiple Models",
    "All Models",
    "Custom Signals",
    "Creating Custom Signals",
    "Signal with Custom Arguments",
    "Practical Examples",
    "Audit Logging",
    "Search Index Updates",
    "Automatic Timestamps",
    "Cache Invalidation",
    "Notification System",
    "Signal Best Practices",
    "Error Handling",
    "Disable Signals Temporarily",
    "Testing Signals",
    "Mock Signals",
    "Test Signal Handlers Directly",
    "Built-in Signals",
}

POST = {
    "id": 7,
    "title": "Hello World",
    "slug": "",
    "content": "..",
    "view_count": 0,
    "updated_at": None,
    "author_id": 1,
}
COMMENT = {"id": 3, "text": "Nice", "post_id": 7, "author_id": 2}
USER = {"id": 1, "name": "Ada", "email": "ada@example.com"}
ORDER = {"id": 8, "total": "99.99"}

# What `aksara call` is given to read, and which services answer.
MODELS = {"Post": [POST], "User": [USER], "Comment": [COMMENT]}
SERVICES = ("notifications.new_post", "mail.welcome", "backups.archive", "search.remove", "notifications.send")


@dataclass
class Call:
    """One call of `aksara call`, and texts that are in what it prints; those of `absent` are not."""

    signal: str
    sender: str
    instance: dict
    expect: list[str]
    created: bool = False
    update_fields: str = ""
    absent: list[str] = field(default_factory=list)
    code: int = 0


@dataclass
class Block:
    """A block of the page that is a plugin, and what is written around it."""

    name: str
    heading: str
    calls: list[Call]
    grants: dict = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    # The handler in which statements stand that wait outside of any function, and the names that they use.
    wrapped: str = ""


_BY_POST = Call("post_save", "Post", POST, ["handlers in"], created=True)

BLOCKS = [
    Block(
        "signal-decorators",
        "Signal Decorators",
        [
            Call("pre_save", "Post", POST, ['+ slug: "hello-world"'], created=True),
            Call("pre_save", "Post", {**POST, "slug": "mine"}, ["unchanged"], created=True),
            Call("post_save", "Post", POST, ["notifications.new_post {'post': 7}"], created=True),
            Call("post_save", "Post", POST, ["unchanged"], absent=["notifications.new_post"]),
            Call("pre_delete", "Post", POST, ["backups.archive {'row': {", "'title': 'Hello World'"]),
            Call("post_delete", "Post", POST, ["search.remove {'key': 7}"]),
        ],
        {"services": ["notifications.new_post", "backups.archive", "search.remove"]},
        ["python-slugify==9.2.0"],
    ),
    Block(
        "pre-save-arguments",
        "Pre-Save Arguments",
        [
            Call("pre_save", "Post", POST, ["+ updated_at: {"]),
            Call("pre_save", "Post", POST, ["+ updated_at: {"], update_fields="title"),
            Call("pre_save", "Post", POST, ["unchanged"], update_fields="slug"),
        ],
    ),
    Block(
        "post-save-arguments",
        "Post-Save Arguments",
        [
            Call("post_save", "Post", POST, ["New post created: Hello World"], created=True),
            Call("post_save", "Post", POST, ["Post updated: Hello World"]),
        ],
    ),
    Block("delete-arguments", "Delete Arguments", [Call("pre_delete", "Post", POST, ["Deleting: 7"])]),
    Block(
        "using-connect",
        "Using connect()",
        # The block disconnects what it has connected: nothing is left to be called.
        [Call("pre_save", "Post", POST, ["0 of the plugin's handlers"], absent=["Saving"])],
    ),
    Block(
        "multiple-models",
        "Multiple Models",
        [
            Call("post_save", "User", USER, ["Saved User: 1"]),
            Call("post_save", "Post", POST, ["Saved Post: 7"]),
            Call("post_save", "Comment", COMMENT, ["Saved Comment: 3"]),
            Call("post_save", "Order", ORDER, ["0 of the plugin's handlers"]),
        ],
    ),
    Block("all-models", "All Models", [Call("post_save", "Anything", {"id": 1}, ["Saved Anything"])]),
    Block(
        "creating-custom-signals",
        "Creating Custom Signals",
        [
            Call("post_save", "User", USER, ["sent: page-creating-custom-signals.user_activated {}"], created=True),
        ],
        {"signals": ["page-creating-custom-signals.user_activated"], "services": ["mail.welcome"]},
        wrapped="@post_save(User)\nasync def activate(sender, instance, **kwargs):\n    user = instance\n",
    ),
    Block(
        "signal-with-custom-arguments",
        "Signal with Custom Arguments",
        [
            Call(
                "post_save",
                "Order",
                ORDER,
                ['payment_processed {"amount":99.99,"currency":"USD"}'],
                created=True,
            ),
        ],
        {"signals": ["page-signal-with-custom-arguments.payment_processed"]},
        wrapped="@post_save(Order)\nasync def pay(sender, instance, **kwargs):\n    order = instance\n",
    ),
    Block(
        "audit-logging",
        "Audit Logging",
        [
            _BY_POST,
            Call("post_save", "Order", ORDER, ["1 of the plugin's handlers"]),
            Call("post_delete", "User", USER, ["1 of the plugin's handlers"]),
            Call("post_save", "Comment", COMMENT, ["0 of the plugin's handlers"]),
        ],
        {"models": {"AuditLog": ["create"]}},
    ),
    Block(
        "search-index-updates",
        "Search Index Updates",
        [_BY_POST, Call("post_delete", "Post", POST, ["1 of the plugin's handlers"])],
    ),
    Block(
        "automatic-timestamps",
        "Automatic Timestamps",
        [
            Call(
                "pre_save",
                "Post",
                {**POST, "id": 0, "created_at": None},
                ["+ created_at: {", "+ updated_at: {"],
                created=True,
            ),
            Call("pre_save", "Post", POST, ["+ updated_at: {"], absent=["created_at"]),
            Call("pre_save", "Order", ORDER, ["unchanged"]),
        ],
    ),
    Block(
        "cache-invalidation",
        "Cache Invalidation",
        [_BY_POST, Call("post_delete", "Post", POST, ["1 of the plugin's handlers"])],
        {"keyvalue": ["cache"]},
    ),
    Block(
        "notification-system",
        "Notification System",
        [
            Call(
                "post_save",
                "Comment",
                COMMENT,
                [
                    "notifications.send {'user': 1, 'type': 'new_comment', "
                    "'message': \"New comment on 'Hello World'\", 'data': {'post_id': '7', 'comment_id': '3'}}"
                ],
                created=True,
            ),
            Call("post_save", "Comment", COMMENT, ["unchanged"], absent=["notifications.send"]),
            Call(
                "post_save", "Comment", {**COMMENT, "author_id": 1}, ["unchanged"], True, absent=["notifications.send"]
            ),
        ],
        {"models": {"Post": ["get"], "User": ["get"]}, "services": ["notifications.send"]},
    ),
    Block(
        "error-handling",
        "Error Handling",
        # `external.notify` does not answer: the handler logs that, and the save goes on.
        [Call("post_save", "Post", POST, ["ERROR", "Signal handler failed: there is no service `external.notify`"])],
        {"services": ["external.notify"]},
    ),
    Block(
        "disable-signals-temporarily",
        "Disable Signals Temporarily",
        [Call("post_save", "Comment", COMMENT, ["1 of the plugin's handlers"], created=True)],
        {"models": {"Post": ["get", "update"]}},
        wrapped=(
            "@post_save(Comment)\n"
            "async def count_views(sender, instance, **kwargs):\n"
            "    post_id = instance.post_id\n"
            "    post = await Post.objects.get(post_id)\n"
            "    post.title += '!'\n"
        ),
    ),
]
