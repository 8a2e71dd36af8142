//! The description beside the code is that of the types.

use domain::Subject;
use pattern::description::Description;

#[test]
fn the_description_in_the_file_is_what_the_types_say() {
    let says = Description::of::<Subject>().unwrap().pretty();
    assert!(
        says == include_str!("../domain.json"),
        "domain.json is out of date; renew it with \
         `cargo run -p domain --example describe > handlers/domain/domain.json`"
    );
}
