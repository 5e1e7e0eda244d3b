//! Random operations against a model in memory: saves, deletes, nested transactions, many-to-many, failing handlers.
//! After each step, rows, instances and relations are what the model says.

use std::collections::{BTreeMap, BTreeSet};

use aksara::prelude::*;
use aksara::signals::{m2m_changed, post_delete, post_save, pre_delete, pre_save};
use aksara::{Error, State};
use aksara_tests::TestDb;

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

/// A small generator of random numbers (splitmix64), so that a failure can be repeated by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

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

fn connect() {
    pre_save::<Node>().connect(|_| Box::pin(async { verdict("pre_save") }));
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
        const SIGNALS: [&str; 6] =
            ["pre_save", "post_save", "pre_delete", "post_delete", "pre_m2m", "post_m2m"];
        let fails = self.random.one_in(4).then(|| SIGNALS[self.random.below(6) as usize]);
        let before = self.expected.clone();
        let result = FAILS.scope(fails, Box::pin(self.operation(db))).await;
        match result {
            Ok(()) => {}
            Err(error) => {
                assert!(error.is_refusal(), "{error}");
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
            _ => self.nested(db).await,
        }
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
        for _ in 0..self.random.below(4) {
            Box::pin(self.step(transaction.db())).await;
        }
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
            _ => transaction.commit().await,
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
    let mut machine = Machine { random: Random(seed), expected: BTreeMap::new(), marks };
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
