//! The stages together, on tokens.

use proc_macro2::{LineColumn, TokenStream, TokenTree};
use syn::LitStr;

mod bodies;
mod editor;
mod fuzz;
mod golden;

/// What an expansion reports, in its order, and where.
fn errors(expansion: TokenStream) -> Vec<(LineColumn, String)> {
    let mut errors = Vec::new();
    let trees: Vec<TokenTree> = expansion.into_iter().collect();
    for (index, tree) in trees.iter().enumerate() {
        let TokenTree::Group(group) = tree else {
            continue;
        };
        let macro_path: TokenStream = trees[..index].iter().rev().take(4).cloned().collect();
        if macro_path.to_string() == "! compile_error : :" {
            let message: LitStr = syn::parse2(group.stream()).unwrap();
            errors.push((trees[index - 2].span().start(), message.value()));
        } else {
            errors.extend(self::errors(group.stream()));
        }
    }
    errors
}
