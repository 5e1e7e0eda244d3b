//! The service that plugins send notifications by.

use aksara::prelude::*;
use aksara::{Db, Error};
use serde::Deserialize;
use uuid::Uuid;

use crate::Notification;

/// What the service is given.
#[derive(Debug, Deserialize)]
pub(crate) struct News {
    user: Uuid,
    r#type: String,
    message: String,
    data: serde_json::Value,
}

/// Leaves the user a notification, if what it is about is committed.
pub(crate) async fn send(db: Db, news: News) -> Result<(), Error> {
    let News { user, r#type: kind, message, data } = news;
    let notification = Notification { user: Fk::new(user), kind, message, data, ..Notification::default() };
    Notification::objects(&db).create(notification).await?;
    Ok(())
}
