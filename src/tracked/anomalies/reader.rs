//! What the information of a session says of anomalies.

use serde_json::Value;

use super::{Anomaly, Detection, Told};
use crate::events::Micros;
use crate::time::timestamp::{TimeParser, TimeSpec};
use crate::time::zone::Zone;
use crate::tracked::information::{ANOMALIES, Fault, kind};

/// Reads what informations say of anomalies.
#[derive(Debug)]
pub(crate) struct Reader {
    times: TimeParser,
    rows: u64,
}

impl Reader {
    /// Times without an offset are UTC.
    pub(crate) fn new() -> Self {
        Self {
            times: TimeParser::new(&TimeSpec {
                zone: Some(Zone::UTC),
                ..TimeSpec::default()
            }),
            rows: 0,
        }
    }

    /// What a column says.
    pub(crate) fn told(&mut self, cell: Option<&str>) -> Told {
        let cell = cell.map(str::trim).unwrap_or_default();
        if cell.is_empty() || cell == "null" {
            return Told::Absent;
        }
        let value: Value = match serde_json::from_str(cell) {
            Ok(value) => value,
            Err(cause) => return Told::Broken(Fault::of(cell, &cause).to_string()),
        };
        if !value.is_object() {
            return Told::Broken(format!("it is {}, not an object", kind(&value)));
        }
        match &value[ANOMALIES] {
            Value::Null => Told::Silent,
            Value::Array(list) => {
                Told::Said(list.iter().map(|anomaly| self.anomaly(anomaly)).collect())
            }
            other => Told::Broken(format!("\"{ANOMALIES}\" is {}, not a list", kind(other))),
        }
    }

    fn anomaly(&mut self, value: &Value) -> Anomaly {
        let detections = match &value["detections"] {
            Value::Array(list) => list.iter().map(Value::as_str).map(detection).collect(),
            Value::Null => Vec::new(),
            Value::String(text) => text.split(',').map(Some).map(detection).collect(),
            _ => vec![None],
        };
        let unreadable = detections.iter().filter(|read| read.is_none()).count();
        let kind = value["type"].as_str().map(str::trim);
        Anomaly {
            at: self.time(&value["timestamp"]),
            kind: kind.filter(|kind| !kind.is_empty()).map(str::to_owned),
            count: whole(&value["count"]),
            detections: detections.into_iter().flatten().collect(),
            unreadable: unreadable as u64,
        }
    }

    /// A time: a text, or a number since 1970.
    fn time(&mut self, value: &Value) -> Option<Micros> {
        self.rows += 1;
        match value {
            Value::String(text) => self.times.text(text.trim().as_bytes(), self.rows).ok(),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => self.times.number(number, self.rows).ok(),
                // Fractions are those of seconds.
                (None, Some(seconds)) => {
                    let (from, to) = TimeSpec::default().epoch_window;
                    let at = (seconds * 1e6).round() as Micros;
                    (from..to).contains(&at).then_some(at)
                }
                (None, None) => None,
            },
            _ => None,
        }
    }
}

fn whole(value: &Value) -> Option<u64> {
    let real = value
        .as_f64()
        .filter(|real| *real >= 0.0 && real.fract() == 0.0);
    value.as_u64().or(real.map(|real| real as u64))
}

/// `person 0.95`, or `person` alone.
fn detection(text: Option<&str>) -> Option<Detection> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let (label, last) = text.rsplit_once(char::is_whitespace).unwrap_or(("", text));
    match last.parse::<f64>() {
        Ok(confidence) if (0.0..=1.0).contains(&confidence) && !label.is_empty() => {
            Some(Detection {
                label: label.trim_end().to_owned(),
                confidence: Some(confidence),
            })
        }
        Ok(_) => None,
        Err(_) => Some(Detection {
            label: text.to_owned(),
            confidence: None,
        }),
    }
}
