from app_models import Order, Post, User
from aksara.signals import post_save, post_delete
from aksara import Model, fields
import json

class AuditLog(Model):
    model_name = fields.String(max_length=100)
    record_id = fields.String(max_length=36)
    action = fields.String(max_length=20)
    data = fields.JSON()

async def audit_handler(sender, instance, action, **kwargs):
    await AuditLog.objects.create(
        model_name=sender.__name__,
        record_id=str(instance.id),
        action=action,
        data=instance.to_dict()
    )

# Register for models that need auditing
AUDITED_MODELS = [User, Post, Order]

for model in AUDITED_MODELS:
    post_save.connect(
        lambda s, i, created, **k: audit_handler(s, i, "create" if created else "update", **k),
        sender=model
    )
    post_delete.connect(
        lambda s, i, **k: audit_handler(s, i, "delete", **k),
        sender=model
    )
