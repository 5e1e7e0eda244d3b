"""What the build makes of a plugin's folder, up to componentize-py."""

import importlib.util

import pytest

from aksara_build.component import build
from aksara_build.imports import restore_wasi
from aksara_build.project import BuildError, Project

SOURCE = """
from aksara import Model, fields, service, F
from aksara.cache import cache
from aksara.signals import Signal, post_save
from helper import NAME

class User(Model):
    class Meta:
        label = "auth.User"

class Post(Model):
    title = fields.String()
    author = fields.ForeignKey(User)

paid = Signal(providing_args=["amount"])
unused = Signal()
closed = Signal("shop.closed")

@post_save(Post)
async def handle(sender, instance, **kwargs):
    from slugify import slugify
    await Post.objects.filter(id=1).update(stars=F("stars") + 1)
    await Post.objects.filter(id=1).order_by("id").first()
    await Post.objects.filter(title="x").get()
    await User.objects.create(name=slugify(NAME))
    await paid.send(amount=1)
    await closed.send(sender=Post, instance=instance)
    await service("mail.send")(user=1)
    await cache.bucket("pages").get("x")
    await http.get("https://api.example.com/posts?page=2")
    await http.request("PUT", "http://localhost:8080/")
"""

MANIFEST = '[project]\nname = "blog"\nversion = "1.2.0"\n\n[tool.aksara]\nentry = "blog.py"\n'


@pytest.fixture
def plugin(tmp_path):
    (tmp_path / "pyproject.toml").write_text(MANIFEST)
    (tmp_path / "blog.py").write_text(SOURCE)
    (tmp_path / "helper.py").write_text("import json\n\nNAME = json.dumps('x')\n")
    (tmp_path / "not_imported.py").write_text("import pytest\n")
    return tmp_path


def test_imports_are_found_wherever_they_stand(plugin):
    project = Project(plugin)
    assert set(project.modules) == {"blog", "helper"}
    assert {"json", "slugify", "helper"} <= set(project.imports)
    assert not {"aksara", "aksara.cache", "pytest"} & set(project.imports)


def test_grants_are_those_that_the_code_can_need(plugin):
    project = Project(plugin)
    assert project.grants == {
        "models": {"Post": ["get", "find", "update"], "auth.User": ["get", "create"]},
        "signals": ["blog.paid", "shop.closed"],
        "services": ["mail.send"],
        "keyvalue": ["cache", "pages"],
        "http": ["api.example.com:443", "localhost:8080"],
    }
    assert "wasi:keyvalue/store@" in project.world and "wasi:http/outgoing-handler@" in project.world


def test_grants_of_the_manifest_come_first(plugin):
    (plugin / "pyproject.toml").write_text(MANIFEST + '\n[tool.aksara.grants]\nmodels = { Post = ["get"] }\n')
    project = Project(plugin)
    assert project.grants == {"models": {"Post": ["get"]}}
    assert "import" not in project.world


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("", "`project.name` is ''"),
        ("[project\n", "is no TOML"),
        (MANIFEST.replace("blog.py", "other.py"), "`tool.aksara.entry` is 'other.py'"),
        (MANIFEST + "[tool.aksara.grants]\nmodel = {}\n", "`tool.aksara.grants` has `model`"),
        (MANIFEST + '[tool.aksara.grants.models]\nPost = ["read"]\n', "the grants of `Post` have `read`"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said(plugin, manifest, message):
    (plugin / "pyproject.toml").write_text(manifest)
    with pytest.raises(BuildError) as caught:
        _ = Project(plugin).grants
    assert message in str(caught.value)


def test_what_is_wrong_with_a_module_is_said(plugin):
    (plugin / "helper.py").write_text("NAME = \n")
    with pytest.raises(BuildError, match=r"helper.py`, line 1: "):
        _ = Project(plugin).modules
    (plugin / "helper.py").write_text("import random\n")
    (plugin / "random.py").write_text("")
    with pytest.raises(BuildError, match="`random.py` has the name of a module of Python's own"):
        _ = Project(plugin).modules


def test_a_folder_without_a_manifest_is_no_plugin(tmp_path):
    with pytest.raises(BuildError, match="it has no `pyproject.toml`"):
        Project(tmp_path)


def test_only_import_sections_are_renamed():
    header = b"\0asm\x0d\0\x01\0"
    section = b"\x01\x00\x09host:a/b\0"
    component = header + b"\x00\x06\x01xhost" + bytes([10, len(section)]) + section + b"\x00\x07\x01xhost:"
    made = restore_wasi(component)
    assert made == component.replace(b"host:a", b"wasi:a")


def test_a_missing_compiler_is_named(plugin, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(BuildError, match="has no componentize-py; run `pip install componentize-py==0.25.1` in it"):
        build(Project(plugin), plugin / "blog.wasm")


def test_the_sdk_is_no_dependency_of_the_component(plugin):
    listed = '\ndependencies = ["aksara", "aksara[build]>=0.1", "aksara-extras==1.0", "python-slugify"]\n'
    (plugin / "pyproject.toml").write_text(MANIFEST.replace('"1.2.0"\n', '"1.2.0"' + listed))
    assert Project(plugin).dependencies == ["aksara-extras==1.0", "python-slugify"]
