//! Code: a checked [`Network`] to the type and its implementations.
//!
//! What is emitted names only paths of `::nn_train`, or of what the option `crate` puts in its place, and of `::core`,
//! the primitive types among them. So nothing that the caller has in scope can be mistaken for what is meant. It holds no
//! `unsafe`. All of it but the type stands in a `const _`.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Visibility};

use crate::ast::{Call, Width};
use crate::check::{self, Choice, Network, shown};
use crate::names::SOFTMAX;
use crate::parse::parse;
use crate::report::Report;

/// What a call of `network!` with these tokens stands for.
pub(crate) fn expand(call: TokenStream) -> TokenStream {
    let mut report = Report::default();
    match parse(call, &mut report) {
        Call::Item(item) => {
            let network = check::check(&item.declaration, &mut report);
            let attributes = check::attributes(item.attributes, &mut report);
            let errors = report.into_compile_errors();
            match item.name {
                Some(name) => {
                    let (written, visibility) = (name.unraw().to_string(), item.visibility);
                    let krate = network.krate.clone();
                    Expansion { network, name, written, attributes, visibility, krate, errors }.item()
                }
                None => errors.unwrap_or_default(),
            }
        }
        Call::Expression(declaration) => {
            let network = check::check(&declaration, &mut report);
            if let Some(errors) = report.into_compile_errors() {
                // A block that ends in `compile_error!` has the type of an error, about which the compiler
                // raises no further complaints.
                return quote!({ #errors });
            }
            let name = Ident::new("__Network", Span::call_site());
            let written = format!("network!({})", shape(&network));
            let (attributes, visibility) = (Vec::new(), Visibility::Inherited);
            let krate = network.krate.clone();
            let expansion = Expansion { network, name, written, attributes, visibility, krate, errors: None };
            let (name, krate, item) = (&expansion.name, &expansion.krate, expansion.item());
            quote!({
                #item
                <#name as #krate::Declared>::initialized()
            })
        }
        Call::Unclear => report.into_compile_errors().unwrap_or_default(),
    }
}

/// Everything that the emitted code depends on.
struct Expansion {
    network: Network,
    name: Ident,
    /// The network's name as people see it.
    written: String,
    attributes: Vec<Attribute>,
    visibility: Visibility,
    /// The path of nn-train.
    krate: TokenStream,
    errors: Option<TokenStream>,
}

impl Expansion {
    fn item(&self) -> TokenStream {
        let Self { name, visibility, attributes, krate, .. } = self;
        // What removes the type must remove what is implemented for it.
        let conditions: Vec<_> = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
        let errors = self.unknown();
        // Behind the caller's own documentation, in a paragraph of its own.
        let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        let paragraph = documented.then(|| quote!(#[doc = ""]));
        let documentation = self.documentation();
        let element = self.element();
        let widths = self.width_checks();
        let declared = self.impl_declared();
        let layers = self.indices().map(|layer| self.impl_has_layer(layer));
        let accessors = self.accessors();
        let std_traits = self.impl_std_traits();
        quote! {
            #errors
            #(#attributes)*
            #paragraph
            #[doc = #documentation]
            #[derive(::core::clone::Clone, ::core::cmp::PartialEq)]
            #visibility struct #name { parameters: #krate::Parameters<#element> }

            #(#conditions)*
            #[allow(deprecated)]
            const _: () = {
                #widths
                #declared
                #(#layers)*
                #accessors
                #std_traits
                #krate::__private::impl_serde!(#name);
            };
        }
    }

    /// The faults, and the constant that stands for a width that could not be read: its value is one of the
    /// faults, so that the compiler takes it for equal to whatever the caller's code expects.
    fn unknown(&self) -> Option<TokenStream> {
        let errors = self.errors.as_ref()?;
        let unknown = unknown_width(&self.name);
        let used = self.network.widths.iter().any(|width| matches!(width, Width::Unknown));
        Some(if used {
            quote! {
                #[doc(hidden)]
                #[allow(non_upper_case_globals)]
                const #unknown: ::core::primitive::usize = { #errors };
            }
        } else {
            errors.clone()
        })
    }

    /// The checks of each width whose value only the compiler knows.
    fn width_checks(&self) -> TokenStream {
        let output = self.network.layers.len();
        let checks = self.network.widths.iter().enumerate().filter_map(|(index, width)| {
            let (expression, span) = match width {
                // The span of the path, and call-site hygiene: the message is shown where the width stands.
                Width::Path(path) => {
                    let span = path.path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
                    (path.to_token_stream(), span)
                }
                Width::Computed(block) => {
                    let expression = block.stream();
                    (quote!({ #expression }), block.span())
                }
                Width::Literal(..) | Width::Unknown => return None,
            };
            // The message of a panic is a format string, in which braces are doubled.
            let written = shown(width).replace('{', "{{").replace('}', "}}");
            let zero = format!("the width `{written}` is 0; a layer has at least one unit");
            let one = format!(
                "softmax over one unit is 1 whatever the sample; the width `{written}` is 1: write `sigmoid`, or use at \
                 least 2 units"
            );
            let softmax = (index == output && self.ends_in_softmax())
                .then(|| quote_spanned!(span => const _: () = ::core::assert!(#expression != 1, #one);));
            Some(quote_spanned! { span =>
                const _: () = ::core::assert!(#expression != 0, #zero);
                #softmax
            })
        });
        quote!(#(#checks)*)
    }

    fn ends_in_softmax(&self) -> bool {
        self.network.layers.last().is_some_and(|theta| theta.activation.word.name == SOFTMAX)
    }

    fn impl_declared(&self) -> TokenStream {
        let Self { network, name, written, krate, .. } = self;
        let element = self.element();
        let input = self.width(0);
        let output = self.width(network.layers.len());
        let layers = network.layers.iter().enumerate().map(|(index, theta)| {
            let (inputs, outputs) = (self.checked_width(index), self.checked_width(index + 1));
            let activation = self.choice("Activation", theta.activation);
            let dropout = theta.dropout.map(|probability| {
                let probability = float(probability);
                quote!(.with_dropout(#probability))
            });
            quote!(#krate::Layer::new(#inputs, #outputs, #activation) #dropout)
        });
        let loss = self.choice("Loss", network.loss);
        let init = match network.init {
            Some(init) => self.choice("Init", init),
            None => quote!(#krate::Init::DEFAULT),
        };
        let seed = Literal::u64_unsuffixed(network.seed);
        quote! {
            impl #krate::Declared for #name {
                type Scalar = #element;
                type Input = [#element; #input];
                type Output = [#element; #output];
                const NAME: &'static ::core::primitive::str = #written;
                const LAYERS: &'static [#krate::Layer] = &[#(#layers),*];
                const ARCHITECTURE: &'static #krate::Architecture =
                    &#krate::Architecture::from_static(<Self as #krate::Declared>::LAYERS, #loss);
                const INIT: #krate::Init = #init;
                const SEED: ::core::primitive::u64 = #seed;
            }

            // A free constant is evaluated in every build. So a fault that only the compiler can see is an error even if
            // the network is never used.
            const _: () = {
                let _ = <#name as #krate::Declared>::ARCHITECTURE;
            };
        }
    }

    fn impl_has_layer(&self, layer: usize) -> TokenStream {
        let (name, dense, krate) = (&self.name, self.dense(layer), &self.krate);
        let layer = Literal::usize_unsuffixed(layer);
        quote! {
            impl #krate::HasLayer<#layer> for #name {
                type Layer = #dense;
            }
        }
    }

    /// `layer1`, `layer1_mut` and so on.
    fn accessors(&self) -> TokenStream {
        let Self { name, visibility, krate, .. } = self;
        let accessors = self.indices().map(|layer| {
            let (get, get_mut) = (format_ident!("layer{layer}"), format_ident!("layer{layer}_mut"));
            let documentation = format!(" Θ^({layer}): {}.", self.describe(layer));
            let documentation_mut = format!(" [`{get}`](Self::{get}), to be written.");
            let dense = self.dense(layer);
            let number = Literal::usize_unsuffixed(layer);
            quote! {
                #[doc = #documentation]
                #[allow(dead_code)]
                #[must_use]
                #[inline]
                #visibility fn #get(&self) -> &#dense {
                    <Self as #krate::HasLayer<#number>>::layer(self)
                }

                #[doc = #documentation_mut]
                #[allow(dead_code)]
                #[must_use]
                #[inline]
                #visibility fn #get_mut(&mut self) -> &mut #dense {
                    <Self as #krate::HasLayer<#number>>::layer_mut(self)
                }
            }
        });
        quote!(impl #name { #(#accessors)* })
    }

    /// What takes parameters by name stands in a block of its own, without the caller's widths: a constant of the caller's
    /// with the parameter's name would be taken for a pattern, and is hidden by a function of that name.
    fn impl_std_traits(&self) -> TokenStream {
        let Self { name, krate, .. } = self;
        let element = self.element();
        quote! {
            impl ::core::default::Default for #name {
                fn default() -> Self {
                    <Self as #krate::Declared>::initialized()
                }
            }

            const _: () = {
                #[allow(dead_code)]
                fn numbers() {}
                #[allow(dead_code)]
                fn formatter() {}

                impl #krate::__private::Stored for #name {
                    type Number = #element;
                    #[inline]
                    fn from_parameters(numbers: #krate::Parameters<#element>) -> Self {
                        Self { parameters: numbers }
                    }
                    #[inline]
                    fn stored(&self) -> &#krate::Parameters<#element> {
                        &self.parameters
                    }
                    #[inline]
                    fn stored_mut(&mut self) -> &mut #krate::Parameters<#element> {
                        &mut self.parameters
                    }
                }

                impl ::core::fmt::Debug for #name {
                    fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        #krate::__private::debug::<Self>(formatter)
                    }
                }
            };
        }
    }

    /// The layers' numbers, from 1.
    fn indices(&self) -> impl Iterator<Item = usize> + use<> {
        1..=self.network.layers.len()
    }

    /// `Dense<f32, 64, 48>`.
    fn dense(&self, layer: usize) -> TokenStream {
        let (element, inputs, outputs) = (self.element(), self.width(layer - 1), self.width(layer));
        let krate = &self.krate;
        quote!(#krate::Dense<#element, #inputs, #outputs>)
    }

    /// `f32` or `f64`, which a caller's type of that name does not hide.
    fn element(&self) -> TokenStream {
        let element = &self.network.element;
        quote!(::core::primitive::#element)
    }

    /// S_(index + 1) in a type.
    fn width(&self, index: usize) -> TokenStream {
        match &self.network.widths[index] {
            Width::Literal(units, span) => {
                let mut literal = Literal::u64_unsuffixed(*units);
                literal.set_span(*span);
                literal.into_token_stream()
            }
            // In braces, without which a path with `::` is no argument.
            Width::Path(path) => quote!({ #path }),
            // Braces of the macro's own, so that no lint takes the caller's for superfluous.
            Width::Computed(block) => {
                let expression = block.stream();
                quote!({ #expression })
            }
            Width::Unknown => {
                let unknown = unknown_width(&self.name);
                quote!({ #unknown })
            }
        }
    }

    /// S_(index + 1) in the architecture.
    fn checked_width(&self, index: usize) -> TokenStream {
        match &self.network.widths[index] {
            Width::Path(_) | Width::Computed(_) => {
                let (krate, width) = (&self.krate, self.width(index));
                let last = index == self.network.layers.len();
                let least = Literal::usize_unsuffixed(if last && self.ends_in_softmax() { 2 } else { 1 });
                quote!(#krate::__private::width(#width, #least))
            }
            Width::Literal(..) | Width::Unknown => self.width(index),
        }
    }

    /// `::nn_train::Activation::LeakyRelu(0.01)`.
    fn choice(&self, of: &str, choice: Choice) -> TokenStream {
        let krate = &self.krate;
        let of = Ident::new(of, Span::call_site());
        let variant = Ident::new(choice.word.variant, Span::call_site());
        // A word whose number was at fault gets one that is right.
        let argument = choice.word.argument.map(|_| float(choice.argument.unwrap_or(1.0)));
        let argument = argument.map(|number| quote!((#number)));
        quote!(#krate::#of::#variant #argument)
    }

    fn documentation(&self) -> String {
        let Network { element, loss, .. } = &self.network;
        format!(" A network of `{element}`, `{}`, with the loss `{}`.", shape(&self.network), shown_choice(*loss))
    }

    /// `64 => 48, relu, dropout 0.2`.
    fn describe(&self, layer: usize) -> String {
        let Network { widths, layers, .. } = &self.network;
        let theta = &layers[layer - 1];
        let dropout = theta.dropout.map_or_else(String::new, |p| format!(", dropout({p})"));
        let activation = shown_choice(theta.activation);
        format!("`{} => {}`, {activation}{dropout}", shown(&widths[layer - 1]), shown(&widths[layer]))
    }
}

/// The shape as a call would write it, defaults left out.
fn shape(network: &Network) -> String {
    let mut text = network.widths.first().map_or_else(String::new, shown);
    for (width, theta) in network.widths.iter().skip(1).zip(&network.layers) {
        text += &format!(" => {}", shown(width));
        if theta.activation.word.variant != "Sigmoid" {
            text += &format!(" {}", shown_choice(theta.activation));
        }
        if let Some(probability) = theta.dropout {
            text += &format!(" dropout({probability})");
        }
    }
    text
}

fn shown_choice(choice: Choice) -> String {
    match choice.argument {
        Some(argument) => format!("{}({argument})", choice.word.name),
        None => choice.word.name.to_owned(),
    }
}

/// The constant that stands for a faulty width, beside the type.
fn unknown_width(name: &Ident) -> Ident {
    format_ident!("__unknown_width_of_{}", name.unraw())
}

/// A finite number as a literal. A negative one is two tokens, as it would be in source.
fn float(number: f64) -> TokenStream {
    let magnitude = Literal::f64_unsuffixed(number.abs());
    if number.is_sign_negative() { quote!(-#magnitude) } else { magnitude.into_token_stream() }
}
