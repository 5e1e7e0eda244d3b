//! Functions of SQL that make a result which does not fit an error on SQLite, as it is on the other databases: it would store
//! an integer of any size in any column, and go on with floats.

#[cfg(feature = "sqlite")]
pub(crate) use functions::add_all;

/// An integer that has to fit into so many bits.
pub(crate) const INTEGER: &str = "aksara_integer";
/// Arithmetic over floats of so many bits.
pub(crate) const FLOAT: &str = "aksara_float";

#[cfg(feature = "sqlite")]
mod functions {
    use rusqlite::functions::FunctionFlags;
    use rusqlite::types::{Type, Value as Stored, ValueRef};
    use rusqlite::{Connection, Error, Result};

    use super::{FLOAT, INTEGER};

    pub(crate) fn add_all(connection: &Connection, flags: FunctionFlags) -> Result<()> {
        connection.create_scalar_function(INTEGER, 2, flags, |context| {
            let bits: u32 = context.get(1)?;
            match context.get_raw(0) {
                ValueRef::Null => Ok(Stored::Null),
                ValueRef::Integer(integer) if integer == integer << (64 - bits) >> (64 - bits) => {
                    Ok(Stored::Integer(integer))
                }
                // SQLite goes on with floats where 64 bits do not suffice.
                _ => Err(too_large(bits)),
            }
        })?;
        connection.create_scalar_function(FLOAT, 4, flags, |context| {
            let (operator, bits): (String, u32) = (context.get(0)?, context.get(1)?);
            if [2, 3].iter().any(|operand| context.get_raw(*operand).data_type() == Type::Null) {
                return Ok(Stored::Null);
            }
            let (left, right): (f64, f64) = (context.get(2)?, context.get(3)?);
            let result = match operator.as_str() {
                "+" => left + right,
                "-" => left - right,
                "*" => left * right,
                _ if right == 0.0 => return Ok(Stored::Null),
                _ => left / right,
            };
            let result = if bits == 32 { f64::from(result as f32) } else { result };
            // Of infinities, there may be an infinite result, but SQLite makes a null of what is not a number.
            match result.is_finite() || (!result.is_nan() && (left.is_infinite() || right.is_infinite())) {
                true => Ok(Stored::Real(result)),
                false => Err(too_large(bits)),
            }
        })
    }

    fn too_large(bits: u32) -> Error {
        Error::UserFunctionError(format!("the result is larger than a number of {bits} bits can be").into())
    }
}
