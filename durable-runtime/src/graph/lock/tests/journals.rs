//! The promise of the classes, checked against journals: random graphs are changed at random, and what
//! runs of the old graph recorded is replayed on the new one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::{
    super::{
        OperationKind, ParallelKind,
        outline::{OperationFacts, Outline, OutlinePart, PartHead, SourcePlace, operations},
    },
    Class, Lock,
};

#[test]
fn journals_fit_the_changes_that_are_called_safe() {
    let mut met: BTreeMap<Option<Class>, u32> = BTreeMap::new();
    for seed in 0..3_000 {
        let mut random = Random(seed * 2 + 1);
        let locked = outline(random.sequence(3));
        let mut current = locked.clone();
        for _ in 0..=random.below(2) {
            random.change(&mut current.parts);
        }
        let (old, new) = (lock(&locked), lock(&current));
        let differences = old.compare(&new);
        let told = || format!("seed {seed}: {differences:#?}\n{locked}\n{current}");
        let same = locked.to_string() == current.to_string();
        assert_eq!(differences.is_empty(), same, "{}", told());
        let class = differences.first().map(|difference| difference.class());
        *met.entry(class).or_default() += 1;
        if class == Some(Class::Breaking) {
            continue;
        }
        for _ in 0..10 {
            let world = random.next();
            let journal = record(&locked, world, &mut random);
            let skip = class == Some(Class::Additive);
            if let Err(event) = replay(&current, &locked, world, &journal, skip) {
                panic!("`{event}` of {journal:?} does not fit; {}", told());
            }
        }
    }
    for class in [
        Some(Class::Safe),
        Some(Class::Additive),
        Some(Class::Breaking),
    ] {
        assert!(met[&class] > 100, "{met:?}");
    }
}

fn lock(outline: &Outline) -> Lock {
    Lock {
        outlines: vec![outline.clone()],
    }
}

fn outline(parts: Vec<OutlinePart>) -> Outline {
    Outline {
        workflow: "w".to_owned(),
        was: Vec::new(),
        parts,
        place: place(),
    }
}

fn place() -> SourcePlace {
    SourcePlace {
        file: "test".into(),
        line: 1,
    }
}

/// What a run of a graph records up to some moment, in a world that decides its branches.
fn record(graph: &Outline, world: u64, random: &mut Random) -> Vec<(String, u32)> {
    let mut run = Run::start(graph, world);
    let mut journal = Vec::new();
    loop {
        let asked = run.asked();
        if asked.is_empty() || random.below(12) == 0 {
            return journal;
        }
        let event = asked[random.below(asked.len())].clone();
        run.complete(&event);
        journal.push(event);
    }
}

/// Replays a journal; fails with the event that has no place. With `skip`, new operations complete at
/// once, as if nobody had added them.
fn replay(
    graph: &Outline,
    locked: &Outline,
    world: u64,
    journal: &[(String, u32)],
    skip: bool,
) -> Result<(), String> {
    let known: BTreeSet<_> = operations(&locked.parts, "")
        .into_iter()
        .map(|o| o.0)
        .collect();
    let mut new_names = BTreeMap::new();
    for (path, _, facts) in operations(&graph.parts, "") {
        let scope = path.strip_suffix(&facts.name).unwrap();
        for old in facts.was.iter().chain([&facts.name]) {
            new_names.insert(format!("{scope}{old}"), path.clone());
        }
    }
    let old: BTreeSet<_> = known
        .iter()
        .filter_map(|path| new_names.get(path))
        .collect();
    let mut run = Run::start(graph, world);
    for (path, occurrence) in journal {
        if skip {
            let is_new = |(path, _): &(String, u32)| !old.contains(path);
            while let Some(event) = run.asked().into_iter().find(is_new) {
                run.complete(&event);
            }
        }
        let event = (
            new_names.get(path).cloned().unwrap_or_default(),
            *occurrence,
        );
        if run.dropped.contains(&event) {
            continue;
        }
        if !run.asked().contains(&event) {
            return Err(format!("{path}#{occurrence}"));
        }
        run.complete(&event);
    }
    Ok(())
}

/// A walk through a graph.
struct Run<'g> {
    world: u64,
    body: VecDeque<Task<'g>>,
    occurrences: BTreeMap<String, u32>,
    dropped: BTreeSet<(String, u32)>,
}

enum Task<'g> {
    Part(&'g OutlinePart, String),
    /// An operation that was asked for.
    Asked((String, u32)),
    Lanes(bool, Vec<VecDeque<Self>>),
}

impl<'g> Run<'g> {
    fn start(graph: &'g Outline, world: u64) -> Self {
        let mut run = Self {
            world,
            body: tasks(&graph.parts, ""),
            occurrences: BTreeMap::new(),
            dropped: BTreeSet::new(),
        };
        run.settle_body();
        run
    }

    fn asked(&self) -> Vec<(String, u32)> {
        asked(&self.body)
    }

    fn complete(&mut self, event: &(String, u32)) {
        complete(&mut self.body, event);
        self.settle_body();
    }

    fn settle_body(&mut self) {
        let mut body = std::mem::take(&mut self.body);
        self.settle(&mut body);
        self.body = body;
    }

    /// Goes on until an operation is asked for.
    fn settle(&mut self, body: &mut VecDeque<Task<'g>>) {
        loop {
            match body.pop_front() {
                None => return,
                Some(Task::Part(part, scope)) => self.enter(part, &scope, body),
                Some(Task::Lanes(race, mut lanes)) => {
                    let mut over = 0;
                    for lane in &mut lanes {
                        self.settle(lane);
                        over += usize::from(lane.is_empty());
                        if race && over > 0 {
                            break;
                        }
                    }
                    let ends = if race { over > 0 } else { over == lanes.len() };
                    if !ends {
                        return body.push_front(Task::Lanes(race, lanes));
                    }
                    self.dropped.extend(lanes.iter().flat_map(asked));
                }
                Some(asked) => return body.push_front(asked),
            }
        }
    }

    fn enter(&mut self, part: &'g OutlinePart, scope: &str, body: &mut VecDeque<Task<'g>>) {
        let mut first = |parts: VecDeque<Task<'g>>| {
            parts
                .into_iter()
                .rev()
                .for_each(|task| body.push_front(task));
        };
        match &part.head {
            PartHead::Operation(facts) => {
                let path = format!("{scope}{}", facts.name);
                let occurrence = self.occurrences.entry(path.clone()).or_default();
                body.push_front(Task::Asked((path, *occurrence)));
                *occurrence += 1;
            }
            PartHead::Branch(condition) => {
                let arm = part.parts.iter().find(|arm| match &arm.head {
                    PartHead::Arm(label) if label == "else" || label == "_" => true,
                    PartHead::Arm(label) => self.decide(&format!("{condition}{label}"), 2) == 0,
                    _ => false,
                });
                first(arm.map_or_else(VecDeque::new, |arm| tasks(&arm.parts, scope)));
            }
            PartHead::Loop(header) => {
                for _ in 0..self.decide(header, 3) {
                    first(tasks(&part.parts, scope));
                }
            }
            PartHead::Scope(name) => first(tasks(&part.parts, &format!("{scope}{name}/"))),
            PartHead::Parallel(kind) => {
                let all = matches!(kind, ParallelKind::JoinAll | ParallelKind::TryJoinAll);
                let times = if all { self.decide("all", 3) } else { 1 };
                let lanes = (0..times).flat_map(|_| &part.parts);
                let lanes = lanes.map(|lane| tasks(&lane.parts, scope)).collect();
                body.push_front(Task::Lanes(*kind == ParallelKind::Race, lanes));
            }
            PartHead::Arm(_) | PartHead::Lane => panic!("entered by what is around it"),
        }
    }

    fn decide(&self, text: &str, choices: u64) -> u64 {
        let hash = text.bytes().fold(self.world, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        (hash >> 20) % choices
    }
}

fn tasks<'g>(parts: &'g [OutlinePart], scope: &str) -> VecDeque<Task<'g>> {
    parts
        .iter()
        .map(|part| Task::Part(part, scope.to_owned()))
        .collect()
}

fn asked(body: &VecDeque<Task<'_>>) -> Vec<(String, u32)> {
    match body.front() {
        Some(Task::Asked(operation)) => vec![operation.clone()],
        Some(Task::Lanes(_, lanes)) => lanes.iter().flat_map(asked).collect(),
        _ => Vec::new(),
    }
}

fn complete(body: &mut VecDeque<Task<'_>>, event: &(String, u32)) {
    match body.front_mut() {
        Some(Task::Asked(operation)) if operation == event => drop(body.pop_front()),
        Some(Task::Lanes(_, lanes)) => lanes.iter_mut().for_each(|lane| complete(lane, event)),
        _ => {}
    }
}

/// A source of graphs and of changes to them (xorshift64*). Names are numbers that never come twice.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.next() >> 8) % end as u64).unwrap()
    }

    fn name(&mut self) -> String {
        format!("n{:x}", self.next() >> 40)
    }

    fn operation(&mut self) -> OutlinePart {
        part(
            PartHead::Operation(OperationFacts {
                kind: OperationKind::Step.row(),
                name: self.name(),
                of: None,
                was: Vec::new(),
                compensation: None,
                options: Vec::new(),
            }),
            Vec::new(),
        )
    }

    fn sequence(&mut self, depth: usize) -> Vec<OutlinePart> {
        (0..=self.below(3)).map(|_| self.part(depth)).collect()
    }

    fn part(&mut self, depth: usize) -> OutlinePart {
        if depth == 0 || self.below(2) == 0 {
            return self.operation();
        }
        let text = self.name();
        let inner = self.sequence(depth - 1);
        match self.below(5) {
            0 => part(PartHead::Loop(text), inner),
            1 => part(PartHead::Scope(text), inner),
            2 => {
                let kinds = [
                    ParallelKind::Join,
                    ParallelKind::TryJoin,
                    ParallelKind::Race,
                ];
                let other = self.sequence(depth - 1);
                let lanes = [inner, other].map(|lane| part(PartHead::Lane, lane));
                part(PartHead::Parallel(kinds[self.below(3)]), lanes.into())
            }
            3 => part(
                PartHead::Parallel(ParallelKind::JoinAll),
                vec![part(PartHead::Lane, inner)],
            ),
            _ => {
                let labels = ["A", "B", "_"];
                let arms = labels.map(|label| {
                    let arm = if self.below(2) == 0 {
                        Vec::new()
                    } else {
                        self.sequence(depth - 1)
                    };
                    part(PartHead::Arm(label.to_owned()), arm)
                });
                part(PartHead::Branch(text), arms.into())
            }
        }
    }

    /// Changes something somewhere in a sequence.
    fn change(&mut self, parts: &mut Vec<OutlinePart>) {
        if let Some(at) = (!parts.is_empty()).then(|| self.below(parts.len()))
            && !matches!(parts[at].head, PartHead::Operation(_))
            && self.below(3) > 0
        {
            return self.change_inside(&mut parts[at]);
        }
        let at = self.below(parts.len() + 1);
        if at == parts.len() || self.below(3) == 0 {
            let new = self.part(1);
            return parts.insert(at, new);
        }
        match self.below(5) {
            0 => drop(parts.remove(at)),
            1 => {
                let other = self.below(parts.len());
                parts.swap(at, other);
            }
            2 => {
                let name = self.name();
                let inner = vec![parts[at].clone()];
                parts[at] = part(PartHead::Loop(name), inner);
            }
            3 => self.rename(&mut parts[at]),
            _ => {
                let at = parts.remove(at);
                let to = self.below(parts.len() + 1);
                match parts.get_mut(to) {
                    Some(OutlinePart {
                        head: PartHead::Loop(_) | PartHead::Scope(_),
                        parts,
                        ..
                    }) => parts.push(at),
                    _ => parts.insert(to, at),
                }
            }
        }
    }

    fn change_inside(&mut self, outer: &mut OutlinePart) {
        match &mut outer.head {
            PartHead::Branch(_) | PartHead::Parallel(_) => {
                let at = self.below(outer.parts.len() + 1);
                let choice = self.below(6);
                if choice == 0 || at == outer.parts.len() {
                    let head = match outer.head {
                        PartHead::Branch(_) => PartHead::Arm(self.name()),
                        _ => PartHead::Lane,
                    };
                    let inner = if self.below(2) == 0 {
                        Vec::new()
                    } else {
                        self.sequence(1)
                    };
                    outer.parts.insert(at, part(head, inner));
                } else if choice == 1 {
                    outer.parts.remove(at);
                } else if choice == 2 {
                    let other = self.below(outer.parts.len());
                    outer.parts.swap(at, other);
                } else {
                    self.change(&mut outer.parts[at].parts);
                }
            }
            PartHead::Loop(_) | PartHead::Scope(_) => self.change(&mut outer.parts),
            _ => {}
        }
    }

    fn rename(&mut self, part: &mut OutlinePart) {
        let (name, declared) = (self.name(), self.below(3) > 0);
        match &mut part.head {
            PartHead::Operation(facts) => {
                let old = std::mem::replace(&mut facts.name, name);
                if declared {
                    facts.was.push(old);
                }
            }
            PartHead::Branch(text) | PartHead::Loop(text) | PartHead::Scope(text) => *text = name,
            _ => {}
        }
    }
}

fn part(head: PartHead, parts: Vec<OutlinePart>) -> OutlinePart {
    OutlinePart {
        head,
        parts,
        place: place(),
    }
}
