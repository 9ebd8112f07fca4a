//! How much goes into one batch.

use super::Request;

/// The most bytes that are gathered for one batch; a single request may be larger.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// How many of the requests, from the first, go into the next batch: at least one.
pub(super) fn fitting(requests: &[Request]) -> usize {
    let mut bytes = 0_usize;
    let fitting = requests.iter().take_while(|request| {
        let is_first = bytes == 0;
        bytes = bytes.saturating_add(size(request));
        is_first || bytes <= BATCH_BYTES_MAX
    });
    fitting.count()
}

/// About how many bytes a request adds to a batch; never zero.
fn size(request: &Request) -> usize {
    let bytes = match request {
        Request::Start { run, .. } => run.bytes(),
        Request::Mail { mail, .. } => mail.bytes(),
        Request::Commit { commit, .. } | Request::LetGo { commit } => commit.bytes(),
        Request::Vanished { .. } | Request::Shutdown => 0,
    };
    bytes.max(1)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::{
        journal::{Payload, RunKey, Timestamp},
        store::{MailKind, MailTarget, NewMail},
    };

    fn mail(bytes: usize) -> Request {
        let kind = MailKind::Signal {
            name: "s".to_owned(),
            payload: Payload::from_bytes(vec![b'1'; bytes]),
        };
        let mail = NewMail {
            to: MailTarget::Key(RunKey::new(1)),
            kind,
            at: Timestamp::MIN,
        };
        let (reply, _) = oneshot::channel();
        Request::Mail { mail, reply }
    }

    #[test]
    fn requests_that_are_large_together_go_into_several_batches() {
        let third = BATCH_BYTES_MAX / 3;
        for (sizes, expected) in [
            (vec![], 0),
            (vec![10, 20, 30], 3),
            (vec![third; 9], 2),
            (vec![BATCH_BYTES_MAX, 1], 1),
            (vec![BATCH_BYTES_MAX * 2], 1),
            (vec![1, BATCH_BYTES_MAX * 2, 1], 1),
        ] {
            let requests: Vec<_> = sizes.iter().map(|bytes| mail(*bytes)).collect();
            assert_eq!(fitting(&requests), expected, "{sizes:?}");
        }
    }
}
