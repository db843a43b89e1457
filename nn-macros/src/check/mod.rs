//! Sense: an [`ast::Declaration`] to a [`Network`], every rule that it breaks reported.
//!
//! A faulty part is replaced by what was most likely meant or by the default, so that the checks behind it go
//! on, and so that there is something to emit.

mod values;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Token};

use crate::ast::{Declaration, Layer, Term, Width};
use crate::names::{ACTIVATIONS, CROSS_ENTROPY, DROPOUT, ELEMENTS, LOSSES, SOFTMAX, Word, mend, names};
use crate::report::{Fault, Report};

/// The most parameters a network may have: an f64 each must fit into `isize::MAX` bytes. This is the bound of a
/// 64-bit target; `Architecture::from_static` applies the target's own.
const MAX_PARAMS: u128 = i64::MAX as u128 / 8;

/// A checked network, after all faults have been reported.
pub(crate) struct Network {
    /// S_1 … S_L.
    pub(crate) widths: Vec<Width>,
    /// What follows each Θ^(l); one less than there are widths.
    pub(crate) layers: Vec<Theta>,
    /// `f32` or `f64`.
    pub(crate) element: Ident,
    pub(crate) loss: Choice,
    pub(crate) init: Option<Choice>,
    pub(crate) seed: u64,
    /// The path of nn-train.
    pub(crate) krate: TokenStream,
}

/// What follows the product with Θ^(l).
pub(crate) struct Theta {
    pub(crate) activation: Choice,
    pub(crate) dropout: Option<f64>,
}

/// A word of a table, with its number.
#[derive(Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) word: &'static Word,
    pub(crate) argument: Option<f64>,
}

impl Choice {
    const fn of(word: &'static Word) -> Self {
        Self { word, argument: None }
    }
}

/// Checks shape, element type and options.
pub(crate) fn check(declaration: &Declaration, report: &mut Report) -> Network {
    // What is neither is reported, and taken for the default.
    let single = declaration.element.as_ref().is_none_or(|element| element != "f64");
    let mut checker = Checker { report, single };
    let mut widths: Vec<_> = declaration.layers.iter().map(|layer| layer.width.clone()).collect();
    checker.widths(&mut widths);
    let (layers, output) = checker.layers(&declaration.layers, declaration.broken);
    let element = checker.element(declaration.element.as_ref());
    let settings = checker.settings(&declaration.settings);
    let loss = checker.loss(settings.loss, output);
    let krate = settings.krate.unwrap_or_else(|| quote!(::nn_train));
    let mut network = Network { widths, layers, element, loss, init: settings.init, seed: settings.seed, krate };
    // A shape too short to emit has been reported; the stubs have a layer of unknown width.
    while network.widths.len() < 2 {
        network.widths.push(Width::Unknown);
    }
    let missing = || Theta { activation: Choice::of(&ACTIVATIONS[0]), dropout: None };
    network.layers.resize_with(network.widths.len() - 1, missing);
    network
}

struct Checker<'report> {
    report: &'report mut Report,
    /// Whether the element type is `f32`.
    single: bool,
}

impl Checker<'_> {
    /// Zeros, and more parameters than memory holds; what is at fault becomes unknown.
    fn widths(&mut self, widths: &mut [Width]) {
        for width in widths.iter_mut() {
            if let Width::Literal(0, span) = *width {
                self.report.at(span, Fault::WidthZero);
                *width = Width::Unknown;
            }
        }
        let mut params: u128 = 0;
        for layer in 1..widths.len() {
            // The least that it can be: a constant's value is not known here.
            let least = |width: &Width| if let Width::Literal(units, _) = width { u128::from(*units) } else { 1 };
            let count = (least(&widths[layer - 1]) + 1).saturating_mul(least(&widths[layer]));
            params = params.saturating_add(count);
            if params > MAX_PARAMS {
                let at = |width: &Width| if let Width::Literal(_, span) = width { Some(*span) } else { None };
                let span = at(&widths[layer]).or(at(&widths[layer - 1])).unwrap_or_else(Span::call_site);
                let (layer_name, max) = (layer.to_string(), MAX_PARAMS.to_string());
                self.report.at(span, Fault::TooManyParameters { layer: layer_name, max });
                widths.iter_mut().for_each(|width| *width = Width::Unknown);
                return;
            }
        }
    }

    /// Activations and dropout. The output's activation is `None` where it was at fault, so that the loss is not
    /// held against it.
    fn layers(&mut self, layers: &[Layer], broken: bool) -> (Vec<Theta>, Option<Choice>) {
        let mut thetas = Vec::new();
        let mut output = Some(Choice::of(&ACTIVATIONS[0]));
        for (index, layer) in layers.iter().enumerate() {
            let position = match index {
                0 => Position::Input,
                _ if index + 1 < layers.len() => Position::Hidden,
                // In a shape whose end could not be read nobody knows which layer is the last.
                _ if broken => Position::Unknown,
                _ => Position::Output,
            };
            let mut modifiers = self.modifiers(&layer.modifiers, position);
            if position == Position::Input {
                continue;
            }
            let softmax = modifiers.activation.is_some_and(|activation| activation.word.name == SOFTMAX);
            if position == Position::Output
                && softmax
                && let Width::Literal(1, _) = layer.width
                && let Some(term) = layer.modifiers.iter().find(|term| term.name == SOFTMAX)
            {
                self.report.at(term.name.span(), Fault::SoftmaxOneUnit);
                modifiers.activation = None;
            }
            output = modifiers.activation;
            let activation = modifiers.activation.unwrap_or(Choice::of(&ACTIVATIONS[0]));
            thetas.push(Theta { activation, dropout: modifiers.dropout });
        }
        (thetas, output)
    }

    fn modifiers(&mut self, terms: &[Term], position: Position) -> Modifiers {
        let default = Some(Choice::of(&ACTIVATIONS[0]));
        let mut activation: Option<(Option<Choice>, &Ident)> = None;
        let mut dropout: Option<Option<f64>> = None;
        for term in terms {
            let span = term.name.span();
            if term.name == DROPOUT.name {
                let probability = self.argument(&DROPOUT, term);
                match (position, dropout) {
                    (Position::Input, _) => self.report.at(span, Fault::DropoutOnInput),
                    (Position::Output, _) => self.report.at(span, Fault::DropoutOnOutput),
                    (_, Some(_)) => self.report.at(span, Fault::DropoutTwice),
                    (_, None) => dropout = Some(probability),
                }
                continue;
            }
            let choice = self.activation(term);
            match (position, &activation) {
                (Position::Input, _) => {
                    // An unknown name has been reported; where it stands is then the smaller trouble.
                    if choice.is_some() {
                        self.report.at(span, Fault::ActivationOnInput { name: term.name.to_string() });
                    }
                }
                (_, Some((_, first))) => {
                    let (first, second) = (first.to_string(), term.name.to_string());
                    self.report.at(span, Fault::ActivationTwice { first, second });
                }
                (_, None) => {
                    if position == Position::Hidden && choice.is_some_and(|choice| choice.word.name == SOFTMAX) {
                        self.report.at(span, Fault::SoftmaxHidden);
                        activation = Some((default, &term.name));
                    } else {
                        activation = Some((choice, &term.name));
                    }
                }
            }
        }
        let activation = activation.map_or(default, |(choice, _)| choice);
        Modifiers { activation, dropout: dropout.flatten() }
    }

    fn activation(&mut self, term: &Term) -> Option<Choice> {
        let found = term.name.to_string();
        if let Some(word) = ACTIVATIONS.iter().find(|word| word.name == found) {
            return Some(Choice { word, argument: self.argument(word, term) });
        }
        let mut known = names(&ACTIVATIONS);
        known.push(DROPOUT.name);
        let mend = mend(&found, &known);
        self.report.at(term.name.span(), Fault::ActivationUnknown { found, mend });
        None
    }

    fn element(&mut self, element: Option<&Ident>) -> Ident {
        let default = || Ident::new(ELEMENTS[0], Span::call_site());
        let Some(element) = element else { return default() };
        let found = element.to_string();
        if ELEMENTS.contains(&found.as_str()) {
            return Ident::new(&found, Span::call_site());
        }
        let mend = mend(&found, &ELEMENTS);
        self.report.at(element.span(), Fault::ElementUnknown { found, mend });
        default()
    }

    /// The loss that goes with `output`, or the one named, if it fits.
    fn loss(&mut self, named: Option<(Choice, Span)>, output: Option<Choice>) -> Choice {
        let probabilities = output.is_none_or(|output| matches!(output.word.name, "sigmoid" | SOFTMAX));
        let default = Choice::of(&LOSSES[usize::from(!probabilities)]);
        let (Some((loss, span)), Some(output)) = (named, output) else { return default };
        let cross_entropy = loss.word.name == CROSS_ENTROPY;
        if cross_entropy && !probabilities {
            self.report.at(span, Fault::LossNeedsProbabilities { output: output.word.name.to_owned() });
            return default;
        }
        if !cross_entropy && output.word.name == SOFTMAX {
            self.report.at(span, Fault::LossOnSoftmax { loss: loss.word.name.to_owned() });
            return default;
        }
        loss
    }
}

/// Where a layer of units stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Input,
    Hidden,
    Output,
    Unknown,
}

/// What stands behind a width.
struct Modifiers {
    /// `None` after a fault.
    activation: Option<Choice>,
    dropout: Option<f64>,
}

/// Reports attributes that would contradict what is emitted, and returns the others.
pub(crate) fn attributes(attributes: Vec<Attribute>, report: &mut Report) -> Vec<Attribute> {
    let mut kept = Vec::new();
    for attribute in attributes {
        if !attribute.path().is_ident("derive") {
            kept.push(attribute);
            continue;
        }
        let parsed = attribute.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated);
        // A malformed derive is left to the compiler, which knows best what it wants there.
        let Ok(traits) = parsed else {
            kept.push(attribute);
            continue;
        };
        let mut rest: Punctuated<syn::Path, Token![,]> = Punctuated::new();
        for path in traits {
            match derive_fault(&path) {
                Some(fault) => report.over(&path, fault),
                None => rest.push(path),
            }
        }
        if !rest.is_empty() {
            kept.push(syn::parse_quote!(#[derive(#rest)]));
        }
    }
    kept
}

fn derive_fault(path: &syn::Path) -> Option<Fault> {
    let name = path.segments.last()?.ident.to_string();
    match name.as_str() {
        "Clone" | "Debug" | "PartialEq" | "Default" => Some(Fault::DeriveEmitted { name }),
        "Copy" => Some(Fault::DeriveCopy),
        "Eq" | "Ord" | "PartialOrd" | "Hash" => Some(Fault::DeriveImpossible { name }),
        "Serialize" | "Deserialize" => Some(Fault::DeriveSerde { name }),
        _ => None,
    }
}

/// A width as a person wrote it, `crate::cfg::HIDDEN` without the spaces that tokens are printed with.
pub(crate) fn shown(width: &Width) -> String {
    let tokens: TokenStream = match width {
        Width::Literal(units, _) => return units.to_string(),
        Width::Path(path) => path.to_token_stream(),
        Width::Computed(block) => block.to_token_stream(),
        Width::Unknown => return "?".to_owned(),
    };
    tokens.to_string().replace(" :: ", "::").replace(":: ", "::").replace(" <", "<").replace(" >", ">")
}
