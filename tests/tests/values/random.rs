//! Random values of random types: refused before they are recorded, or read as they were.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use durable::journal::Payload;
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Fields<T> {
    a: T,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    b: Option<T>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Flat<T> {
    id: u64,
    #[serde(flatten)]
    rest: BTreeMap<String, T>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum External<T> {
    Unit,
    One(T),
    Two(T, u8),
    Named { value: T },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal<T> {
    Unit,
    Named { value: T },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum Adjacent<T> {
    Unit,
    One(T),
    Two(u8, T),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged<T> {
    Named { value: T },
    Plain(T),
}

/// A type that is every other one, to any depth.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Any {
    Unit(()),
    Bool(bool),
    Number(Untagged2),
    Double(f64),
    Big(i128),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Time(Duration),
    Json(serde_json::Value),
    Option(Option<Box<Self>>),
    Twice(Option<Option<Box<Self>>>),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
    Keys(BTreeMap<i64, Self>),
    Internal(Box<Internal2>),
    Untagged(Box<Untagged3>),
    Flat {
        #[serde(flatten)]
        rest: BTreeMap<String, Self>,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged2 {
    Small(u8),
    Signed(i64),
    Unsigned(u64),
    Single(f32),
    Double(f64),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "t")]
pub(crate) enum Internal2 {
    None,
    One { one: Any },
    Big { big: u128 },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged3 {
    List(Vec<Any>),
    Named { any: Any },
    Plain(Any),
}

fn number() -> impl Strategy<Value = Untagged2> {
    prop_oneof![
        any::<u8>().prop_map(Untagged2::Small),
        any::<i64>().prop_map(Untagged2::Signed),
        any::<u64>().prop_map(Untagged2::Unsigned),
        prop::num::f32::ANY.prop_map(Untagged2::Single),
        prop::num::f64::ANY.prop_map(Untagged2::Double),
    ]
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<u64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            prop::collection::btree_map(".{0,3}", inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

pub(crate) fn anything() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        Just(Any::Unit(())),
        any::<bool>().prop_map(Any::Bool),
        number().prop_map(Any::Number),
        prop_oneof![prop::num::f64::ANY, prop::num::f64::NORMAL].prop_map(Any::Double),
        any::<i128>().prop_map(Any::Big),
        any::<char>().prop_map(Any::Char),
        ".{0,8}".prop_map(Any::Text),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Any::Bytes),
        any::<Duration>().prop_map(Any::Time),
        json().prop_map(Any::Json),
        Just(Any::Option(None)),
        prop_oneof![Just(None), Just(Some(None))].prop_map(Any::Twice),
        any::<u128>().prop_map(|big| Any::Internal(Box::new(Internal2::Big { big }))),
        Just(Any::Internal(Box::new(Internal2::None))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let map = || prop::collection::btree_map("[a-z]{1,3}", inner.clone(), 0..4);
        prop_oneof![
            boxed().prop_map(|one| Any::Option(Some(one))),
            boxed().prop_map(|one| Any::Twice(Some(Some(one)))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Any::List),
            map().prop_map(Any::Map),
            map().prop_map(|rest| Any::Flat { rest }),
            prop::collection::btree_map(any::<i64>(), inner.clone(), 0..4).prop_map(Any::Keys),
            inner
                .clone()
                .prop_map(|one| Any::Internal(Box::new(Internal2::One { one }))),
            inner
                .clone()
                .prop_map(|any| Any::Untagged(Box::new(Untagged3::Named { any }))),
            inner
                .clone()
                .prop_map(|any| Any::Untagged(Box::new(Untagged3::Plain(any)))),
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|list| Any::Untagged(Box::new(Untagged3::List(list)))),
        ]
    })
}

/// Refused, or read as it was; by how a value is shown, since a NaN is not equal to itself.
fn holds<T: Serialize + DeserializeOwned + Debug>(value: &T) -> bool {
    let Ok((payload, read)) = Payload::record(value) else {
        return false;
    };
    let text = std::str::from_utf8(payload.as_bytes()).unwrap_or_default();
    let shown = format!("{value:?}");
    assert_eq!(format!("{read:?}"), shown, "{text}");
    let after_a_crash: T = payload
        .decode()
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(format!("{after_a_crash:?}"), shown, "{text}");
    true
}

/// A value in every form there is around it.
fn hold_in_every_form<T: Clone + Serialize + DeserializeOwned + Debug>(value: &T, key: String) {
    let one = || value.clone();
    holds(value);
    holds(&(one(), [one(), one()]));
    holds(&Some(one()));
    holds(&Some(Some(one())));
    holds(&vec![None, Some(one())]);
    holds(&Newtype(one()));
    holds(&Fields {
        a: one(),
        b: Some(one()),
    });
    holds(&Flat {
        id: 1,
        rest: [(key.clone(), one())].into(),
    });
    holds(&BTreeMap::from([(key.clone(), one())]));
    holds(&BTreeMap::from([(i64::MIN, one()), (7, one())]));
    holds(&[
        External::Unit,
        External::One(one()),
        External::Two(one(), 1),
    ]);
    holds(&External::Named { value: one() });
    holds(&[Internal::Unit, Internal::Named { value: one() }]);
    holds(&[
        Adjacent::Unit,
        Adjacent::One(one()),
        Adjacent::Two(3, one()),
    ]);
    holds(&Untagged::Named { value: one() });
    holds(&Untagged::Plain(one()));
    holds(&Ok::<_, String>(one()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn leaves_in_every_form_are_read_as_they_were_or_refused(
        numbers in (any::<u8>(), any::<i64>(), any::<u64>(), any::<i128>(), any::<u128>()),
        doubles in (prop::num::f32::ANY, prop::num::f64::ANY),
        text in (any::<char>(), ".{0,8}"),
        seconds in 0_u64..1 << 40,
        set in prop::collection::btree_set(any::<i32>(), 0..5),
        key in "[a-z]{1,4}|.{0,4}",
    ) {
        hold_in_every_form(&numbers.0, key.clone());
        hold_in_every_form(&numbers.1, key.clone());
        hold_in_every_form(&numbers.2, key.clone());
        hold_in_every_form(&numbers.3, key.clone());
        hold_in_every_form(&numbers.4, key.clone());
        hold_in_every_form(&doubles.0, key.clone());
        hold_in_every_form(&doubles.1, key.clone());
        hold_in_every_form(&text.0, key.clone());
        hold_in_every_form(&text.1, key.clone());
        hold_in_every_form(&(), key.clone());
        hold_in_every_form(&Duration::new(seconds, 5), key.clone());
        let time: SystemTime = UNIX_EPOCH + Duration::from_micros(seconds);
        hold_in_every_form(&time, key.clone());
        hold_in_every_form::<BTreeSet<i32>>(&set, key);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn values_of_any_shape_are_read_as_they_were_or_refused(value in anything()) {
        holds(&value);
    }
}

#[test]
fn most_random_values_are_recorded() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let values = (0..400).map(|_| anything().new_tree(&mut runner).unwrap().current());
    let recorded = values.filter(holds).count();
    assert!((150..400).contains(&recorded), "{recorded} of 400");
}
