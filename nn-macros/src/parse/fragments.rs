//! Fragments that another macro forwards: `$w:expr`, `$name:path`, `$vis:vis` and so on.
//!
//! The compiler hands over what such a fragment stands for in a group without delimiters. Nobody sees that group, and
//! most parsers look through it: of `W + 1` they would read `W` and lose the rest. So the groups are resolved before
//! anything is read.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{ExprPath, Visibility};

use crate::names::{ACTIVATIONS, DROPOUT, INITS, LOSSES};

/// The same tokens without invisible groups.
///
/// What the grammar reads token by token takes the group's place: a name, a literal and its minus, a path, a
/// visibility, and a word with its number, as in `dropout(0.2)`. Anything else is an expression, and gets the braces in
/// which a computed width stands.
pub(super) fn resolved(tokens: TokenStream) -> TokenStream {
    let mut resolved: Vec<TokenTree> = Vec::new();
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => match group.delimiter() {
                Delimiter::None => resolved.extend(fragment(&group)),
                // An expression is for the compiler to read, which knows these groups.
                Delimiter::Brace => resolved.push(group.into()),
                // So is an attribute.
                Delimiter::Bracket if follows_hash(&resolved) => resolved.push(group.into()),
                Delimiter::Bracket | Delimiter::Parenthesis => resolved.push(inside(group)),
            },
            other => resolved.push(other),
        }
    }
    resolved.into_iter().collect()
}

/// Whether `#` or `#!` comes before.
fn follows_hash(before: &[TokenTree]) -> bool {
    let punct = |tree: &TokenTree, c| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == c);
    match before {
        [.., hash, bang] if punct(bang, '!') => punct(hash, '#'),
        [.., hash] => punct(hash, '#'),
        [] => false,
    }
}

/// A group with its contents resolved. One without fragments stays as it is, for a new one loses the places of its
/// delimiters.
fn inside(group: Group) -> TokenTree {
    if !holds_fragment(&group) {
        return group.into();
    }
    let mut new = Group::new(group.delimiter(), resolved(group.stream()));
    new.set_span(group.span());
    new.into()
}

fn holds_fragment(group: &Group) -> bool {
    group.stream().into_iter().any(
        |tree| matches!(tree, TokenTree::Group(inner) if inner.delimiter() == Delimiter::None || holds_fragment(&inner)),
    )
}

/// What takes the place of an invisible group.
fn fragment(group: &Group) -> TokenStream {
    let tokens = resolved(group.stream());
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let plain = match trees.as_slice() {
        [] => true,
        // Parentheses hold an expression.
        [TokenTree::Group(only)] => only.delimiter() == Delimiter::Brace,
        [_] => true,
        [TokenTree::Punct(minus), TokenTree::Literal(_)] => minus.as_char() == '-',
        [TokenTree::Ident(name), TokenTree::Group(arguments)] => {
            let words = ACTIVATIONS.iter().chain(&LOSSES).chain(&INITS).chain([&DROPOUT]);
            arguments.delimiter() == Delimiter::Parenthesis && words.into_iter().any(|word| name == word.name)
        }
        _ => false,
    };
    let visibility =
        || matches!(syn::parse2::<Visibility>(tokens.clone()), Ok(Visibility::Public(_) | Visibility::Restricted(_)));
    if plain || visibility() || syn::parse2::<ExprPath>(tokens.clone()).is_ok() {
        return tokens;
    }
    let mut braces = Group::new(Delimiter::Brace, group.stream());
    braces.set_span(group.span());
    TokenTree::from(braces).into()
}
