//! `signals.md`, Dispatch 8: what nobody hears costs nothing.

use std::sync::{Arc, Mutex};

use aksara::prelude::*;
use aksara_tests::TestDb;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

#[derive(Model, Clone, Debug)]
#[model(label = "cost.Row")]
struct Row {
    id: i64,
    text: String,
}

/// Collects the statements that sqlx logs.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The text of one logged statement: shortened, and where that leaves something out, in full.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" || field.name() == "db.statement" {
            self.0.push_str(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sqlx")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        // Other tests run meanwhile.
        if text.0.contains("cost_row") {
            self.0.lock().unwrap().push(text.0);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn an_unheard_operation_is_one_statement() {
    let statements = Statements::default();
    // SQLite's statements are logged from a thread of its own.
    tracing::subscriber::set_global_default(statements.clone()).unwrap();
    let test = TestDb::with::<(Row,)>().await;
    statements.take();
    // Handlers of all models, of other tests, are not meant.
    let unheard = SignalContext::disable_all().scope(async {
        let mut row = Row::objects(&test.db).create(Row::default()).await.unwrap();
        assert_eq!(statements.take().len(), 1);
        row.text = "changed".into();
        row.save(&test.db).await.unwrap();
        assert_eq!(statements.take().len(), 1);
        row.save_fields(&test.db, &["text"]).await.unwrap();
        assert_eq!(statements.take().len(), 1);
        Row::objects(&test.db).filter(Row::id.gt(0)).delete().await.unwrap();
        assert_eq!(statements.take().len(), 1);
    });
    unheard.await;
    // Where somebody listens, the rows of a query's delete are read for their signals.
    Row::objects(&test.db).create(Row::default()).await.unwrap();
    let handler = aksara::signals::pre_delete::<Row>().connect(|_| Box::pin(async { Ok(()) }));
    statements.take();
    Row::objects(&test.db).delete().await.unwrap();
    assert_eq!(statements.take().len(), 2);
    handler.disconnect();
}
