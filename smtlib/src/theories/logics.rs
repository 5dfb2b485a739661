//! Logics: which ones the solver is told, and what a logic's name says by its parts whether or not it is told.
//!
//! Must never: list a logic that sends the solver into a procedure of its own that was not tried (one of them ends the
//! process).

use super::Theory;

/// What the name of a logic says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Logic<'a> {
    name: &'a str,
}

impl<'a> Logic<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        Self { name }
    }

    /// Whether the solver is told. It takes its usual way for all others, which answers the same.
    pub(crate) fn is_listed(self) -> bool {
        LOGICS.binary_search(&self.name).is_ok()
    }

    /// Whether it has Reals and no Ints, so that a numeral is a Real: what the solver reads into the name, and the
    /// standard into every such logic of its own.
    pub(crate) fn has_real_numerals(self) -> bool {
        self.has_part(&["LRA", "NRA", "RDL"])
    }

    /// Whether the solver loads no functions of a theory under this logic, so that their names are the script's. It reads the
    /// name's parts, and loads everything where it reads nothing in them.
    pub(crate) fn lacks(self, theory: Theory) -> bool {
        let loads = |theory| match theory {
            Theory::Core => true,
            Theory::Numbers => {
                self.has_part(&["LRA", "LIRA", "LIA", "NRA", "NIRA", "NIA", "IDL", "RDL", "FP"])
                    || self.is_one_of(&["QF_BVRE", "QF_S", "QF_FD", "HORN"])
            }
            Theory::BitVectors => self.has_part(&["BV"]) || self.is_one_of(&["FP", "QF_FD", "HORN"]),
            Theory::Arrays => self.name.starts_with("QF_A") || self.name.starts_with('A') || self.is_one_of(&["HORN"]),
            Theory::Strings => self.is_one_of(&["QF_S", "QF_SLIA", "QF_SNIA", "QF_BVRE"]),
            Theory::FloatingPoint => self.has_part(&["FP"]),
            Theory::Datatypes => self.has_part(&["DT"]) || self.is_one_of(&["QF_FD", "HORN"]),
        };
        const SOME: [Theory; 6] = [
            Theory::Numbers,
            Theory::BitVectors,
            Theory::Arrays,
            Theory::Strings,
            Theory::FloatingPoint,
            Theory::Datatypes,
        ];
        let is_read = SOME.into_iter().any(loads) || self.has_part(&["UF"]);
        is_read && !self.has_part(&["ALL"]) && !loads(theory)
    }

    fn has_part(self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.name.contains(part))
    }

    fn is_one_of(self, names: &[&str]) -> bool {
        names.contains(&self.name)
    }
}

/// Sorted. SMT-LIB's, and what tools write for the solver.
const LOGICS: [&str; 110] = [
    "ABV",
    "ABVFP",
    "ABVFPLRA",
    "ALIA",
    "ALIRA",
    "ALL",
    "ANIA",
    "ANIRA",
    "AUFBV",
    "AUFBVDTLIA",
    "AUFBVDTNIA",
    "AUFBVDTNIRA",
    "AUFBVFP",
    "AUFDTLIA",
    "AUFDTLIRA",
    "AUFDTNIA",
    "AUFDTNIRA",
    "AUFFPDTNIRA",
    "AUFLIA",
    "AUFLIRA",
    "AUFLRA",
    "AUFNIA",
    "AUFNIRA",
    "AUFNRA",
    "BV",
    "BVFP",
    "BVFPLRA",
    "FP",
    "FPLRA",
    "HORN",
    "LIA",
    "LIRA",
    "LRA",
    "NIA",
    "NIRA",
    "NRA",
    "QF_ABV",
    "QF_ABVFP",
    "QF_ABVFPLRA",
    "QF_ABVLIA",
    "QF_ALIA",
    "QF_ANIA",
    "QF_ANIRA",
    "QF_AUFBV",
    "QF_AUFBVFP",
    "QF_AUFBVLIA",
    "QF_AUFBVNIA",
    "QF_AUFLIA",
    "QF_AUFLIRA",
    "QF_AUFLRA",
    "QF_AUFNIA",
    "QF_AUFNIRA",
    "QF_AUFNRA",
    "QF_AX",
    "QF_BV",
    "QF_BVFP",
    "QF_BVFPLRA",
    "QF_BVLRA",
    "QF_DT",
    "QF_FP",
    "QF_FPBV",
    "QF_FPLRA",
    "QF_IDL",
    "QF_LIA",
    "QF_LIRA",
    "QF_LRA",
    "QF_NIA",
    "QF_NIRA",
    "QF_NRA",
    "QF_RDL",
    "QF_S",
    "QF_SLIA",
    "QF_SNIA",
    "QF_UF",
    "QF_UFBV",
    "QF_UFBVDT",
    "QF_UFBVLIA",
    "QF_UFDT",
    "QF_UFDTLIA",
    "QF_UFDTLIRA",
    "QF_UFDTNIA",
    "QF_UFFP",
    "QF_UFFPDTNIRA",
    "QF_UFIDL",
    "QF_UFLIA",
    "QF_UFLIRA",
    "QF_UFLRA",
    "QF_UFNIA",
    "QF_UFNIRA",
    "QF_UFNRA",
    "UF",
    "UFBV",
    "UFBVDT",
    "UFBVFP",
    "UFBVLIA",
    "UFDT",
    "UFDTLIA",
    "UFDTLIRA",
    "UFDTLRA",
    "UFDTNIA",
    "UFDTNIRA",
    "UFDTNRA",
    "UFFPDTNIRA",
    "UFIDL",
    "UFLIA",
    "UFLIRA",
    "UFLRA",
    "UFNIA",
    "UFNIRA",
    "UFNRA",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(LOGICS.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn numerals_are_real_where_there_are_no_ints() {
        for (name, real) in [
            ("QF_LRA", true),
            ("AUFLRA", true),
            ("QF_UFNRA", true),
            ("QF_RDL", true),
            ("FPLRA", true),
            ("QF_LIRA", false),
            ("AUFBVFPDTNIRA", false),
            ("QF_LIA", false),
            ("ALL", false),
            ("HORN", false),
            ("QF_BOOL", false),
        ] {
            assert_eq!(Logic::new(name).has_real_numerals(), real, "{name}");
        }
    }

    #[test]
    fn a_logic_lacks_what_its_name_leaves_out() {
        for (name, theory, lacks) in [
            ("QF_BV", Theory::FloatingPoint, true),
            ("QF_BV", Theory::Numbers, true),
            ("QF_BVFP", Theory::FloatingPoint, false),
            ("QF_LIA", Theory::Strings, true),
            ("QF_LIA", Theory::Core, false),
            ("ALL", Theory::Strings, false),
            ("ALL_SUPPORTED", Theory::Strings, false),
            ("QF_BOOL", Theory::Numbers, false),
            ("QF_UF", Theory::Numbers, true),
        ] {
            assert_eq!(Logic::new(name).lacks(theory), lacks, "{name}: {theory:?}");
        }
    }
}
