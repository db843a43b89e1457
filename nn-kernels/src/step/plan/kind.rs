//! The engines by their names.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The engines that a plan picks from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EngineKind {
    /// Samples along lanes: for networks whose widths are all small.
    Narrow,
    /// Features along lanes, a tile of samples through all layers at once: [`Tile`](crate::Tile).
    Tile,
    /// Everything in panels, no thread with a gradient of its own: [`Blocked`](crate::Blocked).
    Blocked,
}

/// A name that no engine has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown engine {name:?}; expected one of {}", EngineKind::ALL.map(EngineKind::name).join(", "))]
pub struct UnknownEngine {
    /// The name found.
    pub name: String,
}

impl EngineKind {
    /// All engines, in the order in which they are preferred where they are alike.
    pub const ALL: [Self; 3] = [Self::Narrow, Self::Tile, Self::Blocked];

    /// The engine's name: `"narrow"`, `"tile"` or `"blocked"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::Tile => "tile",
            Self::Blocked => "blocked",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        let known = Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name.trim()));
        known.ok_or_else(|| UnknownEngine { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_ones_list_what_there_is() {
        for kind in EngineKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let error = "quick".parse::<EngineKind>().expect_err("there is no such engine");
        assert_eq!(error.to_string(), "unknown engine \"quick\"; expected one of narrow, tile, blocked");
    }
}
