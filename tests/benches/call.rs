//! What one call of a plugin costs by itself, without a database: a fresh instance, the event in, the reply out.

use std::time::Instant;

use aksara_plugins::{CallContext, Engine, Limits};
use aksara_tests::workspace;
use aksara_wire::{Event, Payload, Value, encode};

/// Calls of each plugin.
const CALLS: usize = 5_000;

fn event(sender: &str) -> Vec<u8> {
    let text = |text: &str| Value::Str(text.to_owned());
    let instance = [
        ("id", Value::Int(1)),
        ("title", text("A title of the usual length, with an Überraschung")),
        ("slug", text("")),
        ("dep_time", Value::Int(517)),
        ("dep_delay", Value::Int(2)),
        ("delay_class", text("")),
    ];
    let instance: Value = Value::Map(instance.map(|(name, value)| (name.to_owned(), value)).into());
    encode(&Event {
        id: [0; 16],
        signal: "pre_save".into(),
        sender: sender.into(),
        db: "default".into(),
        depth: 0,
        operation: Some([0; 16]),
        payload: Payload { instance: Some(instance), created: Some(true), ..Payload::default() },
    })
}

#[tokio::main]
async fn main() {
    let engine = Engine::new().expect("an engine");
    for (plugin, sender) in [("flight-delay", "Flight"), ("slugify", "Post")] {
        let file = workspace().join("target/plugins").join(plugin).with_extension("wasm");
        let bytes = std::fs::read(&file).expect("the plugin is built: `cargo xtask plugins`");
        let revision = engine.load(Some(plugin), bytes, Limits::default()).await.expect("it loads");
        let event = event(sender);
        let mut times = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let context = CallContext { signal: "pre_save", sender, application: None };
            let start = Instant::now();
            let called = revision.call(0, &event, context).await.expect("it replies");
            times.push(start.elapsed());
            std::hint::black_box(called);
        }
        times.sort();
        let (median, high) = (times[CALLS / 2], times[CALLS * 99 / 100]);
        let (size, compile) = (revision.size_bytes() / 1024, revision.compile_duration());
        println!(
            "{plugin:<14} {size:>4} KiB, compiled in {compile:>8.1?}: {median:>8.1?} a call, 99 of 100 below {high:.1?}"
        );
    }
}
