//! Ids as people give them in a path: whole, or a beginning that only one has.

use super::*;

/// Submits so many proofs, each of another script.
async fn many(bench: &Bench, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let (id, body) = bench.submission(&GOOD.replace('p', &format!("p{number}")));
        assert_eq!(bench.post(&body.to_string()).await.0, 202);
        ids.push(id.to_string());
    }
    ids
}

#[actix::test]
async fn a_beginning_that_one_proof_has_leads_to_it() {
    let bench = bench().await;
    let ids = many(&bench, 3).await;
    for (id, number) in ids.iter().zip(0..) {
        for text in [id.clone(), id[..6].to_owned(), id[..12].to_uppercase(), id[..63].to_owned()] {
            let answer = bench.text(&format!("/v1/proofs/{text}/script")).await;
            assert!(answer.contains(&format!("(assert p{number})")), "{text}: {answer}");
        }
    }
    let (status, answer) = bench.get(&format!("/v1/proofs/{}", &ids[0][..6])).await;
    assert_eq!((status, &answer["proof"]), (200, &json!(ids[0])), "{answer}");
    // A statement's is no proof's, though the mempool finds a proof by either.
    let (_, found) = bench.post_to("/v1/proofs/lookup", &json!({"proofs": [ids[0]]}).to_string()).await;
    let statement = found["proofs"][0]["statement"].as_str().unwrap();
    assert_eq!(bench.get(&format!("/v1/proofs/{}", &statement[..8])).await.1["error"], "not_found");
    for (path, expected) in [
        ("/v1/proofs/ffffff0", (404, "not_found")),
        ("/v1/proofs/ffffff0/script", (404, "not_found")),
        ("/v1/proofs/abcde", (400, "bad_request")),
        ("/v1/proofs/abcdeg", (400, "bad_request")),
        ("/v1/proofs/abcdeg/script", (400, "bad_request")),
    ] {
        let (status, answer) = bench.get(path).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), expected, "{path}: {answer}");
    }
}

#[actix::test]
async fn a_block_goes_by_sequence_by_latest_or_by_the_beginning_of_its_id() {
    let bench = bench().await;
    let id = bench.genesis.genesis_block_hash().to_string();
    // Six digits that are a number would be a sequence.
    let digits = id.find(|digit: char| digit.is_ascii_alphabetic()).map_or(64, |at| (at + 1).max(6));
    for text in ["0", "latest", &id, &id[..digits], &id[..digits].to_uppercase()] {
        let (status, answer) = bench.get(&format!("/v1/blocks/{text}")).await;
        assert_eq!((status, &answer["id"]), (200, &json!(id)), "{text}: {answer}");
    }
    for (path, expected) in [
        ("/v1/blocks/ffffff0", (404, "not_found")),
        ("/v1/blocks/777777", (404, "not_found")),
        ("/v1/blocks/abcde", (400, "bad_request")),
        ("/v1/blocks/LATEST", (400, "bad_request")),
        ("/v1/blocks/18446744073709551616", (400, "bad_request")),
    ] {
        let (status, answer) = bench.get(path).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), expected, "{path}: {answer}");
    }
}
