//! The description beside the code is that of the types.

use accounts::Subject;
use pattern::description::Description;

#[test]
fn the_description_in_the_file_is_what_the_types_say() {
    let says = Description::of::<Subject>().unwrap().pretty();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/domain.json");
    test_support::is_recorded(file, &says);
}
