//! Looking at a component without running or compiling it.

use aksara_wire::{DecodeLimits, Description};

use crate::checks::nonsense;
use crate::error::LoadError;

/// The custom section into which the build tool writes what `describe` returns.
pub const DESCRIPTION_SECTION: &str = "aksara:describe";

/// The id of a section that holds a component.
const COMPONENT_SECTION: u8 = 4;

/// The id of a section that holds types.
const TYPE_SECTION: u8 = 7;

/// Types inside of types in one section: more than a world has, and few enough for any stack.
const NESTED_TYPES_MAX: usize = 100;

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// Size of the file.
    pub size_bytes: usize,
    /// The description that the build tool has written into it, if it has.
    pub description: Option<Description>,
}

/// Reads what the build tool has written into a component.
///
/// # Errors
/// [`LoadError::NoComponent`] for anything but a component, [`LoadError::Description`] when the section is damaged.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, LoadError> {
    check_header(bytes)?;
    let mut description = None;
    for section in sections(bytes) {
        let (id, section) = section?;
        let content = (id == 0).then(|| custom_section(section)).flatten();
        if let Some(content) = content {
            let decoded = Description::decode(content, &DecodeLimits::default());
            description = Some(decoded.map_err(|error| nonsense(&error.to_string()))?);
        }
    }
    Ok(Inspection { size_bytes: bytes.len(), description })
}

/// The component without the description at its end, which has no part in compiling: what the build tool compiled to ask
/// for the description is compiled already.
pub(crate) fn without_description(component: &[u8]) -> &[u8] {
    let mut end = component.len().min(8);
    for (id, section) in sections(component).map_while(Result::ok) {
        // The sections lie one after the other, each with its content at its end.
        let after = section.as_ptr() as usize - component.as_ptr() as usize + section.len();
        if id == 0 && after == component.len() && custom_section(section).is_some() {
            return &component[..end];
        }
        end = after;
    }
    component
}

/// Refuses types that are nested so deep that the parser, which calls itself for each, would exhaust its stack and
/// end the process.
pub(crate) fn check_nesting(bytes: &[u8]) -> Result<(), LoadError> {
    let mut components = vec![bytes];
    while let Some(component) = components.pop() {
        for section in sections(component) {
            match section? {
                (COMPONENT_SECTION, nested) => components.push(nested),
                (TYPE_SECTION, types) => {
                    // A declaration of a type, that of a component or of an instance. The two bytes may mean something
                    // else too, so this is a bound.
                    let begins = |pair: &&[u8]| matches!(pair, [0x01, 0x41 | 0x42]);
                    if types.windows(2).filter(begins).count() > NESTED_TYPES_MAX {
                        let message = format!("it has more than {NESTED_TYPES_MAX} types inside of types");
                        return Err(LoadError::Compile(message));
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The sections of a component: the id and the content of each.
fn sections(component: &[u8]) -> impl Iterator<Item = Result<(u8, &[u8]), LoadError>> {
    let mut rest = component.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&id, after) = rest.split_first()?;
        let section = leb128(after).and_then(|(length, after)| after.split_at_checked(length));
        rest = section.map_or(&[], |(_, after)| after);
        let section = section.map(|(section, _)| (id, section));
        Some(section.ok_or(LoadError::NoComponent("it is cut off")))
    })
}

/// The content of our custom section, if this is it.
fn custom_section(section: &[u8]) -> Option<&[u8]> {
    let (length, rest) = leb128(section)?;
    let (name, content) = rest.split_at_checked(length)?;
    (name == DESCRIPTION_SECTION.as_bytes()).then_some(content)
}

/// An unsigned LEB128 number of at most 32 bits, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(number).ok()? as usize, &bytes[index + 1..]));
        }
    }
    None
}

/// Whether the first bytes are those of a component.
pub(crate) fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {
            Err(LoadError::NoComponent("it is a core module; `aksara build` makes it a component"))
        }
        Some([0, b'a', b's', b'm', ..]) => Err(LoadError::NoComponent("it is of an unknown version")),
        _ => Err(LoadError::NoComponent("it does not begin as one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_description_at_the_end_is_left_out() {
        let header = b"\0asm\x0d\0\x01\0";
        let custom = |name: &str| {
            let length = u8::try_from(name.len()).unwrap();
            [&[0, length + 2, length][..], name.as_bytes(), b"x"].concat()
        };
        let (other, description) = (custom("name"), custom(DESCRIPTION_SECTION));
        let check = |sections: &[&[u8]], left: usize| {
            let component = [&header[..], &sections.concat()].concat();
            assert_eq!(without_description(&component).len(), left, "{sections:?}");
        };
        check(&[], 8);
        check(&[&other], 8 + other.len());
        check(&[&other, &description], 8 + other.len());
        check(&[&description, &other], 8 + other.len() + description.len());
        check(&[&description], 8);
        assert_eq!(without_description(b"abc"), b"abc");
    }
}
