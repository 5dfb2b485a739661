//! What a browser is given, and that nothing in it can take in anything else.

use super::*;
use crate::api::tests::bench;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[actix::test]
async fn every_file_comes_with_its_policy_and_once() {
    let bench = bench().await;
    let get = async |path: &str, header: &str| {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    for path in std::iter::once("/".to_owned()).chain(FILES.iter().map(|file| format!("/page/{}", file.name))) {
        let answer = get(&path, "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        for header in ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff"] {
            assert!(answer.contains(header), "{path} lacks {header}");
        }
        assert!(answer.contains("referrer-policy: no-referrer"), "{path}");
        let tag = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
        let again = get(&path, &format!("If-None-Match: {tag}\r\n")).await;
        assert!(again.starts_with("HTTP/1.1 304") && again.ends_with("\r\n\r\n"), "{path}: {again}");
    }
    assert!(get("/page/../secret", "").await.starts_with("HTTP/1.1 404"));
}

#[test]
fn no_script_makes_markup_of_a_text_and_nothing_comes_from_elsewhere() {
    let forbidden = ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "srcdoc"];
    for file in FILES.iter().chain([&HTML]) {
        for word in forbidden {
            assert!(!file.text.contains(word), "{}: {word}", file.name);
        }
        let foreign = file.text.matches("http://").count() + file.text.matches("https://").count();
        let namespaces = file.text.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(foreign, namespaces, "{}: an address of elsewhere", file.name);
    }
    for inline in [" style=", " onclick=", " onload=", "<style", "<script>"] {
        assert!(!HTML.text.contains(inline), "the policy forbids {inline}");
    }
}

#[test]
fn what_the_page_names_is_there() {
    let named = |text: &'static str, before: &'static str| {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>()
    };
    let files = FILES.iter().flat_map(|file| named(file.text, "from \"./"));
    let files: Vec<_> = files.chain(named(HTML.text, "\"/page/")).collect();
    assert!(files.len() > FILES.len(), "{files:?}");
    for name in files {
        assert!(FILES.iter().any(|file| file.name == name), "{name} is missing");
    }
    for script in FILES.iter().filter(|file| file.name.ends_with(".js") && file.name != "main.js") {
        assert!(HTML.text.contains(&format!("modulepreload\" href=\"/page/{}", script.name)), "{}", script.name);
    }
}
