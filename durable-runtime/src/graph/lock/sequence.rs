//! Bodies: what is in a sequence, in the arms of a branch, in the lanes of a parallel part.

use std::collections::BTreeMap;

use super::{
    super::{
        ParallelKind,
        outline::{OperationFacts, Outline, OutlinePart, PartHead, SourcePlace, operations},
    },
    align::{Pair, align},
    compare::{Changes, Verdict},
    difference::Class,
    names,
};

/// Compares two bodies.
pub(super) fn compare_bodies<'a>(old: &'a Outline, new: &'a Outline, changes: &mut Changes<'_>) {
    let places = |parts: &'a [OutlinePart]| {
        let found = operations(parts, "").into_iter();
        found.map(|(path, part, _)| (path, &part.place)).collect()
    };
    let mut bodies = Bodies {
        locked: places(&old.parts),
        current: places(&new.parts),
        changes,
    };
    bodies.check_old_names(&new.parts);
    let around = Around {
        scope: String::new(),
        ends: true,
        race: false,
        place: &new.place,
    };
    bodies.sequence(&old.parts, &new.parts, &around);
}

struct Bodies<'a, 'c, 'w> {
    /// Every operation by its path.
    locked: BTreeMap<String, &'a SourcePlace>,
    current: BTreeMap<String, &'a SourcePlace>,
    changes: &'c mut Changes<'w>,
}

/// What surrounds a sequence.
#[derive(Clone)]
struct Around<'a> {
    scope: String,
    /// Whether nothing that follows the sequence could be recorded.
    ends: bool,
    /// Whether what happens here decides a race.
    race: bool,
    /// The nearest place in the code, for what is gone from it.
    place: &'a SourcePlace,
}

impl<'a> Around<'a> {
    fn within(&self, part: &'a OutlinePart, ends: bool) -> Self {
        Self {
            ends: self.ends && ends,
            place: &part.place,
            ..self.clone()
        }
    }
}

impl<'a> Bodies<'a, '_, '_> {
    /// An old name must not be anything else's name: a replay could not tell them apart.
    fn check_old_names(&mut self, parts: &'a [OutlinePart]) {
        let all = operations(parts, "");
        for (path, part, facts) in &all {
            let scope = path.strip_suffix(&facts.name).unwrap_or_default();
            let siblings = all.iter().filter(|(other, ..)| {
                other != path
                    && other
                        .strip_prefix(scope)
                        .is_some_and(|name| !name.contains('/'))
            });
            let others = siblings.flat_map(|(.., facts)| facts.was.iter().chain([&facts.name]));
            if let Some(name) = names::taken(&facts.was, others) {
                let verdict = names::claimed_twice(facts.kind.noun, name);
                self.changes.push(verdict, Some(&part.place), None);
            }
        }
    }

    fn sequence(
        &mut self,
        locked: &'a [OutlinePart],
        current: &'a [OutlinePart],
        around: &Around<'a>,
    ) {
        let pairs = align(locked, current);
        let last = locked.last().map(std::ptr::from_ref);
        // Between two parts that stayed: what is gone, and what is new.
        let mut gone = Vec::new();
        let mut new = Vec::new();
        for pair in pairs {
            match pair {
                Pair::Removed(part) => gone.push(part),
                Pair::Added(part) => new.push(part),
                Pair::Both(old, part) => {
                    self.replaced(&gone, &new, around, false);
                    (gone, new) = (Vec::new(), Vec::new());
                    let ends = last.is_some_and(|last| std::ptr::eq(last, old));
                    self.pair(old, part, &around.within(part, ends));
                }
            }
        }
        self.replaced(&gone, &new, around, true);
    }

    /// What is gone from one place, and what is new there.
    fn replaced(
        &mut self,
        gone: &[&'a OutlinePart],
        new: &[&'a OutlinePart],
        around: &Around<'a>,
        last: bool,
    ) {
        let mut new = new.to_vec();
        for old in gone {
            let renamed = new
                .iter()
                .position(|part| self.looks_renamed(old, part, around));
            match renamed.map(|index| new.remove(index)) {
                Some(part) => {
                    let verdict = undeclared_rename(old, part);
                    self.changes
                        .push(verdict, Some(&part.place), Some(&old.place));
                }
                None => self.gone(old, around),
            }
        }
        for part in new {
            let class = match (around.race, around.ends && last && gone.is_empty()) {
                (true, _) => Class::Breaking,
                (false, true) => Class::Safe,
                (false, false) => Class::Additive,
            };
            self.new_operations(part, class, around);
        }
    }

    /// Whether an operation stands where one of the same kind stood that is gone altogether.
    fn looks_renamed(&self, old: &OutlinePart, new: &OutlinePart, around: &Around<'_>) -> bool {
        match (&old.head, &new.head) {
            (PartHead::Operation(old), PartHead::Operation(new)) => {
                (&old.kind, &old.of) == (&new.kind, &new.of)
                    && !self.current.contains_key(&around.path(&old.name))
                    && !self.locked.contains_key(&around.path(&new.name))
            }
            _ => false,
        }
    }

    /// The operations of a part that is gone from its place.
    fn gone(&mut self, part: &'a OutlinePart, around: &Around<'a>) {
        let found = operations(std::slice::from_ref(part), &around.scope);
        if found.is_empty() {
            let verdict = restructured(format!("`{}` was removed", part.head));
            return self
                .changes
                .push(verdict, Some(around.place), Some(&part.place));
        }
        for (path, part, facts) in found {
            match self.current.get(&path) {
                Some(now) => {
                    self.changes
                        .push(moved(facts), Some(now), Some(&part.place));
                }
                None => {
                    let verdict = removed(facts);
                    self.changes
                        .push(verdict, Some(around.place), Some(&part.place));
                }
            }
        }
    }

    /// The operations of a part that is new at its place. Those that came from elsewhere are told of
    /// where they are gone.
    fn new_operations(&mut self, part: &'a OutlinePart, class: Class, around: &Around<'a>) {
        let found = operations(std::slice::from_ref(part), &around.scope);
        if found.is_empty() {
            let what = format!("`{}` is new", part.head);
            let verdict = match class {
                Class::Breaking => restructured(what),
                class => (class, what, "nothing: it records nothing".to_owned()),
            };
            return self.changes.push(verdict, Some(&part.place), None);
        }
        for (path, part, facts) in found {
            let came = facts.was.iter().map(|name| around.path(name));
            if !came
                .chain([path])
                .any(|path| self.locked.contains_key(&path))
            {
                self.changes
                    .push(added(facts, class), Some(&part.place), None);
            }
        }
    }

    /// A part that stayed.
    fn pair(&mut self, old: &'a OutlinePart, new: &'a OutlinePart, around: &Around<'a>) {
        if let (PartHead::Operation(was), PartHead::Operation(is)) = (&old.head, &new.head) {
            return self.changes.compare_facts((old, was), (new, is));
        }
        if old.head != new.head {
            let what = format!("`{}` was `{}`", new.head, old.head);
            let verdict = match new.head {
                PartHead::Scope(_) => renamed_scope(what),
                _ => restructured(what),
            };
            self.changes
                .push(verdict, Some(&new.place), Some(&old.place));
        }
        let repeated = Around {
            ends: false,
            ..around.clone()
        };
        match &new.head {
            PartHead::Branch(_) => self.arms(old, new, around),
            PartHead::Loop(_) => self.sequence(&old.parts, &new.parts, &repeated),
            PartHead::Parallel(kind) => self.lanes(*kind, old, new, around),
            PartHead::Scope(name) => {
                let mut inner = around.clone();
                inner.scope = format!("{}{name}/", around.scope);
                self.sequence(&old.parts, &new.parts, &inner);
            }
            PartHead::Operation(_) | PartHead::Arm(_) | PartHead::Lane => {
                self.sequence(&old.parts, &new.parts, around);
            }
        }
    }

    /// The arms of a branch. One that comes or goes may take runs from, or leave them to, those after
    /// it: harmless only as long as those record nothing.
    fn arms(&mut self, old: &'a OutlinePart, new: &'a OutlinePart, around: &Around<'a>) {
        let mut pairs = align(&old.parts, &new.parts);
        let mut later_records = false;
        while let Some(pair) = pairs.pop() {
            match pair {
                Pair::Both(old, new) => {
                    self.pair(old, new, &around.within(new, true));
                    later_records |= records(old) || records(new);
                }
                Pair::Removed(arm) if records(arm) => self.gone(arm, around),
                Pair::Removed(arm) => {
                    let what = format!("`{}` was removed", arm.head);
                    let verdict = match later_records || around.race {
                        true => restructured(what),
                        false => (Class::Safe, what, "nothing: it recorded nothing".to_owned()),
                    };
                    self.changes
                        .push(verdict, Some(around.place), Some(&arm.place));
                }
                Pair::Added(arm) if later_records => {
                    self.new_operations(arm, Class::Breaking, around);
                }
                Pair::Added(arm) => self.replaced(&[], &[arm], around, true),
            }
        }
    }

    /// The lanes of a parallel part. They run side by side, so each of them ends it.
    fn lanes(
        &mut self,
        kind: ParallelKind,
        old: &'a OutlinePart,
        new: &'a OutlinePart,
        around: &Around<'a>,
    ) {
        let inner = Around {
            ends: around.ends && matches!(kind, ParallelKind::Join | ParallelKind::TryJoin),
            race: around.race || kind == ParallelKind::Race,
            ..around.clone()
        };
        for pair in align(&old.parts, &new.parts) {
            match pair {
                Pair::Both(old, new) => self.pair(old, new, &inner.within(new, true)),
                Pair::Removed(lane) => self.gone(lane, &inner),
                Pair::Added(lane) => self.replaced(&[], &[lane], &inner, true),
            }
        }
    }
}

impl Around<'_> {
    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.scope)
    }
}

fn records(part: &OutlinePart) -> bool {
    !part.operations().is_empty()
}

fn undeclared_rename(old: &OutlinePart, new: &OutlinePart) -> Verdict {
    let (PartHead::Operation(old), PartHead::Operation(new)) = (&old.head, &new.head) else {
        return restructured(format!("`{}` was `{}`", new.head, old.head));
    };
    (
        Class::Breaking,
        format!("{} stands where {} stood", new.noun(), old.noun()),
        format!(
            "if it was renamed, declare that with `.was(\"{}\")`. If it is another one, it takes the \
             place of one that runs in flight have recorded: put `{}` back before it",
            old.name, old.name
        ),
    )
}

fn removed(facts: &OperationFacts) -> Verdict {
    (
        Class::Breaking,
        format!("{} was removed", facts.noun()),
        format!(
            "a run that has recorded it would be parked. Put it back until no such run is left; if it \
             was renamed, declare that with `.was(\"{}\")`",
            facts.name
        ),
    )
}

fn moved(facts: &OperationFacts) -> Verdict {
    (
        Class::Breaking,
        format!("{} was moved", facts.noun()),
        "a run that has recorded it at its old place may not find it there, and would be parked. Move \
         it back, or give it another name and keep the old one"
            .to_owned(),
    )
}

fn added(facts: &OperationFacts, class: Class) -> Verdict {
    let advice = match class {
        Class::Safe => "nothing: a run in flight meets it after all it has recorded",
        Class::Breaking => {
            "it may change which branch of a race wins, or which way a run takes, against what runs \
             in flight have recorded. Put it elsewhere, or use a new workflow"
        }
        Class::Additive => {
            "a run that is past this place would be parked. Deploy it when no such run is left, or \
             use a new workflow"
        }
    };
    (class, format!("{} is new", facts.noun()), advice.to_owned())
}

fn renamed_scope(what: String) -> Verdict {
    (
        Class::Breaking,
        what,
        "what is recorded in a scope carries its name, and would not be found. Restore the name"
            .to_owned(),
    )
}

pub(super) fn restructured(what: String) -> Verdict {
    (
        Class::Breaking,
        what,
        "a run in flight may have taken another way than it would take now. If both lead to the same \
         operations in the same order, accept this with `DURABLE_LOCK=update`; otherwise restore it"
            .to_owned(),
    )
}
