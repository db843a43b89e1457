//! What this library, or a script that writes for it, says in the header of a file: what tensors do not.

use nn_kernels::Architecture;
use serde::{Deserialize, Serialize};

use super::SafetensorsFault;
use crate::Standardizer;

/// The key of the entry in the header's `__metadata__`.
pub(super) const KEY: &str = "nn-train";

/// The entry, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// As it is displayed.
    pub(super) architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) standardizer: Option<Standardizer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target_standardizer: Option<Standardizer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) classes: Vec<String>,
}

impl Note {
    /// The entry and the architecture that it names.
    pub(super) fn read(text: &str) -> Result<(Self, Architecture), SafetensorsFault> {
        let fault = |found: String, expected| SafetensorsFault::Note { found, expected };
        let note: Self = serde_json::from_str(text)
            .map_err(|error| fault(error.to_string(), "an object of JSON with \"architecture\""))?;
        let architecture = note
            .architecture
            .parse()
            .map_err(|error| fault(format!("the architecture `{}`: {error}", note.architecture), "an architecture"))?;
        Ok((note, architecture))
    }
}
