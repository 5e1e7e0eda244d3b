//! Statements that are answered, also when nobody waits any more: a connection whose answer is unread is of no use to
//! the next statement, and not every driver can read it later.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::transaction::BoxFuture;

/// Runs a statement to its end. When this future is dropped before that, a task of its own goes on with it, and gives
/// the connection back when the answer has come.
pub(crate) async fn to_the_end<T: Send + 'static>(statement: impl Future<Output = T> + Send + 'static) -> T {
    to_the_end_or(statement, |_| Box::pin(async {})).await
}

/// As [`to_the_end`]. When nobody waits any more, the task also does what the caller would have done with what it returned.
pub(crate) async fn to_the_end_or<T: Send + 'static>(
    statement: impl Future<Output = T> + Send + 'static,
    unseen: fn(T) -> BoxFuture<'static, ()>,
) -> T {
    Whole { statement: Some(Box::pin(statement)), unseen }.await
}

struct Whole<T: Send + 'static> {
    statement: Option<BoxFuture<'static, T>>,
    unseen: fn(T) -> BoxFuture<'static, ()>,
}

impl<T: Send + 'static> Future for Whole<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(statement) = &mut self.statement else { return Poll::Pending };
        let output = ready!(statement.as_mut().poll(context));
        self.statement = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for Whole<T> {
    fn drop(&mut self) {
        // Without a runtime, there is no connection to give back either.
        if let (Some(statement), Ok(runtime)) = (self.statement.take(), tokio::runtime::Handle::try_current())
        {
            let unseen = self.unseen;
            runtime.spawn(async move { unseen(statement.await).await });
        }
    }
}
