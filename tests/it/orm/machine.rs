//! Random operations against a model in memory: saves, deletes, nested transactions, many-to-many, failing handlers, failing
//! reads and raw statements whose errors are caught, operations that are dropped at any point, and two that race. After each
//! step, rows, instances and relations are what the model says.

use std::collections::{BTreeMap, BTreeSet};

use aksara::prelude::*;
use aksara::signals::{m2m_changed, post_delete, post_save, pre_delete, pre_save};
use aksara::{Backend, Error, State, TransactionOptions};
use aksara_tests::{Random, TestDb};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "machine.Node")]
struct Node {
    #[field(primary_key)]
    id: i64,
    weight: i64,
    #[field(on_delete = "cascade")]
    parent: Option<Fk<Node>>,
    marks: ManyToMany<Mark>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "machine.Mark")]
struct Mark {
    #[field(primary_key)]
    id: i64,
}

/// The database as it should be: weight, parent and marks by key.
type Expected = BTreeMap<i64, (i64, Option<i64>, BTreeSet<i64>)>;

/// A handler of `pre_save` reads or writes what there is not, and catches the error.
const CAUGHT_READ: &str = "caught read";
const CAUGHT_WRITE: &str = "caught write";

tokio::task_local! {
    /// The signal whose handler fails, if any.
    static FAILS: Option<&'static str>;
}

fn verdict(signal: &'static str) -> HandlerResult {
    match FAILS.try_with(|fails| *fails == Some(signal)) {
        Ok(true) => Err(reject(signal)),
        _ => Ok(()),
    }
}

/// Reads what there is not, and goes on as if nothing had happened.
async fn fail_to_read(db: &Db) {
    let error = db.query_raw::<Mark>("SELECT nothing FROM nowhere", Vec::new()).await.unwrap_err();
    assert!(matches!(error, Error::Database { .. } | Error::Aborted { .. }), "{error}");
}

/// Writes what there is not, and goes on as if nothing had happened.
async fn fail_to_write(db: &Db) {
    let error = db.execute_raw("INSERT INTO nowhere VALUES (1)", Vec::new()).await.unwrap_err();
    assert!(matches!(error, Error::Database { .. } | Error::Aborted { .. }), "{error}");
}

fn connect() {
    pre_save::<Node>().connect(|event| {
        Box::pin(async move {
            match FAILS.try_with(|fails| *fails) {
                Ok(Some(CAUGHT_READ)) => fail_to_read(event.db).await,
                Ok(Some(CAUGHT_WRITE)) => fail_to_write(event.db).await,
                _ => {}
            }
            verdict("pre_save")
        })
    });
    post_save::<Node>().connect(|_| Box::pin(async { verdict("post_save") }));
    pre_delete::<Node>().connect(|_| Box::pin(async { verdict("pre_delete") }));
    post_delete::<Node>().connect(|_| Box::pin(async { verdict("post_delete") }));
    m2m_changed::<AnyModel>().relation(Node::marks).connect(|event| {
        let action = event.action.name();
        Box::pin(async move { verdict(if action.starts_with("pre") { "pre_m2m" } else { "post_m2m" }) })
    });
}

struct Machine {
    random: Random,
    expected: Expected,
    marks: Vec<i64>,
    /// Whether the transaction or savepoint that steps are made in can only be rolled back.
    is_aborted: bool,
}

/// Drives a future for so many turns, and drops it if it is not done by then.
async fn dropped_after<F: Future>(turns: u64, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (Box::pin(future), turns);
    std::future::poll_fn(move |context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

impl Machine {
    fn any_node(&mut self) -> Option<i64> {
        let keys: Vec<i64> = self.expected.keys().copied().collect();
        (!keys.is_empty()).then(|| keys[self.random.below(keys.len() as u64) as usize])
    }

    fn any_marks(&mut self) -> Vec<i64> {
        let marks = self.marks.clone();
        marks.into_iter().filter(|_| self.random.one_in(2)).collect()
    }

    /// Runs one operation, and does the same to the model if it succeeds.
    async fn step(&mut self, db: &Db) {
        const SIGNALS: [&str; 8] = [
            "pre_save",
            "post_save",
            "pre_delete",
            "post_delete",
            "pre_m2m",
            "post_m2m",
            CAUGHT_READ,
            CAUGHT_WRITE,
        ];
        let fails = self.random.one_in(4).then(|| SIGNALS[self.random.below(8) as usize]);
        let before = self.expected.clone();
        let result = FAILS.scope(fails, Box::pin(self.operation(db))).await;
        match result {
            Ok(()) => assert!(!self.is_aborted, "an operation succeeds in an aborted transaction"),
            Err(error) => {
                // PostgreSQL keeps nothing of a savepoint in which a read has failed.
                let by_read = fails == Some(CAUGHT_READ) && db.backend() == Backend::Postgres;
                let is_told = matches!(error, Error::Aborted { .. }) && (self.is_aborted || by_read);
                assert!(error.is_refusal() || is_told, "{error}");
                self.expected = before;
            }
        }
    }

    async fn operation(&mut self, db: &Db) -> Result<(), Error> {
        match self.random.below(10) {
            0..=2 => self.create(db).await,
            3..=4 => self.update(db).await,
            5 => self.delete(db).await,
            6 => self.relate(db).await,
            7 => self.fail(db).await,
            // What is dropped has not ended: handlers let it pass.
            8 if !db.in_transaction() => FAILS.scope(None, self.race_or_drop(db)).await,
            _ => self.nested(db).await,
        }
    }

    /// A statement that fails, and whose error is caught.
    async fn fail(&mut self, db: &Db) -> Result<(), Error> {
        if self.random.one_in(2) {
            fail_to_write(db).await;
        } else {
            fail_to_read(db).await;
            self.is_aborted |= db.in_transaction() && db.backend() == Backend::Postgres;
        }
        // Says whether the transaction can still be used.
        Mark::objects(db).exists().await.map(drop)
    }

    async fn race_or_drop(&mut self, db: &Db) -> Result<(), Error> {
        match self.random.below(3) {
            0 => self.race(db).await,
            1 => self.dropped(db).await,
            _ => self.dropped_inside(db).await,
        }
        Ok(())
    }

    /// Two tasks change the same row.
    async fn race(&mut self, db: &Db) {
        let Some(key) = self.any_node() else { return };
        let racer = || {
            let db = db.clone();
            tokio::spawn(async move {
                let options = TransactionOptions { retries_max: 100, ..Default::default() };
                let change = |tx: Db| async move {
                    let locked = Node::objects(&tx).filter(Node::id.eq(key)).select_for_update();
                    let mut node = locked.first().await?.unwrap();
                    node.weight += 1;
                    node.save(&tx).await
                };
                db.transaction_with(options, change).await
            })
        };
        let (one, other) = (racer(), racer());
        one.await.unwrap().unwrap();
        other.await.unwrap().unwrap();
        self.expected.entry(key).and_modify(|(weight, ..)| *weight += 2);
    }

    /// One change that is dropped on its way: it happens wholly or not at all.
    async fn dropped(&mut self, db: &Db) {
        let Some(key) = self.any_node() else { return };
        let turns = self.random.below(12);
        let mut node = Node::objects(db).get(key).await.unwrap();
        let weight = node.weight;
        node.weight += 1;
        let saved = dropped_after(turns, node.save(db)).await;
        saved.transpose().unwrap();
        self.settle(db, key, [weight, weight + 1]).await;
    }

    /// The same inside a transaction: what is committed has all of it or nothing, and what is not has nothing.
    async fn dropped_inside(&mut self, db: &Db) {
        let Some(key) = self.any_node() else { return };
        let turns = self.random.below(12);
        let weight = self.expected[&key].0;
        let transaction = db.begin().await.unwrap();
        let of_key = Node::objects(transaction.db()).filter(Node::id.eq(key));
        of_key.update([Node::weight.set(weight + 10)]).await.unwrap();
        let mut node = Node::objects(transaction.db()).get(key).await.unwrap();
        node.weight += 1;
        let saved = dropped_after(turns, node.save(transaction.db())).await;
        saved.transpose().unwrap();
        match transaction.commit().await {
            Ok(()) => self.settle(db, key, [weight + 10, weight + 11]).await,
            Err(error) => {
                assert!(matches!(error, Error::Transaction(_) | Error::Aborted { .. }), "{error}");
                self.settle(db, key, [weight, weight]).await;
            }
        }
    }

    /// Takes notice of which of two weights a row has, once what was dropped has ended.
    async fn settle(&mut self, db: &Db, key: i64, either: [i64; 2]) {
        // It locks the row: a task that still writes it comes first.
        let locked = async |tx: Db| {
            let row = Node::objects(&tx).filter(Node::id.eq(key)).select_for_update().first().await?;
            Ok::<_, Error>(row.unwrap().weight)
        };
        let found = db.transaction(locked).await.unwrap();
        assert!(either.contains(&found), "{found} is none of {either:?}");
        self.expected.entry(key).and_modify(|(weight, ..)| *weight = found);
    }

    async fn create(&mut self, db: &Db) -> Result<(), Error> {
        let weight = self.random.below(100) as i64;
        let parent = if self.random.one_in(2) { self.any_node() } else { None };
        let mut node = Node { weight, parent: parent.map(Fk::new), ..Default::default() }.instance();
        let saved = node.save(db).await;
        if let Err(error) = saved {
            assert_eq!((node.state(), node.id), (State::New, 0), "after {error}");
            return Err(error);
        }
        self.expected.insert(node.id, (weight, parent, BTreeSet::new()));
        Ok(())
    }

    async fn update(&mut self, db: &Db) -> Result<(), Error> {
        let Some(key) = self.any_node() else { return Ok(()) };
        let mut node = Node::objects(db).get(key).await?;
        assert_eq!(node.weight, self.expected[&key].0);
        node.weight += 1;
        let saved =
            if self.random.one_in(2) { node.save(db).await } else { node.save_fields(db, &["weight"]).await };
        if let Err(error) = saved {
            assert_eq!(node.changes().len(), 1, "after {error}");
            return Err(error);
        }
        assert!(node.changes().is_empty());
        self.expected.entry(key).and_modify(|(weight, ..)| *weight += 1);
        Ok(())
    }

    async fn delete(&mut self, db: &Db) -> Result<(), Error> {
        let Some(key) = self.any_node() else { return Ok(()) };
        let mut node = Node::objects(db).get(key).await?;
        let mut doomed = BTreeSet::from([key]);
        loop {
            let known = doomed.len();
            let below = |(_, (_, parent, _)): &(&i64, &(i64, Option<i64>, BTreeSet<i64>))| {
                parent.is_some_and(|parent| doomed.contains(&parent))
            };
            let more: Vec<i64> = self.expected.iter().filter(below).map(|(key, _)| *key).collect();
            doomed.extend(more);
            if doomed.len() == known {
                break;
            }
        }
        match node.delete(db).await {
            Ok(deleted) => assert_eq!(deleted.rows, doomed.len() as u64),
            Err(error) => {
                assert_eq!(node.state(), State::Stored);
                return Err(error);
            }
        }
        self.expected.retain(|key, _| !doomed.contains(key));
        Ok(())
    }

    async fn relate(&mut self, db: &Db) -> Result<(), Error> {
        let Some(key) = self.any_node() else { return Ok(()) };
        let node = Node::objects(db).get(key).await?;
        let marks = self.any_marks();
        let given: BTreeSet<i64> = marks.iter().copied().collect();
        let related = Node::marks.of(db, &node);
        let before = self.expected[&key].2.clone();
        let after = match self.random.below(4) {
            0 => {
                related.add(marks).await?;
                &before | &given
            }
            1 => {
                related.remove(marks).await?;
                &before - &given
            }
            2 => {
                related.set(marks).await?;
                given
            }
            _ => {
                related.clear().await?;
                BTreeSet::new()
            }
        };
        self.expected.entry(key).and_modify(|(.., marks)| *marks = after);
        Ok(())
    }

    /// A few operations in a transaction or savepoint, which may be undone.
    async fn nested(&mut self, db: &Db) -> Result<(), Error> {
        let before = self.expected.clone();
        let transaction = db.begin().await?;
        let is_aborted = std::mem::take(&mut self.is_aborted);
        for _ in 0..self.random.below(4) {
            Box::pin(self.step(transaction.db())).await;
        }
        let is_lost = std::mem::replace(&mut self.is_aborted, is_aborted);
        match self.random.below(3) {
            0 => {
                self.expected = before;
                transaction.rollback().await
            }
            1 => {
                self.expected = before;
                drop(transaction);
                Ok(())
            }
            _ => match (transaction.commit().await, is_lost) {
                (Ok(()), false) => Ok(()),
                (Err(Error::Aborted { .. }), true) => {
                    self.expected = before;
                    Ok(())
                }
                (ended, _) => panic!("{ended:?}, though the transaction is {is_lost:?} lost"),
            },
        }
    }

    /// The database is what the model says.
    async fn check(&self, db: &Db) {
        let mut found: Expected = BTreeMap::new();
        for node in Node::objects(db).all().await.unwrap() {
            let marks = Node::marks.of(db, &node).all().values(Mark::id).await.unwrap();
            let parent = node.parent.as_ref().map(|parent| *parent.key());
            found.insert(node.id, (node.weight, parent, marks.into_iter().collect()));
        }
        assert_eq!(found, self.expected);
    }
}

#[tokio::test]
async fn ten_thousand_random_steps_leave_what_a_model_in_memory_says() {
    connect();
    let test = TestDb::with::<(Mark, Node)>().await;
    let marks = Mark::objects(&test.db).bulk_create(vec![Mark::default(); 5]).await.unwrap();
    let seed = 20_261_123;
    println!("seed {seed}");
    let marks = marks.iter().map(|mark| mark.id).collect();
    let mut machine =
        Machine { random: Random::new(seed), expected: BTreeMap::new(), marks, is_aborted: false };
    for step in 0..10_000 {
        machine.step(&test.db).await;
        // Looking at everything each time would take longer than everything else.
        if step % 100 == 0 {
            machine.check(&test.db).await;
        }
        if machine.expected.len() > 60 {
            Node::objects(&test.db).delete().await.unwrap();
            machine.expected.clear();
        }
    }
    machine.check(&test.db).await;
}

/// No lost update, no deadlock, no leaked connection.
#[tokio::test]
async fn a_hundred_concurrent_writers_with_handlers_on() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "machine.Counter")]
    struct Counter {
        id: i64,
        hits: i64,
    }

    const CONNECTIONS: u32 = 4;
    let options = |options: aksara::DbOptions| {
        options.connections_max(CONNECTIONS).busy_timeout(std::time::Duration::from_secs(60))
    };
    let test = TestDb::opened::<(Counter,)>(options).await;
    post_save::<Counter>().connect(|event| {
        Box::pin(async move {
            // A statement of its own, in the transaction of the save.
            Counter::objects(event.db).count().await?;
            Ok(())
        })
    });
    let counter = Counter::objects(&test.db).create(Counter::default()).await.unwrap();
    let writers = (0..100).map(|_| {
        let (db, id) = (test.db.clone(), counter.id);
        tokio::spawn(async move {
            let options = aksara::TransactionOptions {
                isolation: Some(aksara::Isolation::Serializable),
                retries_max: 1_000,
                ..Default::default()
            };
            db.transaction_with(options, |tx| async move {
                let mut counter = Counter::objects(&tx).get(id).await?;
                counter.hits += 1;
                counter.save(&tx).await
            })
            .await
        })
    });
    for writer in futures_util::future::join_all(writers).await {
        writer.unwrap().unwrap();
    }
    assert_eq!(Counter::objects(&test.db).get(counter.id).await.unwrap().hits, 100);
    // Every connection is back: so many transactions can be open at once.
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let options = aksara::TransactionOptions { read_only: true, ..Default::default() };
        open.push(test.db.begin_with(options).await.unwrap());
    }
}
