//! What events carry: how a journal keeps it, and how people read it.
//!
//! A user's value is kept as it is. Anything else is a small JSON value: by itself if it is all that its event
//! carries.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Payload, RunId, Timestamp, json::time};
use crate::failure::Failure;

/// A part of what an event carries.
pub(super) trait Data: Sized {
    /// As a journal keeps it.
    fn encode(&self) -> Option<Payload>;

    /// From what a journal keeps. The error says what is wrong.
    fn decode(kept: Option<Payload>) -> Result<Self, String>;

    /// As people read it.
    fn shown(&self) -> impl Serialize;

    /// How many bytes of a user's data it is. What is the engine's own is small.
    fn payload_bytes(&self) -> usize {
        0
    }
}

impl Data for Payload {
    fn encode(&self) -> Option<Payload> {
        Some(self.clone())
    }

    fn decode(kept: Option<Payload>) -> Result<Self, String> {
        kept.ok_or_else(|| "its data is missing".to_owned())
    }

    fn shown(&self) -> impl Serialize {
        self.to_json()
    }

    fn payload_bytes(&self) -> usize {
        self.len()
    }
}

impl Data for Timestamp {
    fn encode(&self) -> Option<Payload> {
        write(self)
    }

    fn decode(kept: Option<Payload>) -> Result<Self, String> {
        read(kept)
    }

    fn shown(&self) -> impl Serialize {
        time(*self)
    }
}

impl Data for Option<Timestamp> {
    fn encode(&self) -> Option<Payload> {
        self.as_ref().and_then(Data::encode)
    }

    fn decode(kept: Option<Payload>) -> Result<Self, String> {
        kept.map_or(Ok(None), |kept| read(Some(kept)))
    }

    fn shown(&self) -> impl Serialize {
        self.map(time)
    }
}

/// What a journal and people have in the same form.
macro_rules! as_it_is {
    ($($type:ty),+) => {
        $(impl Data for $type {
            fn encode(&self) -> Option<Payload> {
                write(self)
            }

            fn decode(kept: Option<Payload>) -> Result<Self, String> {
                read(kept)
            }

            fn shown(&self) -> impl Serialize {
                self
            }
        })+
    };
}

as_it_is!(u32, Failure, RunId);

/// All that an event carries, in the order of its row.
pub(super) trait Fields: Sized {
    fn decode(kept: Option<Payload>) -> Result<Self, String>;
}

/// The same, borrowed.
pub(super) trait FieldsRef {
    fn encode(self) -> Option<Payload>;
}

impl Fields for () {
    fn decode(_: Option<Payload>) -> Result<Self, String> {
        Ok(())
    }
}

impl FieldsRef for () {
    fn encode(self) -> Option<Payload> {
        None
    }
}

impl<T: Data> Fields for (T,) {
    fn decode(kept: Option<Payload>) -> Result<Self, String> {
        T::decode(kept).map(|part| (part,))
    }
}

impl<T: Data> FieldsRef for (&T,) {
    fn encode(self) -> Option<Payload> {
        self.0.encode()
    }
}

/// The JSON of a failed attempt that another one follows.
#[derive(Serialize, Deserialize)]
struct FailedAttempt<'a> {
    attempt: u32,
    retry_at: Timestamp,
    failure: Cow<'a, Failure>,
}

impl Fields for (u32, Failure, Timestamp) {
    fn decode(kept: Option<Payload>) -> Result<Self, String> {
        let failed: FailedAttempt<'_> = read(kept)?;
        Ok((failed.attempt, failed.failure.into_owned(), failed.retry_at))
    }
}

impl FieldsRef for (&u32, &Failure, &Timestamp) {
    fn encode(self) -> Option<Payload> {
        let (attempt, failure, retry_at) = self;
        write(&FailedAttempt {
            attempt: *attempt,
            retry_at: *retry_at,
            failure: Cow::Borrowed(failure),
        })
    }
}

/// Encodes the engine's own data, which always has a JSON form.
fn write<T: Serialize>(value: &T) -> Option<Payload> {
    Payload::encode(value).ok()
}

fn read<T: DeserializeOwned>(kept: Option<Payload>) -> Result<T, String> {
    let kept = <Payload as Data>::decode(kept)?;
    kept.decode().map_err(|error| error.to_string())
}
