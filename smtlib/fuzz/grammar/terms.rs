//! Random terms of a sort.

use super::{Function, Sort, Writer};

impl Writer<'_> {
    /// A term of a sort, nested up to a depth.
    pub(super) fn term(&mut self, sort: Sort, depth: u32) -> String {
        if depth == 0 || self.random.once_in(5) {
            return self.leaf(sort);
        }
        match self.random.next(10) {
            0 => {
                let condition = self.term(Sort::Bool, depth - 1);
                let (then, other) = (self.term(sort, depth - 1), self.term(sort, depth - 1));
                format!("(ite {condition} {then} {other})")
            }
            1 => self.binding(sort, depth),
            2 | 3 => self.call(sort, depth),
            _ => self.operation(sort, depth),
        }
    }

    pub(super) fn leaf(&mut self, sort: Sort) -> String {
        let constants = self.functions.iter().filter(|function| function.parameters.is_empty());
        let known: Vec<String> = constants
            .map(|function| (function.name.clone(), function.result))
            .chain(self.variables.iter().cloned())
            .filter(|(name, of)| *of == sort && self.visible(name, sort))
            .map(|(name, _)| name)
            .collect();
        if !known.is_empty() && !self.random.once_in(3) {
            return known[self.random.next(known.len())].clone();
        }
        let number = self.random.next(6);
        match sort {
            Sort::Bool => self.random.of(&["true", "false"]).to_owned(),
            Sort::Int if self.random.once_in(4) => format!("(- {number})"),
            Sort::Int => number.to_string(),
            // A numeral stands for a Real, too.
            Sort::Real if self.random.once_in(4) => number.to_string(),
            Sort::Real if self.random.once_in(8) => format!("{number}."),
            Sort::Real => format!("{number}.5"),
            Sort::Bits(bits) if self.random.once_in(2) => format!("(_ bv{number} {bits})"),
            Sort::Bits(4) => format!("#x{number:x}"),
            Sort::Bits(bits) => format!("#b{number:0width$b}", width = bits as usize),
            // A constant may be hidden or popped: a sort of one's own has no literal to fall back on.
            Sort::Own => "(choose true)".to_owned(),
            Sort::Array => format!("((as const (Array Int Int)) {number})"),
            Sort::List => "nil".to_owned(),
            Sort::Pair => format!("(pair {number} true)"),
            Sort::Other => format!("(pair {number}.0 (pair {number} false))"),
            Sort::Text => self
                .random
                .of(&["\"\"", "\"\t\n\"", "\"\\\tu{\r41}\"", "\"a\"", "\"ab\"", "\"a\"\"b\"", "\"\\u{e9}\""])
                .to_owned(),
            Sort::Sequence if self.random.once_in(2) => "(as seq.empty (Seq Int))".to_owned(),
            Sort::Sequence => format!("(seq.unit {number})"),
            Sort::Float => {
                let values = ["(_ NaN 3 5)", "(_ +oo 3 5)", "(_ -zero 3 5)", "(fp #b0 #b011 #b0000)"];
                self.random.of(&values).to_owned()
            }
        }
    }

    /// Whether a name means what it is listed for: an inner variable may hide an outer thing.
    pub(super) fn visible(&self, name: &str, sort: Sort) -> bool {
        self.variables.iter().rev().find(|(other, _)| other == name).is_none_or(|(_, of)| *of == sort)
    }

    pub(super) fn call(&mut self, sort: Sort, depth: u32) -> String {
        let fit = |function: &&Function| function.result == sort && !function.parameters.is_empty();
        let hidden = |name: &str| self.variables.iter().any(|(other, _)| other == name);
        let known: Vec<(String, Vec<Sort>)> = self
            .functions
            .iter()
            .filter(fit)
            .filter(|function| !hidden(&function.name))
            .map(|function| (function.name.clone(), function.parameters.clone()))
            .collect();
        if known.is_empty() {
            return self.operation(sort, depth);
        }
        let (name, parameters) = known[self.random.next(known.len())].clone();
        let arguments: Vec<String> = parameters.iter().map(|sort| self.term(*sort, depth - 1)).collect();
        format!("({name} {})", arguments.join(" "))
    }

    /// A let, or a quantifier where a truth value is wanted.
    pub(super) fn binding(&mut self, sort: Sort, depth: u32) -> String {
        let of = self.sort();
        let value = self.term(of, depth - 1);
        let name = self.of_a_theory().unwrap_or_else(|| self.fresh());
        self.variables.push((name.clone(), of));
        let body = self.term(sort, depth - 1);
        self.variables.pop();
        if sort == Sort::Bool && self.random.once_in(2) {
            let word = self.random.of(&["forall", "exists"]);
            let body = if self.random.once_in(3) { format!("(! {body} :qid q.1 :weight 2)") } else { body };
            return format!("({word} (({name} {})) {body})", of.text());
        }
        format!("(let (({name} {value})) {body})")
    }

    pub(super) fn operation(&mut self, sort: Sort, depth: u32) -> String {
        let forms: &[(&str, &[Sort])] = forms(sort);
        let (form, parameters) = forms[self.random.next(forms.len())];
        let any = self.sort();
        let mut text = form.to_owned();
        for parameter in parameters {
            let term = self.term(*parameter, depth - 1);
            text = text.replacen('%', &term, 1);
        }
        while text.contains('?') {
            let term = self.term(any, depth - 1);
            text = text.replacen('?', &term, 1);
        }
        text
    }
}

/// Applications that give a sort: each `%` is a term of the next sort listed, each `?` of one that is drawn.
fn forms(sort: Sort) -> &'static [(&'static str, &'static [Sort])] {
    use Sort::{Array, Bits, Bool, Float, Int, List, Other, Pair, Real, Sequence, Text};
    match sort {
        Bool => &[
            ("(and % %)", &[Bool, Bool]),
            ("(or % % %)", &[Bool, Bool, Bool]),
            ("(not %)", &[Bool]),
            ("(=> % %)", &[Bool, Bool]),
            ("(xor % %)", &[Bool, Bool]),
            ("(implies % %)", &[Bool, Bool]),
            ("(iff % %)", &[Bool, Bool]),
            ("(= ? ?)", &[]),
            ("(distinct ? ?)", &[]),
            ("(< % %)", &[Int, Int]),
            ("(<= % % %)", &[Int, Int, Int]),
            ("(> % %)", &[Real, Real]),
            ("(>= % %)", &[Real, Int]),
            ("(bvult % %)", &[Bits(8), Bits(8)]),
            ("(bvsle % %)", &[Bits(4), Bits(4)]),
            ("((_ is cons) %)", &[List]),
            ("((_ is nil) %)", &[List]),
            ("(second %)", &[Pair]),
            ("((_ is pair) %)", &[Pair]),
            ("(is-pair %)", &[Other]),
            ("(second (second %))", &[Other]),
            ("(if_then_else % % %)", &[Bool, Bool, Bool]),
            ("(str.prefixof % %)", &[Text, Text]),
            ("(str.in_re % (re.* (str.to_re \"a\")))", &[Text]),
            ("(seq.contains % %)", &[Sequence, Sequence]),
            ("(str.in_re % (re.diff re.all (str.to_re \"a\") (re.+ (str.to_re \"ab\"))))", &[Text]),
            ("(char.<= (seq.nth % %) (_ Char 98))", &[Text, Int]),
            (
                "(subset (union ((_ map (< (Int Int) Bool)) % %) ((as const (Set Int)) %)) (complement ((as const (Set Int)) %)))",
                &[Array, Array, Bool, Bool],
            ),
            ("(xor %)", &[Bool]),
            ("(fp.lt % %)", &[Float, Float]),
            ("(fp.isNaN %)", &[Float]),
        ],
        Int => &[
            ("(+ % %)", &[Int, Int]),
            ("(- % %)", &[Int, Int]),
            ("(- %)", &[Int]),
            ("(* 2 %)", &[Int]),
            ("(div % 3)", &[Int]),
            ("(mod % 3)", &[Int]),
            ("(abs %)", &[Int]),
            ("(rem % (- 3))", &[Int]),
            ("(seq.nth_i % %)", &[Sequence, Int]),
            ("(seq.nth_u % %)", &[Sequence, Int]),
            ("(select % %)", &[Array, Int]),
            ("(head %)", &[List]),
            ("(first %)", &[Pair]),
            ("(to_int %)", &[Real]),
            ("(ubv_to_int %)", &[Bits(4)]),
            ("(str.len %)", &[Text]),
            ("(seq.len %)", &[Sequence]),
            ("(seq.nth % 0)", &[Sequence]),
            ("(match % ((nil 0) ((cons mh mt) mh)))", &[List]),
        ],
        Real => &[
            ("(+ % %)", &[Real, Real]),
            ("(- % %)", &[Real, Int]),
            ("(* 0.5 %)", &[Real]),
            ("(/ % 2)", &[Real]),
            ("(+ 1 %)", &[Real]),
            ("(first %)", &[Other]),
            ("(to_real %)", &[Int]),
        ],
        Bits(4) => &[
            ("(bvadd % %)", &[Bits(4), Bits(4)]),
            ("(bvmul % %)", &[Bits(4), Bits(4)]),
            ("(bvudiv % %)", &[Bits(4), Bits(4)]),
            ("(bvnot %)", &[Bits(4)]),
            ("(bvxnor %)", &[Bits(4)]),
            ("(concat %)", &[Bits(4)]),
            ("(bvudiv_i % %)", &[Bits(4), Bits(4)]),
            ("(bvsmod_i % %)", &[Bits(4), Bits(4)]),
            ("((_ extract 3 0) %)", &[Bits(8)]),
            ("((_ rotate_left 1) %)", &[Bits(4)]),
            ("((_ int_to_bv 4) %)", &[Int]),
        ],
        Bits(_) => &[
            ("(bvsub % %)", &[Bits(8), Bits(8)]),
            ("(bvand % %)", &[Bits(8), Bits(8)]),
            ("(bvshl % %)", &[Bits(8), Bits(8)]),
            ("(bvsrem % %)", &[Bits(8), Bits(8)]),
            ("(bvsdiv_i % %)", &[Bits(8), Bits(8)]),
            ("(concat % %)", &[Bits(4), Bits(4)]),
            ("((_ sign_extend 4) %)", &[Bits(4)]),
        ],
        Sort::Own => &[("(choose %)", &[Bool])],
        Array => &[
            ("(store % % %)", &[Array, Int, Int]),
            ("(lambda ((i Int)) (+ i %))", &[Int]),
            ("((_ map (+ (Int Int) Int)) % %)", &[Array, Array]),
        ],
        List => &[("(cons % %)", &[Int, List]), ("(tail %)", &[List])],
        Other => &[("(pair % %)", &[Real, Pair]), ("((as pair (P Real (P Int Bool))) % %)", &[Real, Pair])],
        Pair => {
            &[("(second %)", &[Other]), ("(pair % %)", &[Int, Bool]), ("((as pair (P Int Bool)) % %)", &[Int, Bool])]
        }
        Text => &[
            ("(str.++ % %)", &[Text, Text]),
            ("(str.at % %)", &[Text, Int]),
            ("(str.substr % 0 %)", &[Text, Int]),
            ("(str.replace % % %)", &[Text, Text, Text]),
        ],
        Sequence => &[
            ("(seq.++ % %)", &[Sequence, Sequence]),
            ("(seq.extract % 0 %)", &[Sequence, Int]),
            ("(seq.unit %)", &[Int]),
            ("(seq.map (lambda ((i Int)) (+ i %)) %)", &[Int, Sequence]),
        ],
        Float => &[
            ("(fp.add RNE % %)", &[Float, Float]),
            ("(fp.neg %)", &[Float]),
            ("(fp.mul RTZ % %)", &[Float, Float]),
            ("((_ to_fp 3 5) RNE %)", &[Bits(4)]),
        ],
    }
}
