//! What follows the shape: the element type and the options; and values, wherever they stand.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::{Ident, Lit, Token, token};

use super::{Parser, read};
use crate::ast::{Arguments, Declaration, Setting, Term, Value};
use crate::report::Fault;

impl Parser<'_, '_> {
    /// `: f32, option = value, …` up to `;` or the end.
    pub(super) fn tail(&mut self, declaration: &mut Declaration) {
        let mut after_comma = false;
        while !self.at_end() && !self.input.peek(Token![;]) {
            if self.input.peek(Token![,]) {
                if after_comma {
                    self.report.at(self.here(), Fault::CommaDoubled);
                }
                self.bump();
                after_comma = true;
                continue;
            }
            if after_comma {
                self.option(declaration);
            } else if self.input.peek(Token![:]) {
                self.element(declaration);
            } else if self.begins_next_item() {
                return;
            } else if self.input.peek(Ident) && self.option_sign_follows() {
                self.report.at(self.here(), Fault::OptionComma);
                self.option(declaration);
            } else {
                self.unexpected();
            }
            after_comma = false;
        }
    }

    /// `struct`, `pub` or an attribute: the next item, before which a `;` is missing.
    fn begins_next_item(&self) -> bool {
        self.input.peek(Token![struct]) || self.input.peek(Token![pub]) || self.input.peek(Token![#])
    }

    /// Whether the token after the next is what people write between an option and its value.
    fn option_sign_follows(&self) -> bool {
        self.input.peek2(Token![=]) || self.input.peek2(Token![:]) || self.input.peek2(token::Paren)
    }

    fn unexpected(&mut self) {
        let fault = if self.input.peek(Token![where]) {
            Fault::Where
        } else if self.peek_group() {
            Fault::Body
        } else {
            Fault::Unexpected { found: self.found() }
        };
        self.report.at(self.here(), fault);
        self.bump();
        self.skip_to_separator();
    }

    /// `: f64`, the colon being next.
    pub(super) fn element(&mut self, declaration: &mut Declaration) {
        let colon = self.here();
        self.bump();
        let path = self.input.peek2(Token![::]) || self.input.peek(Token![::]);
        let Some(element) = self.peek_word().filter(|_| !path) else {
            let found = self.found();
            self.report.at(if self.at_separator() { colon } else { self.here() }, Fault::ElementMissing { found });
            self.skip_to_separator_or_close();
            return;
        };
        self.bump();
        if declaration.element.is_some() {
            self.report.at(element.span(), Fault::ElementTwice);
        } else {
            declaration.element = Some(element);
        }
    }

    /// As far as a separator, or the `>` of a shape that this stands in by mistake.
    fn skip_to_separator_or_close(&mut self) {
        while !self.at_separator() && !self.input.peek(Token![>]) {
            self.bump();
        }
    }

    /// `name = value`.
    pub(super) fn option(&mut self, declaration: &mut Declaration) {
        let Some(name) = self.word() else {
            self.report.at(self.here(), Fault::OptionExpected { found: self.found() });
            self.bump();
            self.skip_to_separator();
            return;
        };
        let written = || name.unraw().to_string();
        if self.input.peek(token::Paren) {
            self.report.at(self.here(), Fault::OptionEquals { name: written() });
            let value = self.arguments().and_then(|arguments| arguments.values.into_iter().next());
            declaration.settings.push(Setting { name, value });
            return;
        }
        let equals = self.input.peek(Token![=]) && !self.input.peek(Token![=>]) && !self.input.peek(Token![==]);
        if equals {
            self.bump();
        } else if !self.at_separator() && self.peek_word().is_none() && !self.input.peek(Lit) {
            self.report.at(self.here(), Fault::OptionEquals { name: written() });
            while !self.at_separator() && self.peek_word().is_none() && !self.input.peek(Lit) {
                self.bump();
            }
        } else if !self.at_separator() {
            self.report.at(self.here(), Fault::OptionEquals { name: written() });
        }
        let value = self.value();
        declaration.settings.push(Setting { name, value });
    }

    /// A value, up to a separator; `None` if there is none.
    pub(super) fn value(&mut self) -> Option<Value> {
        if self.at_separator() {
            return None;
        }
        let negative = self.input.peek(Token![-]).then(|| self.here());
        let literal = if negative.is_some() { self.input.peek2(Lit) } else { self.input.peek(Lit) };
        if literal {
            if negative.is_some() {
                self.bump();
            }
            // Cannot fail behind the peek; were it to, nothing would be lost but the value.
            let literal = self.input.parse::<Lit>().ok()?;
            self.last = literal.span();
            return Some(Value::Literal { negative, literal });
        }
        if !self.input.peek2(Token![::])
            && let Some(name) = self.peek_word()
        {
            self.bump();
            let arguments = self.arguments();
            return Some(Value::Named(Term { name, arguments }));
        }
        let mut tokens = TokenStream::new();
        while !self.at_separator() && (tokens.is_empty() || !self.input.peek(Token![>])) {
            tokens.extend(self.bump());
        }
        Some(Value::Other(tokens))
    }

    /// `(value, …)`, if parentheses come next.
    pub(super) fn arguments(&mut self) -> Option<Arguments> {
        if !self.input.peek(token::Paren) {
            return None;
        }
        let group = self.group()?;
        let mut values = Vec::new();
        read(group.stream(), group.span_open(), self.report, |parser| {
            while !parser.at_end() {
                match parser.value() {
                    Some(value) => values.push(value),
                    None => drop(parser.bump()),
                }
            }
        });
        Some(Arguments { span: group.span(), values })
    }
}
