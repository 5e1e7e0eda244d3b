//! Inspection: what a file says of itself, read without running it.

use aksara_plugins::{DESCRIPTION_SECTION, LoadError, inspect};

use crate::fixture::{Fixture, assert_texts, description};

/// A component with custom sections of these names and contents at its end.
fn with_sections(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Fixture::new().binary();
    for (name, content) in sections {
        let section = [&[name.len() as u8][..], name.as_bytes(), content].concat();
        assert!(section.len() < 1 << 14);
        bytes.extend([0, (section.len() & 0x7f) as u8 | 0x80, (section.len() >> 7) as u8]);
        bytes.extend(section);
    }
    bytes
}

#[test]
fn the_description_is_read_from_its_section() {
    let bytes = with_sections(&[("other", b"\xc1"), (DESCRIPTION_SECTION, &description("fixture").encode())]);
    let inspection = inspect(&bytes).unwrap();
    assert_eq!(inspection.size_bytes, bytes.len());
    assert_eq!(inspection.description, Some(description("fixture")));
}

#[test]
fn a_component_without_the_section_has_no_description() {
    let inspection = inspect(&with_sections(&[("aksara:describe2", b"x"), ("name", b"")])).unwrap();
    assert_eq!(inspection.description, None);
}

#[test]
fn the_section_inside_of_a_nested_module_is_not_read() {
    let nested = "(core module (@custom \"aksara:describe\" \"\\c1\"))";
    assert_eq!(inspect(&Fixture::new().component(nested).binary()).unwrap().description, None);
}

#[test]
fn a_damaged_section_is_refused() {
    let mut trailing = description("fixture").encode();
    trailing.push(0);
    let cut = &trailing[..20];
    let cases: [(&str, &[u8], &str); 5] = [
        ("empty", b"", "`describe` returned nonsense: malformed MessagePack: it ends inside a value"),
        (
            "reserved",
            b"\xc1",
            "`describe` returned nonsense: malformed MessagePack: the byte 0xc1 begins no value",
        ),
        (
            "no description",
            b"\x80",
            "`describe` returned nonsense: malformed MessagePack: missing field `name`",
        ),
        (
            "trailing",
            &trailing,
            "`describe` returned nonsense: 1 bytes after the end of the MessagePack value",
        ),
        ("cut off", cut, "`describe` returned nonsense: malformed MessagePack: it ends inside a value"),
    ];
    let found = cases.map(|(case, content, expected)| {
        let error = inspect(&with_sections(&[(DESCRIPTION_SECTION, content)])).unwrap_err();
        (case, error.to_string(), expected)
    });
    assert_texts(&found);
}

#[test]
fn what_is_no_component_is_refused() {
    let cases: [(&str, &[u8], &str); 4] = [
        ("empty", b"", "the file is no WebAssembly component: it does not begin as one"),
        ("text", b"(component)", "the file is no WebAssembly component: it does not begin as one"),
        (
            "core module",
            b"\0asm\x01\0\0\0",
            "the file is no WebAssembly component: it is a core module; `aksara build` makes it a component",
        ),
        (
            "other version",
            b"\0asm\x0e\0\x01\0",
            "the file is no WebAssembly component: it is of an unknown version",
        ),
    ];
    assert_texts(
        &cases.map(|(case, bytes, expected)| (case, inspect(bytes).unwrap_err().to_string(), expected)),
    );
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    let component = with_sections(&[(DESCRIPTION_SECTION, &description("fixture").encode())]);
    let mut whole = 0;
    for length in 8..component.len() {
        match inspect(&component[..length]) {
            // Cut between two sections.
            Ok(inspection) => {
                assert_eq!(inspection.description, None);
                whole += 1;
            }
            Err(error) => assert_eq!(error, LoadError::NoComponent("it is cut off"), "{length}"),
        }
    }
    assert!(whole < 50, "{whole}");
}

#[test]
fn lengths_that_are_nonsense_are_refused() {
    let header = b"\0asm\x0d\0\x01\0";
    let cases: [(&str, &[u8]); 4] = [
        ("no length", b"\0"),
        ("endless", b"\0\xff\xff\xff\xff\xff\xff"),
        ("33 bits", b"\0\xff\xff\xff\xff\x1f"),
        ("larger than the file", b"\0\xff\xff\xff\xff\x0f"),
    ];
    for (case, section) in cases {
        let error = inspect(&[header, section].concat()).unwrap_err();
        assert_eq!(error.to_string(), "the file is no WebAssembly component: it is cut off", "{case}");
    }
}

#[test]
fn a_custom_section_whose_name_is_cut_off_is_none_of_ours() {
    let bytes = b"\0asm\x0d\0\x01\0\0\x02\x0fa";
    assert_eq!(inspect(bytes).unwrap().description, None);
}
