//! Paths and methods that a rule is about, wherever they come from.

use std::mem;

use quote::ToTokens;
use syn::{
    Expr, ExprMethodCall, Path, QSelf, Token, Type,
    punctuated::Punctuated,
    visit::{self, Visit},
};

use super::{
    reader::BodyReader,
    values::{Holds, Value},
};
use crate::{
    hazards::{self, Hazard},
    operations::{is_of_result, is_option},
    resolve::LocalId,
    syntax::expressions::{generics, last_name, peel, referenced_name, root_name, turbofish},
};

/// The arguments of a call.
pub(super) type Args = Punctuated<Expr, Token![,]>;

impl<'t> BodyReader<'t> {
    /// Reads a path, which may begin with a type: `<SystemTime>::now`; and says whether it is a hazard, as
    /// the callee of these arguments if there are some.
    pub(super) fn path(
        &mut self,
        qualifier: Option<&'t QSelf>,
        path: &'t Path,
        args: Option<&Args>,
    ) -> bool {
        let is_hazard = match qualifier.map(|qualifier| (&*qualifier.ty, qualifier.as_token)) {
            None => self.note_path(path, args),
            Some((Type::Path(ty), None)) if ty.qself.is_none() => {
                let mut whole = ty.path.clone();
                whole.segments.extend(path.segments.iter().cloned());
                visit::visit_path(self, &ty.path);
                self.note_path(&whole, args)
            }
            Some((ty, _)) => {
                self.visit_type(ty);
                false
            }
        };
        visit::visit_path(self, path);
        is_hazard
    }

    /// Notes a path that is named, if it is a hazard.
    pub(super) fn note_path(&mut self, path: &Path, args: Option<&Args>) -> bool {
        if !self.is_judged() {
            return false;
        }
        let names = self.names.aliases.resolve(path);
        let bare = match (&*names, args) {
            ([name], Some(args)) => hazards::of_bare_call(name, args),
            _ => None,
        };
        let Some(hazard) = bare.or_else(|| hazards::of_path(&names, generics(path))) else {
            return false;
        };
        self.hazards += 1;
        // A type is named more than once where it is used once: `let map: HashMap<..> = HashMap::new()`.
        let again = hazard == Hazard::Hashed && mem::replace(&mut self.has_hashed, true);
        if !again {
            self.note_hazard(path, hazard);
        }
        true
    }

    fn note_hazard(&mut self, at: &dyn ToTokens, hazard: Hazard) {
        if !self.around.is_reported {
            self.rules.hazard(at, hazard);
        }
    }

    /// Notes what a method call does that is judged.
    pub(super) fn note_method(&mut self, call: &ExprMethodCall, receiver: &Value) {
        if receiver.met.operations && is_option(&call.method) {
            self.rules.late_option(&call.method);
        }
        if !self.is_judged() {
            return;
        }
        let is_time = hazards::is_elapsed(call) && self.is_time(&call.receiver);
        if let Some(hazard) = hazards::of_method(call, is_time, receiver.holds() == Holds::Path) {
            self.note_hazard(&call.method, hazard);
        }
        if is_of_result(&call.method) {
            self.note_result(&call.receiver);
        }
    }

    /// Notes that this is taken for a `Result`. Of what is called `elapsed`, that is so for system times.
    pub(super) fn note_result(&mut self, value: &Expr) {
        if let Expr::MethodCall(call) = peel(value)
            && hazards::is_elapsed(call)
            && self.is_judged()
            && root_name(&call.receiver).is_some()
            && hazards::of_method(call, self.is_time(&call.receiver), false).is_none()
        {
            self.note_hazard(&call.method, Hazard::Elapsed);
        }
    }

    /// Notes what is assigned to.
    pub(super) fn note_assigned(&mut self, place: &Expr) {
        if let (true, Some(name), Some(_)) =
            (self.is_judged(), last_name(place), hazards::shared(place))
        {
            self.note_hazard(name, Hazard::Shared);
        }
    }

    /// Notes the application state that the body or one of its steps reads.
    pub(super) fn note_state(&mut self, call: &ExprMethodCall) {
        let receiver = referenced_name(&call.receiver).and_then(|name| self.names.local(name));
        let gives_state = receiver.is_some_and(|local| {
            local == LocalId::CONTEXT || self.locals[local.index()].holds == Holds::Step
        });
        if gives_state && call.method == "state" {
            self.body
                .states
                .extend(turbofish(call.turbofish.as_ref()).cloned());
        }
    }

    /// Whether this is what `ctx.now()` gave.
    pub(super) fn is_time(&self, value: &Expr) -> bool {
        match peel(value) {
            Expr::MethodCall(call) => call.method == "now" && self.is_context(&call.receiver),
            value => self.holds(value) == Some(Holds::Time),
        }
    }
}
