from app_models import Comment
from notifications import NotificationService
from aksara.signals import post_save

@post_save(Comment)
async def notify_post_author(sender, instance, created, **kwargs):
    if not created:
        return

    post = await instance.post
    author = await post.author

    # Don't notify if commenting on own post
    if instance.author_id == author.id:
        return

    await NotificationService.send(
        user=author,
        type="new_comment",
        message=f"New comment on '{post.title}'",
        data={"post_id": str(post.id), "comment_id": str(instance.id)}
    )
