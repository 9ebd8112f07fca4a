//! What operations may be called, and what their names become in generated code.

/// The most bytes of a name.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// Words that are reserved in paths and have no raw form.
const RESERVED: [&str; 3] = ["self", "super", "crate"];

/// What is wrong with an operation's name, if anything is.
pub(crate) fn flaw(name: &str) -> Option<String> {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = |c: char| c.is_ascii_lowercase();
    if name.is_empty() {
        Some("is empty".to_owned())
    } else if name.len() > NAME_BYTES_MAX {
        Some(format!("is longer than {NAME_BYTES_MAX} bytes"))
    } else if RESERVED.contains(&name) {
        Some("is a reserved word".to_owned())
    } else if !name.starts_with(starts) || !name.chars().all(lower) || name.ends_with('_') {
        Some("is not in snake_case".to_owned())
    } else {
        None
    }
}

/// The variant of a well-formed name: `CoolingOff` of `cooling_off`.
pub(crate) fn variant(name: &str) -> String {
    let mut variant = String::with_capacity(name.len());
    for word in name.split('_') {
        let mut letters = word.chars();
        variant.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        variant.push_str(letters.as_str());
    }
    variant
}

/// A name in snake_case that is close to this one.
pub(crate) fn suggestion(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            let begins =
                c.is_ascii_uppercase() && words.ends_with(|c: char| c.is_ascii_lowercase());
            if begins {
                words.push('_');
            }
            words.push(c.to_ascii_lowercase());
        } else if !words.ends_with('_') && !words.is_empty() {
            words.push('_');
        }
    }
    words.truncate(NAME_BYTES_MAX);
    let words = words.trim_end_matches('_');
    match words.chars().next() {
        Some(first) if first.is_ascii_lowercase() && !RESERVED.contains(&words) => words.to_owned(),
        Some(_) => format!("step_{words}"),
        None => "charge".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_snake_case_names_are_well_formed() {
        for name in ["charge", "cooling_off", "step2", "a__b"] {
            assert_eq!(flaw(name), None, "{name}");
        }
        for name in [
            "",
            "Charge",
            "cooling-off",
            "2nd",
            "a b",
            "über",
            "a/b",
            "a#1",
            "self",
            "a_",
        ] {
            assert!(flaw(name).is_some(), "{name}");
            assert_eq!(flaw(&suggestion(name)), None, "{name}");
        }
        assert!(flaw(&"x".repeat(65)).is_some());
    }

    #[test]
    fn a_variant_is_the_name_in_camel_case() {
        assert_eq!(variant("charge"), "Charge");
        assert_eq!(variant("cooling_off_2"), "CoolingOff2");
    }
}
