//! Ids of typed columns, as the one text that makes a user the same in every format.

use uuid::Uuid;

/// The text of a binary id: sixteen bytes are a uuid, lower-case and hyphenated; others lower-case
/// hex; no bytes are no text. It is written over `text`.
pub(crate) fn binary_id<'t>(bytes: &[u8], text: &'t mut String) -> &'t [u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.clear();
    match Uuid::from_slice(bytes) {
        Ok(uuid) => text.push_str(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
        Err(_) => text.extend(
            bytes
                .iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .map(|digit| char::from(DIGITS[usize::from(digit)])),
        ),
    }
    text.as_bytes()
}
