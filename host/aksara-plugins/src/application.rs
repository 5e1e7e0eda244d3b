//! Whom plugins ask: whoever embeds the host.

use std::future::Future;
use std::pin::Pin;

use aksara_wire::{ModelOperation, ModelRequest, RequestError, SendRequest, ServiceRequest, Value};

/// What a request comes to, in time.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, RequestError>> + Send + 'a>>;

/// The application, as the plugins of one event may use it: in the transaction in which the event fires. Grants and
/// budgets are checked before it is asked; `docs/contract.md` says what it answers.
pub trait Application: Send + Sync + 'static {
    /// Reads or writes a model.
    fn models(&self, operation: ModelOperation, request: ModelRequest) -> Answer<'_>;

    /// Sends a custom signal.
    fn send(&self, request: SendRequest) -> Answer<'_>;

    /// Calls a service.
    fn service(&self, request: ServiceRequest) -> Answer<'_>;

    /// Whether it has failed by itself in one of these requests, as when its database is lost. What becomes of the plugin
    /// then is not counted as the plugin's own fault.
    fn has_failed(&self) -> bool {
        false
    }
}
