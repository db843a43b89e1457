//! Options, and the numbers that words take.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Lit;
use syn::ext::IdentExt;
use syn::parse::Parser as _;

use super::{Checker, Choice};
use crate::ast::{Setting, Term, Value};
use crate::names::{ACTIVATIONS, DROPOUT, ELEMENTS, INIT_FAMILIES, INITS, LOSSES, OPTIONS, Word, mend, names, nearest};
use crate::report::Fault;

/// The options that a call gave.
#[derive(Default)]
pub(super) struct Settings {
    /// With the span at which it is held against the output.
    pub(super) loss: Option<(Choice, Span)>,
    pub(super) init: Option<Choice>,
    pub(super) seed: u64,
    /// The path of nn-train.
    pub(super) krate: Option<TokenStream>,
}

/// What people give to a network that a trainer takes.
const TRAINING: [&str; 12] = [
    "optimizer",
    "optimiser",
    "lr",
    "learning_rate",
    "epochs",
    "batch_size",
    "batch",
    "l2",
    "lambda",
    "weight_decay",
    "momentum",
    "schedule",
];

/// What people call the element type.
const ELEMENT_OPTIONS: [&str; 6] = ["dtype", "element", "type", "scalar", "precision", "ty"];

impl Checker<'_> {
    pub(super) fn settings(&mut self, given: &[Setting]) -> Settings {
        let mut settings = Settings::default();
        let mut seen: Vec<String> = Vec::new();
        for setting in given {
            let name = setting.name.unraw().to_string();
            let known = OPTIONS.contains(&name.as_str());
            if known && seen.contains(&name) {
                self.report.at(setting.name.span(), Fault::OptionTwice { name: name.clone() });
            }
            match name.as_str() {
                "loss" => {
                    let loss = self.chosen(setting, "loss = mse", &LOSSES, Self::unknown_loss);
                    settings.loss = settings.loss.or(loss);
                }
                "init" => {
                    let init = self.chosen(setting, "init = he_normal", &INITS, Self::unknown_init);
                    settings.init = settings.init.or(init.map(|(choice, _)| choice));
                }
                "seed" => {
                    let seed = self.seed(setting);
                    if !seen.contains(&name) {
                        settings.seed = seed.unwrap_or_default();
                    }
                }
                "crate" => {
                    let krate = self.krate(setting);
                    settings.krate = settings.krate.take().or(krate);
                }
                _ => self.unknown_option(setting, name.clone()),
            }
            seen.push(name);
        }
        settings
    }

    fn unknown_option(&mut self, setting: &Setting, found: String) {
        let fault = if found == DROPOUT.name || found == "activation" {
            let name = match &setting.value {
                Some(Value::Named(term)) => term.name.to_string(),
                _ if found == "activation" => "relu".to_owned(),
                _ => "dropout(0.2)".to_owned(),
            };
            Fault::OptionOfLayer { name }
        } else if names(&ACTIVATIONS).contains(&found.as_str()) {
            Fault::OptionOfLayer { name: found }
        } else if ELEMENT_OPTIONS.contains(&found.as_str()) || ELEMENTS.contains(&found.as_str()) {
            Fault::OptionOfElement
        } else if TRAINING.contains(&found.as_str()) {
            Fault::OptionOfTrainer { name: found }
        } else {
            let mend = mend(&found, &OPTIONS);
            Fault::OptionUnknown { found, mend }
        };
        self.report.at(setting.name.span(), fault);
    }

    /// The value of an option that names a word of a table.
    fn chosen(
        &mut self,
        setting: &Setting,
        example: &str,
        words: &'static [Word],
        unknown: fn(String) -> Fault,
    ) -> Option<(Choice, Span)> {
        match setting.value.as_ref() {
            Some(Value::Named(term)) => {
                let found = term.name.unraw().to_string();
                let Some(word) = words.iter().find(|word| word.name == found) else {
                    self.report.at(term.name.span(), unknown(found));
                    return None;
                };
                let argument = self.argument(word, term);
                // Without its number the word would stand for nothing.
                (word.argument.is_none() || argument.is_some()).then(|| (Choice { word, argument }, term.name.span()))
            }
            Some(Value::Literal { literal: Lit::Str(text), .. }) => {
                let found = text.value();
                let name = nearest(&found, &names(words)).map_or(found, str::to_owned);
                self.report.at(text.span(), Fault::OptionQuoted { name });
                None
            }
            Some(value) => {
                let found = written(value);
                self.report.over(tokens(value), unknown(found));
                None
            }
            None => {
                self.missing(setting, example);
                None
            }
        }
    }

    fn missing(&mut self, setting: &Setting, example: &str) {
        let name = setting.name.to_string();
        self.report.at(setting.name.span(), Fault::OptionValue { name, example: example.to_owned() });
    }

    fn unknown_loss(found: String) -> Fault {
        let mend = mend(&found, &names(&LOSSES));
        Fault::LossUnknown { found, mend }
    }

    fn unknown_init(found: String) -> Fault {
        if let Some((_, family)) = INIT_FAMILIES.iter().find(|(name, _)| *name == found) {
            return Fault::InitFamily { found, family: (*family).to_owned() };
        }
        let mend = mend(&found, &names(&INITS));
        Fault::InitUnknown { found, mend }
    }

    fn seed(&mut self, setting: &Setting) -> Option<u64> {
        let Some(value) = &setting.value else {
            self.missing(setting, "seed = 42");
            return None;
        };
        if let Value::Literal { negative: None, literal: Lit::Int(digits) } = value
            && matches!(digits.suffix(), "" | "u64")
            && let Ok(seed) = digits.base10_parse()
        {
            return Some(seed);
        }
        self.report.over(tokens(value), Fault::SeedNotInteger { found: written(value) });
        None
    }

    /// The path of nn-train, in quotes or without.
    fn krate(&mut self, setting: &Setting) -> Option<TokenStream> {
        let Some(value) = &setting.value else {
            self.missing(setting, "crate = \"my_nn\"");
            return None;
        };
        let path = match value {
            Value::Literal { negative: None, literal: Lit::Str(text) } => {
                text.parse_with(syn::Path::parse_mod_style).ok()
            }
            Value::Named(Term { name, arguments: None }) => Some(syn::Path::from(name.clone())),
            Value::Other(tokens) => syn::Path::parse_mod_style.parse2(tokens.clone()).ok(),
            _ => None,
        };
        if path.is_none() {
            self.report.over(tokens(value), Fault::CrateNotPath { found: written(value) });
        }
        path.map(ToTokens::into_token_stream)
    }

    /// The number that `word` takes, as `term` gives it; a term without parentheses has none.
    pub(super) fn argument(&mut self, word: &'static Word, term: &Term) -> Option<f64> {
        let name = word.name.to_owned();
        let Some(expected) = word.argument else {
            if let Some(arguments) = &term.arguments {
                self.report.at(arguments.span, Fault::ArgumentUnwanted { name });
            }
            return None;
        };
        let (meaning, example) = (expected.meaning.to_owned(), expected.example.to_owned());
        let values = term.arguments.as_ref().map_or(&[][..], |arguments| &arguments.values);
        let value = match values {
            [] => {
                let span = term.arguments.as_ref().map_or(term.name.span(), |arguments| arguments.span);
                self.report.at(span, Fault::ArgumentMissing { name, meaning, example });
                return None;
            }
            [value] => value,
            [_, second, ..] => {
                self.report.over(tokens(second), Fault::ArgumentTooMany { name, example });
                return None;
            }
        };
        let found = written(value);
        let Some(number) = number(value) else {
            self.report.over(tokens(value), Fault::ArgumentNotNumber { name, meaning, found, example });
            return None;
        };
        if !(expected.contains)(number) {
            let range = expected.range.to_owned();
            self.report.over(tokens(value), Fault::ArgumentRange { name, meaning, found, range, example });
            return None;
        }
        if expected.rounded && self.single {
            let rounded = number as f32;
            if rounded.is_infinite() || (rounded == 0.0 && number != 0.0) {
                let becomes = if rounded == 0.0 { "0" } else { "infinite" }.to_owned();
                self.report.over(tokens(value), Fault::ArgumentRounded { name, meaning, found, becomes, example });
                return None;
            }
        }
        Some(number)
    }
}

/// A value as a number, if it is a literal of one.
fn number(value: &Value) -> Option<f64> {
    let Value::Literal { negative, literal } = value else { return None };
    let (digits, suffix) = match literal {
        Lit::Float(number) => (number.base10_digits(), number.suffix()),
        Lit::Int(number) => (number.base10_digits(), number.suffix()),
        _ => return None,
    };
    if !suffix.is_empty() && !ELEMENTS.contains(&suffix) {
        return None;
    }
    let magnitude: f64 = digits.parse().ok()?;
    Some(if negative.is_some() { -magnitude } else { magnitude })
}

/// A value's tokens, for the span of a fault.
fn tokens(value: &Value) -> TokenStream {
    match value {
        Value::Literal { negative, literal } => {
            let minus = negative.map(|span| {
                proc_macro2::TokenTree::from({
                    let mut minus = proc_macro2::Punct::new('-', proc_macro2::Spacing::Alone);
                    minus.set_span(span);
                    minus
                })
            });
            quote::quote!(#minus #literal)
        }
        Value::Named(term) => term.name.to_token_stream(),
        Value::Other(tokens) => tokens.clone(),
    }
}

/// A value as it was written.
fn written(value: &Value) -> String {
    match value {
        Value::Literal { negative: Some(_), literal } => format!("-{}", literal.to_token_stream()),
        other => tokens(other).to_string().replace(" :: ", "::"),
    }
}
