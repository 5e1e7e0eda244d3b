//! Statements that are answered, also when nobody waits any more: a connection whose answer is unread is of no use to
//! the next statement, and not every driver can read it later.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::transaction::BoxFuture;

/// Runs a statement to its end. When this future is dropped before that, a task of its own goes on with it, and gives
/// the connection back when the answer has come.
pub(crate) async fn to_the_end<T: Send + 'static>(statement: impl Future<Output = T> + Send + 'static) -> T {
    Whole(Some(Box::pin(statement))).await
}

struct Whole<T: Send + 'static>(Option<BoxFuture<'static, T>>);

impl<T: Send + 'static> Future for Whole<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(statement) = &mut self.0 else { return Poll::Pending };
        let output = ready!(statement.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for Whole<T> {
    fn drop(&mut self) {
        // Without a runtime, there is no connection to give back either.
        if let (Some(statement), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(statement);
        }
    }
}
