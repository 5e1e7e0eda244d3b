//! Whether a database holds what was acknowledged, and nothing by halves.

use std::collections::{BTreeMap, BTreeSet};

use aksara::prelude::*;
use aksara::{Backend, Isolation, TransactionOptions, testing};
use sqlx::{Connection, SqliteConnection};

use super::work::{GONE, LOOSE, Order, PARTS, Trace, UNDONE};

/// What is there of one name.
#[derive(Default)]
struct Found {
    /// The version of the row, if there is one.
    version: Option<i64>,
    /// The signals whose handlers have left a trace, by the version that was saved.
    saved: BTreeMap<i64, BTreeSet<String>>,
    is_gone: bool,
}

impl Found {
    /// How often it was saved; or what is there of it, where that is not the whole.
    fn saves(&self, signals: &BTreeSet<String>) -> Result<i64, String> {
        let saves = self.saved.len() as i64;
        let is_whole = self.saved.keys().copied().eq(1..=saves)
            && self.saved.values().all(|traces| traces == signals)
            && self.version == (!self.is_gone && saves > 0).then_some(saves);
        let Found { version, saved, is_gone } = self;
        is_whole.then_some(saves).ok_or_else(|| format!("row {version:?}, gone {is_gone}, {saved:?}"))
    }
}

/// Checks the database against the claims of what was acknowledged; `signals` are those whose handlers leave traces of a
/// save. Returns each difference in a line.
pub(super) async fn differences(db: &Db, claims: &[String], signals: &[&str]) -> Vec<String> {
    let found = read(db).await;
    let signals = signals.iter().map(|signal| (*signal).to_owned()).collect();
    let claims: Vec<_> =
        claims.iter().flat_map(|line| line.split(' ')).filter_map(|one| one.split_once('=')).collect();
    let loose: BTreeSet<&str> =
        claims.iter().filter(|(_, claim)| *claim == LOOSE).map(|(group, _)| *group).collect();
    let mut different = Vec::new();
    let mut groups: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
    for (name, found) in &found {
        let (group, part) = name.rsplit_once('.').unwrap();
        if part == UNDONE {
            different.push(format!("of a savepoint that was rolled back: {name}"));
        }
        if let Err(torn) = found.saves(&signals) {
            different.push(format!("torn: {name}: {torn}"));
        }
        groups.entry(group).or_default().insert(part, found.is_gone);
    }
    for (group, parts) in groups {
        let kind = group.rsplit('.').next();
        let whole = PARTS.iter().find(|(of, _)| Some(*of) == kind).unwrap().1;
        let there: Vec<&str> = parts.keys().copied().filter(|part| *part != UNDONE).collect();
        let is_whole = there == whole || loose.contains(group) && there == ["a"];
        // A group is deleted as a whole as well.
        if !is_whole || parts.values().collect::<BTreeSet<_>>().len() > 1 {
            different.push(format!("torn: {group}: {parts:?}"));
        }
    }
    // Of several claims on a name the last one is the newest.
    let newest: BTreeMap<&str, &str> = claims.into_iter().filter(|(_, claim)| *claim != LOOSE).collect();
    for (name, claim) in newest {
        let there = found.get(name);
        let holds = there.is_some_and(|found| match claim {
            GONE => found.is_gone,
            // What came after it was not acknowledged: it may have happened, or not.
            version => {
                let version: i64 = version.parse().unwrap();
                found.is_gone || [version, version + 1].map(Some).contains(&found.version)
            }
        });
        if !holds {
            different.push(format!("lost: {name}={claim}"));
        }
    }
    different
}

/// Reads all of it as it is at one moment: what was sent before a connection was cut may still happen.
async fn read(db: &Db) -> BTreeMap<String, Found> {
    let isolation = Some(Isolation::RepeatableRead);
    let options = TransactionOptions { read_only: true, isolation, ..TransactionOptions::default() };
    let read = async |tx: Db| {
        let orders = Order::objects(&tx).values((Order::name, Order::version)).await?;
        Ok::<_, aksara::Error>((orders, Trace::objects(&tx).values(Trace::text).await?))
    };
    let (orders, traces) = db.transaction_with(options, read).await.unwrap();
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for (name, version) in orders {
        found.entry(name).or_default().version = Some(version);
    }
    for trace in traces {
        let [signal, name, version] = trace.split(' ').collect::<Vec<_>>()[..] else { panic!("{trace}") };
        let found = found.entry(name.to_owned()).or_default();
        if signal == GONE {
            found.is_gone = true;
        } else {
            found.saved.entry(version.parse().unwrap()).or_default().insert(signal.to_owned());
        }
    }
    found
}

/// Asserts that the database is sound and holds what was acknowledged, and that damage would be seen.
pub(super) async fn assert_holds(db: &Db, url: &str, claims: &[String], signals: &[&str]) {
    let different = differences(db, claims, signals).await;
    assert!(different.is_empty(), "{} differences:\n{}", different.len(), different.join("\n"));
    if db.backend() == Backend::Sqlite {
        let mut file = SqliteConnection::connect(url).await.unwrap();
        let integrity: String =
            sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut file).await.unwrap();
        assert_eq!(integrity, "ok");
        file.close().await.unwrap();
    }
    // The last row and its last trace are of a claim, whatever else there is.
    let last = Order::objects(db).order_by(Order::id.desc()).first().await.unwrap().unwrap();
    let name = &last.name;
    let damages = [
        (format!("DELETE FROM reliable_order WHERE name = '{name}'"), "torn"),
        (format!("DELETE FROM reliable_trace WHERE text = 'after {name} {}'", last.version), "torn"),
        (format!("DELETE FROM reliable_trace WHERE text LIKE '% {name} %'"), "torn"),
        (
            format!("UPDATE reliable_order SET name = 'x.1.nested.{UNDONE}' WHERE name = '{name}'"),
            "savepoint",
        ),
    ];
    for (damage, kind) in damages {
        let (claims, text) = (claims.to_vec(), &damage);
        let different = testing::rolled_back(db, async |tx| {
            tx.execute_raw(text, vec![]).await.unwrap();
            differences(&tx, &claims, signals).await
        });
        let different = different.await.unwrap();
        assert!(different.iter().any(|line| line.contains(kind)), "{damage}: {different:?}");
    }
    for name in ["not.1.save.a=1", "not.1.save.a=gone"] {
        let claims = [claims, &[name.to_owned()]].concat();
        assert_eq!(differences(db, &claims, signals).await, [format!("lost: {name}")]);
    }
}
