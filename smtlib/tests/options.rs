//! Options: every listed one outside its range is ignored and told, and so is every other.
//!
//! Must never: take its list from anywhere but the normaliser; what is listed is tested against the solver in `verifier/`.

use smtlib::{Limits, NoteKind, accepted_options, normalise};
use std::collections::HashMap;

fn set(name: &str, value: &str) -> Result<Vec<(String, String)>, smtlib::Error> {
    let script = format!("(set-option :{name} {value})(assert true)(check-sat)");
    let normalised = normalise(script.as_bytes(), &Limits::default())?;
    let is_told = normalised.notes.iter().any(|note| note.kind == NoteKind::OptionIgnored);
    assert_ne!(is_told, !normalised.options.is_empty(), "{name} {value}: set or told");
    assert_eq!(normalised.text, "(assert true)\n(check-sat)\n");
    Ok(normalised.options)
}

/// It is let through, and says nothing to the solver.
fn is_ignored(name: &str, value: &str) -> bool {
    set(name, value).is_ok_and(|options| options.is_empty())
}

#[test]
fn every_listed_option_is_ignored_outside_its_range() {
    let strange = [
        "-1",
        "yes",
        "TRUE",
        "\"true\"",
        "|none|",
        "()",
        "(+ 1 1)",
        "#x1",
        "#b1",
        ":true",
        "99999999999999999999",
        "1000001",
        "\"\"",
        "||",
        "\"a file\"",
        "seq",
        "1.0000001",
        "+1",
    ];
    for (name, values, _) in accepted_options() {
        let is_flag = values == ["false", "true"];
        for value in strange {
            // Between two listed words or numbers nothing of these lies.
            assert!(is_ignored(name, value), "{name} {value}: {:?}", set(name, value));
        }
        let numbers: Vec<f64> = values.iter().filter_map(|value| value.parse().ok()).collect();
        if let [least, .., most] = numbers[..] {
            assert!(is_ignored(name, &format!("{}", most + 1.0)), "{name} above {most}");
            assert!(least == 0.0 || is_ignored(name, &format!("{}", least - 1.0)), "{name} below {least}");
        }
        let other = if is_flag { "1" } else { "true" };
        assert!(is_ignored(name, other), "{name} {other}");
        for value in &values {
            let value = if value.contains(' ') { format!("\"{value}\"") } else { value.clone() };
            assert_eq!(set(name, &value).expect("listed").len(), 1, "{name} {value}");
        }
    }
}

#[test]
fn no_other_name_is_taken_for_a_listed_one() {
    let listed: HashMap<&str, Vec<String>> = accepted_options().map(|(name, values, _)| (name, values)).collect();
    for (name, values) in &listed {
        for other in [
            format!("{name}s"),
            format!("{name}."),
            format!("{name}.x"),
            format!("x{name}"),
            format!("smt.{name}"),
            format!("sat.{name}"),
            name[..name.len() - 1].to_owned(),
            name[1..].to_owned(),
            name.replace('_', "."),
            name.replace('.', "_"),
            name.replacen('s', "5", 1),
        ] {
            assert!(listed.contains_key(other.as_str()) || is_ignored(&other, "true"), "{other}");
            assert!(listed.contains_key(other.as_str()) || is_ignored(&other, "1"), "{other}");
        }
        // The solver takes these for the same name.
        for same in [name.to_uppercase(), name.replace('_', "-")] {
            let value = values.first().map_or("", String::as_str);
            let value = if value.contains(' ') { format!("\"{value}\"") } else { value.to_owned() };
            assert_eq!(set(&same, &value).expect("listed").len(), 1, "{same}");
        }
    }
}

/// Options that write files, end the process, or make the solver answer falsely; of other solvers; of older versions.
#[test]
fn what_is_not_listed_is_ignored() {
    for (name, value) in [
        ("regular-output-channel", "\"stdout\""),
        ("diagnostic-output-channel", "\"/tmp/x\""),
        ("sat.drat.file", "\"x\""),
        ("solver.axioms2files", "true"),
        ("smt.arith.dump_bound_lemmas", "true"),
        ("solver.lemmas2console", "true"),
        ("smt.string_solver", "none"),
        ("smt.array.extensional", "false"),
        ("rewriter.hi_div0", "false"),
        ("smt.bv.enable_int2bv", "false"),
        ("encoding", "ascii"),
        ("smt.core.validate", "true"),
        ("error-behavior", "immediate-exit"),
        ("smt.qi.profile_freq", "0"),
        ("smt.restart_strategy", "5"),
        ("model_compress", "false"),
        ("MODEL_HIDE_UNUSED_PARTITIONS", "false"),
        ("smt", "1"),
        ("smt.mbqi.max_iterations", "1"),
        ("smt.qi.cost", "\"(+ 1 1)\""),
        ("strings-exp", "true"),
        ("tlimit-per", "(1 2)"),
        ("produce-models", ""),
        ("numeral-as-real", "true"),
        ("int-real-coercions", "false"),
    ] {
        assert!(is_ignored(name, value), "{name} {value}: {:?}", set(name, value));
    }
}
