//! The outside of a WebAssembly file: its kind and its custom sections. What is inside the others is for those who
//! validate it.

use std::borrow::Cow;
use std::ops::Range;

use aksara_plugins::DESCRIPTION_SECTION;
use anyhow::{Context, Result, bail};
use wasm_encoder::{CustomSection, Encode, Section};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Module,
    Component,
}

/// Says what the file is by its first eight bytes.
pub(crate) fn kind(bytes: &[u8]) -> Result<Kind> {
    match bytes.get(..8) {
        Some(b"\0asm\x01\0\0\0") => Ok(Kind::Module),
        Some(b"\0asm\x0d\0\x01\0") => Ok(Kind::Component),
        _ => bail!("it is no WebAssembly file"),
    }
}

/// The custom sections on the outermost level, with the bytes that each takes in the file.
pub(crate) fn custom(bytes: &[u8]) -> Result<Vec<(&str, Range<usize>)>> {
    let mut sections = Vec::new();
    let mut at = 8;
    while at < bytes.len() {
        let start = at;
        let id = bytes[at];
        let (length, contents) = number(bytes, at + 1).context("it ends in the middle of a section")?;
        at = contents
            .checked_add(length)
            .filter(|end| *end <= bytes.len())
            .context("it ends in the middle of a section")?;
        if id == 0 {
            let (length, name) = number(&bytes[..at], contents).context("it has a section without a name")?;
            let name = name.checked_add(length).and_then(|end| bytes[..at].get(name..end));
            let name = name
                .and_then(|name| std::str::from_utf8(name).ok())
                .context("it has a section without a name")?;
            sections.push((name, start..at));
        }
    }
    Ok(sections)
}

/// The component with this description in it, in place of one that it may have had.
pub(crate) fn with_description(component: &[u8], description: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = component.to_vec();
    for (_, range) in custom(component)?.into_iter().rev().filter(|(name, _)| *name == DESCRIPTION_SECTION) {
        bytes.drain(range);
    }
    let section = CustomSection { name: DESCRIPTION_SECTION.into(), data: Cow::Borrowed(description) };
    bytes.push(section.id());
    section.encode(&mut bytes);
    Ok(bytes)
}

/// A 32-bit LEB128 number, and where it ends.
fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut value = 0u64;
    for (position, byte) in bytes.get(at..)?.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, at + position + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Vec<u8> {
        wasm_encoder::Component::new().finish()
    }

    #[test]
    fn a_description_is_added_once() {
        let once = with_description(&empty(), b"first, and longer").unwrap();
        let twice = with_description(&once, b"second").unwrap();
        let sections = custom(&twice).unwrap();
        assert_eq!(sections.len(), 1);
        assert_eq!(sections[0].0, DESCRIPTION_SECTION);
        assert!(twice.ends_with(b"second"));
        assert_eq!(twice[..8], empty());
    }

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(kind(&empty()).unwrap(), Kind::Component);
        assert_eq!(kind(&wasm_encoder::Module::new().finish()).unwrap(), Kind::Module);
        assert_eq!(kind(b"#!/bin/sh").unwrap_err().to_string(), "it is no WebAssembly file");
    }

    #[test]
    fn a_cut_file_is_an_error() {
        let whole = with_description(&empty(), b"a description").unwrap();
        for end in 9..whole.len() {
            assert!(custom(&whole[..end]).is_err(), "{end}");
        }
    }
}
