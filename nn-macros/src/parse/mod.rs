//! Syntax: tokens to an [`ast::Call`](crate::ast::Call), past every fault to the end.
//!
//! syn's own parsers give up at the first fault, so here each rule reports what is wrong, takes what was most
//! likely meant, and goes on. No rule fails, and every loop consumes a token in each turn.

mod fragments;
mod item;
mod settings;
mod shape;

use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser as _};
use syn::{Ident, Token, token};

use crate::ast::Call;
use crate::report::{Fault, Report};

/// Reads a whole call.
pub(crate) fn parse(tokens: TokenStream, report: &mut Report) -> Call {
    let mut call = Call::Unclear;
    read(fragments::resolved(tokens), Span::call_site(), report, |parser| call = parser.call());
    call
}

/// Runs `rule` over all of `tokens`; `before` is where a fault at their end is shown if there are none.
fn read(tokens: TokenStream, before: Span, report: &mut Report, rule: impl FnOnce(&mut Parser<'_, '_>)) {
    let outcome = (|input: ParseStream<'_>| {
        let mut parser = Parser { input, report: &mut *report, last: before };
        rule(&mut parser);
        while !parser.at_end() {
            parser.bump();
        }
        Ok(())
    })
    .parse2(tokens);
    if let Err(error) = outcome {
        report.at(error.span(), Fault::Syntax { message: error.to_string() });
    }
}

/// Where in the tokens the reading is, and what was wrong so far.
struct Parser<'input, 'report> {
    input: ParseStream<'input>,
    report: &'report mut Report,
    /// The token behind us: where a fault is shown that lies in what is missing.
    last: Span,
}

impl Parser<'_, '_> {
    fn at_end(&self) -> bool {
        self.input.is_empty()
    }

    /// Consumes one token, if there is one.
    fn bump(&mut self) -> Option<TokenTree> {
        let tree = self.input.parse::<TokenTree>().ok()?;
        self.last = match &tree {
            TokenTree::Group(group) => group.span_close(),
            other => other.span(),
        };
        Some(tree)
    }

    /// Consumes `count` tokens: an operator of as many characters.
    fn bump_operator(&mut self, count: usize) -> TokenStream {
        std::iter::from_fn(|| self.bump()).take(count).collect()
    }

    /// The next token's span, or the last one's at the end.
    fn here(&self) -> Span {
        if self.at_end() { self.last } else { self.input.span() }
    }

    /// What comes next, for a message.
    fn found(&self) -> String {
        if let Some((lifetime, _)) = self.input.cursor().lifetime() {
            return format!("`{lifetime}`");
        }
        let mut rest = self.input.cursor();
        let mut operator = String::new();
        while let Some((tree, next)) = rest.token_tree() {
            match tree {
                // `;` and `,` belong to no operator, however close they stand.
                TokenTree::Punct(punct) if operator.is_empty() || !matches!(punct.as_char(), ';' | ',') => {
                    operator.push(punct.as_char());
                    if punct.spacing() == Spacing::Alone || matches!(punct.as_char(), ';' | ',') {
                        break;
                    }
                    rest = next;
                }
                _ if !operator.is_empty() => break,
                TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                    return format!("`{}`", group.stream());
                }
                TokenTree::Group(group) => return format!("`{}`", delimiters(&group)),
                other => return format!("`{other}`"),
            }
        }
        if operator.is_empty() { "the end".to_owned() } else { format!("`{operator}`") }
    }

    /// The next token, if it is a name or a keyword.
    fn peek_word(&self) -> Option<Ident> {
        self.input.fork().call(Ident::parse_any).ok()
    }

    /// Consumes a name or keyword.
    fn word(&mut self) -> Option<Ident> {
        let word = self.input.call(Ident::parse_any).ok()?;
        self.last = word.span();
        Some(word)
    }

    /// Consumes a group in parentheses, brackets or braces.
    fn group(&mut self) -> Option<Group> {
        let group = self.input.parse::<Group>().ok()?;
        self.last = group.span_close();
        Some(group)
    }

    /// Whether a group in parentheses, brackets or braces comes next.
    fn peek_group(&self) -> bool {
        self.input.peek(token::Paren) || self.input.peek(token::Bracket) || self.input.peek(token::Brace)
    }

    /// Consumes everything before the next `,` or `;`.
    fn skip_to_separator(&mut self) {
        while !self.at_separator() {
            self.bump();
        }
    }

    /// Whether an option ends here.
    fn at_separator(&self) -> bool {
        self.at_end() || self.input.peek(Token![,]) || self.input.peek(Token![;])
    }
}

fn delimiters(group: &Group) -> &'static str {
    match group.delimiter() {
        Delimiter::Parenthesis => "(…)",
        Delimiter::Brace => "{…}",
        Delimiter::Bracket => "[…]",
        Delimiter::None => "…",
    }
}
