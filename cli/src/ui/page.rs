//! The page's files, in the program itself: nothing is read from the disk, nothing is loaded from
//! elsewhere.

/// A file by its name, with its type.
pub(super) fn file(name: &str) -> Option<(&'static str, &'static str)> {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    found.map(|(_, kind, text)| (*kind, *text))
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal => $kind:expr),* $(,)?) => {
        const FILES: &[(&str, &str, &str)] =
            &[$(($name, $kind, include_str!(concat!("../../ui/", $name)))),*];
    };
}

files! {
    "index.html" => HTML,
    "style.css" => CSS,
    "icon.svg" => SVG,
    "main.js" => SCRIPT,
    "band.js" => SCRIPT,
    "flow.js" => SCRIPT,
    "timeline.js" => SCRIPT,
    "feed.js" => SCRIPT,
    "words.js" => SCRIPT,
    "dom.js" => SCRIPT,
    "command.js" => SCRIPT,
    "panel.js" => SCRIPT,
    "part.js" => SCRIPT,
    "entity.js" => SCRIPT,
    "way.js" => SCRIPT,
    "list.js" => SCRIPT,
    "form.js" => SCRIPT,
    "failures.js" => SCRIPT,
    "models.js" => SCRIPT,
    "faults.js" => SCRIPT,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_page_is_no_larger_than_150_kb() {
        let bytes: usize = FILES.iter().map(|(_, _, text)| text.len()).sum();
        assert!(bytes <= 150_000, "{bytes}");
    }

    #[test]
    fn every_file_that_is_named_in_another_is_there_and_nothing_is_of_elsewhere() {
        for (name, _, text) in FILES {
            for imported in text.split("from \"./").skip(1) {
                let imported = imported.split('"').next().unwrap();
                assert!(file(imported).is_some(), "{name} imports {imported}");
            }
            let foreign = text.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !foreign.contains("http://") && !foreign.contains("https://"),
                "{name}"
            );
        }
    }
}
