//! Plugins made of text: a component around one core module, whose functions a test writes.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use aksara_plugins::{
    Application, CallContext, CallError, Called, Engine, FaultKind, Limits, LoadError, Revision,
};
use aksara_wire::{CONTRACT_VERSION, Description, Grants, Subscription, When};

/// An event; no fixture looks inside.
pub(crate) const EVENT: &[u8] = b"\x80";

/// Where the core module keeps the fixture's data and its description.
const DATA: usize = 0x400;
const DESCRIPTION: usize = 0x10000;

/// A plugin in the making.
///
/// The body of `handle` has the locals `$subscription`, `$event`, `$length`, and leaves the address of the result;
/// `$ok` and `$err` make one from an address and a length. `$data` and `$data_length` are globals; `$log`, `$get`,
/// `$find`, `$count` are the host.
pub(crate) struct Fixture {
    description: Vec<u8>,
    describe: String,
    handle: String,
    data: Vec<u8>,
    module: String,
    component: String,
    handler: String,
    contract: String,
}

impl Fixture {
    /// A plugin with one subscription, which changes nothing.
    pub(crate) fn new() -> Self {
        Fixture {
            description: description("fixture").encode(),
            describe: "(i32.store (i32.const 0) (global.get $description))
                (i32.store (i32.const 4) (global.get $description_length))
                (i32.const 0)"
                .to_owned(),
            handle: "(call $ok (i32.const 0) (i32.const 0))".to_owned(),
            data: Vec::new(),
            module: String::new(),
            component: String::new(),
            handler: "aksara:signals/handler@0.1.0".to_owned(),
            contract: CONTRACT_VERSION.to_owned(),
        }
    }

    /// One whose handler succeeds with these bytes.
    pub(crate) fn reply(bytes: &[u8]) -> Self {
        let handle = "(call $ok (global.get $data) (global.get $data_length))";
        Fixture::new().data(bytes).handle(handle)
    }

    /// One whose handler fails with these bytes.
    pub(crate) fn failure(bytes: &[u8]) -> Self {
        let handle = "(call $err (global.get $data) (global.get $data_length))";
        Fixture::new().data(bytes).handle(handle)
    }

    pub(crate) fn description(self, description: &Description) -> Self {
        self.description_bytes(&description.encode())
    }

    pub(crate) fn description_bytes(mut self, bytes: &[u8]) -> Self {
        self.description = bytes.to_vec();
        self
    }

    /// The body of `describe`.
    pub(crate) fn describe(mut self, body: &str) -> Self {
        self.describe = body.to_owned();
        self
    }

    /// The body of `handle`.
    pub(crate) fn handle(mut self, body: &str) -> Self {
        self.handle = body.to_owned();
        self
    }

    /// What `$data` points at.
    pub(crate) fn data(mut self, bytes: &[u8]) -> Self {
        self.data = bytes.to_vec();
        self
    }

    /// More of the core module.
    pub(crate) fn module(mut self, items: &str) -> Self {
        self.module = items.to_owned();
        self
    }

    /// More of the component, behind its memory and before its module.
    pub(crate) fn component(mut self, items: &str) -> Self {
        self.component = items.to_owned();
        self
    }

    /// The name of what it exports.
    pub(crate) fn handler(mut self, name: &str) -> Self {
        self.handler = name.to_owned();
        self
    }

    /// The version of the interfaces that it imports.
    pub(crate) fn contract(mut self, version: &str) -> Self {
        self.contract = version.to_owned();
        self
    }

    /// The file.
    pub(crate) fn binary(&self) -> Vec<u8> {
        let Fixture { handler, component, contract, .. } = self;
        let (libc, main) = (LIBC, self.main());
        let model_function =
            "(func (param \"request\" (list u8)) (result (result (list u8) (error (list u8)))))";
        let lower = |name: &str, instance: &str| {
            format!(
                "(core func ${name} (canon lower (func ${instance} \"{name}\")
                    (memory $libc \"memory\") (realloc (func $libc \"realloc\"))))"
            )
        };
        let lowered = [
            lower("write", "log"),
            lower("get", "models"),
            lower("find", "models"),
            lower("count", "models"),
        ];
        let lowered = lowered.join("\n");
        let text = format!(
            r#"(component
                (import "aksara:signals/log@{contract}" (instance $log
                    (export "write" (func (param "line" (list u8))))))
                (import "aksara:signals/models@{contract}" (instance $models
                    (export "get" {model_function})
                    (export "find" {model_function})
                    (export "count" {model_function})))
                {libc}
                (core instance $libc (instantiate $libc))
                {component}
                {lowered}
                {main}
                (core instance $main (instantiate $main
                    (with "libc" (instance $libc))
                    (with "host" (instance
                        (export "write" (func $write)) (export "get" (func $get))
                        (export "find" (func $find)) (export "count" (func $count))))))
                (func $describe (result (list u8))
                    (canon lift (core func $main "describe") (memory $libc "memory")))
                (func $handle (param "subscription" u32) (param "event" (list u8))
                    (result (result (list u8) (error (list u8))))
                    (canon lift (core func $main "handle")
                        (memory $libc "memory") (realloc (func $libc "realloc"))))
                (instance $handler (export "describe" (func $describe)) (export "handle" (func $handle)))
                (export "{handler}" (instance $handler)))"#
        );
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn main(&self) -> String {
        let Fixture { describe, handle, module, .. } = self;
        let (data, description) = (escaped(&self.data), escaped(&self.description));
        let (data_length, description_length) = (self.data.len(), self.description.len());
        format!(
            r#"(core module $main
                (import "libc" "memory" (memory 4))
                (import "host" "write" (func $log (param i32 i32)))
                (import "host" "get" (func $get (param i32 i32 i32)))
                (import "host" "find" (func $find (param i32 i32 i32)))
                (import "host" "count" (func $count (param i32 i32 i32)))
                (global $data i32 (i32.const {DATA}))
                (global $data_length i32 (i32.const {data_length}))
                (global $description i32 (i32.const {DESCRIPTION}))
                (global $description_length i32 (i32.const {description_length}))
                (data (i32.const {DATA}) "{data}")
                (data (i32.const {DESCRIPTION}) "{description}")
                (func $result (param $case i32) (param $bytes i32) (param $length i32) (result i32)
                    (i32.store8 (i32.const 16) (local.get $case))
                    (i32.store (i32.const 20) (local.get $bytes))
                    (i32.store (i32.const 24) (local.get $length))
                    (i32.const 16))
                (func $ok (param $bytes i32) (param $length i32) (result i32)
                    (call $result (i32.const 0) (local.get $bytes) (local.get $length)))
                (func $err (param $bytes i32) (param $length i32) (result i32)
                    (call $result (i32.const 1) (local.get $bytes) (local.get $length)))
                {module}
                (func (export "describe") (result i32)
                    {describe})
                (func (export "handle") (param $subscription i32) (param $event i32) (param $length i32) (result i32)
                    {handle}))"#
        )
    }

    /// Loads it, which has to succeed.
    pub(crate) async fn load(&self, limits: Limits) -> Revision {
        self.load_into(engine(), limits).await
    }

    /// Loads it into an engine of the test's own.
    pub(crate) async fn load_into(&self, engine: &Engine, limits: Limits) -> Revision {
        engine.load(Some("fixture"), self.binary(), limits).await.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Memory, and an allocator that never frees.
const LIBC: &str = r#"(core module $libc
    (memory (export "memory") 4)
    (global $next (mut i32) (i32.const 0x30000))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
        (local $at i32) (local $pages i32)
        (local.set $at (global.get $next))
        (global.set $next (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 7)) (i32.const -8)))
        (local.set $pages (i32.sub
            (i32.shr_u (i32.add (global.get $next) (i32.const 0xffff)) (i32.const 16)) (memory.size)))
        (if (i32.gt_s (local.get $pages) (i32.const 0))
            (then (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1)) (then unreachable))))
        (local.get $at)))"#;

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// What a fixture says of itself: version 1.2.0, one handler of `pre_save` of `app.Article`.
pub(crate) fn description(name: &str) -> Description {
    Description {
        name: name.to_owned(),
        version: "1.2.0".to_owned(),
        contract: CONTRACT_VERSION.to_owned(),
        subscriptions: vec![subscription("on_save", "pre_save")],
        signals: BTreeMap::new(),
        grants: Grants::default(),
    }
}

pub(crate) fn subscription(handler: &str, signal: &str) -> Subscription {
    Subscription {
        handler: handler.to_owned(),
        signal: signal.to_owned(),
        sender: Some("app.Article".to_owned()),
        priority: 0,
        reads: None,
        writes: None,
        when: When::default(),
    }
}

/// The engine that most tests share.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap())
}

/// The error of loading these bytes as `fixture.wasm`.
pub(crate) async fn refusal(bytes: Vec<u8>, limits: Limits) -> LoadError {
    within(600, engine().load(Some("fixture"), bytes, limits)).await.unwrap_err()
}

pub(crate) fn context(models: Option<Arc<dyn Application>>) -> CallContext<'static> {
    CallContext { signal: "pre_save", sender: "app.Article", application: models }
}

/// Calls its one handler, in bounded time.
pub(crate) async fn call(revision: &Revision) -> Result<Called, CallError> {
    within(600, revision.call(0, EVENT, context(None))).await
}

/// Calls its one handler, which may read these models.
pub(crate) async fn call_with(
    revision: &Revision,
    models: Arc<dyn Application>,
) -> Result<Called, CallError> {
    within(600, revision.call(0, EVENT, context(Some(models)))).await
}

/// The fault with which a call ended.
pub(crate) fn fault(result: Result<Called, CallError>) -> FaultKind {
    match result {
        Err(CallError::Fault(fault)) => fault.kind,
        other => panic!("no fault: {other:?}"),
    }
}

/// Ends the test rather than hang.
pub(crate) async fn within<T>(seconds: u64, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(seconds), future).await.expect("it hangs")
}

/// Compares a table of texts; all that differ are shown.
pub(crate) fn assert_texts(cases: &[(&str, String, &str)]) {
    let differing: Vec<String> = cases
        .iter()
        .filter(|(_, found, expected)| found != expected)
        .map(|(case, found, expected)| format!("{case}\n   found: {found}\nexpected: {expected}"))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// Runs all of them at once.
pub(crate) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, output) in &mut futures {
            if output.is_none() {
                *output = match future.as_mut().poll(context) {
                    Poll::Ready(value) => Some(value),
                    Poll::Pending => None,
                };
            }
        }
        match futures.iter().all(|(_, output)| output.is_some()) {
            true => Poll::Ready(futures.iter_mut().filter_map(|(_, output)| output.take()).collect()),
            false => Poll::Pending,
        }
    })
    .await
}
