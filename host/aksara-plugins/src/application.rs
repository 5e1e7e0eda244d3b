//! Whom plugins ask: whoever embeds the host.

use std::future::Future;
use std::pin::Pin;

use aksara_wire::{ModelOperation, ModelRequest, RequestError, SendRequest, ServiceRequest, Value};

use crate::access::Access;

/// What a request comes to, in time.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, RequestError>> + Send + 'a>>;

/// The application, as the plugins of one event may use it: in the transaction in which the event fires. Grants and
/// budgets are checked before it is asked; `docs/contract.md` says what it answers.
pub trait Application: Send + Sync + 'static {
    /// Reads or writes a model. That the operation is granted is checked; which fields may be seen and changed, `access`
    /// says.
    fn models<'a>(
        &'a self,
        access: &'a Access,
        operation: ModelOperation,
        request: ModelRequest,
    ) -> Answer<'a>;

    /// Sends a custom signal.
    fn send<'a>(&'a self, access: &'a Access, request: SendRequest) -> Answer<'a>;

    /// Calls a service.
    fn service<'a>(&'a self, access: &'a Access, request: ServiceRequest) -> Answer<'a>;

    /// Whether it has failed by itself in one of these requests, as when its database is lost. What becomes of the plugin
    /// then is not counted as the plugin's own fault.
    fn has_failed(&self) -> bool {
        false
    }
}
