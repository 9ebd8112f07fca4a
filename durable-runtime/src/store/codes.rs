//! The codes that texts of SQL have, as literals, since `concat!` takes nothing else. A test holds them against
//! what they stand for, and `tests/tests/tidy` finds a text that has a number of its own.

/// The code of a status, of a kind of mail or of an event, or a limit that all stores keep.
macro_rules! code {
    (pending) => {
        "0"
    };
    (running) => {
        "1"
    };
    (compensating) => {
        "3"
    };
    (completed) => {
        "4"
    };
    (paused) => {
        "7"
    };
    (parked) => {
        "8"
    };
    (signal) => {
        "1"
    };
    (cancel_requested) => {
        "12"
    };
    (rollback_started) => {
        "13"
    };
    (suspect_deaths) => {
        "3"
    };
}

pub(super) use code;

#[cfg(test)]
mod tests {
    use crate::{journal::EventKind, record::SUSPECT_DEATHS, status::Status, store::columns};

    #[test]
    fn codes_are_those_of_what_they_stand_for() {
        let statuses = [
            (code!(pending), Status::Pending),
            (code!(running), Status::Running),
            (code!(compensating), Status::Compensating),
            (code!(completed), Status::Completed),
            (code!(paused), Status::Paused),
            (code!(parked), Status::Parked),
        ];
        for (code, status) in statuses {
            assert_eq!(code, status.code().to_string(), "{status}");
        }
        let named = |codes: &[(i64, &str)], name| {
            let found = codes.iter().find(|code| code.1 == name);
            found.map(|code| code.0.to_string()).unwrap()
        };
        let events = |name| named(EventKind::NAMES, name);
        assert_eq!(code!(cancel_requested), events("cancel_requested"));
        assert_eq!(code!(rollback_started), events("rollback_started"));
        assert_eq!(code!(signal), named(columns::MAIL, "signal"));
        assert_eq!(code!(suspect_deaths), SUSPECT_DEATHS.to_string());
    }
}
