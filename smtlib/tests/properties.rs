//! What holds for every script: reading what was printed gives the same tree, normalising twice changes nothing more, and
//! no bytes make it panic.
//!
//! Must never: depend on a clock for its verdict, but for the one deadline that is stated.

use proptest::prelude::*;
use smtlib::{Kind, Limits, Node, Tree, normalise, parse, print};

/// A tree as a nesting, from which the flat one is made.
#[derive(Clone, Debug)]
enum Nested {
    Atom(Kind, String),
    List(Vec<Nested>),
}

fn atoms() -> impl Strategy<Value = Nested> {
    let atom = |kind: Kind, pattern: &'static str| {
        proptest::string::string_regex(pattern)
            .expect("a pattern of this file")
            .prop_map(move |text| Nested::Atom(kind, text))
    };
    prop_oneof![
        atom(Kind::Symbol, "[-a-zA-Z~!@$%^&*_+=<>.?/][-a-zA-Z0-9~!@$%^&*_+=<>.?/]{0,8}"),
        // Between bars nearly everything may stand.
        atom(Kind::Symbol, "[ -\\[\\]-{}~\n\r\té€]{0,8}"),
        atom(Kind::Keyword, "[-a-zA-Z0-9~!@$%^&*_+=<>.?/]{1,8}"),
        atom(Kind::Numeral, "0|[1-9][0-9]{0,12}"),
        atom(Kind::Decimal, "(0|[1-9][0-9]{0,6})\\.[0-9]{1,6}"),
        atom(Kind::Hexadecimal, "[0-9a-fA-F]{1,8}"),
        atom(Kind::Binary, "[01]{1,16}"),
        atom(Kind::String, "([ !#-~\n\té]|\"\"){0,8}"),
    ]
    .prop_filter("a reserved word is written without bars", |nested| match nested {
        Nested::Atom(Kind::Symbol, text) => !text.contains('|'),
        _ => true,
    })
}

fn nested() -> impl Strategy<Value = Nested> {
    atoms().prop_recursive(6, 64, 6, |inner| prop::collection::vec(inner, 0..6).prop_map(Nested::List))
}

fn flatten(tree: &mut Tree, nested: &Nested) {
    let index = tree.nodes.len();
    let push = |tree: &mut Tree, kind, text: &str| {
        let text = tree.names.intern(text);
        let end = tree.nodes.len() as u32 + 1;
        tree.nodes.push(Node { kind, quoted: false, text, end, at: 0 });
    };
    match nested {
        Nested::Atom(kind, text) => push(tree, *kind, text),
        Nested::List(parts) => {
            push(tree, Kind::Open, "");
            for part in parts {
                flatten(tree, part);
            }
            push(tree, Kind::Close, "");
            tree.nodes[index].end = tree.nodes.len() as u32;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_what_was_printed_gives_the_same_tree(parts in prop::collection::vec(nested(), 0..6)) {
        let mut tree = Tree::default();
        for part in &parts {
            flatten(&mut tree, part);
        }
        let text = print(&tree);
        let read = parse(text.as_bytes(), &Limits::default())
            .map_err(|error| TestCaseError::fail(format!("{error} in {text:?}")))?;
        prop_assert_eq!(&read, &tree, "printed as {:?}", text);
        prop_assert_eq!(print(&read), text);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = normalise(&bytes, &Limits::default());
    }

    #[test]
    fn no_words_make_it_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        let script = words.join(" ");
        check_stable(script.as_bytes());
    }
}

/// Pieces that grammar and semantics hang on.
const WORDS: &[&str] = &[
    "(",
    ")",
    "(",
    ")",
    "(",
    ")",
    "assert",
    "check-sat",
    "declare-fun",
    "declare-const",
    "define-fun",
    "declare-datatypes",
    "declare-datatype",
    "declare-sort",
    "define-sort",
    "define-fun-rec",
    "define-funs-rec",
    "push",
    "pop",
    "set-logic",
    "set-option",
    "set-info",
    "let",
    "forall",
    "exists",
    "match",
    "lambda",
    "par",
    "!",
    "_",
    "as",
    "is",
    "bv3",
    "BitVec",
    "Int",
    "Bool",
    "Real",
    "Array",
    "x",
    "y",
    "f",
    "T",
    ":named",
    ":pattern",
    ":weight",
    ":lblpos",
    "true",
    "and",
    "=",
    "+",
    "concat",
    "extract",
    "select",
    "const",
    "0",
    "1",
    "8",
    "4000000000",
    "1.5",
    "#xAB",
    "#b1",
    "\"s\"",
    "|q|",
    "-1",
    "()",
    "((x Int))",
    "(x Int)",
    "(_ BitVec 8)",
    "(check-sat)",
    "(assert true)",
    "(declare-fun x () Int)",
];

/// An accepted script's text is accepted, and is its own text.
fn check_stable(script: &[u8]) {
    let Ok(once) = normalise(script, &Limits::default()) else { return };
    let twice = match normalise(once.text.as_bytes(), &Limits::default()) {
        Ok(twice) => twice,
        Err(error) => panic!("its own text is refused: {error}\n{}", once.text),
    };
    assert_eq!(once.text, twice.text);
    assert_eq!(once.assumptions, twice.assumptions);
}

/// A small generator of our own, so that a failing run is repeated by its seed.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self, below: usize) -> usize {
        // Steele and Vigna's splitmix64: one word of state, every seed as good as another.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((word ^ (word >> 31)) % below.max(1) as u64) as usize
    }
}

/// A script with something of everything, to be damaged.
const WHOLE: &str = "(set-option :smt.mbqi false)(set-logic ALL)(set-info :status unsat)
(declare-sort S 0)(define-sort P (X Y) (Array X Y))(declare-datatypes ((L 1) (M 0)) ((par (T) ((n) (c (h T) (t (L T))))) ((m (k (L Int))))))
(declare-fun f (Int S) Bool)(declare-const s S)(declare-const a (P Int (_ BitVec 8)))(define-fun g ((x Int) (y Int)) Int (+ x (* 2 y) -3))
(define-fun-rec r ((i Int)) Int (ite (<= i 0) 0 (r (- i 1))))(push 2)
(assert (! (forall ((x Int) (sin S)) (! (=> (f x sin) (let ((u (g x 1)) (v \"a\"\"b\")) (and (= u 3) (distinct v \"c\"))))
  :pattern ((f x sin)) :qid |q 1| :weight 2)) :named top))
(assert (match (as n (L Int)) ((n true) ((c q _) (> q 1)))))(assert (= ((_ extract 3 0) (select a 1)) #xF (_ bv15 4)))
(pop 1)(assert (! (is-m (m n)) :lblpos |@1|))(assert (exists ((x Real)) (< x 1.5 (to_real (r 3)))))(check-sat)(get-model)(pop)(exit)
";

#[test]
fn damaged_scripts_are_refused_or_understood() {
    let seed = std::env::var("POP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124u64);
    println!("seed {seed} (POP_SEED repeats it)");
    check_stable(WHOLE.as_bytes());
    assert!(normalise(WHOLE.as_bytes(), &Limits::default()).is_ok());
    let mut random = Seeded(seed);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut script = WHOLE.as_bytes().to_vec();
        for _ in 0..=random.next(3) {
            let at = random.next(script.len());
            match random.next(5) {
                0 => script[at] = random.next(256) as u8,
                1 => {
                    script.remove(at);
                }
                2 => script.insert(at, b"()|\"; \r\n0-a:#!_"[random.next(15)]),
                3 => {
                    let end = at + random.next(40).min(script.len() - at);
                    let piece = script[at..end].to_vec();
                    let to = random.next(script.len());
                    script.splice(to..to, piece);
                }
                _ => {
                    let word = WORDS[random.next(WORDS.len())];
                    script.splice(at..at, format!(" {word} ").into_bytes());
                }
            }
        }
        check_stable(&script);
        accepted += usize::from(normalise(&script, &Limits::default()).is_ok());
    }
    println!("{accepted} of 20000 damaged scripts were still scripts");
    assert!(accepted > 100, "the damage must leave some scripts whole, or the test tests nothing");
}

#[test]
fn millions_of_parentheses_are_refused_at_once() {
    let deep = "(".repeat(3_000_000);
    let nots = format!("(assert {}true{})(check-sat)", "(not ".repeat(3_000_000), ")".repeat(3_000_000));
    let generous = Limits { bytes_max: 1 << 30, ..Limits::default() };
    for (script, limits) in [(&deep, &Limits::default()), (&deep, &generous), (&nots, &generous)] {
        let before = std::time::Instant::now();
        let error = normalise(script.as_bytes(), limits).expect_err("too deep");
        let took = before.elapsed();
        println!("{} bytes refused in {took:?}: {error}", script.len());
        // Milliseconds in an optimised build; the deadline leaves room for an unoptimised one on a loaded machine.
        assert!(took.as_secs() < 5, "took {took:?}");
    }
}

#[test]
fn depth_costs_no_stack() {
    let limits = Limits { bytes_max: 1 << 30, depth_max: u32::MAX, tokens_max: u64::MAX, ..Limits::default() };
    let depth = 200_000;
    let scripts = [
        format!("(assert {}true{})(check-sat)", "(not ".repeat(depth), ")".repeat(depth)),
        format!("(assert {}a{})(check-sat)", "(let ((a true)) ".repeat(depth), ")".repeat(depth)),
        format!("(assert {}true{})(check-sat)", "(forall ((a Bool)) ".repeat(depth), ")".repeat(depth)),
        format!("(assert {}true{})(check-sat)", "(! ".repeat(depth), " :weight 1)".repeat(depth)),
        format!("(declare-const a {}Int{})(assert true)(check-sat)", "(Seq ".repeat(depth), ")".repeat(depth)),
        format!(
            "(declare-sort S 0)(declare-const a {}S{})(assert true)(check-sat)",
            "(".repeat(depth),
            ")".repeat(depth)
        ),
    ];
    let small_stack = std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
        for script in scripts {
            normalise(script.as_bytes(), &limits).expect("depth alone is no fault");
        }
    });
    small_stack.expect("a thread starts").join().expect("no stack overflow");
}

#[test]
fn large_scripts_take_time_in_proportion() {
    // Each is shaped so that a step that looks at more than its own part would take minutes.
    let limits = Limits::default();
    let many = 20_000;
    let numbered = |form: &dyn Fn(usize) -> String| (0..many).map(form).collect::<String>();
    let scripts = [
        format!("(assert (and {}))(check-sat)", "true ".repeat(many * 10)),
        format!("(assert (let ({}) true))(check-sat)", numbered(&|i| format!("(a{i} {i})"))),
        format!("{}(assert true)(check-sat)", numbered(&|i| format!("(declare-fun f{i} (Int) Int)"))),
        format!("{}(assert true)(check-sat)", numbered(&|i| format!("(define-fun f{i} ((sin Int)) Int sin)"))),
        format!("{}(assert true)(check-sat)", "(declare-fun f (Int) Int)".repeat(many)),
        format!("(declare-datatype T ({}))(assert true)(check-sat)", numbered(&|i| format!("(c{i} (s{i} T))"))),
        format!(
            "(define-sort P (X) {}X{})\n{}(assert true)(check-sat)",
            "(Seq ".repeat(400),
            ")".repeat(400),
            numbered(&|i| format!("(declare-fun f{i} () (P (_ BitVec {})))", i % 60_000 + 1))
        ),
        format!("{}(assert true)(check-sat)", "(push 1000)(pop 1000)".repeat(many)),
        format!("{}(assert true)(check-sat)", "(echo \"\")".repeat(many)),
    ];
    for script in scripts {
        let before = std::time::Instant::now();
        let outcome = normalise(script.as_bytes(), &limits);
        let took = before.elapsed();
        let start: String = script.chars().take(40).collect();
        println!(
            "{took:?} for {} bytes beginning {start}: {:?}",
            script.len(),
            outcome.as_ref().err().map(|error| error.to_string())
        );
        assert!(took.as_secs() < 20, "took {took:?}");
    }
}
