//! Options: every listed one outside its range is refused, and so is every other.
//!
//! Must never: take its list from anywhere but the normaliser; what is listed is tested against the solver in `verifier/`.

use smtlib::{Limits, accepted_options, normalise};
use std::collections::HashSet;

fn set(name: &str, value: &str) -> Result<Vec<(String, String)>, String> {
    let script = format!("(set-option :{name} {value})(assert true)(check-sat)");
    let normalised = normalise(script.as_bytes(), &Limits::default());
    normalised.map(|normalised| normalised.options).map_err(|error| error.kind.to_string())
}

#[test]
fn every_listed_option_is_refused_outside_its_range() {
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
        "1e3",
        "1000001",
        "10.1.1",
        "\"\"",
        "||",
        "\"a file\"",
        "seq",
        "1.0000001",
        "+1",
        "0x1",
    ];
    for (name, values, _) in accepted_options() {
        let is_flag = values == ["false", "true"];
        for value in strange {
            // Between two listed words or numbers nothing of these lies.
            let told = set(name, value);
            assert!(told.is_err(), "{name} {value}: {told:?}");
        }
        let numbers: Vec<f64> = values.iter().filter_map(|value| value.parse().ok()).collect();
        if let [least, .., most] = numbers[..] {
            assert!(set(name, &format!("{}", most + 1.0)).is_err(), "{name} above {most}");
            assert!(least == 0.0 || set(name, &format!("{}", least - 1.0)).is_err(), "{name} below {least}");
        }
        let other = if is_flag { "1" } else { "true" };
        assert!(set(name, other).is_err(), "{name} {other}");
        for value in &values {
            let value = if value.contains(' ') { format!("\"{value}\"") } else { value.clone() };
            assert_eq!(set(name, &value).expect("listed").len(), 1, "{name} {value}");
        }
    }
}

#[test]
fn no_other_name_is_taken_for_a_listed_one() {
    let listed: HashSet<&str> = accepted_options().map(|(name, ..)| name).collect();
    // Left out, and told; never set.
    let outside = |name: &str| set(name, "true").is_err_and(|told| told.contains("is not accepted; leave it out"));
    for name in &listed {
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
            if listed.contains(other.as_str()) || set(&other, "1").is_ok_and(|options| options.is_empty()) {
                continue;
            }
            assert!(outside(&other), "{other}");
        }
        // The solver takes these for the same name.
        for same in [name.to_uppercase(), name.replace('_', "-")] {
            assert!(!outside(&same), "{same}");
        }
    }
}
