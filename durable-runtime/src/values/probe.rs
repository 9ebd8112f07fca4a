//! A serializer around the one of `serde_json` that notes what a value says besides its text.
//!
//! JSON has one `null` for `None`, `Some(())` and a NaN, and one number for a `u8` and an `i64`. Two
//! values of a type are taken for the same when they tell a serializer the same: text and notes.

use std::{
    any::type_name,
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fmt::Display,
    io,
};

use serde::ser::{self, Serialize, Serializer};

use super::ordered::{Order, order_of};

/// How deep `serde_json` reads.
const DEPTH_MAX: u32 = 127;

/// What a value said besides its text.
#[derive(Debug)]
pub(super) struct Notes {
    /// A sum over what was said.
    shape: Cell<u64>,
    depth: Cell<u32>,
    depth_max: u32,
    /// How much text was written.
    written: Cell<usize>,
    /// Types of collections with two entries or more that are not known to keep an order.
    loose: RefCell<BTreeSet<&'static str>>,
    /// Whether there is a collection in the order of a fixed hasher.
    is_hashed: Cell<bool>,
    /// The type that was found to keep an order last: in a list, it is found again and again.
    known: Cell<&'static str>,
    /// All that was said, and where, if it is wanted.
    trace: Option<RefCell<Vec<Said>>>,
}

/// One thing that a value said, and after how many bytes of text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said {
    pub(super) at: usize,
    pub(super) what: &'static str,
    detail: u64,
}

impl Said {
    /// Whether it is a number that JSON has no form for.
    pub(super) fn is_not_finite(&self) -> bool {
        self.detail != 0 && matches!(self.what, "an f32" | "an f64")
    }
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            shape: Cell::default(),
            depth: Cell::default(),
            depth_max: DEPTH_MAX,
            written: Cell::default(),
            loose: RefCell::default(),
            is_hashed: Cell::default(),
            known: Cell::default(),
            trace: None,
        }
    }
}

impl Notes {
    /// Notes that keep everything that is said.
    pub(super) fn traced() -> Self {
        Self {
            trace: Some(RefCell::default()),
            ..Self::default()
        }
    }

    /// Notes of a value that may be nested only so deep.
    pub(super) fn at_most(self, levels: u32) -> Self {
        Self {
            depth_max: levels,
            ..self
        }
    }

    pub(super) fn shape(&self) -> u64 {
        self.shape.get()
    }

    /// Whether entries may come in another order when they are read.
    pub(super) fn may_move(&self) -> bool {
        self.is_hashed.get() || !self.loose.borrow().is_empty()
    }

    pub(super) fn loose(&self) -> BTreeSet<&'static str> {
        self.loose.take()
    }

    /// How much text was written.
    pub(super) fn written(&self) -> usize {
        self.written.get()
    }

    pub(super) fn into_trace(self) -> Vec<Said> {
        self.trace.map(RefCell::into_inner).unwrap_or_default()
    }

    fn say(&self, kind: Kind, detail: u64) {
        let said = (kind.hash ^ detail.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.shape.set(self.shape.get().wrapping_add(said));
        if let Some(trace) = &self.trace {
            trace.borrow_mut().push(Said {
                at: self.written.get(),
                what: kind.what,
                detail,
            });
        }
    }

    fn enter<E: ser::Error>(&self) -> Result<(), E> {
        self.depth.set(self.depth.get() + 1);
        if self.depth.get() > self.depth_max {
            return Err(E::custom(format_args!(
                "it is nested more than {} levels deep, which cannot be read back",
                self.depth_max
            )));
        }
        Ok(())
    }

    fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    fn collected(&self, place: &'static str, entries: usize) {
        if entries < 2 || std::ptr::eq(place, self.known.get()) {
            return;
        }
        match order_of(place) {
            Order::Kept => self.known.set(place),
            Order::Hashed => self.is_hashed.set(true),
            Order::Unknown => {
                self.loose.borrow_mut().insert(place);
            }
        }
    }
}

/// A call of a serializer.
#[derive(Clone, Copy)]
struct Kind {
    what: &'static str,
    hash: u64,
}

/// FNV-1a, when the program is compiled.
const fn kind(what: &'static str) -> Kind {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < what.len() {
        hash = (hash ^ what.as_bytes()[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    Kind { what, hash }
}

/// Where text goes.
#[derive(Debug)]
pub(super) enum Sink<'t> {
    Collect(Vec<u8>),
    /// Must be the same as this.
    Compare(&'t [u8]),
}

impl Sink<'_> {
    /// The text that was collected.
    pub(super) fn into_text(self) -> Vec<u8> {
        match self {
            Self::Collect(text) => text,
            Self::Compare(_) => Vec::new(),
        }
    }
}

struct Writer<'s, 't, 'n> {
    sink: &'s mut Sink<'t>,
    notes: &'n Notes,
}

impl io::Write for Writer<'_, '_, '_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.write_all(text)?;
        Ok(text.len())
    }

    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        let written = self.notes.written.get();
        match self.sink {
            Sink::Collect(collected) => collected.extend_from_slice(text),
            Sink::Compare(expected) => match expected.split_at_checked(text.len()) {
                Some((same, rest)) if same == text => *expected = rest,
                _ => return Err(io::ErrorKind::InvalidData.into()),
            },
        }
        self.notes.written.set(written + text.len());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a value as JSON and notes what else it says.
pub(super) fn write<T: Serialize + ?Sized>(
    value: &T,
    sink: &mut Sink<'_>,
    notes: &Notes,
) -> serde_json::Result<()> {
    Probed { value, notes }.serialize(&mut serde_json::Serializer::new(Writer { sink, notes }))
}

/// A value whose parts are noted, too.
struct Probed<'v, 'n, T: ?Sized> {
    value: &'v T,
    notes: &'n Notes,
}

impl<T: Serialize + ?Sized> Serialize for Probed<'_, '_, T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Probe {
            inner,
            notes: self.notes,
            place: type_name::<T>(),
        })
    }
}

struct Probe<'n, S> {
    inner: S,
    notes: &'n Notes,
    /// The type of the value that is written.
    place: &'static str,
}

/// A value with parts.
struct Compound<'n, C> {
    inner: C,
    notes: &'n Notes,
    place: &'static str,
    entries: usize,
}

impl<'n, S> Probe<'n, S> {
    fn compound<C, E: ser::Error>(
        self,
        kind: Kind,
        detail: u64,
        begin: impl FnOnce(S) -> Result<C, E>,
    ) -> Result<Compound<'n, C>, E> {
        self.notes.say(kind, detail);
        self.notes.enter()?;
        Ok(Compound {
            inner: begin(self.inner)?,
            notes: self.notes,
            place: self.place,
            entries: 0,
        })
    }
}

/// The bits of a number that JSON has no form for.
fn beyond(value: f64) -> u64 {
    if value.is_finite() {
        0
    } else {
        value.to_bits()
    }
}

macro_rules! plain {
    ($($method:ident($type:ty) $what:literal $(, $detail:expr)?;)*) => {
        $(fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.notes.say(const { kind($what) }, 0 $(+ $detail(value.into()))?);
            self.inner.$method(value)
        })*
    };
}

impl<'n, S: Serializer> Serializer for Probe<'n, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'n, S::SerializeSeq>;
    type SerializeTuple = Compound<'n, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'n, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'n, S::SerializeTupleVariant>;
    type SerializeMap = Compound<'n, S::SerializeMap>;
    type SerializeStruct = Compound<'n, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'n, S::SerializeStructVariant>;

    plain! {
        serialize_bool(bool) "a bool";
        serialize_i8(i8) "an i8";
        serialize_i16(i16) "an i16";
        serialize_i32(i32) "an i32";
        serialize_i64(i64) "an i64";
        serialize_i128(i128) "an i128";
        serialize_u8(u8) "a u8";
        serialize_u16(u16) "a u16";
        serialize_u32(u32) "a u32";
        serialize_u64(u64) "a u64";
        serialize_u128(u128) "a u128";
        serialize_f32(f32) "an f32", beyond;
        serialize_f64(f64) "an f64", beyond;
        serialize_char(char) "a char";
        serialize_str(&str) "a string";
        serialize_bytes(&[u8]) "bytes";
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.notes.say(const { kind("None") }, 0);
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.notes.say(const { kind("Some") }, 0);
        let notes = self.notes;
        self.inner.serialize_some(&Probed { value, notes })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.notes.say(const { kind("()") }, 0);
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.notes.say(const { kind("a struct without fields") }, 0);
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.notes.say(const { kind("a variant") }, index.into());
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.notes.say(const { kind("a struct of one value") }, 0);
        let notes = self.notes;
        self.inner
            .serialize_newtype_struct(name, &Probed { value, notes })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let notes = self.notes;
        notes.say(const { kind("a variant of one value") }, index.into());
        notes.enter()?;
        let value = Probed { value, notes };
        let ok = self
            .inner
            .serialize_newtype_variant(name, index, variant, &value)?;
        notes.leave();
        Ok(ok)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.compound(const { kind("a sequence") }, 0, |inner| {
            inner.serialize_seq(len)
        })
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.compound(const { kind("a tuple") }, 0, |inner| {
            inner.serialize_tuple(len)
        })
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.compound(const { kind("a tuple struct") }, 0, |inner| {
            inner.serialize_tuple_struct(name, len)
        })
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.compound(const { kind("a tuple variant") }, index.into(), |inner| {
            inner.serialize_tuple_variant(name, index, variant, len)
        })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.compound(const { kind("a map") }, 0, |inner| inner.serialize_map(len))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.compound(const { kind("a struct") }, 0, |inner| {
            inner.serialize_struct(name, len)
        })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.compound(const { kind("a struct variant") }, index.into(), |inner| {
            inner.serialize_struct_variant(name, index, variant, len)
        })
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.notes.say(const { kind("a string") }, 0);
        self.inner.collect_str(value)
    }
}

impl<C: ser::SerializeSeq> ser::SerializeSeq for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.entries += 1;
        let notes = self.notes;
        self.inner.serialize_element(&Probed { value, notes })
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.notes.leave();
        self.notes.collected(self.place, self.entries);
        self.inner.end()
    }
}

impl<C: ser::SerializeMap> ser::SerializeMap for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.entries += 1;
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let notes = self.notes;
        self.inner.serialize_value(&Probed { value, notes })
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.notes.leave();
        self.notes.collected(self.place, self.entries);
        self.inner.end()
    }
}

macro_rules! fixed {
    ($($trait:ident :: $method:ident ($($key:ident)?);)*) => {
        $(impl<C: ser::$trait> ser::$trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: &'static str,)?
                value: &T,
            ) -> Result<(), C::Error> {
                let notes = self.notes;
                self.inner.$method($($key,)? &Probed { value, notes })
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.notes.leave();
                self.inner.end()
            }
        })*
    };
}

fixed! {
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeTupleVariant::serialize_field();
    SerializeStruct::serialize_field(key);
    SerializeStructVariant::serialize_field(key);
}
