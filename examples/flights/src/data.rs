//! Reading the files: everything is read and checked before the first row is written.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use flate2::read::GzDecoder;
use serde::de::DeserializeOwned;

use crate::models::{Airline, Airport, Flight, Plane};

/// The data set in memory.
pub(crate) struct Data {
    pub(crate) airlines: Vec<Airline>,
    pub(crate) airports: Vec<Airport>,
    pub(crate) planes: Vec<Plane>,
    pub(crate) flights: Vec<Flight>,
}

impl Data {
    /// Reads the four files of this folder.
    pub(crate) fn read(folder: &Path) -> Result<Data> {
        Ok(Data {
            airlines: table(&folder.join("airlines.csv"))?,
            airports: table(&folder.join("airports.csv"))?,
            planes: table(&folder.join("planes.csv"))?,
            flights: table(&folder.join("flights-2013-01.csv.gz"))?,
        })
    }
}

fn table<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let compressed = path.extension().is_some_and(|extension| extension == "gz");
    let input: Box<dyn Read> = if compressed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    rows(input).with_context(|| format!("cannot read `{}`", path.display()))
}

/// The rows of a CSV file, or what is wrong with the first bad one, by line and column.
fn rows<T: DeserializeOwned>(input: impl Read) -> Result<Vec<T>> {
    let mut reader = csv::Reader::from_reader(input);
    let headers = reader.headers()?.clone();
    reader.deserialize().map(|row| row.map_err(|error| explain(error, &headers))).collect()
}

fn explain(error: csv::Error, headers: &csv::StringRecord) -> anyhow::Error {
    match error.kind() {
        csv::ErrorKind::Deserialize { pos, err } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            // Only for a plain number does the error know its column; otherwise it quotes the value.
            match err.field().and_then(|index| headers.get(index as usize)) {
                Some(column) => anyhow!("line {line}, column `{column}`: {}", err.kind()),
                None => anyhow!("line {line}: {}", err.kind()),
            }
        }
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "tailnum,year,type,manufacturer,model,engines,seats,speed,engine\n";

    #[test]
    fn missing_values_are_none() {
        let planes: Vec<Plane> = rows(format!("{HEADER}N1,NA,t,m,m,2,55,,Turbo-fan\n").as_bytes()).unwrap();
        assert_eq!((planes[0].year, planes[0].speed), (None, None));
    }

    #[test]
    fn text_in_a_number_is_an_error_with_line_and_column() {
        let error =
            rows::<Plane>(format!("{HEADER}N1,2004,t,m,m,two,55,NA,Turbo-fan\n").as_bytes()).unwrap_err();
        assert_eq!(format!("{error:#}"), "line 2, column `engines`: invalid digit found in string");
        let error =
            rows::<Plane>(format!("{HEADER}N1,new,t,m,m,2,55,NA,Turbo-fan\n").as_bytes()).unwrap_err();
        assert_eq!(format!("{error:#}"), "line 2: `new`: invalid digit found in string");
    }
}
