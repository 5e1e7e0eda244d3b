//! The import `models`: grants, budgets, and an application that does not answer.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aksara_plugins::{Access, Answer, Application, Deadline, FaultKind, Limits};
use aksara_wire::{
    Description, Map, ModelOperation, ModelRequest, Patch, Reply, RequestError, SendRequest, ServiceRequest,
    Value,
};

use crate::fixture::{Fixture, assert_texts, call, call_with, description, fault};

/// Models whose answers are made by a function.
pub(crate) struct Answers {
    answer: Box<dyn Fn(ModelOperation, ModelRequest) -> Answer<'static> + Send + Sync>,
    /// How often they were asked.
    asked: AtomicU32,
    /// The last request.
    request: Mutex<Option<(ModelOperation, ModelRequest)>>,
}

impl Answers {
    pub(crate) fn new<F: Future<Output = Result<Value, RequestError>> + Send + 'static>(
        answer: impl Fn(ModelOperation, ModelRequest) -> F + Send + Sync + 'static,
    ) -> Self {
        let answer =
            Box::new(move |operation, request| Box::pin(answer(operation, request)) as Answer<'static>);
        Answers { answer, asked: AtomicU32::new(0), request: Mutex::new(None) }
    }

    /// Always the same answer.
    pub(crate) fn always(answer: Result<Value, RequestError>) -> Arc<Self> {
        Arc::new(Answers::new(move |_, _| std::future::ready(answer.clone())))
    }

    /// Never an answer.
    pub(crate) fn never() -> Arc<Self> {
        Arc::new(Answers::new(|_, _| std::future::pending()))
    }
}

impl Application for Answers {
    fn models<'a>(&'a self, _: &'a Access, operation: ModelOperation, request: ModelRequest) -> Answer<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        *self.request.lock().unwrap() = Some((operation, request.clone()));
        (self.answer)(operation, request)
    }

    fn send<'a>(&'a self, _: &'a Access, request: SendRequest) -> Answer<'a> {
        let sent = Value::Str(format!("sent {}", request.signal));
        Box::pin(std::future::ready(Ok(sent)))
    }

    fn service<'a>(&'a self, _: &'a Access, request: ServiceRequest) -> Answer<'a> {
        Box::pin(std::future::ready(Ok(request.args)))
    }
}

/// A description that asks for these operations on `app.Article`.
pub(crate) fn granted(operations: &[ModelOperation]) -> Description {
    let mut description = description("fixture");
    let operations = operations.iter().copied().collect();
    description.grants.models = BTreeMap::from([("app.Article".to_owned(), operations)]);
    description
}

/// A request for a model.
pub(crate) fn request(model: &str) -> Vec<u8> {
    ModelRequest { model: model.to_owned(), ..ModelRequest::default() }.encode()
}

/// A plugin that makes one request, and returns what the host answers as its own result.
fn asking(operation: &str, request: &[u8], description: &Description) -> Fixture {
    let handle = format!(
        "(call ${operation} (global.get $data) (global.get $data_length) (i32.const 32)) (i32.const 32)"
    );
    Fixture::new().description(description).data(request).handle(&handle)
}

/// A plugin that makes one request so many times, and then changes nothing.
fn asking_often(operation: &str, times: u32) -> Fixture {
    let operations = [ModelOperation::Get, ModelOperation::Find, ModelOperation::Count];
    let handle = format!(
        "(local $left i32)
        (local.set $left (i32.const {times}))
        (loop $again
            (call ${operation} (global.get $data) (global.get $data_length) (i32.const 32))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (call $ok (i32.const 0) (i32.const 0))"
    );
    Fixture::new().description(&granted(&operations)).data(&request("app.Article")).handle(&handle)
}

fn rows(count: usize) -> Value {
    Value::Array(vec![Value::Map(Map::new()); count])
}

#[tokio::test]
async fn a_granted_operation_is_answered() {
    let fields = Map::from([("title".to_owned(), Value::Str("Hello".to_owned()))]);
    let answer = Value::Map(Map::from([("instance".to_owned(), Value::Map(fields.clone()))]));
    let wanted =
        ModelRequest { model: "app.Article".to_owned(), key: Value::Int(7), ..ModelRequest::default() };
    let fixture = asking("get", &wanted.encode(), &granted(&[ModelOperation::Get]));
    let revision = fixture.load(Limits::default()).await;
    let models = Answers::always(Ok(answer));
    let reply = call_with(&revision, models.clone()).await.unwrap().reply;
    assert_eq!(reply, Reply::Patch(Patch { fields, ..Patch::default() }));
    let asked = models.request.lock().unwrap().clone();
    // One row more than it may read: enough to know that it is too much.
    assert_eq!(asked, Some((ModelOperation::Get, ModelRequest { limit: Some(1_001), ..wanted })));
}

#[tokio::test]
async fn a_limit_of_the_plugins_own_is_kept() {
    let wanted = ModelRequest { model: "app.Article".to_owned(), limit: Some(3), ..ModelRequest::default() };
    let fixture = asking("count", &wanted.encode(), &granted(&[ModelOperation::Count]));
    let revision = fixture.load(Limits::default()).await;
    let models = Answers::always(Ok(Value::Map(Map::new())));
    call_with(&revision, models.clone()).await.unwrap();
    assert_eq!(*models.request.lock().unwrap(), Some((ModelOperation::Count, wanted)));
}

#[tokio::test]
async fn what_the_application_refuses_reaches_the_plugin() {
    let fixture = asking("find", &request("app.Article"), &granted(&[ModelOperation::Find]));
    let revision = fixture.load(Limits::default()).await;
    let models = Answers::always(Err(RequestError::new("`app.Article` has no field `titel`")));
    let kind = fault(call_with(&revision, models).await);
    assert_eq!(kind, FaultKind::Error("`app.Article` has no field `titel`".to_owned()));
}

#[tokio::test]
async fn what_is_not_granted_is_denied_and_named() {
    use ModelOperation::{Count, Find, Get};
    let (none, get, two) = (granted(&[]), granted(&[Get]), granted(&[Find, Count]));
    let cases = [
        (
            "nothing granted",
            "get",
            "app.Article",
            &none,
            "failed: `get` on the model `app.Article` is not granted; ask for it in `describe`, and let the operator grant it in `plugins.toml`",
        ),
        (
            "another operation",
            "find",
            "app.Article",
            &get,
            "failed: `find` on the model `app.Article` is not granted; ask for it in `describe`, and let the operator grant it in `plugins.toml`",
        ),
        (
            "another operation",
            "count",
            "app.Article",
            &get,
            "failed: `count` on the model `app.Article` is not granted; ask for it in `describe`, and let the operator grant it in `plugins.toml`",
        ),
        (
            "two others",
            "get",
            "app.Article",
            &two,
            "failed: `get` on the model `app.Article` is not granted; ask for it in `describe`, and let the operator grant it in `plugins.toml`",
        ),
        (
            "another model",
            "get",
            "app.Author",
            &get,
            "failed: `get` on the model `app.Author` is not granted; ask for it in `describe`, and let the operator grant it in `plugins.toml`",
        ),
        (
            "letter case",
            "get",
            "app.article",
            &get,
            "failed: `get` on the model `app.article` is not granted; ask for it in `describe`, and let the operator grant it in `plugins.toml`",
        ),
        (
            "no model",
            "get",
            "",
            &get,
            "failed: `get` on the model `` is not granted; ask for it in `describe`, and let the operator grant it in `plugins.toml`",
        ),
    ];
    let mut found = Vec::new();
    for (case, operation, model, description, expected) in cases {
        let revision = asking(operation, &request(model), description).load(Limits::default()).await;
        let models = Answers::always(Ok(Value::Nil));
        found.push((case, fault(call_with(&revision, models.clone()).await).to_string(), expected));
        assert_eq!(models.asked.load(Ordering::Relaxed), 0, "{case}");
    }
    assert_texts(&found);
}

#[tokio::test]
async fn where_there_is_nobody_to_ask_everything_is_denied() {
    let fixture = asking("get", &request("app.Article"), &granted(&[ModelOperation::Get]));
    let revision = fixture.load(Limits::default()).await;
    let kind = fault(call(&revision).await);
    assert_eq!(
        kind.to_string(),
        "failed: there is no application to ask: not in `describe`, and not in a call without one"
    );
}

#[tokio::test]
async fn a_request_that_is_none_is_refused() {
    let cases: [(&str, &[u8], &str); 5] = [
        ("empty", b"", "failed: malformed MessagePack: it ends inside a value"),
        ("array", b"\x90", "failed: malformed MessagePack: a request is an array, expected a map"),
        ("trailing", b"\x80\x00", "failed: 1 bytes after the end of the MessagePack value"),
        (
            "negative limit",
            b"\x81\xa5limit\xff",
            "failed: malformed MessagePack: `model` of a request is null, expected text",
        ),
        (
            "operator",
            b"\x81\xa6filter\x82\xa5field\xa1a\xa2op\xa1;",
            "failed: malformed MessagePack: `model` of a request is null, expected text",
        ),
    ];
    let mut found = Vec::new();
    for (case, bytes, expected) in cases {
        let fixture = asking("find", bytes, &granted(&[ModelOperation::Find]));
        let revision = fixture.load(Limits::default()).await;
        let models = Answers::always(Ok(rows(0)));
        found.push((case, fault(call_with(&revision, models.clone()).await).to_string(), expected));
        assert_eq!(models.asked.load(Ordering::Relaxed), 0, "{case}");
    }
    assert_texts(&found);
}

#[tokio::test]
async fn rows_are_counted_over_the_whole_call() {
    let limits = Limits { rows_max: 10, ..Limits::default() };
    let enough = asking_often("find", 2).load(limits.clone()).await;
    assert_eq!(call_with(&enough, Answers::always(Ok(rows(5)))).await.unwrap().reply, Reply::Unchanged);

    let kind = fault(call_with(&enough, Answers::always(Ok(rows(6)))).await);
    assert_eq!(kind.to_string(), "read more than 10 rows; raise `rows_max` or filter them");

    let single = asking_often("get", 11).load(limits.clone()).await;
    let kind = fault(call_with(&single, Answers::always(Ok(Value::Map(Map::new())))).await);
    assert_eq!(kind, FaultKind::Rows { rows_max: 10 });

    // An application that does not keep to the limit of the request does not help either.
    let once = asking_often("find", 1).load(limits).await;
    let kind = fault(call_with(&once, Answers::always(Ok(rows(50)))).await);
    assert_eq!(kind, FaultKind::Rows { rows_max: 10 });
}

#[tokio::test]
async fn an_answer_that_is_too_large_ends_the_call() {
    let revision = asking_often("find", 1).load(Limits { bytes_max: 1_000, ..Limits::default() }).await;
    let models = Answers::always(Ok(Value::Array(vec![Value::Str("x".repeat(995))])));
    assert_eq!(call_with(&revision, models).await.unwrap().reply, Reply::Unchanged);
    let models = Answers::always(Ok(Value::Array(vec![Value::Str("x".repeat(997))])));
    let expected = "asked for an answer of 1001 bytes, 1000 are allowed; raise `bytes_max` or ask for less";
    assert_eq!(fault(call_with(&revision, models).await).to_string(), expected);
}

#[tokio::test]
async fn an_answer_that_has_no_room_in_the_memory_is_a_fault() {
    let limits = Limits { memory_bytes_max: 5 << 16, ..Limits::default() };
    let revision = asking_often("find", 1).load(limits).await;
    let models = Answers::always(Ok(Value::Array(vec![Value::Str("x".repeat(1 << 20))])));
    assert_eq!(fault(call_with(&revision, models).await), FaultKind::Memory { memory_bytes_max: 5 << 16 });
}

#[tokio::test]
async fn too_many_host_calls_end_the_call() {
    let limits = Limits { host_calls_max: 5, ..Limits::default() };
    let models = Answers::always(Ok(Value::Int(1)));
    let revision = asking_often("count", 5).load(limits.clone()).await;
    assert_eq!(call_with(&revision, models.clone()).await.unwrap().reply, Reply::Unchanged);

    let revision = asking_often("count", 6).load(limits.clone()).await;
    let kind = fault(call_with(&revision, models).await);
    assert_eq!(
        kind.to_string(),
        "made more than 5 host calls; raise `host_calls_max` or ask for more at once"
    );
    // Denied calls count too.
    assert_eq!(fault(call(&revision).await), FaultKind::HostCalls { host_calls_max: 5 });
}

#[tokio::test]
async fn an_application_that_hangs_ends_the_call() {
    let revision = asking_often("get", 1).load(Limits { wait_ms: 50, ..Limits::default() }).await;
    let start = Instant::now();
    let kind = fault(call_with(&revision, Answers::never()).await);
    assert_eq!(kind.to_string(), "spent more than 50 ms in host calls; raise `wait_ms` or ask for less");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let models = Answers::always(Ok(Value::Nil));
    assert_eq!(call_with(&revision, models).await.unwrap().reply, Reply::Unchanged);
}

#[tokio::test]
async fn time_in_host_calls_adds_up() {
    let revision = asking_often("get", 20).load(Limits { wait_ms: 100, ..Limits::default() }).await;
    let slow = Arc::new(Answers::new(async |_, _| {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok(Value::Nil)
    }));
    let kind = fault(call_with(&revision, slow.clone()).await);
    assert_eq!(kind, FaultKind::HostTime(Deadline { name: "wait_ms", ms: 100 }));
    assert!(slow.asked.load(Ordering::Relaxed) <= 4);
}
