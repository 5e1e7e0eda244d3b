//! Nothing recurses or grows with its input: long filters, long lists of keys, long streams.

use aksara::prelude::*;
use aksara::{Backend, Error, Filter, prefetch, prefetch_related};
use aksara_tests::TestDb;
use futures_util::TryStreamExt;

#[derive(Model, Clone, Debug)]
#[model(label = "large.Shelf")]
struct Shelf {
    id: i64,
    number: i32,
    #[field(max_length = 20)]
    name: String,
}

#[derive(Model, Clone, Debug)]
#[model(label = "large.Box")]
struct Crate {
    id: i64,
    shelf: Fk<Shelf>,
    note: Option<i32>,
    marks: ManyToMany<Shelf>,
}

fn values_max(test: &TestDb) -> usize {
    if test.backend() == Backend::Sqlite { 32_766 } else { 65_535 }
}

/// One row of a table of filters: what it is called, the filter of so many terms, and the numbers that it selects.
type Case = (&'static str, fn(i32) -> Filter<Shelf>, &'static [i32]);

fn is(number: i32) -> Filter<Shelf> {
    Shelf::number.eq(number)
}

const CASES: [Case; 8] = [
    ("or, from the left", |terms| (0..terms).map(is).reduce(Filter::or).unwrap(), &[0, 1, 2, 3]),
    (
        "or, from the right",
        |terms| (0..terms).map(is).rev().reduce(|all, one| one.or(all)).unwrap(),
        &[0, 1, 2, 3],
    ),
    ("and", |terms| (0..terms).map(|n| !is(n + 1)).reduce(Filter::and).unwrap(), &[0]),
    (
        "or of and",
        |terms| (0..terms / 2).map(|n| is(n).and(Shelf::id.gt(0))).reduce(Filter::or).unwrap(),
        &[0, 1, 2, 3],
    ),
    (
        "and of or",
        |terms| (0..terms / 2).map(|n| is(2).or(Shelf::id.gt(i64::from(-n)))).reduce(Filter::and).unwrap(),
        &[0, 1, 2, 3],
    ),
    // ((.. or 5 and >=1) or 4 and >=1) or 3 and >=1 ..
    (
        "one inside the other",
        |terms| (0..terms / 2).rev().fold(is(0), |all, n| all.or(is(n)).and(Shelf::number.ge(1))),
        &[1, 2, 3],
    ),
    ("not around not", |terms| (0..terms).rev().fold(is(3), |all, n| !all.or(is(n % 2))), &[1, 3]),
    (
        "trees inside a chain",
        |terms| {
            (0..terms / 8).fold(is(9), |all, n| {
                let branch = (0..3).fold(is(n), |inner, k| inner.and(Shelf::number.lt(2)).or(is(100 + k)));
                all.or(branch).and(Shelf::id.gt(0))
            })
        },
        &[0, 1],
    ),
];

/// On a thread with 2 MiB, as a test or a worker has.
#[test]
fn filters_work_up_to_the_number_of_bound_values_and_are_refused_above_it() {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let test = TestDb::with::<(Shelf,)>().await;
            let rows = (0..4).map(|number| Shelf { number, ..Default::default() });
            Shelf::objects(&test.db).bulk_create(rows.collect()).await.unwrap();
            for terms in [1, 2, 3, 40, 500, 6_000] {
                for (name, filter, expected) in CASES {
                    if terms < 40 && name != "or, from the left" {
                        continue;
                    }
                    let rows =
                        Shelf::objects(&test.db).filter(filter(terms).clone()).order_by(Shelf::id.asc());
                    let numbers: Vec<i32> = rows.values(Shelf::number).await.expect(name);
                    let expected = &expected[..expected.len().min(terms as usize)];
                    assert_eq!(numbers, expected, "{name} with {terms} terms");
                }
            }
            let most = values_max(&test);
            let either = |terms: usize| (0..terms as i32).map(is).reduce(Filter::or).unwrap();
            assert_eq!(Shelf::objects(&test.db).filter(either(most)).count().await.unwrap(), 4);
            let error = Shelf::objects(&test.db).filter(either(most + 1)).count().await.unwrap_err();
            assert!(matches!(error, Error::TooManyValues { limit, .. } if limit == most), "{error}");
            assert!(error.to_string().contains(&format!("at most {most}")), "{error}");
            let names = (0..=most).map(|n| n.to_string());
            let error = Shelf::objects(&test.db).filter(Shelf::name.is_in(names)).delete().await.unwrap_err();
            assert!(matches!(error, Error::TooManyValues { .. }), "{error}");
            // Integers need not be bound.
            let many = Shelf::number.is_in(1..100_000);
            assert_eq!(Shelf::objects(&test.db).filter(many).count().await.unwrap(), 3);
        });
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[tokio::test]
async fn filters_with_nulls_select_the_same_however_they_are_written() {
    let test = TestDb::with::<(Shelf, Crate)>().await;
    let shelf = Shelf::objects(&test.db).create(Shelf::default()).await.unwrap();
    let rows =
        [None, Some(1), Some(2)].map(|note| Crate { shelf: Fk::from(&shelf), note, ..Default::default() });
    Crate::objects(&test.db).bulk_create(rows.to_vec()).await.unwrap();
    // 1 or 20 levels: written as they are, or as questions one after the other.
    for levels in [1, 20, 300] {
        let wrapped = |filter: Filter<Crate>| {
            (0..levels).fold(filter, |all, _| all.or(Crate::note.eq(99)).and(Crate::id.gt(0)))
        };
        let count = async |filter| Crate::objects(&test.db).filter(filter).count().await.unwrap();
        assert_eq!(count(wrapped(Crate::note.eq(1))).await, 1);
        assert_eq!(count(wrapped(!Crate::note.eq(1))).await, 1);
        assert_eq!(count(!wrapped(Crate::note.eq(1))).await, 1);
        assert_eq!(count(!!wrapped(Crate::note.is_null())).await, 1);
        assert_eq!(count(!wrapped(Crate::note.is_null())).await, 2);
    }
}

/// More rows than a statement can bind values.
#[tokio::test]
async fn long_lists_of_keys_are_split_into_several_statements() {
    let test = TestDb::with::<(Shelf, Crate)>().await;
    let db = &test.db;
    let many = 66_000;
    let shelves = Shelf::objects(db).bulk_create(vec![Shelf::default(); many]).await.unwrap();
    let crates = shelves.iter().map(|shelf| Crate { shelf: Fk::from(shelf), ..Default::default() }).collect();
    let mut crates = Crate::objects(db).bulk_create(crates).await.unwrap();
    assert_eq!(Crate::objects(db).select_related(Crate::shelf).await.unwrap().len(), many);
    assert_eq!(prefetch(db, &crates, Crate::shelf).await.unwrap().len(), many);
    assert_eq!(prefetch_related(db, &shelves, Crate::shelf).await.unwrap().len(), many);
    crates.iter_mut().for_each(|row| row.note = Some(1));
    assert_eq!(Crate::objects(db).bulk_update(&mut crates, &["note"]).await.unwrap(), many as u64);
    let marks = Crate::marks.of(db, &crates[0]);
    assert_eq!(marks.add(&shelves).await.unwrap(), many as u64);
    assert_eq!(marks.remove(&shelves[..40_000]).await.unwrap(), 40_000);
    assert_eq!(marks.set(&shelves[..1]).await.unwrap(), 26_001);
    // With a listener, so that the rows are read and deleted by their keys.
    let heard = aksara::signals::post_delete::<Crate>().connect(|_| Box::pin(async { Ok(()) }));
    assert_eq!(Shelf::objects(db).delete().await.unwrap().rows, 2 * many as u64);
    heard.disconnect();
}

/// SQLite would refuse the 1,000th condition, and every database would slow down with each.
#[tokio::test]
async fn a_stream_of_thousands_of_batches_has_the_same_conditions_in_each() {
    let test = TestDb::with::<(Shelf,)>().await;
    let rows = (0..3_000).map(|number| Shelf { number, ..Default::default() }).collect();
    Shelf::objects(&test.db).bulk_create(rows).await.unwrap();
    let stream = Shelf::objects(&test.db).filter(Shelf::number.ge(10)).stream(1).unwrap();
    let numbers: Vec<i32> = stream.map_ok(|row| row.number).try_collect().await.unwrap();
    assert_eq!(numbers, (10..3_000).collect::<Vec<_>>());
}
