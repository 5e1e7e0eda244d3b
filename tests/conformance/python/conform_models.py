"""The models and the signal of the conformance suite."""

from aksara import Model, fields
from aksara.signals import Signal


class Conform(Model):
    command = fields.String()
    integer = fields.Integer()
    float = fields.Float()
    boolean = fields.Boolean()
    text = fields.Text()
    bytes = fields.Binary()
    time = fields.DateTime()
    date = fields.Date()
    uuid = fields.UUID()
    decimal = fields.Decimal()
    json = fields.JSON()
    integer_out = fields.Integer()
    float_out = fields.Float()
    boolean_out = fields.Boolean()
    text_out = fields.Text()
    bytes_out = fields.Binary()
    time_out = fields.DateTime()
    date_out = fields.Date()
    uuid_out = fields.UUID()
    decimal_out = fields.Decimal()
    json_out = fields.JSON()


class Note(Model):
    title = fields.String()
    stars = fields.Integer()


class Secret(Model):
    pass


happened = Signal("conform.happened", providing_args=["number", "text"])
