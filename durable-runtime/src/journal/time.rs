//! Points in time as the journal stores them.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A wall-clock instant in whole microseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant: due at once, whatever the clock says.
    pub const MIN: Self = Self(0);

    /// The end of time.
    pub const MAX: Self = Self(i64::MAX);

    /// An instant from microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant moved into the future by `duration`, up to the next whole microsecond: never by less.
    /// Saturates at the end of time.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let micros = duration.as_nanos().div_ceil(1_000);
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// How long after `earlier` this instant is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self::MIN.after(since),
            Err(before) => {
                Self(i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us))
            }
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        let micros = timestamp.0.unsigned_abs();
        if timestamp.0 >= 0 {
            UNIX_EPOCH + Duration::from_micros(micros)
        } else {
            UNIX_EPOCH - Duration::from_micros(micros)
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}us", self.0)
    }
}

/// RFC 3339 in UTC with milliseconds, or as many digits as the precision says, up to microseconds; by Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let micros = format!("{:06}", self.0.rem_euclid(1_000_000));
        let fraction = &micros[..f.precision().unwrap_or(3).clamp(1, 6)];
        let (days, second_of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 {
            month_index + 3
        } else {
            month_index - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (
            second_of_day / 3_600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        );
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}Z"
        )
    }
}

/// Times in the JSON that people and programs read, with all their digits. The journal keeps numbers.
pub(crate) mod rfc3339 {
    use serde::Serializer;

    use super::Timestamp;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{at:.6}"))
    }

    #[expect(clippy::ref_option, reason = "serde passes a reference")]
    pub(crate) fn optional<S: Serializer>(
        at: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serialize(at, to),
            None => to.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_as_rfc_3339() {
        assert_eq!(
            Timestamp::from_micros(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_micros(1_709_210_096_789_000).to_string(),
            "2024-02-29T12:34:56.789Z"
        );
        assert_eq!(
            Timestamp::from_micros(-1_000).to_string(),
            "1969-12-31T23:59:59.999Z"
        );
        let exact = Timestamp::from_micros(1_709_210_096_789_012);
        assert_eq!(format!("{exact:.6}"), "2024-02-29T12:34:56.789012Z");
    }

    #[test]
    fn nothing_is_due_before_its_time_by_a_part_of_a_microsecond() {
        for (nanos, micros) in [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2)] {
            let due = Timestamp::MIN.after(Duration::from_nanos(nanos));
            assert_eq!(due.as_micros(), micros, "{nanos} ns");
        }
    }

    #[test]
    fn adding_saturates_and_subtracting_never_goes_below_zero() {
        let late = Timestamp::from_micros(i64::MAX - 1);
        assert_eq!(late.after(Duration::MAX).as_micros(), i64::MAX);
        assert_eq!(Timestamp::MIN.since(late), Duration::ZERO);
        assert_eq!(
            SystemTime::from(Timestamp::from_micros(5)),
            UNIX_EPOCH + Duration::from_micros(5)
        );
    }
}
