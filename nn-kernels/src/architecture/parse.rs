//! Architectures, activations and losses from text: the inverse of their `Display`.

use std::str::FromStr;

use thiserror::Error;

use super::{Activation, Architecture, ArchitectureError, Layer, Loss};

/// Why a text is no architecture, activation or loss. Every variant but the last names the part of the text that is wrong.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// No activation has this name.
    #[error("unknown activation {token:?}; expected one of {}", Activation::NAMES.join(", "))]
    UnknownActivation {
        /// The name found.
        token: String,
    },
    /// No loss has this name.
    #[error("unknown loss {token:?}; expected one of {}", Loss::NAMES.join(", "))]
    UnknownLoss {
        /// The name found.
        token: String,
    },
    /// Something is not what should stand in its place.
    #[error("found {token:?}, expected {expected}")]
    Unexpected {
        /// What was found.
        token: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// The text can be read, but what it says is no network.
    #[error(transparent)]
    Invalid(#[from] ArchitectureError),
}

fn unexpected(token: &str, expected: &'static str) -> ParseError {
    ParseError::Unexpected { token: token.trim().to_owned(), expected }
}

/// A name, and the text in the parentheses behind it if there are any.
fn name_and_argument<'a>(token: &'a str, expected: &'static str) -> Result<(&'a str, Option<&'a str>), ParseError> {
    let token = token.trim();
    let Some((name, rest)) = token.split_once('(') else { return Ok((token, None)) };
    let argument = rest.strip_suffix(')').ok_or_else(|| unexpected(token, expected))?;
    Ok((name.trim_end(), Some(argument.trim())))
}

/// The finite number that `token` ends in.
fn number(token: &str, argument: Option<&str>, expected: &'static str) -> Result<f64, ParseError> {
    let value = argument.and_then(|argument| argument.parse::<f64>().ok()).filter(|value| value.is_finite());
    value.ok_or_else(|| unexpected(token, expected))
}

/// `known` where the name is all there is.
fn alone<K>(known: K, token: &str, argument: Option<&str>) -> Result<K, ParseError> {
    match argument {
        None => Ok(known),
        Some(_) => Err(unexpected(token, "a name without a number")),
    }
}

impl FromStr for Activation {
    type Err = ParseError;

    /// `"relu"`, `"leaky_relu(-0.01)"`.
    fn from_str(token: &str) -> Result<Self, ParseError> {
        let (name, argument) = name_and_argument(token, "an activation")?;
        if name == "leaky_relu" {
            return Ok(Self::LeakyRelu(number(token, argument, "leaky_relu(slope) with a finite slope")?));
        }
        let plain = [
            Self::Sigmoid,
            Self::Tanh,
            Self::Relu,
            Self::Elu,
            Self::Gelu,
            Self::Silu,
            Self::Softplus,
            Self::Linear,
            Self::Softmax,
        ];
        match plain.into_iter().find(|known| known.name() == name) {
            Some(known) => alone(known, token, argument),
            None => Err(ParseError::UnknownActivation { token: name.to_owned() }),
        }
    }
}

impl FromStr for Loss {
    type Err = ParseError;

    /// `"cross_entropy"`, `"huber(0.5)"`.
    fn from_str(token: &str) -> Result<Self, ParseError> {
        let (name, argument) = name_and_argument(token, "a loss")?;
        if name == "huber" {
            return Ok(Self::Huber(number(token, argument, "huber(threshold) with a finite threshold")?));
        }
        match [Self::CrossEntropy, Self::Mse, Self::Mae].into_iter().find(|known| known.name() == name) {
            Some(known) => alone(known, token, argument),
            None => Err(ParseError::UnknownLoss { token: name.to_owned() }),
        }
    }
}

/// The first word of `text`, with the parentheses behind it if there are any, and the rest.
fn first_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let name = text.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(text.len());
    let end = match text[name..].trim_start().starts_with('(') {
        true => text.find(')').map_or(text.len(), |close| close + 1),
        false => name,
    };
    (!text.is_empty()).then(|| text.split_at(end))
}

fn width(token: &str) -> Result<usize, ParseError> {
    token.trim().parse().map_err(|_| unexpected(token, "a width, a whole number"))
}

impl FromStr for Architecture {
    type Err = ParseError;

    /// `"64 => 48 relu dropout(0.2) => 10 softmax, cross_entropy"`: what `Display` writes. A layer without an activation is
    /// sigmoid, and without a loss there is [the one](Loss::for_output) that goes with the output, as in `network!`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (layers, loss) = match text.split_once(',') {
            Some((layers, loss)) => (layers, Some(loss.parse()?)),
            None => (text, None),
        };
        let mut parts = layers.split("=>");
        let mut inputs = width(parts.next().unwrap_or_default())?;
        let mut layers = Vec::new();
        for part in parts {
            let (word, mut rest) = first_word(part).unwrap_or_default();
            let mut layer = Layer::new(inputs, width(word)?, Activation::Sigmoid);
            let (mut has_activation, mut has_dropout) = (false, false);
            while let Some((word, behind)) = first_word(rest) {
                let (name, argument) = name_and_argument(word, "an activation or dropout(p)")?;
                if name == "dropout" && !has_dropout {
                    layer.dropout = number(word, argument, "dropout(p) with a probability")?;
                    has_dropout = true;
                } else if !has_activation {
                    layer.activation = word.parse()?;
                    has_activation = true;
                } else {
                    return Err(unexpected(word, "`=>`, a comma, or the end"));
                }
                rest = behind;
            }
            inputs = layer.outputs;
            layers.push(layer);
        }
        let last = layers.last().map_or(Activation::Sigmoid, |layer| layer.activation);
        Ok(Self::new(layers, loss.unwrap_or_else(|| Loss::for_output(last)))?)
    }
}
