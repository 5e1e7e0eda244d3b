//! The work that failures interrupt: saves, deletes, bulk operations and transactions with savepoints, whose handlers write
//! rows of their own in the same transaction.

use std::sync::Arc;

use aksara::Error;
use aksara::prelude::*;
use aksara_tests::Random;

#[derive(Model, Clone, Debug)]
#[model(label = "reliable.Order")]
pub(super) struct Order {
    #[field(primary_key)]
    pub(super) id: i64,
    /// `GROUP.PART`: a group is what one operation creates, and ends in the kind of the operation.
    #[field(unique, max_length = 60)]
    pub(super) name: String,
    /// How often it was saved.
    pub(super) version: i64,
}

/// What a handler writes, in the transaction of what it hears.
#[derive(Model, Clone, Debug)]
#[model(label = "reliable.Trace")]
pub(super) struct Trace {
    #[field(primary_key)]
    pub(super) id: i64,
    /// `SIGNAL NAME VERSION`
    #[field(unique, max_length = 80)]
    pub(super) text: String,
}

fn trace(signal: &str, order: &Order) -> Trace {
    Trace { id: 0, text: format!("{signal} {} {}", order.name, order.version) }
}

#[pre_save(Order)]
async fn before(event: PreSave<'_, Order>) -> HandlerResult {
    Trace::objects(event.db).create(trace("before", event.instance)).await?;
    Ok(())
}

#[post_save(Order)]
async fn after(event: PostSave<'_, Order>) -> HandlerResult {
    Trace::objects(event.db).create(trace("after", event.instance)).await?;
    Ok(())
}

#[pre_bulk_create(Order)]
async fn before_all(event: PreBulkCreate<'_, Order>) -> HandlerResult {
    let traces = event.instances.iter().map(|order| trace("before", order)).collect();
    Trace::objects(event.db).bulk_create(traces).await?;
    Ok(())
}

#[post_bulk_create(Order)]
async fn after_all(event: PostBulkCreate<'_, Order>) -> HandlerResult {
    let traces = event.instances.iter().map(|order| trace("after", order)).collect();
    Trace::objects(event.db).bulk_create(traces).await?;
    Ok(())
}

#[post_delete(Order)]
async fn gone(event: PostDelete<'_, Order>) -> HandlerResult {
    Trace::objects(event.db).create(trace(GONE, event.instance)).await?;
    Ok(())
}

/// The trace of a row that was deleted, and the claim that it was.
pub(super) const GONE: &str = "gone";
/// The claim on a group of which the second row may be missing: what failed to write it was caught.
pub(super) const LOOSE: &str = "loose";
/// The part that is written in a savepoint which is then rolled back.
pub(super) const UNDONE: &str = "undone";

/// The parts that an operation of each kind creates.
pub(super) const PARTS: [(&str, &[&str]); 3] =
    [("save", &["a"]), ("nested", &["a", "b"]), ("bulk", &["a", "b", "c"])];

/// What became of an operation.
pub(super) enum Ended<'a> {
    /// It was acknowledged. These claims hold from now on, divided by spaces: `NAME=VERSION`, `NAME=gone`, `GROUP=loose`.
    Acknowledged(&'a str),
    Failed(&'a Error),
}

pub(super) type Report = Arc<dyn Fn(Ended<'_>) + Send + Sync>;

/// One task's work.
pub(super) struct Worker {
    db: Db,
    random: Random,
    /// What its names begin with.
    prefix: String,
    groups: u64,
    /// The rows that it knows to be there, by group.
    stored: Vec<Vec<Instance<Order>>>,
    report: Report,
}

impl Worker {
    pub(super) fn new(db: &Db, prefix: String, seed: u64, report: &Report) -> Self {
        let (db, report, random) = (db.clone(), report.clone(), Random::new(seed));
        Worker { db, random, prefix, groups: 0, stored: Vec::new(), report }
    }

    /// Makes one operation after the other.
    pub(super) async fn work(mut self) {
        loop {
            self.step().await;
        }
    }

    /// Makes one operation, and reports what became of it.
    pub(super) async fn step(&mut self) {
        let choice = if self.stored.is_empty() { 0 } else { self.random.below(7) };
        let claims = match choice {
            0 | 1 => self.save().await,
            2 => self.bulk().await,
            3 => self.nested().await,
            4 | 5 => self.change().await,
            _ => self.delete().await,
        };
        match claims {
            Ok(claims) => (self.report)(Ended::Acknowledged(&claims.join(" "))),
            Err(error) => (self.report)(Ended::Failed(&error)),
        }
    }

    fn group(&mut self, kind: &str) -> String {
        self.groups += 1;
        format!("{}.{}.{kind}", self.prefix, self.groups)
    }

    fn acknowledged(&mut self, orders: Vec<Instance<Order>>) -> Vec<String> {
        let claims = orders.iter().map(|order| format!("{}={}", order.name, order.version)).collect();
        self.stored.push(orders);
        claims
    }

    async fn save(&mut self) -> Result<Vec<String>, Error> {
        let group = self.group("save");
        let order = create(&self.db, &group, "a").await?;
        Ok(self.acknowledged(vec![order]))
    }

    async fn bulk(&mut self) -> Result<Vec<String>, Error> {
        let group = self.group("bulk");
        let orders = ["a", "b", "c"].map(|part| new(&group, part)).to_vec();
        let orders = Order::objects(&self.db).bulk_create(orders).await?;
        Ok(self.acknowledged(orders))
    }

    /// A transaction with a savepoint in it, in which another one is rolled back. What fails in the savepoint is caught: the
    /// transaction itself has to tell whether it is still there.
    async fn nested(&mut self) -> Result<Vec<String>, Error> {
        const AS_PLANNED: &str = "undone as planned";
        let group = self.group("nested");
        let orders: Result<_, Error> = self
            .db
            .transaction(async |tx| {
                let first = create(&tx, &group, "a").await?;
                let second = tx.transaction(async |inside| {
                    let second = create(&inside, &group, "b").await?;
                    let undone: Result<(), Error> = inside
                        .transaction(async |deeper| {
                            create(&deeper, &group, UNDONE).await?;
                            Err(Error::Transaction(AS_PLANNED))
                        })
                        .await;
                    match undone {
                        Err(Error::Transaction(AS_PLANNED)) => Ok(second),
                        undone => Err(undone.expect_err("it ends in an error")),
                    }
                });
                match second.await {
                    Ok(second) => Ok(vec![first, second]),
                    Err(_) => {
                        (self.report)(Ended::Acknowledged(&format!("{group}={LOOSE}")));
                        Ok(vec![first])
                    }
                }
            })
            .await;
        Ok(self.acknowledged(orders?))
    }

    /// Takes rows that are there. Where what is then done to them fails, no more is known of them.
    fn taken(&mut self) -> Vec<Instance<Order>> {
        let any = self.random.below(self.stored.len() as u64) as usize;
        self.stored.swap_remove(any)
    }

    async fn change(&mut self) -> Result<Vec<String>, Error> {
        let mut orders = self.taken();
        orders[0].version += 1;
        orders[0].save(&self.db).await?;
        Ok(self.acknowledged(orders))
    }

    async fn delete(&mut self) -> Result<Vec<String>, Error> {
        let orders = self.taken();
        let keys: Vec<i64> = orders.iter().map(|order| order.id).collect();
        Order::objects(&self.db).filter(Order::id.is_in(keys)).delete().await?;
        Ok(orders.iter().map(|order| format!("{}={GONE}", order.name)).collect())
    }
}

fn new(group: &str, part: &str) -> Order {
    Order { id: 0, name: format!("{group}.{part}"), version: 1 }
}

async fn create(db: &Db, group: &str, part: &str) -> Result<Instance<Order>, Error> {
    Order::objects(db).create(new(group, part)).await
}
