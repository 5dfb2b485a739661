//! Who may make actors fail, and what everybody sees of them.

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// A node with an administrator, and the token.
async fn administered() -> (Bench, String) {
    let folder = tempfile::tempdir().unwrap();
    let token = Token::make(folder.path()).unwrap();
    let path = token_path(folder.path());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(path).unwrap().trim().to_owned();
    assert_eq!((text.len(), hex::decode(&text).unwrap().len()), (64, 32));
    let bench = bench_of(Settings { admin: Some(token), ..Settings::default() }).await;
    // Nobody makes an actor fail that has not started.
    let deadline = Instant::now() + Duration::from_secs(60);
    for name in ["mempool", "state"] {
        while actor(&bench.get("/v1/actors").await.1, name)["state"] != "running" {
            assert!(Instant::now() < deadline, "{name} does not start");
        }
    }
    (bench, text)
}

async fn kill(bench: &Bench, token: Option<&str>, body: &Value) -> (u16, Value) {
    let (body, token) = (body.to_string(), token.map(|token| format!("Authorization: Bearer {token}\r\n")));
    let head =
        "POST /v1/admin/kill HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let length = body.len();
    bench.send(&format!("{head}{}Content-Length: {length}\r\n\r\n{body}", token.unwrap_or_default())).await
}

fn actor<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let children = answer["tree"]["children"].as_array().unwrap();
    children.iter().find(|child| child["name"] == name).unwrap()
}

#[actix::test]
async fn an_actor_that_is_killed_serves_again_and_the_tree_says_why_it_had_to() {
    let (bench, token) = administered().await;
    for (number, how) in ["panic", "terminate", "hang"].into_iter().enumerate() {
        let (status, came) = kill(&bench, Some(&token), &json!({"actor": "mempool", "how": how})).await;
        assert_eq!((status, &came["actor"], &came["how"]), (200, &json!("mempool"), &json!(how)), "{came}");
        let times: Vec<f64> = ["detected_ms", "up_ms", "serving_ms"].map(|key| came[key].as_f64().unwrap()).into();
        assert!(times.is_sorted(), "{came}");
        assert_eq!(came["incarnation"], json!(number + 2));
    }
    let (status, actors) = bench.get("/v1/actors").await;
    let mempool = actor(&actors, "mempool");
    assert_eq!((status, &mempool["state"]), (200, &json!("running")));
    let reasons = json!({
        "panicked": 1, "failed": 0, "terminated": 1, "start_failed": 0, "hung": 1, "blocked": 0, "with_sibling": 0
    });
    assert_eq!(mempool["restarts"], reasons);
    assert_eq!(mempool["last_failure"]["reason"], "hung");
    assert_eq!(actor(&actors, "state")["incarnation"], 1, "its neighbour went on");
    assert_eq!(actors["tree"]["restarts"], 3);
}

#[actix::test]
async fn only_who_has_the_token_makes_actors_fail_and_a_wrong_name_lists_the_right_ones() {
    let (bench, token) = administered().await;
    let good = json!({"actor": "mempool", "how": "panic"});
    for wrong in [None, Some(""), Some("00"), Some(&token[1..])] {
        let (status, answer) = kill(&bench, wrong, &good).await;
        assert_eq!((status, &answer["error"]), (401, &json!("unauthorized")), "{wrong:?}");
    }
    let (status, answer) = kill(&bench, Some(&token), &json!({"actor": "nobody", "how": "panic"})).await;
    assert_eq!(status, 404);
    assert!(answer["message"].as_str().unwrap().contains("there are mempool, state"), "{answer}");
    for wrong in
        [json!({"actor": "mempool"}), json!({"actor": "mempool", "how": "gently"}), json!({"how": "panic", "actor": 1})]
    {
        assert_eq!(kill(&bench, Some(&token), &wrong).await.0, 400, "{wrong}");
    }
    let (_, actors) = bench.get("/v1/actors").await;
    assert_eq!(actor(&actors, "mempool")["incarnation"], 1, "nothing of this was done");
}

#[actix::test]
async fn without_an_administrator_nobody_makes_actors_fail() {
    let bench = bench().await;
    let (status, answer) = kill(&bench, Some("00"), &json!({"actor": "mempool", "how": "panic"})).await;
    assert_eq!((status, &answer["error"]), (403, &json!("forbidden")));
    assert!(answer["message"].as_str().unwrap().contains("admin.enabled"), "{answer}");
}

#[actix::test]
async fn while_an_actor_hangs_the_api_says_so_at_once_and_answers_the_rest() {
    let (bench, token) = administered().await;
    let started = Instant::now();
    // A request that comes before anybody can know, or when it serves again, is answered by the next incarnation.
    let (hung, (status, answer)) = loop {
        assert!(started.elapsed() < Duration::from_secs(60), "it is never seen");
        let hung = kill_beside(&bench, &token, "state").await;
        let age = async || actor(&bench.get("/v1/actors").await.1, "state")["heartbeat_age_ms"].as_f64();
        while !hung.is_finished() && age().await.is_none_or(|age| age < 1_550.0) {}
        let answer = bench.get("/v1/blocks/1").await;
        if answer.0 == 503 {
            break (hung, answer);
        }
        assert_eq!((answer.0, hung.await.unwrap().0), (404, 200));
    };
    assert_eq!(status, 503);
    assert!(answer["message"].as_str().unwrap().starts_with("state has handled nothing for"), "{answer}");
    assert_eq!(hung.await.unwrap().0, 200);
    assert_eq!(bench.get("/v1/blocks/1").await.0, 404, "it serves again");
}

/// A hang, and its answer later.
async fn kill_beside(bench: &Bench, token: &str, name: &str) -> tokio::task::JoinHandle<(u16, String)> {
    let (address, token, body) = (bench.address, token.to_owned(), json!({"actor": name, "how": "hang"}).to_string());
    actix::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = "POST /v1/admin/kill HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n";
        let length = body.len();
        let request = format!("{head}Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    })
}
