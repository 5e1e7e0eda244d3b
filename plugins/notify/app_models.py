"""What this plugin reads of the application's models."""

from aksara import Model, fields


class User(Model):
    name = fields.String()


class Post(Model):
    title = fields.String()
    author = fields.ForeignKey(User)


class Comment(Model):
    post = fields.ForeignKey(Post)
    author = fields.ForeignKey(User)
