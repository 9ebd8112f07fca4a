//! What the reader makes of texts that are in order, and of those that are not. That it reads what the
//! attributes write is tested beside their writer.

use super::{
    super::{Node, OperationKind, sample::EVERYTHING},
    read::{NESTING_MAX, read},
    *,
};

/// Calls `bill` in the scope `billing`.
#[derive(Debug)]
struct Billing;

impl CalledFragments for Billing {
    fn fragment(&self, scope: &str) -> Option<FragmentText> {
        (scope == "billing").then_some(BILL)
    }
}

const BILL: FragmentText = FragmentText {
    name: "bill",
    file: "src/bill.rs",
    pieces: &["1 2 4:bill step 1 7:invoice undone 4:void ; "],
    fragments: &(),
};
const FRAGMENTS: &dyn CalledFragments = &Billing;

const TEXT: &str = concat!(
    "1 9 10:everything ",
    "step 1 6:charge with 5:retry 36:Retry::exponential().max_attempts(5) with 7:timeout ",
    "23:Duration::from_secs(30) with 12:at_most_once 0: undone 6:refund was 5:debit was 3:pay ; ",
    "branch 2 29:order.note == \"a < b & \\\"c\\\"\" { ",
    "4:then { step 1 5:check ; step 1 7:approve ; } 4:else { } } ",
    "sleep 1 11:cooling_off ; ",
    "loop 3 24:for item in &order.items { step 1 7:reserve undone 7:release ; } ",
    "race 4 { { signal 25:HashMap<String, Approval> 1 8:approval ; } { sleep 1 8:patience ; } } ",
    "try_join 5 { { child 4:ship 1 6:parcel ; step 1 5:track ; } { scope 6 7:billing } } ",
    "join_all 7 { { step 1 6:notify ; } } ",
    "branch 8 10:order.kind { 17:Kind::Gift { .. } { step 1 4:wrap ; } ",
    "24:Kind::Bulk | Kind::Other { step 1 5:stack ; } 1:_ { } } ",
);

fn read_one(text: &str) -> Result<&'static [Node], BrokenGraph> {
    let text: &'static str = text.to_owned().leak();
    read(&[text], FRAGMENTS)
}

#[test]
fn a_graph_with_everything_is_read() {
    assert_eq!(read_one(TEXT), Ok(&*EVERYTHING.body));
    assert_eq!(head(&[TEXT]), (9, "everything"));
}

#[test]
fn an_operation_of_each_kind_is_read() {
    for kind in OperationKind::ALL {
        let kind = kind.with("Vec<u8>");
        let of = kind.subject().map_or("", |_| "7:Vec<u8> ");
        let nodes = read_one(&format!("1 1 1:a {} {of}3 4:name ; ", kind.noun())).unwrap();
        let [Node::Operation(operation)] = nodes else {
            panic!("{nodes:?}");
        };
        assert_eq!((operation.kind, operation.line), (kind, 3));
    }
}

#[test]
fn pieces_are_one_text() {
    for at in 0..TEXT.len() {
        if let Some((start, end)) = TEXT.split_at_checked(at) {
            assert_eq!(read(&[start, end], FRAGMENTS), Ok(&*EVERYTHING.body));
        }
    }
}

#[test]
fn a_text_that_is_cut_off_is_refused_where_it_ends() {
    let mut whole = 0;
    for at in 0..TEXT.len() {
        match read_one(&TEXT[..at]) {
            Ok(nodes) => {
                assert!(EVERYTHING.body.starts_with(nodes));
                whole += 1;
            }
            Err(BrokenGraph { at: broken }) => assert!(broken <= at),
        }
    }
    // After the head, and after every part but the last.
    assert_eq!(whole, EVERYTHING.body.len());
}

#[test]
fn no_change_of_a_text_makes_the_reader_panic() {
    let bytes = [
        "",
        " ",
        ":",
        ";",
        "{",
        "}",
        "0",
        "9",
        "99999999999",
        "ß",
        "step ",
        "scope ",
    ];
    for at in 0..TEXT.len() {
        for replacement in bytes {
            let text = format!("{}{replacement}{}", &TEXT[..at], &TEXT[at + 1..]);
            if let Err(BrokenGraph { at }) = read_one(&text) {
                assert!(at <= text.len());
            }
            head(&[text.leak()]);
        }
    }
}

#[test]
fn another_version_and_a_scope_of_no_fragment_are_refused() {
    assert_eq!(read(&["2 1 1:a "], &()), Err(BrokenGraph { at: 0 }));
    assert_eq!(read(&[], &()), Err(BrokenGraph { at: 0 }));
    assert_eq!(head(&["2 1 1:a "]), (0, ""));
    let unknown = read(&["1 1 1:a scope 1 3:two "], FRAGMENTS);
    assert_eq!(unknown, Err(BrokenGraph { at: 22 }));
}

#[test]
fn nesting_without_end_is_refused() {
    let nested = |depth: usize| {
        let open = "loop 1 4:loop { ".repeat(depth);
        read_one(&format!("1 1 1:a {open}{}", "} ".repeat(depth)))
    };
    assert!(nested(NESTING_MAX).is_ok());
    assert!(nested(NESTING_MAX + 1).is_err());
    assert!(nested(100_000).is_err());
}
