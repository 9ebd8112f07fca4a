//! Hash order: what has it is refused, whatever type it hides in.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque, hash_map::DefaultHasher},
    fmt::Debug,
    hash::{BuildHasherDefault, Hash},
    sync::Arc,
};

use durable::{Unordered, journal::Payload};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

type Fixed<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;
type FixedSet<T> = HashSet<T, BuildHasherDefault<DefaultHasher>>;

const SIZES: [u32; 9] = [2, 3, 4, 5, 7, 20, 100, 1_000, 10_000];

fn map(size: u32) -> HashMap<String, u32> {
    (0..size).map(|n| (format!("k{n}"), n)).collect()
}

fn set<T: From<u32> + Eq + Hash>(size: u32) -> HashSet<T> {
    (0..size).map(T::from).collect()
}

#[track_caller]
fn is_refused<T: Serialize + DeserializeOwned>(value: &T) {
    let Err(error) = Payload::record(value) else {
        panic!("recorded: {}", std::any::type_name::<T>());
    };
    let error = error.to_string();
    assert!(error.contains("another order each time"), "{error}");
    assert!(error.contains(std::any::type_name::<T>()), "{error}");
    assert!(error.contains("use a `BTreeMap`"), "{error}");
}

#[track_caller]
fn passes<T: Serialize + DeserializeOwned + Debug + PartialEq>(value: &T) {
    match Payload::record(value) {
        Ok((_, read)) => assert_eq!(read, *value),
        Err(error) => panic!("{error}"),
    }
}

#[derive(Serialize, Deserialize)]
struct Payroll {
    salaries: HashMap<String, u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Hidden(HashMap<String, u32>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Few {
    List(Vec<String>),
    Set(HashSet<u64>),
}

#[derive(Serialize, Deserialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: HashMap<String, u32>,
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(from = "Vec<u64>", into = "Vec<u64>")]
struct Converted(HashSet<u64>);

impl From<Vec<u64>> for Converted {
    fn from(list: Vec<u64>) -> Self {
        Self(list.into_iter().collect())
    }
}

impl From<Converted> for Vec<u64> {
    fn from(Converted(set): Converted) -> Self {
        set.into_iter().collect()
    }
}

#[derive(Serialize, Deserialize)]
struct With {
    #[serde(with = "pairs")]
    map: HashMap<u8, u8>,
}

mod pairs {
    use super::{Deserialize, HashMap, Serialize};

    pub(super) fn serialize<S: serde::Serializer>(
        map: &HashMap<u8, u8>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(to)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<HashMap<u8, u8>, D::Error> {
        Vec::<(u8, u8)>::deserialize(from).map(|pairs| pairs.into_iter().collect())
    }
}

#[derive(Serialize, Deserialize)]
enum Deep {
    One(Box<Self>),
    Many(Vec<Option<HashSet<u64>>>),
}

#[test]
fn maps_and_sets_of_every_size_are_refused() {
    for size in SIZES {
        is_refused(&map(size));
        is_refused(&set::<u64>(size));
        is_refused(&Payroll {
            salaries: map(size),
        });
    }
}

#[test]
fn a_map_of_two_is_refused_a_thousand_times_in_a_row() {
    for _ in 0..1_000 {
        is_refused(&map(2));
        is_refused(&Hidden(map(2)));
    }
}

#[test]
fn a_type_that_hides_a_map_is_seen_through() {
    for size in SIZES {
        is_refused(&Hidden(map(size)));
        is_refused(&Few::Set(set(size)));
        is_refused(&Flat {
            id: 1,
            rest: map(size),
        });
        is_refused(&Converted(set(size)));
        is_refused(&Some(Box::new((
            1_u8,
            [Arc::new(Payroll {
                salaries: map(size),
            })],
        ))));
        is_refused(&Deep::One(Box::new(Deep::Many(vec![
            None,
            Some(set(size)),
        ]))));
    }
    is_refused(&With {
        map: [(1, 2), (3, 4)].into(),
    });
}

#[test]
fn what_kept_its_order_under_a_types_name_says_nothing_of_the_next_value() {
    for _ in 0..100 {
        assert!(Payload::record(&Few::List(vec!["a".into(), "b".into()])).is_ok());
    }
    for _ in 0..100 {
        is_refused(&Few::Set(set(2)));
    }
}

#[test]
fn a_small_set_is_found_in_a_large_value() {
    let list: Vec<_> = (0..1_000_u32).map(|n| (n, vec![n, n])).collect();
    for _ in 0..20 {
        is_refused(&(list.clone(), set::<u64>(2)));
    }
}

#[test]
fn what_has_no_more_than_one_entry_has_an_order() {
    for size in [0, 1] {
        passes(&map(size));
        passes(&set::<u64>(size));
    }
}

#[test]
fn what_keeps_an_order_passes() {
    for size in SIZES {
        let list: Vec<u32> = (0..size).collect();
        passes(&list);
        passes(
            &list
                .iter()
                .map(|n| (n.to_string(), *n))
                .collect::<BTreeMap<_, _>>(),
        );
        passes(&list.iter().copied().collect::<BTreeSet<_>>());
        passes(&list.iter().copied().collect::<VecDeque<_>>());
        passes(&list.clone().into_boxed_slice());
        passes(&serde_json::json!({ "b": list, "a": { "z": 1, "y": 2 } }));
    }
}

/// Also when two entries change places the first time they are read, as they do if they meet in a table.
#[test]
fn maps_with_a_fixed_hasher_pass() {
    for size in SIZES {
        for first in 0..if size > 100 { 1 } else { 50 } {
            passes(
                &(first..first + size)
                    .map(|n| (n, n))
                    .collect::<Fixed<_, _>>(),
            );
            passes(&(first..first + size).rev().collect::<FixedSet<_>>());
        }
    }
}

#[test]
fn what_is_only_looked_up_passes_in_the_order_of_its_keys() {
    for size in SIZES {
        passes(&Unordered(map(size)));
        passes(&vec![Unordered(set::<u64>(size))]);
    }
    let (payload, _) = Payload::record(&Unordered(map(3))).unwrap();
    assert_eq!(payload.as_bytes(), br#"{"k0":0,"k1":1,"k2":2}"#);
    // What was recorded before it was wrapped is read.
    let old = Payload::from_bytes(*br#"{"k1":1,"k0":0}"#);
    assert_eq!(
        old.decode::<Unordered<HashMap<String, u32>>>().unwrap(),
        Unordered(map(2))
    );
}
