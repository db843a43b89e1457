//! The shape: `64 => 256 relu dropout(0.2) => 10`.

use std::ops::ControlFlow;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{ExprPath, Ident, Lit, Token, token};

use super::Parser;
use crate::ast::{Declaration, Layer, Term, Width};
use crate::names::{ACTIVATIONS, DROPOUT, OPTIONS, names};
use crate::report::Fault;

impl Parser<'_, '_> {
    /// `<SHAPE>`, the `<` being next. Whether the `>` is there.
    pub(super) fn angled_shape(&mut self, declaration: &mut Declaration) -> bool {
        let open = self.here();
        self.bump();
        self.shape(declaration, true);
        let closed = self.input.peek(Token![>]);
        if closed {
            // Alone, also where it is glued to what follows, as in `>=`.
            self.bump();
        } else {
            self.report.at(open, Fault::ShapeOpen);
        }
        closed
    }

    /// A shape up to its end: `>` where it is `angled`; `:`, `,` and `;` too.
    pub(super) fn shape(&mut self, declaration: &mut Declaration, angled: bool) {
        // The arrow before the layer that is read next.
        let mut arrow: Option<TokenStream> = None;
        while self.begins_parameter(angled) {
            self.report.at(self.here(), Fault::Generics { found: self.found() });
            while !self.at_separator() && !self.input.peek(Token![>]) && self.arrow_length().is_none() {
                self.bump();
            }
            if self.input.peek(Token![,]) {
                self.bump();
            }
        }
        loop {
            if self.shape_ends(angled) {
                if let Some(arrow) = arrow {
                    self.report.over(arrow, Fault::ArrowTrailing);
                    declaration.layers.push(Layer { width: Width::Unknown, modifiers: Vec::new() });
                    declaration.broken = true;
                }
                break;
            }
            if self.input.peek(Token![=>]) {
                let fault = if arrow.is_some() { Fault::ArrowDoubled } else { Fault::ArrowLeading };
                let operator = self.bump_operator(2);
                self.report.over(&operator, fault);
                arrow = Some(operator);
                declaration.layers.push(Layer { width: Width::Unknown, modifiers: Vec::new() });
                declaration.broken = true;
                continue;
            }
            let width = self.width();
            declaration.broken |= matches!(width, Width::Unknown);
            let modifiers = self.modifiers(angled);
            declaration.layers.push(Layer { width, modifiers });
            arrow = match self.strays_in_shape(declaration, angled) {
                ControlFlow::Break(()) => break,
                ControlFlow::Continue(Some(comma)) => Some(comma),
                ControlFlow::Continue(None) => self.arrow(angled),
            };
        }
        if declaration.layers.len() < 2 {
            // A fault that explains it has been reported where `broken` is set.
            if !declaration.broken {
                let found = match declaration.layers.len() {
                    0 => self.found(),
                    _ => "a single width".to_owned(),
                };
                self.report.at(self.last, Fault::LayersMissing { found });
            }
            declaration.broken = true;
        }
    }

    /// `'a`, `const N: usize` or `T,` before the shape, as in the generics of an ordinary struct.
    fn begins_parameter(&self, angled: bool) -> bool {
        let bare = self.input.peek(syn::Ident) && self.input.peek2(Token![,]) && !self.input.peek3(Token![>]);
        self.input.peek(syn::Lifetime) || self.input.peek(Token![const]) || (angled && bare)
    }

    fn shape_ends(&self, angled: bool) -> bool {
        let closed = angled && self.input.peek(Token![>]) && !self.backward_arrow();
        // `64 => 10 seed = 1`: a comma is missing, which is found behind the shape.
        let option = !angled
            && self.peek_word().is_some_and(|word| OPTIONS.iter().any(|name| word == name))
            && self.input.peek2(Token![=])
            && !self.input.peek2(Token![=>]);
        closed || option || self.at_separator() || (self.input.peek(Token![:]) && !self.input.peek(Token![::]))
    }

    /// `>=` between two widths, as opposed to the end of `<…>` glued to a stray `=`.
    fn backward_arrow(&self) -> bool {
        self.input.peek(Token![>=]) && self.input.peek3(Lit)
    }

    /// A width; whatever stands in its place is consumed.
    fn width(&mut self) -> Width {
        let start = self.here();
        if self.input.peek(Token![-]) && self.input.peek2(Lit) {
            return self.negative_width();
        }
        if self.input.peek(Lit) {
            return self.literal_width();
        }
        if self.input.peek(token::Brace) {
            return self.group().map_or(Width::Unknown, Width::Computed);
        }
        if self.peek_group() {
            self.report.at(start, Fault::WidthExpression { found: self.found() });
            self.group();
            return Width::Unknown;
        }
        let known = names(&ACTIVATIONS);
        if let Some(word) = self.peek_word()
            && (known.iter().any(|name| word == name) || word == DROPOUT.name)
            && !self.input.peek2(Token![::])
        {
            self.report.at(start, Fault::WidthIsActivation { name: word.to_string() });
            // `relu 48` is the right words in the wrong order; else the word is left for the modifiers to read.
            if self.input.peek2(Lit) {
                self.bump();
                return self.literal_width();
            }
            return Width::Unknown;
        }
        if self.peek_word().is_some() || self.input.peek(Token![::]) || self.input.peek(Token![<]) {
            return self.path_width();
        }
        self.report.at(start, Fault::WidthExpected { found: self.found() });
        self.bump();
        // `+64`, `&64`: the width may stand behind what does not belong there.
        if self.input.peek(Lit) { self.literal_width() } else { Width::Unknown }
    }

    fn path_width(&mut self) -> Width {
        let start = self.here();
        let ahead = self.input.fork();
        let unfinished = |path: &ExprPath| {
            path.path.segments.last().is_none_or(|last| syn::parse2::<Ident>(last.ident.to_token_stream()).is_err())
        };
        match ahead.parse::<ExprPath>() {
            Ok(path) if !unfinished(&path) => {
                while self.input.cursor() != ahead.cursor() && self.bump().is_some() {}
                let of_self = path.qself.is_none() && path.path.segments.first().is_some_and(|s| s.ident == "Self");
                if of_self {
                    self.report.at(start, Fault::WidthSelf);
                    return Width::Unknown;
                }
                Width::Path(path)
            }
            // A keyword, or half a path: `crate`, `crate::`.
            _ => {
                self.report.at(start, Fault::WidthExpected { found: self.found() });
                self.bump();
                loop {
                    if self.input.peek(Token![::]) {
                        self.bump_operator(2);
                    } else if self.input.peek(Ident) && self.input.peek2(Token![::]) {
                        self.bump();
                    } else {
                        break;
                    }
                }
                Width::Unknown
            }
        }
    }

    fn negative_width(&mut self) -> Width {
        let minus = self.bump_operator(1);
        let Ok(literal) = self.input.parse::<Lit>() else { return Width::Unknown };
        self.last = literal.span();
        let written = quote!(#minus #literal);
        let Lit::Int(digits) = literal else {
            self.report.over(written, Fault::WidthNotWhole { found: format!("-{}", literal.to_token_stream()) });
            return Width::Unknown;
        };
        self.report.over(written, Fault::WidthNegative { mend: digits.base10_digits().to_owned() });
        digits.base10_parse().map_or(Width::Unknown, |width| Width::Literal(width, digits.span()))
    }

    fn literal_width(&mut self) -> Width {
        let found = self.found();
        let Ok(literal) = self.input.parse::<Lit>() else {
            self.bump();
            return Width::Unknown;
        };
        let span = literal.span();
        self.last = span;
        match literal {
            Lit::Int(digits) => {
                if !matches!(digits.suffix(), "" | "usize") {
                    let (suffix, digits) = (digits.suffix().to_owned(), digits.base10_digits().to_owned());
                    self.report.at(span, Fault::WidthSuffix { suffix, digits });
                }
                match digits.base10_parse::<u64>() {
                    Ok(width) => Width::Literal(width, span),
                    Err(_) => {
                        let found = digits.base10_digits().to_owned();
                        self.report.at(span, Fault::WidthTooLarge { found });
                        Width::Unknown
                    }
                }
            }
            Lit::Float(number) => {
                self.report.at(span, Fault::WidthNotWhole { found: number.to_string() });
                match number.base10_parse::<f64>() {
                    // `64.0` and `1e3` mean what they say.
                    Ok(value) if value.fract() == 0.0 && (1.0..1e15).contains(&value) => {
                        Width::Literal(value as u64, span)
                    }
                    _ => Width::Unknown,
                }
            }
            _ => {
                self.report.at(span, Fault::WidthExpected { found });
                Width::Unknown
            }
        }
    }

    /// Activation and dropout, and whatever else stands before the next arrow.
    fn modifiers(&mut self, angled: bool) -> Vec<Term> {
        let mut modifiers = Vec::new();
        while !self.shape_ends(angled) && self.arrow_length().is_none() {
            let ends_path = self.input.peek2(Token![::]);
            if let Some(word) = self.peek_word()
                && !ends_path
                // `64 HIDDEN`: constants are written in capitals, so here an arrow is missing.
                && !is_constant(&word.to_string())
            {
                self.bump();
                modifiers.push(self.modifier(word));
            } else if self.input.peek(Lit) || self.peek_word().is_some() {
                break;
            } else if is_arithmetic(&self.found()) {
                self.report.at(self.here(), Fault::WidthExpression { found: self.found() });
                self.bump();
                // The other operand.
                if !self.shape_ends(angled) && self.arrow_length().is_none() {
                    self.bump();
                }
            } else {
                self.report.at(self.here(), Fault::ModifierExpected { found: self.found() });
                self.bump();
            }
        }
        modifiers
    }

    /// The rest of a modifier behind its name.
    fn modifier(&mut self, name: syn::Ident) -> Term {
        if name == DROPOUT.name && !self.input.peek(token::Paren) {
            // `dropout = 0.2` and `dropout 0.2`.
            let assigned = self.input.peek(Token![=]) && self.input.peek2(Lit);
            if assigned {
                self.bump();
            }
            if assigned || self.input.peek(syn::LitFloat) {
                let span = self.here();
                let example = format!("dropout({})", self.found().replace('`', ""));
                self.report.at(name.span(), Fault::DropoutUnparenthesised { example });
                let values = self.value().into_iter().collect();
                return Term { name, arguments: Some(crate::ast::Arguments { span, values }) };
            }
        }
        let arguments = self.arguments();
        Term { name, arguments }
    }

    /// An arrow between two layers, or what was most likely meant as one. `None` at the shape's end.
    fn arrow(&mut self, angled: bool) -> Option<TokenStream> {
        if self.shape_ends(angled) {
            return None;
        }
        match self.arrow_length() {
            Some(length) => {
                let right = self.input.peek(Token![=>]) && !self.input.peek(Token![==]);
                let found = self.found().replace('`', "");
                let operator = self.bump_operator(length);
                if !right {
                    let found = if found == "=" && length == 2 { "= >".to_owned() } else { found };
                    self.report.over(&operator, Fault::ArrowWrong { found });
                }
                Some(operator)
            }
            None => {
                self.report.at(self.here(), Fault::ArrowMissing { found: self.found() });
                None
            }
        }
    }

    /// How many characters the arrow has that comes next, right or wrong.
    fn arrow_length(&self) -> Option<usize> {
        let input = self.input;
        if input.peek(Token![=>]) || input.peek(Token![->]) || self.backward_arrow() || input.peek(Token![<=]) {
            Some(2)
        } else if input.peek(Token![==]) || input.peek(Token![<-]) {
            Some(if input.peek3(Token![>]) { 3 } else { 2 })
        } else if input.peek(Token![-]) && input.peek2(Token![->]) {
            Some(3)
        } else if input.peek(Token![=]) {
            Some(if input.peek2(Token![>]) && input.peek3(Lit) { 2 } else { 1 })
        } else {
            None
        }
    }

    /// Commas, colons and options where they do not belong. `Break` at the shape's end; a comma that was meant as
    /// an arrow is returned.
    fn strays_in_shape(&mut self, declaration: &mut Declaration, angled: bool) -> ControlFlow<(), Option<TokenStream>> {
        loop {
            if self.input.peek(Token![,]) {
                let option =
                    self.input.peek2(syn::Ident) && self.input.peek3(Token![=]) && !self.input.peek3(Token![=>]);
                if angled && option {
                    self.bump();
                    self.report.at(self.here(), Fault::OptionInShape);
                    self.option(declaration);
                } else if self.input.peek2(Lit) || (angled && self.input.peek2(syn::Ident)) {
                    let comma = self.bump_operator(1);
                    self.report.over(&comma, Fault::ArrowWrong { found: ",".to_owned() });
                    return ControlFlow::Continue(Some(comma));
                } else if angled {
                    self.report.at(self.here(), Fault::CommaInShape);
                    self.bump();
                } else {
                    return ControlFlow::Break(());
                }
            } else if angled && self.input.peek(Token![:]) && !self.input.peek(Token![::]) {
                self.report.at(self.here(), Fault::ElementInShape);
                self.element(declaration);
            } else if self.shape_ends(angled) {
                return ControlFlow::Break(());
            } else {
                return ControlFlow::Continue(None);
            }
        }
    }
}

/// `+`, `*` and so on, as [`Parser::found`] shows them.
fn is_arithmetic(found: &str) -> bool {
    matches!(found, "`+`" | "`-`" | "`*`" | "`/`" | "`%`" | "`<<`" | "`>>`" | "`(…)`" | "`[…]`" | "`{…}`")
}

fn is_constant(word: &str) -> bool {
    word.chars().any(char::is_uppercase) && !word.chars().any(char::is_lowercase)
}
