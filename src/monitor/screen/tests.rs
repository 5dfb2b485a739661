//! What keys do.

use super::*;
use crate::monitor::model::tests::{model, well};
use protocol::types::Millis;

fn view() -> View {
    let mut model = model();
    well(&mut model, 1_000, 7);
    View::of(&model, Millis(1_000))
}

fn press(screen: &mut Screen, view: &View, keys: &str) -> Action {
    let code = |letter| match letter {
        '\n' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\u{1b}' => KeyCode::Esc,
        letter => KeyCode::Char(letter),
    };
    keys.chars().map(|letter| screen.on_key(KeyEvent::from(code(letter)), view)).last().unwrap()
}

#[test]
fn keys_lead_to_each_view_and_back() {
    let (mut screen, view) = (Screen::default(), view());
    assert_eq!(press(&mut screen, &view, "3"), Action::Nothing);
    assert_eq!(screen.tab, Tab::Actors);
    press(&mut screen, &view, "2jj\n");
    assert_eq!(screen.detail, Some(Detail::Validator("node_3".into())));
    press(&mut screen, &view, "\u{1b}");
    assert_eq!((screen.detail.as_ref(), screen.tab), (None, Tab::Validators));
    press(&mut screen, &view, "jjjjjjjjj");
    assert_eq!(screen.selected(&view), 3, "the last one");
    press(&mut screen, &view, "\t\t\t\t\t");
    assert_eq!(screen.tab, Tab::Overview);
    press(&mut screen, &view, "?");
    assert!(screen.help);
    assert_eq!(press(&mut screen, &view, "xq"), Action::Quit);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(screen.on_key(interrupt, &view), Action::Quit);
    press(&mut screen, &view, "x");
    assert!(screen.note.unwrap().contains("? lists them"));
}

#[test]
fn a_proof_is_looked_up_by_its_whole_id_only() {
    let (mut screen, view) = (Screen::default(), view());
    press(&mut screen, &view, "/12qz\n");
    assert_eq!(screen.typed.as_deref(), Some("12"), "q is no digit, and does not quit");
    assert!(screen.note.as_ref().unwrap().contains("2 of 64"));
    let id = "ab".repeat(32);
    let rest = &id.to_uppercase()[..62];
    press(&mut screen, &view, "\u{1b}/");
    assert_eq!(press(&mut screen, &view, &format!("ab{rest}\n")), Action::Ask(id.clone()));
    screen.on_proof("another", vec!["x".into()]);
    assert_eq!(screen.detail, Some(Detail::Proof { id: id.clone(), lines: None }));
    screen.on_proof(&id, vec!["final".into()]);
    assert!(matches!(&screen.detail, Some(Detail::Proof { lines: Some(lines), .. }) if lines[0] == "final"));
    press(&mut screen, &view, "\u{1b}");
    assert_eq!(screen.on_paste(&format!(" {id}\n")), Action::Ask(id));
    assert_eq!(screen.on_paste(&"\u{1b}[2J".repeat(1_000)), Action::Nothing);
}

#[test]
fn validators_are_sorted_by_what_is_asked_for() {
    let (mut screen, mut view) = (Screen::default(), view());
    view.validators[1].state = "silent";
    view.validators[3].restarts = Some(5);
    let order = |screen: &Screen| screen.validators(&view).iter().map(|row| row.node_id.clone()).collect::<Vec<_>>();
    screen.sort = SortBy::State;
    assert_eq!(order(&screen)[0], "node_2");
    screen.sort = SortBy::Restarts;
    assert_eq!(order(&screen)[0], "node_4");
    screen.reversed = true;
    assert_eq!(order(&screen)[3], "node_4");
}
