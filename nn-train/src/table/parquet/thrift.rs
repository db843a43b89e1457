//! Thrift's compact protocol, as far as the headers of Parquet need it: fields that are known are read, all others skipped.
//!
//! It is read from bytes in memory, and takes none itself: a list is a loop over its elements.

use super::Damage;
use super::bytes::Bytes;

const HEADER: &str = "a header";
/// How deep what is skipped may be nested.
const DEPTH: u32 = 32;

/// What a field or an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    True,
    False,
    I8,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List,
    Set,
    Map,
    Struct,
}

impl Wire {
    fn of(code: u8) -> Result<Self, Damage> {
        Ok(match code {
            1 => Self::True,
            2 => Self::False,
            3 => Self::I8,
            4 => Self::I16,
            5 => Self::I32,
            6 => Self::I64,
            7 => Self::Double,
            8 => Self::Binary,
            9 => Self::List,
            10 => Self::Set,
            11 => Self::Map,
            12 => Self::Struct,
            _ => return Err(damage(format!("the type {code} of a field"), "one from 1 to 12")),
        })
    }
}

/// What does not fit into a header.
fn damage(found: impl Into<String>, expected: &'static str) -> Damage {
    Damage::new(HEADER, found, expected)
}

/// Headers, as far as they have not been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thrift<'b> {
    rest: Bytes<'b>,
}

impl<'b> Thrift<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: Bytes(bytes) }
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.rest.0
    }

    fn byte(&mut self) -> Result<u8, Damage> {
        Ok(self.rest.take(1, HEADER)?[0])
    }

    fn unsigned(&mut self) -> Result<u64, Damage> {
        self.rest.number(HEADER)
    }

    fn signed(&mut self) -> Result<i64, Damage> {
        self.rest.signed(HEADER)
    }

    fn bytes(&mut self) -> Result<&'b [u8], Damage> {
        let length = self.unsigned()?;
        self.rest.take(usize::try_from(length).unwrap_or(usize::MAX), HEADER)
    }

    /// Calls `each` with the number and the type of each field of a structure. It reads the field or leaves it where it is;
    /// then it is skipped.
    pub(super) fn structure(
        &mut self,
        mut each: impl FnMut(i16, Field<'b, '_>) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let mut number = 0_i16;
        while let Some(wire) = self.field(&mut number)? {
            let mut read = false;
            each(number, Field { thrift: self, wire, read: &mut read })?;
            if !read {
                self.skip(wire, DEPTH)?;
            }
        }
        Ok(())
    }

    /// The type of the next field of a structure whose last one was `number`; none at its end.
    fn field(&mut self, number: &mut i16) -> Result<Option<Wire>, Damage> {
        let front = self.byte()?;
        if front == 0 {
            return Ok(None);
        }
        let wire = Wire::of(front & 0x0F)?;
        let wrong = || damage("the number of a field beyond 32767", "a smaller one");
        *number = match front >> 4 {
            0 => i16::try_from(self.signed()?).map_err(|_| wrong())?,
            step => number.checked_add(i16::from(step)).ok_or_else(wrong)?,
        };
        Ok(Some(wire))
    }

    /// The type and number of the elements of a list.
    fn list(&mut self) -> Result<(Wire, u64), Damage> {
        let front = self.byte()?;
        let count = match front >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        // Each takes a byte or more, so this ends a loop over a number of elements that cannot be true.
        if count > self.rest.0.len() as u64 {
            return Err(damage(
                format!("a list of {count} in {} bytes", self.rest.0.len()),
                "no more than there are bytes",
            ));
        }
        Ok((Wire::of(front & 0x0F)?, count))
    }

    fn skip(&mut self, wire: Wire, depth: u32) -> Result<(), Damage> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(damage("structures nested 32 deep", "fewer"));
        };
        match wire {
            Wire::True | Wire::False => {}
            Wire::I8 => drop(self.byte()?),
            Wire::I16 | Wire::I32 | Wire::I64 => drop(self.unsigned()?),
            Wire::Double => drop(self.rest.take(8, HEADER)?),
            Wire::Binary => drop(self.bytes()?),
            Wire::List | Wire::Set => {
                let (wire, count) = self.list()?;
                for _ in 0..count {
                    self.skip_element(wire, depth)?;
                }
            }
            Wire::Map => {
                let count = self.unsigned()?;
                if count > self.rest.0.len() as u64 {
                    return Err(damage(format!("a map of {count}"), "no more than there are bytes"));
                }
                if count > 0 {
                    let kinds = self.byte()?;
                    let (key, value) = (Wire::of(kinds >> 4)?, Wire::of(kinds & 0x0F)?);
                    for _ in 0..count {
                        self.skip_element(key, depth)?;
                        self.skip_element(value, depth)?;
                    }
                }
            }
            Wire::Struct => {
                let mut number = 0;
                while let Some(wire) = self.field(&mut number)? {
                    self.skip(wire, depth)?;
                }
            }
        }
        Ok(())
    }

    /// As elements truth values take a byte.
    fn skip_element(&mut self, wire: Wire, depth: u32) -> Result<(), Damage> {
        match wire {
            Wire::True | Wire::False => self.byte().map(drop),
            other => self.skip(other, depth),
        }
    }
}

/// A field that has not been read yet.
pub(super) struct Field<'b, 't> {
    thrift: &'t mut Thrift<'b>,
    wire: Wire,
    read: &'t mut bool,
}

impl<'b> Field<'b, '_> {
    fn expect(&mut self, wire: &[Wire], expected: &'static str) -> Result<(), Damage> {
        if !wire.contains(&self.wire) {
            return Err(damage(format!("a field of the type {:?}", self.wire), expected));
        }
        *self.read = true;
        Ok(())
    }

    /// A whole number.
    pub(super) fn number(mut self) -> Result<i64, Damage> {
        if self.wire == Wire::I8 {
            *self.read = true;
            return Ok(i64::from(self.thrift.byte()? as i8));
        }
        self.expect(&[Wire::I16, Wire::I32, Wire::I64], "a whole number")?;
        self.thrift.signed()
    }

    /// A whole number that is not negative.
    pub(super) fn count(self) -> Result<u64, Damage> {
        let number = self.number()?;
        u64::try_from(number).map_err(|_| damage(number.to_string(), "a number of at least 0"))
    }

    pub(super) fn truth(mut self) -> Result<bool, Damage> {
        self.expect(&[Wire::True, Wire::False], "a truth value")?;
        Ok(self.wire == Wire::True)
    }

    pub(super) fn bytes(mut self) -> Result<&'b [u8], Damage> {
        self.expect(&[Wire::Binary], "bytes")?;
        self.thrift.bytes()
    }

    pub(super) fn structure(
        mut self,
        each: impl FnMut(i16, Field<'b, '_>) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        self.expect(&[Wire::Struct], "a structure")?;
        self.thrift.structure(each)
    }

    /// Calls `each` for every structure of a list, to read it.
    pub(super) fn structures(
        mut self,
        mut each: impl FnMut(&mut Thrift<'b>) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        self.expect(&[Wire::List], "a list")?;
        let (wire, count) = self.thrift.list()?;
        if wire != Wire::Struct && count > 0 {
            return Err(damage(format!("a list of the type {wire:?}"), "a list of structures"));
        }
        (0..count).try_for_each(|_| each(self.thrift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the fields that are numbers.
    fn numbers(bytes: &[u8]) -> Result<Vec<(i16, i64)>, Damage> {
        let mut found = Vec::new();
        Thrift::new(bytes).structure(|number, field| {
            if matches!(field.wire, Wire::I8 | Wire::I16 | Wire::I32 | Wire::I64) {
                found.push((number, field.number()?));
            }
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn fields_are_read_and_others_skipped() {
        // 1: i32 -1; 2: true; 3: "ab"; 4: [1, 2] of i64; 5: { 1: i16 7 }; 6: {1: false} of a map of i8 to bool; 300: i64 150.
        let bytes = [
            0x15, 1, 0x11, 0x18, 2, b'a', b'b', 0x19, 0x26, 2, 4, 0x1C, 0x14, 14, 0, 0x1B, 1, 0x31, 1, 2, 0x06, 0xD8,
            4, 0xAC, 2, 0,
        ];
        assert_eq!(numbers(&bytes), Ok(vec![(1, -1), (300, 150)]));
        for length in 0..bytes.len() {
            assert!(numbers(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn what_cannot_be_true_ends() {
        // A list of 2³² - 1, a number without an end, structures within structures without end.
        let nested = [0x1C; 100];
        for bytes in [&[0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F][..], &[0x16; 20], &[0x16, 0x80], &nested, &[0x1D]] {
            assert!(numbers(bytes).is_err(), "{bytes:?}");
        }
    }
}
