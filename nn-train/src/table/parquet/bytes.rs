//! Bytes that are read from the front.

use super::Damage;

/// Bytes that have not been read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'b>(pub(super) &'b [u8]);

impl<'b> Bytes<'b> {
    /// The next bytes, of `what`.
    pub(super) fn take(&mut self, count: usize, what: &'static str) -> Result<&'b [u8], Damage> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| Damage::new(what, format!("{} bytes", self.0.len()), format!("{count} bytes")))?;
        self.0 = rest;
        Ok(taken)
    }

    /// A whole number of 7 bits a byte, the least significant first.
    pub(super) fn number(&mut self, what: &'static str) -> Result<u64, Damage> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1, what)?[0];
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Damage::new(what, "a number of more than 10 bytes", "at most 10"))
    }

    /// A number that may be negative: 0, -1, 1, -2 and so on.
    pub(super) fn signed(&mut self, what: &'static str) -> Result<i64, Damage> {
        let number = self.number(what)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}
