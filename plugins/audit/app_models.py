"""The models that are audited. None of them names fields, so the log gets all that the application has."""

from aksara import Model


class User(Model):
    pass


class Post(Model):
    pass


class Order(Model):
    pass
