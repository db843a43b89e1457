//! The call as a whole: which form it is, and what stands around the shape in each.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Ident, Token, Visibility};

use super::{Parser, delimiters, read};
use crate::ast::{Call, Declaration, Item};
use crate::report::Fault;

/// Keywords with which people begin a type that is not a struct, or an item that is not a type.
const OTHER_ITEMS: [&str; 13] =
    ["class", "const", "enum", "fn", "impl", "let", "mod", "record", "static", "trait", "type", "union", "use"];

impl Parser<'_, '_> {
    pub(super) fn call(&mut self) -> Call {
        if self.at_end() {
            self.report.at(self.here(), Fault::Empty);
            return Call::Unclear;
        }
        let attributes = self.attributes();
        let visibility = self.visibility();
        if self.begins_item(!attributes.is_empty() || !matches!(visibility, Visibility::Inherited)) {
            return Call::Item(Box::new(self.item(attributes, visibility)));
        }
        if self.input.peek(syn::Ident) && self.input.peek2(Token![<]) {
            let name = self.found().replace('`', "");
            self.report.at(self.here(), Fault::NamedExpression { name });
            self.bump();
        }
        Call::Expression(self.expression())
    }

    fn attributes(&mut self) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        while self.input.peek(Token![#]) {
            let start = self.here();
            if self.input.peek2(Token![!]) {
                self.report.at(start, Fault::InnerAttribute);
                self.bump_operator(2);
                self.group();
                continue;
            }
            let ahead = self.input.fork();
            match ahead.call(Attribute::parse_outer) {
                // Read one by one, so that a fault in one costs no other.
                Ok(_) => {
                    let one: TokenStream = [self.bump(), self.bump()].into_iter().flatten().collect();
                    let parsed = syn::parse::Parser::parse2(Attribute::parse_outer, one);
                    attributes.extend(parsed.unwrap_or_default());
                }
                Err(error) => {
                    self.report.at(error.span(), Fault::Syntax { message: error.to_string() });
                    self.bump();
                    self.group();
                }
            }
        }
        attributes
    }

    fn visibility(&mut self) -> Visibility {
        match self.input.parse::<Visibility>() {
            Ok(visibility) => {
                self.last = visibility.to_token_stream().into_iter().last().map_or(self.last, |token| token.span());
                visibility
            }
            Err(error) => {
                self.report.at(error.span(), Fault::Syntax { message: error.to_string() });
                Visibility::Inherited
            }
        }
    }

    /// Decides between the forms and consumes what stands before the name. `certain`: attributes or a visibility
    /// have settled that this is an item.
    fn begins_item(&mut self, certain: bool) -> bool {
        let Some(word) = self.peek_word() else {
            // At the end the name is missing too, and the message about that names both.
            if certain && !self.at_end() {
                self.report.at(self.here(), Fault::StructMissing);
            }
            return certain;
        };
        if word == "struct" {
            self.bump();
            return true;
        }
        // A name behind it: `enum Digits`, `strct Digits<`.
        let before_name = self.input.peek2(syn::Ident) && (certain || self.input.peek3(Token![<]));
        let other_item = OTHER_ITEMS.iter().any(|keyword| word == keyword) && !self.input.peek2(Token![=>]);
        if before_name || other_item {
            self.report.at(word.span(), Fault::NotAStruct { found: word.to_string() });
            self.bump();
            return true;
        }
        // Without `struct`, the `;` of an item tells `Digits<64 => 10>;` from a value with a name.
        let ends_as_item = || {
            let tokens: Vec<_> = self.input.cursor().token_stream().into_iter().collect();
            matches!(tokens.last(), Some(proc_macro2::TokenTree::Punct(last)) if last.as_char() == ';')
        };
        if certain || (self.input.peek(syn::Ident) && self.input.peek2(Token![<]) && ends_as_item()) {
            self.report.at(word.span(), Fault::StructMissing);
            return true;
        }
        false
    }

    /// `Name<SHAPE>: f64, option = value;`, what stands before it being read.
    fn item(&mut self, attributes: Vec<Attribute>, visibility: Visibility) -> Item {
        let name = self.name();
        let mut declaration = Declaration::default();
        let closed = self.item_shape(name.is_some(), &mut declaration);
        self.tail(&mut declaration);
        if self.input.peek(Token![;]) {
            self.bump();
        } else if closed {
            // A declaration that breaks off before its shape ends lacks more than this, which has been said.
            self.report.at(self.last, Fault::SemicolonMissing);
        }
        self.after_item();
        Item { attributes, visibility, name, declaration }
    }

    fn name(&mut self) -> Option<Ident> {
        if let Ok(name) = self.input.parse::<Ident>() {
            self.last = name.span();
            return Some(name);
        }
        self.report.at(self.here(), Fault::NameMissing { found: self.found() });
        // A keyword or `_` in the name's place is skipped, so that the shape is still checked.
        if self.peek_word().is_some() {
            self.bump();
        }
        None
    }

    /// Whether the shape has an end.
    fn item_shape(&mut self, named: bool, declaration: &mut Declaration) -> bool {
        if self.input.peek(Token![::]) {
            self.report.at(self.here(), Fault::ShapeTurbofish);
            self.bump_operator(2);
        }
        if self.input.peek(Token![<]) {
            return self.angled_shape(declaration);
        }
        if self.peek_group() {
            self.grouped_shape(declaration);
            return true;
        }
        if self.input.peek(syn::Lit) {
            self.report.at(self.here(), Fault::ShapeDelimiter { found: self.found().replace('`', "") });
            self.shape(declaration, false);
            return true;
        }
        declaration.broken = true;
        // After a missing name this would be a second message for one slip.
        if named {
            self.report.at(self.here(), Fault::ShapeMissing { found: self.found() });
            self.skip_to_separator();
        }
        false
    }

    /// The shape in the wrong delimiters.
    fn grouped_shape(&mut self, declaration: &mut Declaration) {
        let Some(group) = self.group() else { return };
        self.report.at(group.span_open(), Fault::ShapeDelimiter { found: delimiters(&group).to_owned() });
        read(group.stream(), group.span_open(), self.report, |parser| {
            parser.shape(declaration, false);
            parser.tail(declaration);
        });
    }

    /// What follows the `;` of an item: nothing, if all is well.
    fn after_item(&mut self) {
        if self.at_end() {
            return;
        }
        let tokens = self.input.cursor().token_stream();
        let first = self.peek_word().map(|word| word.unraw().to_string());
        let item = self.input.peek(Token![#]) || matches!(first.as_deref(), Some("pub" | "struct"));
        let fault = if item { Fault::SecondItem } else { Fault::Unexpected { found: self.found() } };
        self.report.over(tokens.into_token_stream(), fault);
    }

    /// The expression form.
    fn expression(&mut self) -> Declaration {
        let mut declaration = Declaration::default();
        // `<T as Trait>::WIDTH => 10` has a `<` too, but no shape between the brackets.
        let qualified_path = self.input.fork().parse::<syn::ExprPath>().is_ok();
        if self.input.peek(Token![<]) && !qualified_path {
            self.angled_shape(&mut declaration);
        } else if self.peek_group() && self.group_is_shape() {
            self.grouped_shape(&mut declaration);
        } else {
            self.shape(&mut declaration, false);
        }
        self.tail(&mut declaration);
        if self.input.peek(Token![;]) {
            self.report.at(self.here(), Fault::SemicolonInExpression);
            self.bump();
            self.after_item();
        }
        declaration
    }

    /// Whether the next group holds a whole shape, `(2 => 4)`, and not a computed width, `(2 + 2) => 4`.
    fn group_is_shape(&self) -> bool {
        let ahead = self.input.fork();
        let Ok(group) = ahead.parse::<proc_macro2::Group>() else { return false };
        let arrow = |input: syn::parse::ParseStream<'_>| {
            let mut found = false;
            while !input.is_empty() {
                found |= input.peek(Token![=>]);
                input.parse::<proc_macro2::TokenTree>()?;
            }
            Ok(found)
        };
        syn::parse::Parser::parse2(arrow, group.stream()).unwrap_or(false)
    }
}
