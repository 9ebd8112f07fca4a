//! Signals: each carries a value of a type that its sender knows.

use super::Rules;
use crate::{
    diagnostics::report, facts::Operation, operations::Carries, syntax::types::first_borrow,
};

impl Rules {
    pub(super) fn signal(&mut self, operation: &Operation) {
        if operation.kind.carries != Carries::Payload {
            return;
        }
        let noun = operation.kind.noun;
        match &operation.generic {
            Some(payload) => {
                if let Some(borrow) = first_borrow(payload) {
                    report!(
                        self.found,
                        borrow,
                        "a {noun} cannot carry a borrowed value",
                        "it is read from the journal, when whoever sent it has long gone on",
                        "an owned type: `String` for `&str`, `Vec<T>` for `&[T]`",
                    );
                }
            }
            None => {
                let (context, method) = (&self.context, &operation.method);
                let name = operation
                    .literal()
                    .map_or("a_name".to_owned(), syn::LitStr::value);
                report!(
                    self.found,
                    method,
                    "the type of a {noun}'s value must be named",
                    "whoever sends it, perhaps months later from another process, is checked against that \
                     type",
                    "`{context}.{method}::<Approval>(\"{name}\")`",
                );
            }
        }
    }
}
