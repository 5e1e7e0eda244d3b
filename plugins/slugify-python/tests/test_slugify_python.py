"""A missing slug is made from the title."""

import pytest
from slugify_python import Post

from aksara.testing import Host


@pytest.mark.parametrize(
    ("title", "slug", "made"),
    [
        ("Hello, World!", "", "hello-world"),
        ("Ünïcode Ärger", "", "unicode-arger"),
        ("Hello, World!", "mine", "mine"),
        ("!!!", "", ""),
    ],
)
def test_slugs(title, slug, made):
    with Host() as host:
        assert host.fire("pre_save", Post(title=title, slug=slug)).slug == made
