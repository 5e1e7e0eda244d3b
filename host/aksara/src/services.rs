//! Services: functions of the application that plugins may call by name, where they are granted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aksara_wire::{RequestError, ServiceRequest, Value, from_value, to_value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::plugins::Unanswered;
use crate::transaction::BoxFuture;
use crate::{BoxError, Db, DbOptions};

type Function = dyn Fn(Db, Value) -> BoxFuture<'static, Result<Value, Unanswered>> + Send + Sync;

/// The services of a database, by name.
#[derive(Clone, Default)]
pub(crate) struct Services(BTreeMap<String, Arc<Function>>);

impl DbOptions {
    /// Lets plugins that are granted it call this function by this name. It gets the transaction in which the event
    /// fires, and what the plugin gave; what it returns, the plugin gets. An error reaches the plugin as its text.
    ///
    /// ```
    /// # use aksara::prelude::*;
    /// #[derive(serde::Deserialize)]
    /// struct Notification {
    ///     user: i64,
    ///     message: String,
    /// }
    ///
    /// # async fn example() -> Result<(), aksara::Error> {
    /// let options = Db::options("sqlite::memory:").service("notifications.send", |_db, it: Notification| async move {
    ///     println!("to {}: {}", it.user, it.message);
    ///     Ok(())
    /// });
    /// # options.connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn service<A, R, F>(
        mut self,
        name: impl Into<String>,
        function: impl Fn(Db, A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Future<Output = Result<R, BoxError>> + Send + 'static,
    {
        let call = move |db: Db, args: Value| -> BoxFuture<'static, Result<Value, Unanswered>> {
            let called = from_value::<A>(args).map(|args| function(db, args));
            Box::pin(async move {
                let called = called
                    .map_err(|error| RequestError::new(format!("these arguments do not fit: {error}")))?;
                let answer = called.await?;
                let encoded = to_value(&answer).map_err(|error| {
                    RequestError::new(format!("the application's answer cannot be encoded: {error}"))
                });
                Ok(encoded?)
            })
        };
        self.services_mut().0.insert(name.into(), Arc::new(call));
        self
    }
}

impl Services {
    /// Calls a service in this transaction.
    pub(crate) async fn call(&self, db: &Db, request: ServiceRequest) -> Result<Value, Unanswered> {
        let ServiceRequest { service, args } = request;
        let Some(function) = self.0.get(&service) else {
            return Err(RequestError::new("the application does not have it").into());
        };
        function(db.clone(), args).await
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
