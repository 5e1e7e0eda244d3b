//! Requests answered from rows in memory.

use aksara_wire::{FilterOperator as Op, Map, ModelFilter, ModelOperation, ModelRequest, ModelRows, Value};

use crate::cases::map;

fn rows() -> ModelRows {
    let mut rows = ModelRows::new();
    for (tail, seats, maker) in
        [("N1", 100i64, Some("Airbus")), ("N2", 50, None), ("N3", 150, Some("Boeing"))]
    {
        let fields: Map =
            map([("tail", tail.into()), ("seats", seats.into()), ("maker", maker.map(str::to_owned).into())]);
        rows.insert("Plane", tail, fields);
    }
    rows
}

fn tails(request: ModelRequest) -> Vec<String> {
    let request = ModelRequest { model: "Plane".into(), fields: Some(vec!["tail".into()]), ..request };
    let Value::Array(found) = rows().answer(ModelOperation::Find, &request).unwrap() else {
        panic!("no array")
    };
    found
        .into_iter()
        .map(|row| match row {
            Value::Map(mut row) => match row.remove("tail") {
                Some(Value::Str(tail)) if row.is_empty() => tail,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect()
}

fn compare(field: &str, operator: Op, value: impl Into<Value>) -> ModelFilter {
    ModelFilter::Compare { field: field.into(), operator, value: value.into() }
}

fn not(filter: ModelFilter) -> ModelFilter {
    ModelFilter::Not(Box::new(filter))
}

#[test]
fn filters_select_as_sql_would() {
    let list = |values: &[&str]| Value::Array(values.iter().map(|value| (*value).into()).collect());
    let cases = [
        (compare("seats", Op::Ge, 100i64), "N1 N3"),
        (compare("seats", Op::Lt, 100.5), "N1 N2"),
        (compare("maker", Op::Eq, "Airbus"), "N1"),
        (not(compare("maker", Op::Eq, "Airbus")), "N3"),
        (compare("maker", Op::Ne, Value::Nil), ""),
        (compare("maker", Op::IsNull, true), "N2"),
        (compare("maker", Op::IsNull, false), "N1 N3"),
        (compare("maker", Op::In, list(&["Boeing", "Fokker"])), "N3"),
        (not(compare("maker", Op::In, list(&["Boeing"]))), "N1"),
        (compare("maker", Op::Contains, "in"), "N3"),
        (compare("maker", Op::StartsWith, "Air"), "N1"),
        (compare("nothing", Op::Eq, 1i64), ""),
        (ModelFilter::And(vec![compare("seats", Op::Gt, 60i64), compare("maker", Op::Ne, "Boeing")]), "N1"),
        (ModelFilter::Or(vec![compare("seats", Op::Eq, 50i64), compare("maker", Op::Eq, "Boeing")]), "N2 N3"),
        (ModelFilter::And(Vec::new()), "N1 N2 N3"),
        (ModelFilter::Or(Vec::new()), ""),
    ];
    for (filter, expected) in cases {
        let request = ModelRequest { filter: Some(filter.clone()), ..ModelRequest::default() };
        assert_eq!(tails(request).join(" "), expected, "{filter:?}");
    }
}

#[test]
fn rows_are_ordered_and_limited() {
    let order_by = |names: &[&str], limit| ModelRequest {
        order_by: names.iter().map(|name| (*name).to_owned()).collect(),
        limit,
        ..ModelRequest::default()
    };
    assert_eq!(tails(order_by(&["-seats"], None)), ["N3", "N1", "N2"]);
    assert_eq!(tails(order_by(&["maker"], Some(2))), ["N2", "N1"]);
    assert_eq!(tails(order_by(&["nothing", "seats"], None)), ["N2", "N1", "N3"]);
}

#[test]
fn a_row_is_found_by_its_key() {
    let get = |model: &str, key: &str, fields| {
        let request =
            ModelRequest { model: model.into(), key: key.into(), fields, ..ModelRequest::default() };
        rows().answer(ModelOperation::Get, &request).unwrap()
    };
    assert_eq!(get("Plane", "N2", Some(Vec::new())), Value::Map(Map::new()));
    assert_eq!(get("Plane", "N2", Some(vec!["seats".into()])), Value::Map(map([("seats", 50i64.into())])));
    assert_eq!(get("Plane", "N9", None), Value::Nil);
    assert_eq!(get("Airport", "N2", None), Value::Nil);
    let all = ModelRequest { model: "Plane".into(), ..ModelRequest::default() };
    assert_eq!(rows().answer(ModelOperation::Count, &all), Ok(Value::Int(3)));
}

#[test]
fn an_operator_that_does_not_fit_is_an_error() {
    let request = ModelRequest {
        model: "Plane".into(),
        filter: Some(compare("seats", Op::Contains, "1")),
        ..ModelRequest::default()
    };
    let error = rows().answer(ModelOperation::Find, &request).unwrap_err();
    assert_eq!(error.to_string(), "`contains` on `seats` needs text, on a field of text");
}
