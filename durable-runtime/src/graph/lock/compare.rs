//! What changed from one set of outlines to another, and what that means for runs in flight.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    super::{
        kind::Subject,
        outline::{OperationFacts, Outline, OutlinePart, SourcePlace},
    },
    difference::{Class, Difference},
    names, sequence,
};

pub(super) fn compare(locked: &[Outline], current: &[Outline]) -> Vec<Difference> {
    let mut differences = Vec::new();
    let renamed = renamed(locked, current);
    for old in locked {
        match successor(old, current) {
            Some(new) => differences.extend(compare_one(old, new, &renamed)),
            None => differences.push(removed(old)),
        }
    }
    let is_old = |name: &String| locked.iter().any(|old| old.workflow == *name);
    for new in current {
        if !is_old(&new.workflow) && !new.was.iter().any(is_old) {
            differences.push(added(new));
        }
    }
    for new in current {
        let others = current
            .iter()
            .filter(|other| other.workflow != new.workflow);
        let others = others.flat_map(|other| other.was.iter().chain([&other.workflow]));
        if let Some(name) = names::taken(&new.was, others) {
            let mut changes = Changes::of(new, &renamed);
            changes.push(
                names::claimed_twice("workflow", name),
                Some(&new.place),
                None,
            );
            differences.extend(changes.differences);
        }
    }
    differences.sort_by_key(|difference| {
        let line = difference.now.as_ref().map(|place| place.line);
        (Reverse(difference.class), difference.workflow.clone(), line)
    });
    differences
}

/// The workflow that takes up the runs of a locked one.
fn successor<'a>(old: &Outline, current: &'a [Outline]) -> Option<&'a Outline> {
    let named = current.iter().find(|new| new.workflow == old.workflow);
    named.or_else(|| current.iter().find(|new| new.was.contains(&old.workflow)))
}

/// The workflows that have another name now: old name to new one.
fn renamed<'a>(locked: &'a [Outline], current: &'a [Outline]) -> BTreeMap<&'a str, &'a str> {
    let pairs = locked
        .iter()
        .filter_map(|old| Some((old, successor(old, current)?)));
    pairs
        .map(|(old, new)| (old.workflow.as_str(), new.workflow.as_str()))
        .collect()
}

fn compare_one(old: &Outline, new: &Outline, renamed: &BTreeMap<&str, &str>) -> Vec<Difference> {
    let mut changes = Changes::of(new, renamed);
    let name = ("workflow", &old.workflow, &old.was);
    if let Some(verdict) = names::judge(name, &new.workflow, &new.was) {
        changes.push(verdict, Some(&new.place), Some(&old.place));
    }
    sequence::compare_bodies(old, new, &mut changes);
    if changes.differences.is_empty() && old.to_string() != new.to_string() {
        let what = "the graph has changed in a way that is not understood".to_owned();
        changes.push(
            sequence::restructured(what),
            Some(&new.place),
            Some(&old.place),
        );
    }
    changes.differences
}

fn removed(old: &Outline) -> Difference {
    Difference {
        class: Class::Breaking,
        workflow: old.workflow.clone(),
        what: "the workflow was removed".to_owned(),
        advice: format!(
            "its runs would be parked. Put it back; if it has another name now, declare the old one \
             with `#[durable::workflow(was = \"{}\")]`; if it is in another crate, name that crate in \
             the test: `use flows as _;`",
            old.workflow
        ),
        now: None,
        locked: Some(old.place.clone()),
    }
}

fn added(new: &Outline) -> Difference {
    Difference {
        class: Class::Safe,
        workflow: new.workflow.clone(),
        what: "the workflow is new".to_owned(),
        advice: "nothing: no run of it is in flight".to_owned(),
        now: Some(new.place.clone()),
        locked: None,
    }
}

/// A class, what changed, and what to do.
pub(super) type Verdict = (Class, String, String);

/// The differences found in one workflow.
pub(super) struct Changes<'a> {
    workflow: &'a str,
    renamed: &'a BTreeMap<&'a str, &'a str>,
    differences: Vec<Difference>,
}

impl<'a> Changes<'a> {
    fn of(outline: &'a Outline, renamed: &'a BTreeMap<&'a str, &'a str>) -> Self {
        Self {
            workflow: &outline.workflow,
            renamed,
            differences: Vec::new(),
        }
    }

    pub(super) fn push(
        &mut self,
        (class, what, advice): Verdict,
        now: Option<&SourcePlace>,
        locked: Option<&SourcePlace>,
    ) {
        self.differences.push(Difference {
            class,
            workflow: self.workflow.to_owned(),
            what,
            advice,
            now: now.cloned(),
            locked: locked.cloned(),
        });
    }

    /// Compares what is recorded of an operation.
    pub(super) fn compare_facts(
        &mut self,
        old: (&OutlinePart, &OperationFacts),
        new: (&OutlinePart, &OperationFacts),
    ) {
        let places = (Some(&new.0.place), Some(&old.0.place));
        let (old, new) = (old.1, new.1);
        let name = (old.kind.noun, &old.name, &old.was);
        let verdicts = [
            names::judge(name, &new.name, &new.was),
            kind(old, new),
            self.subject(old, new),
            compensation(old, new),
            options(old, new),
        ];
        for verdict in verdicts.into_iter().flatten() {
            self.push(verdict, places.0, places.1);
        }
    }

    /// The type of a kind that has one.
    fn subject(&self, old: &OperationFacts, new: &OperationFacts) -> Option<Verdict> {
        let (Some(was), Some(is), Some(subject)) = (&old.of, &new.of, &new.kind.subject) else {
            return None;
        };
        if old.kind != new.kind || was == is {
            return None;
        }
        if subject.is_workflow && self.is_renamed(old, new) {
            let what = format!(
                "{} {} `{is}`, the new name of `{was}`",
                new.noun(),
                subject.does
            );
            return Some((
                Class::Safe,
                what,
                "nothing: it is the same workflow".to_owned(),
            ));
        }
        let Subject { did, does, .. } = subject;
        let what = format!("{} {did} `{was}` and {does} `{is}` now", new.noun());
        Some((Class::Breaking, what, subject.advice.to_owned()))
    }

    /// Whether it is the same workflow under the name that it declares.
    fn is_renamed(&self, old: &OperationFacts, new: &OperationFacts) -> bool {
        let last = |facts: &OperationFacts| {
            let path = facts.of.clone().unwrap_or_default();
            path.rsplit("::").next().unwrap_or_default().to_owned()
        };
        self.renamed.get(last(old).as_str()) == Some(&last(new).as_str())
    }
}

fn kind(old: &OperationFacts, new: &OperationFacts) -> Option<Verdict> {
    (old.kind != new.kind).then(|| {
        (
            Class::Breaking,
            format!("{} was a {}", new.noun(), old.kind.noun),
            "what is recorded of it cannot be read as the other kind. Give the new one another name"
                .to_owned(),
        )
    })
}

fn compensation(old: &OperationFacts, new: &OperationFacts) -> Option<Verdict> {
    let noun = new.noun();
    match (&old.compensation, &new.compensation) {
        (Some(was), None) => Some((
            Class::Breaking,
            format!("{noun} has lost its compensation `{was}`"),
            "runs that have completed it would no longer undo it. Put the compensation back until \
             they have ended"
                .to_owned(),
        )),
        (Some(was), Some(is)) if was != is => Some((
            Class::Breaking,
            format!("{noun} was undone by `{was}` and is undone by `{is}` now"),
            "runs that have completed it are undone by the new one. If it undoes the same, and reads \
             the same outputs, accept this with `DURABLE_LOCK=update`"
                .to_owned(),
        )),
        (None, Some(is)) => Some((
            Class::Additive,
            format!("{noun} has the new compensation `{is}`"),
            "runs in flight that have completed it are undone by it as well; a run that is being \
             undone at that moment undoes it out of order"
                .to_owned(),
        )),
        _ => None,
    }
}

fn options(old: &OperationFacts, new: &OperationFacts) -> Option<Verdict> {
    let list = |options: &[String]| match options {
        [] => "none".to_owned(),
        options => format!("`{}`", options.join("`, `")),
    };
    (old.options != new.options).then(|| {
        (
            Class::Breaking,
            format!(
                "{} had the options {} and has {} now",
                new.noun(),
                list(&old.options),
                list(&new.options)
            ),
            "they change what is recorded of it. Restore them, or give it another name".to_owned(),
        )
    })
}
