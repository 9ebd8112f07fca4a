//! The table of the guide's page about values, row by row.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use durable::journal::Payload;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Records a value; it must be read back as it was.
fn survives<T: Serialize + DeserializeOwned + Debug>(value: T) {
    let (payload, read) =
        Payload::record(&value).unwrap_or_else(|error| panic!("{value:?}: {error}"));
    assert_eq!(format!("{read:?}"), format!("{value:?}"));
    let after_a_crash: T = Payload::from_bytes(payload.as_bytes()).decode().unwrap();
    assert_eq!(format!("{after_a_crash:?}"), format!("{value:?}"));
}

/// Why a value is refused.
fn refused<T: Serialize + DeserializeOwned + Debug>(value: T) -> String {
    match Payload::record(&value) {
        Ok((_, read)) => panic!("{value:?} was recorded, and read as {read:?}"),
        Err(error) => error.to_string(),
    }
}

fn is_refused<T: Serialize + DeserializeOwned + Debug>(value: T, words: &str) {
    let why = refused(value);
    assert!(why.contains(words), "{why}");
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    name: String,
    price: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Basket {
    items: Vec<Item>,
    note: Option<Option<u8>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Serialize, Deserialize)]
enum External {
    Unit,
    One(u128),
    Two(u8, String),
    Fields { map: BTreeMap<u64, char> },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Small { amount: u64 },
    Wei { amount: u128 },
    Keys { map: BTreeMap<u32, u8> },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum Adjacent {
    Wei { amount: u128 },
    Keys(BTreeMap<u32, u8>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Nothing,
}

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(Box<Self>),
}

fn tree(depth: usize) -> Tree {
    (0..depth).fold(Tree::Leaf, |tree, _| Tree::Node(Box::new(tree)))
}

/// A present `null` is kept apart from an absent field by the type's author.
#[derive(Debug, Serialize, Deserialize)]
struct Patch {
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    name: Option<Option<String>>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[test]
fn numbers_of_every_size_survive() {
    survives((u64::MAX, (1_u64 << 53) + 1, i64::MIN));
    survives((u128::MAX, i128::MIN, i128::MAX));
    survives((u8::MAX, i8::MIN, f32::MIN_POSITIVE, f32::MAX));
    survives((f64::MIN_POSITIVE, f64::MAX, f64::EPSILON, 0.0_f64, -0.0_f64));
    survives((5e-324_f64, 1e-320_f64, 0.1_f64 + 0.2_f64, f32::from_bits(1)));
}

#[test]
fn two_hundred_thousand_doubles_and_floats_survive() {
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        bits
    };
    let doubles: Vec<_> = (0..200_000).map(|_| f64::from_bits(draw())).collect();
    let doubles: Vec<_> = doubles
        .into_iter()
        .filter(|double| double.is_finite())
        .collect();
    let (_, read) = Payload::record(&doubles).unwrap();
    assert!(
        doubles
            .iter()
            .zip(&read)
            .all(|(one, other)| one.to_bits() == other.to_bits())
    );
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    let floats = (0..200_000).map(|_| f32::from_bits(draw() as u32));
    let floats: Vec<_> = floats.filter(|float| float.is_finite()).collect();
    let (_, read) = Payload::record(&floats).unwrap();
    assert!(
        floats
            .iter()
            .zip(&read)
            .all(|(one, other)| one.to_bits() == other.to_bits())
    );
}

#[test]
fn what_json_has_no_number_for_is_refused_with_its_place() {
    for double in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        is_refused(double, "NaN and infinities");
        is_refused(Some(double), "NaN and infinities");
        is_refused(
            serde_json::json!({ "a": 1 }).as_object().map(|_| double),
            "NaN",
        );
    }
    is_refused(f32::NAN, "NaN and infinities");
    let item = |price| Item {
        name: "tea, \"green\"".to_owned(),
        price,
    };
    let basket = Basket {
        items: vec![item(1.5), item(f64::NAN)],
        note: None,
    };
    let why = refused(basket);
    assert!(why.contains("at `.items[1].price`"), "{why}");
    assert!(why.contains("Basket"), "{why}");
    assert!(!why.contains("green"), "{why}");
}

#[test]
fn an_option_of_nothing_is_refused_where_it_would_come_back_as_none() {
    is_refused(Some(()), "Some would be read back as None");
    is_refused(Some(None::<u8>), "Some would be read back as None");
    is_refused(Some(Value::Null), "Some would be read back as None");
    is_refused(Some(Unit), "Some would be read back as None");
    is_refused(vec![Some(None), Some(Some(1))], "at `[0]`");
    let basket = Basket {
        items: Vec::new(),
        note: Some(None),
    };
    is_refused(basket, "at `.note`");
    survives(None::<()>);
    survives(None::<Option<u8>>);
    survives(Some(Some(1)));
    survives(Some(Value::Bool(true)));
    survives((Value::Null, Unit, ()));
    for name in [None, Some(None), Some(Some("Ada".to_owned()))] {
        survives(Patch { name });
    }
}

#[test]
fn enums_survive_unless_their_form_loses_what_they_hold() {
    survives(vec![
        External::Unit,
        External::One(u128::MAX),
        External::Two(1, String::new()),
        External::Fields {
            map: [(u64::MAX, 'ß')].into(),
        },
    ]);
    survives(Adjacent::Wei { amount: 5 });
    survives(Adjacent::Keys([(1, 2)].into()));
    survives(Internal::Small { amount: u64::MAX });
    is_refused(
        Internal::Wei { amount: 5 },
        "not be read back from its own JSON",
    );
    is_refused(
        Internal::Keys {
            map: [(1, 2)].into(),
        },
        "not be read back from its own JSON",
    );
    survives(Untagged::Signed(-5));
    survives(Untagged::Unsigned(u64::MAX));
    survives(Untagged::Float(1.0));
    survives(Untagged::Text("5".to_owned()));
    survives(Untagged::Nothing);
    is_refused(Untagged::Unsigned(5), "a u64 would be read back as an i64");
    is_refused(Untagged::Float(f64::NAN), "NaN and infinities");
}

#[test]
fn maps_text_bytes_and_times_survive() {
    survives(BTreeMap::from([
        (i64::MIN, 'a'),
        (0, '\u{10ffff}'),
        (i64::MAX, '\0'),
    ]));
    survives(BTreeMap::from([(u128::MAX, "\u{2028}\r\n\"\\".to_owned())]));
    survives(BTreeMap::from([
        (true, vec![0_u8, 255]),
        (false, Vec::new()),
    ]));
    survives(BTreeMap::from([(Duration::MAX.as_secs(), Duration::MAX)]));
    survives((Duration::MAX, Duration::ZERO, Duration::new(1, 999_999_999)));
    survives((
        UNIX_EPOCH,
        SystemTime::now(),
        UNIX_EPOCH + Duration::from_secs(1 << 40),
    ));
    is_refused(UNIX_EPOCH - Duration::from_secs(1), "SystemTime");
    is_refused(BTreeMap::from([((1, 2), 3)]), "key must be a string");
}

#[test]
fn what_is_nested_too_deep_is_refused_and_overflows_no_stack() {
    survives(tree(120));
    is_refused(tree(128), "nested");
    is_refused(tree(1_000), "nested");
    let mut list = Value::Null;
    for _ in 0..127 {
        list = Value::Array(vec![list]);
    }
    survives(list.clone());
    is_refused(Value::Array(vec![list]), "nested");
}
