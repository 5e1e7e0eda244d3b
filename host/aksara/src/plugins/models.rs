//! What plugins read of models: structured requests become queries in the transaction of the event.

use aksara_wire::{
    self as contract, FilterOperator, ModelFilter, ModelOperation, ModelRequest, RequestError,
};
use sea_query::{BinOper, Cond, Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::application::Asker;
use super::unanswered::Unanswered;
use super::wire::{from_wire, to_wire};
use super::writes;
use crate::column::{escape_like, like};
use crate::condition::{Condition, Join};
use crate::db::On;
use crate::expression::{Term, sorted};
use crate::meta::{FieldKind, FieldMeta, ModelMeta};
use crate::row::Row;
use crate::signals::Operation;
use crate::{Db, Error, Value, init};

/// Answers one request.
pub(super) async fn answer(
    asker: Asker<'_>,
    operation: ModelOperation,
    request: ModelRequest,
) -> Result<contract::Value, Unanswered> {
    let meta = ModelMeta::by_label(&request.model)
        .ok_or_else(|| RequestError::new(format!("there is no model `{}`", request.model)))?;
    match operation {
        ModelOperation::Get => {
            let fields = chosen(asker, meta, request.fields.as_deref())?;
            let key = value(meta.key_field(), meta, request.key)?;
            let mut select = Query::select();
            select.and_where(Expr::col(meta.key_field().name).eq(key));
            let rows = read(asker, meta, select, &fields).await?;
            Ok(rows.into_iter().next().unwrap_or(contract::Value::Nil))
        }
        ModelOperation::Find => {
            let fields = chosen(asker, meta, request.fields.as_deref())?;
            let mut select = Query::select();
            select.cond_where(condition(asker, meta, request.filter)?);
            for name in &request.order_by {
                let (name, order) = match name.strip_prefix('-') {
                    Some(name) => (name, Order::Desc),
                    None => (name.as_str(), Order::Asc),
                };
                select.order_by_expr(sorted(asker.db.backend(), meta, asker.readable(meta, name)?), order);
            }
            if let Some(limit) = request.limit {
                select.limit(limit);
            }
            Ok(contract::Value::Array(read(asker, meta, select, &fields).await?))
        }
        ModelOperation::Count => {
            let mut select = Query::select();
            select.expr(Func::count(Expr::cust("*"))).from(meta.table);
            select.cond_where(condition(asker, meta, request.filter)?);
            let rows = fetch(asker.db, meta, &select).await?;
            let count = rows.first().map(|row| row.value(0, FieldKind::I64)).transpose()?;
            Ok(count.as_ref().map_or(contract::Value::Int(0), to_wire))
        }
        ModelOperation::Create => writes::create(asker, meta, request).await,
        ModelOperation::Update => writes::update(asker, meta, request).await,
        ModelOperation::Delete => writes::delete(asker, meta, request).await,
    }
}

/// The fields that a request wants, or all that it may see; none at all selects the key, to learn whether there is a row.
fn chosen(
    asker: Asker<'_>,
    meta: &'static ModelMeta,
    names: Option<&[String]>,
) -> Result<Vec<&'static FieldMeta>, RequestError> {
    match names {
        None => {
            let mut shown: Vec<_> =
                meta.fields.iter().filter(|field| asker.access.reads(meta.label, field.name)).collect();
            if shown.is_empty() {
                shown.push(meta.key_field());
            }
            Ok(shown)
        }
        Some([]) => Ok(vec![meta.key_field()]),
        Some(names) => names.iter().map(|name| asker.readable(meta, name)).collect(),
    }
}

pub(super) fn value(
    field: &FieldMeta,
    meta: &ModelMeta,
    value: contract::Value,
) -> Result<Value, RequestError> {
    from_wire(field, value).map_err(|problem| {
        RequestError::new(format!("`{}.{}` cannot be compared with {problem}", meta.label, field.name))
    })
}

/// Reads these fields of the rows that a statement selects: of the columns themselves, or of instances where there are
/// handlers of `pre_init` or `post_init`.
async fn read(
    Asker { db, access }: Asker<'_>,
    meta: &'static ModelMeta,
    mut select: SelectStatement,
    fields: &[&'static FieldMeta],
) -> Result<Vec<contract::Value>, Error> {
    select.from(meta.table);
    let map = |value: &dyn Fn(&FieldMeta, usize) -> Result<Value, Error>| {
        let entries = fields
            .iter()
            .enumerate()
            // The key may be selected where it is not shown.
            .filter(|(_, field)| access.reads(meta.label, field.name))
            .map(|(index, field)| Ok((field.name.to_owned(), to_wire(&value(field, index)?))));
        entries.collect::<Result<_, Error>>().map(contract::Value::Map)
    };
    if !init::is_heard(db, meta) {
        select.columns(fields.iter().map(|field| field.name));
        let rows = fetch(db, meta, &select).await?;
        return rows.iter().map(|row| map(&|field, index| row.value(index, field.kind))).collect();
    }
    select.columns(meta.fields.iter().map(|field| field.name));
    let mut read = Vec::new();
    let operation = Operation::new();
    for row in fetch(db, meta, &select).await? {
        let mut instance = (meta.instance_from_row)(&row)?;
        init::send(db, &operation, &mut *instance).await?;
        let of = |field: &FieldMeta, _| {
            Ok(meta.position(field.name).map_or_else(|| field.kind.null(), |index| instance.value(index)))
        };
        read.push(map(&of)?);
    }
    Ok(read)
}

pub(super) fn condition(
    asker: Asker<'_>,
    meta: &'static ModelMeta,
    filter: Option<ModelFilter>,
) -> Result<Cond, RequestError> {
    let condition = filter.map(|filter| expression(asker, meta, filter)).transpose()?;
    Ok(condition.map_or_else(Cond::all, |condition| condition.render(asker.db.backend())))
}

/// How deep a filter may be nested the codec has checked.
fn expression(
    asker: Asker<'_>,
    meta: &'static ModelMeta,
    filter: ModelFilter,
) -> Result<Condition, RequestError> {
    let each = |join, filters: Vec<ModelFilter>| {
        let conditions = filters.into_iter().map(|filter| expression(asker, meta, filter));
        Ok::<_, RequestError>(Condition::joined(join, conditions.collect::<Result<Vec<_>, _>>()?))
    };
    Ok(match filter {
        ModelFilter::And(filters) => each(Join::All, filters)?,
        ModelFilter::Or(filters) => each(Join::Any, filters)?,
        ModelFilter::Not(filter) => expression(asker, meta, *filter)?.inverted(),
        ModelFilter::Compare { field: name, operator, value } => {
            compare(meta, asker.readable(meta, &name)?, operator, value)?
        }
    })
}

fn compare(
    meta: &'static ModelMeta,
    field: &'static FieldMeta,
    operator: FilterOperator,
    operand: contract::Value,
) -> Result<Condition, RequestError> {
    let unfit = |expected: &str| {
        RequestError::new(format!(
            "`{}` on `{}.{}` needs {expected}",
            operator.name(),
            meta.label,
            field.name
        ))
    };
    let column = Expr::col(field.name);
    let compared = |operator, right| Term::of_field(meta, field, operator, right).into();
    Ok(match (operator, operand) {
        (FilterOperator::In, contract::Value::Array(values)) => {
            let values = values.into_iter().map(|one| value(field, meta, one));
            compared(BinOper::In, values.collect::<Result<_, _>>()?)
        }
        (FilterOperator::In, _) => return Err(unfit("an array")),
        (FilterOperator::IsNull, contract::Value::Bool(true)) => column.is_null().into(),
        (FilterOperator::IsNull, contract::Value::Bool(false)) => column.is_not_null().into(),
        (FilterOperator::IsNull, _) => return Err(unfit("a boolean")),
        (FilterOperator::Contains, contract::Value::Str(text)) if field.kind == FieldKind::String => {
            like(Expr::col(field.name), &format!("%{}%", escape_like(&text))).into()
        }
        (FilterOperator::StartsWith, contract::Value::Str(text)) if field.kind == FieldKind::String => {
            like(Expr::col(field.name), &format!("{}%", escape_like(&text))).into()
        }
        (FilterOperator::Contains | FilterOperator::StartsWith, _) => {
            return Err(unfit("text, on a field of text"));
        }
        (FilterOperator::Eq, operand) => compared(BinOper::Equal, vec![value(field, meta, operand)?]),
        (FilterOperator::Ne, operand) => compared(BinOper::NotEqual, vec![value(field, meta, operand)?]),
        (FilterOperator::Lt, operand) => compared(BinOper::SmallerThan, vec![value(field, meta, operand)?]),
        (FilterOperator::Le, operand) => {
            compared(BinOper::SmallerThanOrEqual, vec![value(field, meta, operand)?])
        }
        (FilterOperator::Gt, operand) => compared(BinOper::GreaterThan, vec![value(field, meta, operand)?]),
        (FilterOperator::Ge, operand) => {
            compared(BinOper::GreaterThanOrEqual, vec![value(field, meta, operand)?])
        }
    })
}

async fn fetch(db: &Db, meta: &'static ModelMeta, select: &SelectStatement) -> Result<Vec<Row>, Error> {
    let (sql, values) = db.built(select);
    db.fetch(On { meta, doing: "reading rows for a plugin" }, sql, values).await
}
