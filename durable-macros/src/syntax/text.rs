//! Source tokens as text: the same text however the source is laid out.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The tokens as a person would write them on one line.
pub(crate) fn text(tokens: impl ToTokens) -> String {
    let mut printer = Printer::default();
    printer.stream(tokens.into_token_stream());
    printer.text
}

const KEYWORDS: [&str; 12] = [
    "as", "async", "await", "else", "for", "if", "in", "let", "match", "move", "mut", "return",
];

/// What was printed last, as far as spacing cares.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing, or a token that wants none after it: `(`, `.`, `::`, a unary operator.
    #[default]
    Tight,
    /// A name, a literal or a closing bracket.
    Operand,
    /// A keyword, a comma or a binary operator.
    Spaced,
}

#[derive(Default)]
struct Printer {
    text: String,
    last: Last,
    /// How many generic brackets are open.
    generics: usize,
    /// Whether the parameters of a closure are open.
    bars: bool,
    after_path: bool,
}

impl Printer {
    fn stream(&mut self, tokens: TokenStream) {
        let mut joint = String::new();
        for token in tokens {
            match token {
                TokenTree::Punct(punct) => {
                    if punct.as_char() == '\'' && !joint.is_empty() {
                        // `&'a`: a lifetime is a token of its own.
                        self.operator(&std::mem::take(&mut joint));
                    }
                    joint.push(punct.as_char());
                    // `>` never joins: `Vec<Vec<u8>>` ends two brackets.
                    let ends = self.generics > 0 && punct.as_char() == '>';
                    // Nor does `::`: what follows it is a token of its own.
                    let whole = ends || joint == "'" || joint == "::";
                    if punct.spacing() == Spacing::Alone || whole {
                        let operator = std::mem::take(&mut joint);
                        self.operator(&operator);
                    }
                }
                TokenTree::Ident(ident) => self.word(&ident.to_string()),
                TokenTree::Literal(literal) => self.word(&literal.to_string()),
                TokenTree::Group(group) => self.group(group.delimiter(), group.stream()),
            }
        }
    }

    fn push(&mut self, space: bool, text: &str, last: Last) {
        if space && !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.last = last;
        self.after_path = text == "::";
    }

    fn word(&mut self, word: &str) {
        let last = if KEYWORDS.contains(&word) && !self.text.ends_with('.') {
            Last::Spaced
        } else {
            Last::Operand
        };
        self.push(self.last != Last::Tight, word, last);
    }

    fn group(&mut self, delimiter: Delimiter, inner: TokenStream) {
        let (open, close) = match delimiter {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::Brace => ("{ ", "}"),
            Delimiter::None => return self.stream(inner),
        };
        let brace = delimiter == Delimiter::Brace;
        self.push(brace || self.last == Last::Spaced, open, Last::Tight);
        let bars = std::mem::take(&mut self.bars);
        let generics = std::mem::take(&mut self.generics);
        self.stream(inner);
        (self.bars, self.generics) = (bars, generics);
        self.push(brace, close, Last::Operand);
    }

    fn operator(&mut self, operator: &str) {
        let operand = self.last == Last::Operand;
        match operator {
            "::" | "." => self.push(
                self.last == Last::Spaced && operator == "::",
                operator,
                Last::Tight,
            ),
            "," | ";" | ":" => self.push(false, operator, Last::Spaced),
            "?" => self.push(false, operator, Last::Operand),
            "'" => self.push(self.last != Last::Tight, operator, Last::Tight),
            "!" => self.push(!operand && self.last == Last::Spaced, operator, Last::Tight),
            ".." | "..=" => self.push(self.last == Last::Spaced, operator, Last::Tight),
            "<" if self.after_path || self.generics > 0 || self.names_a_type() => {
                self.generics += 1;
                self.push(false, operator, Last::Tight);
            }
            ">" if self.generics > 0 => {
                self.generics -= 1;
                self.push(false, operator, Last::Operand);
            }
            "|" if self.bars => {
                self.bars = false;
                self.push(false, operator, Last::Spaced);
            }
            "|" if !operand => {
                self.bars = true;
                self.push(self.last == Last::Spaced, operator, Last::Tight);
            }
            _ if operand => self.push(true, operator, Last::Spaced),
            // A unary operator.
            _ => self.push(self.last == Last::Spaced, operator, Last::Tight),
        }
    }

    /// Whether the last word reads like a type: `Vec`, not `count`.
    fn names_a_type(&self) -> bool {
        self.text
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .is_some_and(|word| word.starts_with(char::is_uppercase))
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn source_reads_the_same_however_it_is_laid_out() {
        for source in [
            "input.total > 100",
            "let Some(parcel) = parcels.get(i + 1)",
            "order.is_paid() && !order.lines.is_empty()",
            "items.iter().any(|item| item.price >= limit)",
            "Vec<Option<u8>>",
            "Retry::exponential().max_attempts(5)",
            "parse::<u32>(&text)?",
            "Status::Paid { by, .. } | Status::Free",
            "for (i, item) in items.iter().enumerate()",
            "matches!(kind, Kind::A | Kind::B)",
            "0..=n * 2",
            "-x < *limit",
            "&'static str",
        ] {
            let tokens: proc_macro2::TokenStream = source.parse().unwrap();
            assert_eq!(text(tokens), source);
        }
    }
}
