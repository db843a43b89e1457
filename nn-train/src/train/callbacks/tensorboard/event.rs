//! The messages of an event file: of TensorFlow's `event.proto` and `summary.proto` the fields that are written here,
//! under their numbers there.

use std::time::{SystemTime, UNIX_EPOCH};

use prost::{Message, Oneof};

use super::histogram::Histogram;

/// What a record holds.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    /// `SessionStatus`; 1 is START.
    #[prost(int32, tag = "1")]
    status: i32,
}

/// A number or a histogram under its tag.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(oneof = "Shown", tags = "2, 5")]
    shown: Option<Shown>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Shown {
    #[prost(float, tag = "2")]
    Scalar(f32),
    #[prost(message, tag = "5")]
    Histogram(Histogram),
}

impl Event {
    fn now(step: u64, what: What) -> Self {
        let wall_time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        Self { wall_time, step: i64::try_from(step).unwrap_or(i64::MAX), what: Some(what) }
    }

    /// What a file begins with.
    pub(super) fn version() -> Self {
        Self::now(0, What::FileVersion("brain.Event:2".to_owned()))
    }

    /// A run goes on after so many steps: what other files of the folder have from there on does not count.
    pub(super) fn start(step: u64) -> Self {
        Self::now(step + 1, What::SessionLog(SessionLog { status: 1 }))
    }

    pub(super) fn summary(step: u64, values: Vec<Value>) -> Self {
        Self::now(step, What::Summary(Summary { values }))
    }
}

impl Value {
    pub(super) fn scalar(tag: &str, number: f64) -> Self {
        Self { tag: tag.to_owned(), shown: Some(Shown::Scalar(number as f32)) }
    }

    pub(super) fn histogram(tag: String, numbers: &[f64]) -> Self {
        Self { tag, shown: Some(Shown::Histogram(Histogram::of(numbers))) }
    }
}
