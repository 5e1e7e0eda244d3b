"""Fills in the slug of a post from its title, when it has none. A slug that somebody chose stays."""

import re
import unicodedata

from aksara import Model, fields
from aksara.signals import pre_save


class Post(Model):
    title = fields.String()
    slug = fields.String()


@pre_save(Post, reads=["title", "slug"], writes=["slug"], priority=10)
async def generate_slug(sender, instance, **kwargs):
    if not instance.slug:
        instance.slug = slugify(instance.title)


def slugify(title: str) -> str:
    """Lower case, without accents, with a hyphen for each run of other characters."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")
