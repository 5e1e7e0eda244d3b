"""What is saved or deleted leaves a row in the log."""

import audit
from app_models import Order, Post

from aksara.testing import Host


def logged(host):
    return [(row["model_name"], row["record_id"], row["action"]) for row in host.rows.of(audit.AuditLog)]


def test_each_model_is_audited():
    with Host() as host:
        host.fire("post_save", Post(id=7, title="Hello"), created=True)
        host.fire("post_save", Order(id=8, total="9.50"), created=False)
        host.fire("post_delete", Post(id=7, title="Hello"), origin="instance")
        assert logged(host) == [("Post", "7", "create"), ("Order", "8", "update"), ("Post", "7", "delete")]
        assert host.rows.of(audit.AuditLog)[1]["data"] == {"id": 8, "total": "9.50"}
