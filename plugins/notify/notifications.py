"""Notifications are the application's to send: this is its service, as the handler calls it."""

import aksara


class NotificationService:
    @staticmethod
    async def send(user, type, message, data):
        await aksara.service("notifications.send")(user=user.id, type=type, message=message, data=data)
