"""The page's blocks: where each is, and what it needs around it. What each does is in `main.rs`."""

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


@dataclass
class Block:
    """A block of the page that is a plugin, and what is written around it."""

    heading: str
    grants: dict = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    # The handler in which statements stand that wait outside of any function, and the names that they use.
    wrapped: str = ""

    @property
    def name(self) -> str:
        """The heading as a part of the plugin's name."""
        return self.heading.removesuffix("()").replace(" ", "-").lower()


BLOCKS = [
    Block(
        "Signal Decorators",
        {"services": ["notifications.new_post", "backups.archive", "search.remove"]},
        ["python-slugify==9.2.0"],
    ),
    Block("Pre-Save Arguments"),
    Block("Post-Save Arguments"),
    Block("Delete Arguments"),
    Block("Using connect()"),
    Block("Multiple Models"),
    Block("All Models"),
    Block(
        "Creating Custom Signals",
        {
            "models": {"User": ["get"]},
            "signals": ["page-creating-custom-signals.user_activated"],
            "services": ["mail.welcome"],
        },
        wrapped="@post_save(User)\nasync def activate(sender, instance, **kwargs):\n    user = instance\n",
    ),
    Block(
        "Signal with Custom Arguments",
        {"models": {"Order": ["get"]}, "signals": ["page-signal-with-custom-arguments.payment_processed"]},
        wrapped="@post_save(Order)\nasync def pay(sender, instance, **kwargs):\n    order = instance\n",
    ),
    Block("Audit Logging", {"models": {"AuditLog": ["create"]}}),
    Block("Search Index Updates"),
    Block("Automatic Timestamps"),
    Block("Cache Invalidation", {"keyvalue": ["cache"]}),
    Block("Notification System", {"models": {"Post": ["get"], "User": ["get"]}, "services": ["notifications.send"]}),
    Block("Error Handling", {"services": ["external.notify"]}),
    Block(
        "Disable Signals Temporarily",
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

# Blocks that are tests: they run natively, against the first block as the module `myapp.signals`.
NATIVE = ("Mock Signals", "Test Signal Handlers Directly")
