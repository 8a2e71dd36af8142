//! The rules of the domain, as far as they are more than the types say.

use domain::{Status, Subject};
use pattern::entity::Entity;

#[test]
fn what_is_new_is_open() {
    let new: Subject = serde_json::from_str(r#"{"title": "a title"}"#).unwrap();
    assert_eq!(new.status, Status::Open);
}

#[test]
fn a_title_is_not_empty() {
    assert!(serde_json::from_str::<Subject>(r#"{"title": ""}"#).is_err());
}

#[test]
fn only_what_is_open_can_be_finished() {
    let finish = Subject::MOVES.iter().find(|row| row.command == "finish");
    let finish = finish.expect("a row");
    assert_eq!(finish.from, [Status::Open]);
    assert_eq!(finish.to, Status::Done);
}
