//! Checkpoints and bundles whose bytes somebody has changed.

/// The same bytes under the length and checksum that they should have.
pub(crate) fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let (length, end) = (bytes.len() as u64, bytes.len() - 4);
    bytes[12..20].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&checksum);
    bytes
}
