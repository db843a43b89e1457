//! Standardizers in files.

use serde::de::Error;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Standardizer;

impl Serialize for Standardizer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Standardizer", 2)?;
        fields.serialize_field("means", self.means())?;
        fields.serialize_field("deviations", self.deviations())?;
        fields.end()
    }
}

#[derive(Deserialize)]
#[serde(rename = "Standardizer", deny_unknown_fields)]
struct Fields {
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl<'de> Deserialize<'de> for Standardizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fields { means, deviations } = Fields::deserialize(deserializer)?;
        Self::from_constants(means, deviations).map_err(D::Error::custom)
    }
}
