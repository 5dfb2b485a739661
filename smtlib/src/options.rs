//! The options that a script may set: an exact list of names with the values each may have. An option does not change what a
//! script means, so every other one is ignored and told: one that another solver has, or an older version of this one, one
//! that names a file, a limit, a seed, a value out of its range. One changes it: `:global-declarations`.
//!
//! Every accepted option is here because a tool writes it, which its row names. None was found to make the pinned solver
//! give a false answer; options that were found to are not here, nor are values that end the process.
//!
//! Must never: match by prefix, or accept a symbol or string that is not listed for that very option.

use crate::tree::Kind;

/// What becomes of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Set it, under this name, to this value.
    Set(&'static str, String),
    /// Ignore it and say so.
    Ignore,
    /// Declarations live to the end of the script, or do not.
    GlobalDeclarations(bool),
    /// It is written in a way that the solver does not know, and this would change what the script means.
    Misspelt(&'static str),
}

/// The one option that changes what a script means, by the standard's name and by the solver's. Exactly so: of these the
/// solver does not ignore case, nor `-` and `_`.
const GLOBAL_DECLARATIONS: [&str; 2] = ["global-declarations", "global-decls"];

/// The values that an option may have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Values {
    Bool,
    /// A whole number from the first to the second.
    Whole(u32, u32),
    /// One of these whole numbers.
    Numbers(&'static [u32]),
    /// A decimal from the first to the second.
    Decimal(u32, u32),
    /// One of these symbols.
    Words(&'static [&'static str]),
    /// Exactly this text.
    Text(&'static str),
}

/// Canonical name, values, and who writes it. Sorted by name.
const ACCEPTED: [(&str, Values, &str); 36] = [
    ("auto_config", Values::Bool, "F*, Boogie, Verus, Viper, K"),
    ("model", Values::Bool, "F*, Liquid Haskell"),
    ("model.compact", Values::Bool, "Boogie"),
    ("model.completion", Values::Bool, "Boogie, Dafny, Viper"),
    ("model.partial", Values::Bool, "Viper, Liquid Haskell"),
    ("model.v2", Values::Bool, "Boogie, Viper"),
    ("model_evaluator.completion", Values::Bool, "Boogie"),
    ("nnf.sk_hack", Values::Bool, "Boogie, Viper"),
    ("pi.decompose_patterns", Values::Bool, "F*"),
    ("pi.enabled", Values::Bool, "Verus"),
    ("pi.max_multi_patterns", Values::Whole(0, 1_000_000), "Boogie"),
    ("pp.bv_literals", Values::Bool, "Boogie"),
    ("rewriter.enable_der", Values::Bool, "F*"),
    ("rewriter.sort_disjunctions", Values::Bool, "F*, Verus"),
    ("sat.phase", Values::Words(&["caching"]), "Viper"),
    ("smt.arith.nl", Values::Bool, "F*, Dafny, Verus"),
    ("smt.arith.random_initial_value", Values::Bool, "Boogie, Viper"),
    ("smt.arith.solver", Values::Numbers(&[2, 6]), "F*, Dafny, Verus"),
    ("smt.auto_config", Values::Bool, "Boogie, Viper"),
    ("smt.bv.reflect", Values::Bool, "Boogie, Viper"),
    ("smt.case_split", Values::Whole(0, 5), "F*, Boogie, Verus, Viper"),
    ("smt.delay_units", Values::Bool, "Boogie, Verus, Viper"),
    ("smt.delay_units_threshold", Values::Whole(0, 1_000_000), "Boogie, Viper"),
    ("smt.ematching", Values::Bool, "F*"),
    ("smt.macro_finder", Values::Bool, "Boogie"),
    ("smt.mbqi", Values::Bool, "F*, Boogie, Verus, Viper, K"),
    ("smt.phase_selection", Values::Whole(0, 5), "Boogie, Viper"),
    ("smt.pull_nested_quantifiers", Values::Bool, "Boogie"),
    ("smt.qi.cost", Values::Text("(+ weight generation)"), "Boogie, Viper"),
    ("smt.qi.eager_threshold", Values::Decimal(0, 1_000_000), "Boogie, Dafny, Verus, Viper"),
    ("smt.qi.lazy_threshold", Values::Decimal(0, 1_000_000), "Boogie"),
    ("smt.qi.max_multi_patterns", Values::Whole(0, 1_000_000), "Viper"),
    ("smt.relevancy", Values::Whole(0, 2), "F*, Boogie"),
    ("smt.restart_factor", Values::Decimal(1, 10), "Boogie, Viper"),
    ("smt.restart_strategy", Values::Whole(0, 4), "Boogie, Viper"),
    ("type_check", Values::Bool, "Boogie, Viper"),
];

/// Every accepted option by its canonical name, with the values at the ends of its range, and who writes it. For tests
/// against the pinned solver, which must know each.
pub fn accepted_options() -> impl Iterator<Item = (&'static str, Vec<String>, &'static str)> {
    ACCEPTED.iter().map(|(name, values, tools)| {
        let values = match values {
            Values::Bool => vec!["false".to_owned(), "true".to_owned()],
            Values::Whole(least, most) => vec![least.to_string(), most.to_string()],
            Values::Numbers(numbers) => numbers.iter().map(ToString::to_string).collect(),
            Values::Decimal(least, most) => vec![format!("{least}.0"), format!("{most}.0")],
            Values::Words(words) => words.iter().map(ToString::to_string).collect(),
            Values::Text(text) => vec![(*text).to_owned()],
        };
        (*name, values, *tools)
    })
}

/// Decides on `(set-option :name value)`.
pub(crate) fn decide(name: &str, kind: Kind, value: &str) -> Decision {
    if GLOBAL_DECLARATIONS.contains(&name) {
        return match (kind, value) {
            (Kind::Symbol, "true") => Decision::GlobalDeclarations(true),
            (Kind::Symbol, "false") => Decision::GlobalDeclarations(false),
            _ => Decision::Misspelt(":global-declarations with true or false"),
        };
    }
    // The solver takes names without regard to case and to `-` or `_`.
    let name = name.to_ascii_lowercase().replace('-', "_");
    if GLOBAL_DECLARATIONS.iter().any(|global| global.replace('-', "_") == name) {
        return Decision::Misspelt(":global-declarations");
    }
    let Ok(row) = ACCEPTED.binary_search_by(|(listed, _, _)| (*listed).cmp(name.as_str())) else {
        return Decision::Ignore;
    };
    let (listed, values, _) = ACCEPTED[row];
    match canonical(values, kind, value) {
        Some(value) => Decision::Set(listed, value),
        None => Decision::Ignore,
    }
}

/// The one way to write a value, if it is accepted. Numbers may stand between bars or quotation marks, as Boogie writes.
fn canonical(values: Values, kind: Kind, value: &str) -> Option<String> {
    let is_word = kind == Kind::Symbol;
    let is_number = matches!(kind, Kind::Numeral | Kind::Decimal | Kind::Symbol | Kind::String);
    match values {
        Values::Bool if is_word && matches!(value, "true" | "false") => Some(value.to_owned()),
        Values::Words(words) if is_word && words.contains(&value) => Some(value.to_owned()),
        // Boogie writes |"…"|, bars and quotation marks both.
        Values::Text(text) if kind == Kind::String && value == text => Some(text.to_owned()),
        Values::Text(text) if is_word && (value == text || value == format!("\"{text}\"")) => Some(text.to_owned()),
        Values::Whole(least, most) if is_number => {
            let number = whole(value)?;
            (least..=most).contains(&number).then(|| number.to_string())
        }
        Values::Numbers(numbers) if is_number => {
            let number = whole(value)?;
            numbers.contains(&number).then(|| number.to_string())
        }
        Values::Decimal(least, most) if is_number => {
            let (before, after) = value.split_once('.').unwrap_or((value, "0"));
            let number = whole(before)?;
            if after.is_empty() || after.len() > 6 || !after.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let after = after.trim_end_matches('0');
            let fits = (least..most).contains(&number) || (number == most && after.is_empty());
            fits.then(|| format!("{number}.{}", if after.is_empty() { "0" } else { after }))
        }
        Values::Bool
        | Values::Words(_)
        | Values::Text(_)
        | Values::Numbers(_)
        | Values::Whole(..)
        | Values::Decimal(..) => None,
    }
}

fn whole(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(ACCEPTED.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn only_the_exact_names_make_declarations_global() {
        let on = |name| decide(name, Kind::Symbol, "true");
        assert_eq!(on("global-declarations"), Decision::GlobalDeclarations(true));
        assert_eq!(on("global-decls"), Decision::GlobalDeclarations(true));
        for name in ["global_decls", "GLOBAL-DECLS", "global_declarations", "Global-Declarations"] {
            assert_eq!(on(name), Decision::Misspelt(":global-declarations"));
        }
        assert_eq!(on("smt.global-decls"), Decision::Ignore);
    }

    #[test]
    fn every_value_has_one_form() {
        for (value, expected) in
            [("1.50", Some("1.5")), ("10", Some("10.0")), ("10.5", None), ("0.9", None), ("1.", None)]
        {
            let form = canonical(Values::Decimal(1, 10), Kind::Symbol, value);
            assert_eq!(form.as_deref(), expected, "{value}");
        }
        for (value, expected) in [("3", Some("3")), ("03", Some("3")), ("-1", None), ("", None), ("4", None)] {
            assert_eq!(canonical(Values::Whole(0, 3), Kind::String, value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn the_ends_of_every_range_are_accepted_as_they_are_told() {
        for (name, values, _) in accepted_options() {
            for value in values {
                assert_eq!(decide(name, Kind::Symbol, &value), Decision::Set(name, value));
            }
        }
    }
}
