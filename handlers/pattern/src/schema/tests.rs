use serde_json::json;

use super::*;

fn schema() -> Schema {
    let mut text = json!({
        "type": "object",
        "properties": {
            "who": {"type": "string", "format": "printable", "minLength": 1, "maxLength": 3,
                    "aliases": ["whom"]},
            "pieces": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
            "total": {"type": "integer", "format": "uint64", "minimum": 0},
            "price": {"type": "number", "minimum": 0},
            "state": {"oneOf": [{"type": "string", "const": "on", "description": "Runs."},
                                {"type": "string", "enum": ["off"]}]},
            "mood": {"anyOf": [{"type": "string", "enum": ["good", "bad"]}, {"type": "null"}]},
            "note": {"type": ["string", "null"], "format": "printable-lines", "maxLength": 20},
            "day": {"type": "string", "format": "date-time"},
            "gift": {"type": "boolean"},
            "parts": {"type": "array", "items": {"type": "integer"}, "maxItems": 2},
            "words": {"type": "array", "items": true},
            "until": {"type": "string", "format": "date"},
        },
        "required": ["who"],
        "additionalProperties": false,
    });
    // One order, whatever features `serde_json` is built with.
    text.sort_all_objects();
    serde_json::from_value(text).unwrap()
}

#[test]
fn every_refusal_names_the_field_and_the_rule() {
    for (object, message) in [
        (json!([]), "the draft must be a JSON object, not an array"),
        (json!({}), "who is required"),
        (json!({"who": null}), "who is required"),
        (json!({"who": 5}), "who must be a string, not a number"),
        (json!({"who": ""}), "who must not be empty"),
        (
            json!({"who": "abcd"}),
            "who must have at most 3 characters, not 4",
        ),
        (
            json!({"whom": "a\n"}),
            "whom must have printable characters only, not U+000A",
        ),
        (
            json!({"who": "a", "whom": "b"}),
            "whom must not be given beside who",
        ),
        (
            json!({"who": "a", "pieces": 0}),
            "pieces must be a whole number from 1 to 9, not 0",
        ),
        (
            json!({"who": "a", "pieces": 1.5}),
            "pieces must be a whole number from 1 to 9, not 1.5",
        ),
        (
            json!({"who": "a", "pieces": "2"}),
            "pieces must be a whole number from 1 to 9, not a string",
        ),
        (
            json!({"who": "a", "total": -1}),
            "total must be a whole number of at least 0, not -1",
        ),
        (
            json!({"who": "a", "price": -0.5}),
            "price must be a number of at least 0, not -0.5",
        ),
        (
            json!({"who": "a", "state": "broken"}),
            "state must be one of on, off",
        ),
        (
            json!({"who": "a", "mood": "odd"}),
            "mood must be one of good, bad",
        ),
        (
            json!({"who": "a", "note": "\u{0}"}),
            "note must have printable characters only, not U+0000",
        ),
        (
            json!({"who": "a", "day": "noon"}),
            "day must be a time as RFC 3339 writes it, such as 2026-11-23T03:00:00.000Z",
        ),
        (
            json!({"who": "a", "gift": "yes"}),
            "gift must be true or false, not a string",
        ),
        (
            json!({"who": "a", "parts": {}}),
            "parts must be an array, not an object",
        ),
        (
            json!({"who": "a", "parts": [1, 2, 3]}),
            "parts must have at most 2 values, not 3",
        ),
        (
            json!({"who": "a", "parts": [1, "b"]}),
            "parts value 2 must be a whole number, not a string",
        ),
        (
            json!({"who": "a", "until": "2026-02-29"}),
            "until must be a date such as 2026-11-23",
        ),
        (
            json!({"who": "a", "color": "red"}),
            "color is not a field of this; known: day, gift, mood, note, parts, pieces, price, state, total, until, who, whom, words",
        ),
    ] {
        assert_eq!(
            schema().check(object, "the draft").unwrap_err().to_string(),
            message
        );
    }
}

#[test]
fn what_keeps_the_rules_is_answered_by_the_fields_own_names_and_without_nulls() {
    let given = json!({"whom": "a", "note": null, "mood": "good", "total": u64::MAX});
    let checked = schema().check(given, "the draft").unwrap();
    assert_eq!(
        Value::Object(checked),
        json!({"who": "a", "mood": "good", "total": u64::MAX})
    );
}

#[test]
fn what_is_typed_is_read_as_the_fields_kind() {
    let schema = schema();
    let read = |field: &str, text: &str| {
        let read = schema.field(field).unwrap().read(text);
        read.map_err(|error| error.to_string())
    };
    assert_eq!(read("who", "12"), Ok(json!("12")));
    assert_eq!(read("pieces", "7"), Ok(json!(7)));
    assert_eq!(read("gift", "true"), Ok(json!(true)));
    assert_eq!(read("words", "[\"a\"]"), Ok(json!(["a"])));
    assert_eq!(read("words", "a | 2"), Ok(json!(["a", "2"])));
    assert_eq!(read("words", ""), Ok(json!([])));
    assert_eq!(read("parts", "1|2"), Ok(json!([1, 2])));
    assert_eq!(
        read("parts", "1|b"),
        Err("parts value 2 must be a whole number, not \"b\"".to_owned())
    );
    assert_eq!(read("until", "2026-11-23"), Ok(json!("2026-11-23")));
    assert_eq!(
        read("pieces", "many"),
        Err("pieces must be a whole number from 1 to 9, not \"many\"".to_owned())
    );
    assert_eq!(
        read("pieces", "10"),
        Err("pieces must be a whole number from 1 to 9, not 10".to_owned())
    );
}

#[test]
fn a_schema_is_written_as_it_was_read_in_the_same_order() {
    let text = serde_json::to_string(&schema()).unwrap();
    let again: Schema = serde_json::from_str(&text).unwrap();
    assert_eq!(again, schema());
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    let text = r#"{"type":"object","properties":{"b":{"type":"boolean"},"a":{"type":"boolean"}},"additionalProperties":false}"#;
    let read: Schema = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
}

#[test]
fn a_rule_that_nothing_checks_is_refused() {
    for (schema, reason) in [
        (
            json!({"type": "string", "pattern": "^a"}),
            "f has the rule pattern, which nothing checks",
        ),
        (
            json!({"type": "integer", "multipleOf": 2}),
            "f has the rule multipleOf, which nothing checks",
        ),
        (
            json!({"type": "string", "format": "uuid"}),
            "f has the unknown format uuid",
        ),
        (
            json!({"type": "array", "uniqueItems": true}),
            "f has the rule uniqueItems, which nothing checks",
        ),
        (
            json!({"type": "array", "items": {"type": "string", "pattern": "^a"}}),
            "f has the rule pattern, which nothing checks",
        ),
        (json!({"type": "null"}), "f has the unknown type null"),
        (json!({"$ref": "#/$defs/X"}), "f has no type"),
        (json!(true), "f may be anything, which is no rule"),
        (
            json!({"oneOf": [{"type": "object"}]}),
            "f must have names as its choices",
        ),
    ] {
        let object = json!({"properties": {"f": schema}});
        assert_eq!(Schema::parse(&object).unwrap_err(), reason);
    }
}
