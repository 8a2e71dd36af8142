//! AWS's configuration files as the AWS CLI reads them: Python's `configparser`, with nested values.
//!
//! A line that is none of the file's forms spoils its own section and no other.

/// One of the two files.
#[derive(Debug, Default)]
pub(super) struct File {
    /// As messages name it.
    pub(super) path: String,
    pub(super) sections: Vec<Section>,
}

/// What stands below `[HEADER]`; one that comes twice is one.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) header: String,
    pub(super) entries: Vec<Entry>,
    /// The first line that is no entry.
    pub(super) odd: Option<usize>,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) line: usize,
    /// In lower case.
    pub(super) key: String,
    pub(super) value: String,
    /// The lines of the value that are indented below it.
    pub(super) nested: Vec<(usize, String)>,
}

impl Section {
    fn new(header: &str) -> Self {
        Self {
            header: header.to_owned(),
            entries: Vec::new(),
            odd: None,
        }
    }

    /// The last value wins, as with the SDK.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        let mut found = self.entries.iter().rev();
        found.find(|entry| entry.key == key && !entry.value.is_empty())
    }
}

/// The file's sections. The error is the number of a line above all sections.
pub(super) fn parse(path: &str, text: &str) -> Result<File, usize> {
    let mut file = File {
        path: path.to_owned(),
        sections: Vec::new(),
    };
    let mut current: Option<usize> = None;
    // Lines that are indented deeper than the key above them belong to its value.
    let (mut indent, mut in_value) = (0, false);
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let indented = line.len() - line.trim_start().len();
        let section = current.and_then(|at| file.sections.get_mut(at));
        if in_value && indented > indent {
            let entry = section.and_then(|section| section.entries.last_mut());
            if let Some(entry) = entry {
                entry
                    .nested
                    .push((number, without_comment(content).to_owned()));
            }
            continue;
        }
        indent = indented;
        in_value = false;
        let header = content
            .strip_prefix('[')
            .and_then(|rest| rest.rsplit_once(']'));
        if let Some((header, _)) = header {
            let header = header.trim();
            let there = file.sections.iter().position(|s| s.header == header);
            current = Some(there.unwrap_or_else(|| {
                file.sections.push(Section::new(header));
                file.sections.len() - 1
            }));
            continue;
        }
        let Some(section) = section else {
            return Err(number);
        };
        match content.split_once(['=', ':']) {
            Some((key, value)) if !key.trim().is_empty() => {
                section.entries.push(Entry {
                    line: number,
                    key: key.trim().to_ascii_lowercase(),
                    value: without_comment(value).to_owned(),
                    nested: Vec::new(),
                });
                in_value = true;
            }
            _ => section.odd = section.odd.or(Some(number)),
        }
    }
    Ok(file)
}

/// A value ends where a blank and a mark begin a comment. The SDK has it so.
fn without_comment(value: &str) -> &str {
    let comments = [" #", " ;", "\t#", "\t;"].into_iter();
    let end = comments.filter_map(|mark| value.find(mark)).min();
    value
        .get(..end.unwrap_or(value.len()))
        .unwrap_or(value)
        .trim()
}

/// The name in a header such as `profile NAME`, which quotes hold together where it has spaces.
pub(super) fn name_after<'a>(prefix: &str, header: &'a str) -> Option<&'a str> {
    let rest = header.strip_prefix(prefix)?;
    let name = rest.strip_prefix([' ', '\t'])?.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let inner = name.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inner)
    });
    match quoted {
        Some(name) => Some(name),
        None if name.contains([' ', '\t']) => None,
        None => Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_may_be_indented_and_what_is_deeper_belongs_to_the_value_above() {
        let text = "# mine\n[default]\n  Region = eu-west-1 # home\n\n  s3 =\n    a = b\n  output: json\n\
                    [profile \"My Mac\"]\nregion=x\n[default]\nextra = 1\n";
        let file = parse("f", text).unwrap();
        let value = |header: &str, key: &str| {
            let section = file
                .sections
                .iter()
                .find(|section| section.header == header);
            section
                .unwrap()
                .get(key)
                .map(|entry| (entry.line, entry.value.as_str()))
        };
        assert_eq!(value("default", "region"), Some((3, "eu-west-1")));
        assert_eq!(value("default", "output"), Some((7, "json")));
        assert_eq!(value("default", "extra"), Some((11, "1")));
        assert_eq!(value("profile \"My Mac\"", "region"), Some((9, "x")));
        let s3 = file.sections[0]
            .entries
            .iter()
            .find(|entry| entry.key == "s3")
            .unwrap();
        assert_eq!(s3.nested, [(6, "a = b".to_owned())]);
    }

    #[test]
    fn an_odd_line_spoils_its_section_and_one_above_all_sections_the_file() {
        let file = parse("f", "[default]\nregion = x\n[profile b]\nnonsense\n= c\n").unwrap();
        let odd: Vec<_> = file.sections.iter().map(|section| section.odd).collect();
        assert_eq!(odd, [None, Some(4)]);
        assert_eq!(parse("f", "\n\nregion = x\n").unwrap_err(), 3);
    }

    #[test]
    fn a_name_with_spaces_stands_in_quotes() {
        assert_eq!(name_after("profile", "profile dev"), Some("dev"));
        assert_eq!(name_after("profile", "profile \"My Mac\""), Some("My Mac"));
        assert_eq!(name_after("profile", "profile 'My Mac'"), Some("My Mac"));
        assert_eq!(name_after("profile", "profile My Mac"), None);
        assert_eq!(name_after("profile", "profiles x"), None);
    }
}
