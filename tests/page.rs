//! The page in a real browser: what a person sees, as it happens.

mod browser;
mod network_support;

use browser::Browser;
use network_support::proofs::{Submitter, script};
use network_support::{End, Network, say, until};
use serde_json::json;

/// A name that would run if anything made markup of it.
const HOSTILE: &str = "<img src=x onerror=document.title='taken'>";

#[test]
fn a_person_sees_a_proof_become_final_a_restart_and_a_halted_network() {
    let Some(name) = browser::installed() else {
        return say(format_args!("NOT RUN: the page in a real browser: install chromium"));
    };
    let mut network = Network::running(4, json!({"admin": {"enabled": true}}));
    let mut browser = Browser::start(name);
    browser.size(1280, 900);
    let base = format!("http://{}", network.nodes[0].http);
    browser.open(&base);
    let loaded = browser.await_text("#figures", "Last block");
    browser.await_text("#node", "node_1");
    browser.await_text("#validators", "node_4");

    let submitter = Submitter::new(network.chain());
    let proof = submitter.submit(&network.nodes[1]).to_string();
    let row = format!("#proofs tr:has(a[href='#/proof/{proof}'])");
    let shown = browser.await_text(&row, "final");
    browser.await_text("#sentence", "OK: ");
    follow_a_proof_to_its_block(&mut browser, &proof);
    a_false_claim_has_its_counterexample_and_runs_nothing(&mut browser, &network, &submitter);
    fits_on_a_phone(&mut browser, &proof);
    is_named_for_screen_readers(&mut browser);

    let killed = network.pop(&["kill-actor", "--node", "node_1", "--actor", "mempool"]);
    assert!(killed.status.success(), "{}", String::from_utf8_lossy(&killed.stderr));
    let restarted = browser.await_text("#restarts", "mempool");
    browser.await_text("#actors", "1 restart, panicked");

    for node in [2, 3] {
        network.nodes[node].end(End::Kill);
    }
    let halted = browser.await_text("#sentence", "HALTED: 20000 of 40000");
    assert_eq!(browser.value("document.querySelector('#health').dataset.state"), "halted");
    // What a screen reader is told, once.
    browser.await_text("#announced", "HALTED: 20000 of 40000");
    browser.await_text("#validators", "missing since");
    assert_eq!(browser.problems(), Vec::<String>::new());

    // It keeps its connections, and says nothing: the page says how old it is.
    network.nodes[0].freeze();
    browser.await_text("#sentence", "NO ANSWER: silent since ");
    network.nodes[0].thaw();
    browser.await_text("#sentence", "HALTED: ");
    browser.await_text("#link", "live");
    say(format_args!("page: loaded {loaded:.2?}, proof {shown:.2?}, restart {restarted:.2?}, halt {halted:.2?}"));
}

fn follow_a_proof_to_its_block(browser: &mut Browser, proof: &str) {
    search(browser, &proof[..9]);
    browser.await_text("#detail .facts", proof);
    browser.await_text("#detail", "Checked and signed by");
    browser.await_text("#detail pre", "(check-sat)");
    browser.value("document.querySelector(\"#detail a[href^='#/block/']\").click()");
    browser.await_text("#detail h2", "Block ");
    browser.await_text("#detail", "Prepare votes");
    browser.await_text("#detail", "of 40,000 stake");
    browser.await_text("#detail table", &proof[..12]);
    let focused = browser.value("document.activeElement === document.querySelector('#detail h2')");
    assert_eq!(focused, true, "a screen reader is led to what is new");
    search(browser, "777777");
    browser.await_text("#found", "Nothing here is known as 777777");
}

fn search(browser: &mut Browser, text: &str) {
    browser.value(&format!("document.querySelector('#query').value = {}", json!(text)));
    browser.value("document.querySelector('#search').requestSubmit()");
}

fn a_false_claim_has_its_counterexample_and_runs_nothing(
    browser: &mut Browser,
    network: &Network,
    submitter: &Submitter,
) {
    let claim = format!(
        "(set-info :status unsat)\n(declare-const |{HOSTILE}| Int)\n(assert (> |{HOSTILE}| 41))\n(check-sat)\n"
    );
    let proof = submitter.submit_script(&network.nodes[0], &claim);
    browser.value("location.hash = '#/'");
    browser.await_text(&format!("#proofs tr:has(a[href='#/proof/{proof}'])"), "refused: false");
    browser.value(&format!("location.hash = '#/proof/{proof}'"));
    browser.await_text("#detail pre", HOSTILE);
    browser.await_text("#detail", "found a counterexample");
    assert_eq!(browser.value("document.images.length + document.querySelectorAll('iframe,object,embed').length"), 0);
    assert_ne!(browser.value("document.title"), "taken");
    search(browser, "<b>x</b>");
    browser.await_text("#found", "Search takes");
    assert_eq!(browser.value("document.querySelectorAll('#found b').length"), 0);
    let long = script();
    let final_one = submitter.submit_script(&network.nodes[0], &long);
    browser.value(&format!("location.hash = '#/proof/{final_one}'"));
    // What is under way is followed to its end.
    browser.await_text("#detail .facts", "final");
    browser.value("location.hash = '#/'");
}

/// What stands out of the screen, but for what can be scrolled within it.
const STANDS_OUT: &str = "[...document.querySelectorAll('body *')].filter((one) => {
    if (!one.getClientRects().length || one.getBoundingClientRect().right <= document.documentElement.clientWidth + 0.5) return false;
    for (let box = one.parentElement; box !== document.body; box = box.parentElement)
        if (getComputedStyle(box).overflowX !== 'visible' && box.getBoundingClientRect().right <= document.documentElement.clientWidth + 0.5) return false;
    return true;
}).map((one) => one.outerHTML.slice(0, 120))";

/// Texts whose contrast with what is behind them is below 4.5 to 1.
const FAINT: &str = "(() => {
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => parts(color).slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = (one) => {
        const color = getComputedStyle(one).backgroundColor;
        return (parts(color)[3] ?? 1) > 0 ? color : behind(one.parentElement);
    };
    return [...document.querySelectorAll('body *')]
        .filter((one) => one.getClientRects().length && !one.closest('svg') && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .filter((one) => {
            const [low, high] = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => a - b);
            return (high + 0.05) / (low + 0.05) < 4.5;
        }).map((one) => one.outerHTML.slice(0, 120));
})()";

/// On a phone nothing stands out of the screen, and all texts can be read, in either colour scheme: in the overview, and where
/// a proof with its long id and its script is shown.
fn fits_on_a_phone(browser: &mut Browser, proof: &str) {
    browser.size(390, 844);
    until("the page has the width of a phone", || {
        (browser.value("document.documentElement.clientWidth") == 390).then_some(())
    });
    for (address, selector, text) in
        [(format!("#/proof/{proof}"), "#detail pre", "(check-sat)"), ("#/".to_owned(), "#validators", "node_4")]
    {
        browser.value(&format!("location.hash = {}", json!(address)));
        browser.await_text(selector, text);
        for dark in [true, false] {
            browser.dark(dark);
            until("the colour scheme", || {
                let ground = browser.value("getComputedStyle(document.body).backgroundColor");
                (ground == if dark { "rgb(17, 21, 26)" } else { "rgb(245, 246, 248)" }).then_some(())
            });
            let width = browser.value("document.documentElement.scrollWidth").as_u64();
            assert!(width.is_some_and(|width| width <= 390), "{address}: {width:?}");
            assert_eq!(browser.value(STANDS_OUT), json!([]), "{address}, dark: {dark}");
            assert_eq!(browser.value(FAINT), json!([]), "{address}, dark: {dark}");
        }
    }
    browser.size(1280, 900);
}

fn is_named_for_screen_readers(browser: &mut Browser) {
    let unnamed = "[...document.querySelectorAll('section, table, input, svg')].filter((one) => !one.ariaLabel
        && !one.getAttribute('aria-labelledby') && !one.querySelector('caption') && !one.labels?.length).length";
    assert_eq!(browser.value(unnamed), 0);
    assert_eq!(browser.value("document.querySelectorAll('main, header, footer, [role=search]').length"), 4);
    // The plot begins with the first five seconds that have ended.
    browser.await_text("#latency .caption", "median");
    browser.value("document.querySelector('#latency svg').focus()");
    browser.call("Input.dispatchKeyEvent", json!({"type": "keyDown", "key": "ArrowLeft"}));
    browser.await_text("#latency .caption", " to ");
}
