use std::fs;

use super::*;

const MINIMAL: &str = "Resources:\n  Table:\n    Type: AWS::DynamoDB::Table\n";

fn parsed(text: String) -> Template {
    Template::from_text(Path::new("template.yaml"), text).unwrap()
}

fn template(parameters: &str) -> Template {
    parsed(format!("{MINIMAL}Parameters:\n{parameters}"))
}

fn read(text: &str) -> Result<Template, TemplateError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("template.yaml");
    fs::write(&path, text).unwrap();
    Template::read(&path).map_err(|error| match error {
        // The folder's name changes from run to run.
        TemplateError::Invalid { at, what, .. } => TemplateError::Invalid {
            path: "template.yaml".into(),
            at,
            what,
        },
        other => other,
    })
}

fn complaint(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn refusal(template: &Template, name: &str, value: &str) -> String {
    template
        .check(&given(&[(name, value)]))
        .unwrap_err()
        .to_string()
}

#[test]
fn tags_and_places_and_the_text_of_scalars_are_kept() {
    let template = template(
        "  Account: {Type: String, Default: 000000000000}\nOutputs:\n  Name:\n    Value: !Sub '${Table}-x'\n    Arn: !GetAtt [Table, Arn]\n",
    );
    assert_eq!(
        template.parameter("Account").unwrap().default.as_deref(),
        Some("000000000000")
    );
    let output = template.root.get("Outputs").unwrap().get("Name").unwrap();
    let value = output.get("Value").unwrap();
    assert_eq!(value.tag.as_deref(), Some("Sub"));
    assert_eq!(value.at.to_string(), "8:12");
    let arn = output.get("Arn").unwrap();
    assert_eq!(arn.tag.as_deref(), Some("GetAtt"));
    assert_eq!(arn.items()[1].text(), Some("Arn"));
}

#[test]
fn a_missing_file_and_an_unreadable_one_differ() {
    let folder = tempfile::tempdir().unwrap();
    let gone = Template::read(&folder.path().join("template.yaml")).unwrap_err();
    assert!(matches!(gone, TemplateError::Missing(_)), "{gone:?}");
    let directory = Template::read(folder.path()).unwrap_err();
    assert!(
        matches!(directory, TemplateError::Unreadable { .. }),
        "{directory:?}"
    );
}

#[test]
fn the_size_limit_is_cloudformations_for_what_it_gets() {
    let padded = |text: &str| format!("{MINIMAL}Description: {text}\n");
    let own = parsed(padded("x")).body().len() - 1;
    assert!(read(&padded(&"x".repeat(MAX_SIZE - own))).is_ok());
    let larger = complaint(&padded(&"x".repeat(MAX_SIZE - own + 1)));
    assert!(
        larger.contains("is 51201 bytes without comments"),
        "{larger}"
    );
    // Comments and spaces are not sent.
    assert!(
        read(&format!(
            "{MINIMAL}{}# {}",
            " ".repeat(9_000),
            "x".repeat(90_000)
        ))
        .is_ok()
    );
}

#[test]
fn what_cloudformation_would_not_keep_is_refused_with_its_place() {
    assert_eq!(
        complaint(&format!("{MINIMAL}Description: Größe\n")),
        "template.yaml:4:14: CloudFormation makes `?` of `ö`: it keeps ASCII only"
    );
    assert_eq!(
        complaint("Resources:\n  Tisch: {Type: T}\n  Stühle: {Type: T}\n"),
        "template.yaml:3:3: CloudFormation makes `?` of `ü`: it keeps ASCII only"
    );
    assert!(read(&format!("# Größe\n{MINIMAL}")).is_ok());
}

fn own() -> Template {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    Template::read(&path).unwrap()
}

#[test]
fn the_own_template_fits_into_a_request_and_holds_ascii_only() {
    /// A tenth is left for those who add to it.
    const ROOM: usize = MAX_SIZE / 10 * 9;
    let body = own().body();
    assert!(body.is_ascii());
    let size = body.len();
    assert!(size <= ROOM, "{size} bytes are sent, and {ROOM} are to do");
    println!("{size} bytes are sent, {} are left", MAX_SIZE - size);
}

#[test]
fn what_is_sent_is_the_same_template_without_tags_and_comments() {
    let body = own().body();
    assert_eq!(parsed(body.clone()).body(), body);
    assert_eq!(own().body(), body);
    serde_json::from_str::<serde_json::Value>(&body).unwrap();
}

#[test]
fn what_guides_through_a_form_stays_in_the_file() {
    let text = "Metadata:
  AWS::CloudFormation::Interface: {ParameterGroups: []}
  Own: 1
Parameters:
  A: {Type: Number, Description: d, MinValue: 1, ConstraintDescription: from 1}
Resources:
  T: {Type: T, Metadata: {AWS::CloudFormation::Interface: 2}}
";
    let body = parsed(text.to_owned()).body();
    assert_eq!(
        body,
        r#"{"Metadata":{"Own":1},"Parameters":{"A":{"Type":"Number","Description":"d","MinValue":1}},"Resources":{"T":{"Type":"T","Metadata":{"AWS::CloudFormation::Interface":2}}}}"#
    );
    let body = parsed(text.replace("  Own: 1\n", "")).body();
    assert!(body.starts_with(r#"{"Parameters":"#), "{body}");
}

#[test]
fn what_is_deployed_says_by_which_version_and_is_else_the_same() {
    let described = |text: &str| {
        let body = parsed(text.to_owned()).body_deployed_by("0.1.0");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        (body["Description"].clone(), body["Resources"].clone())
    };
    let (description, resources) = described(MINIMAL);
    assert_eq!(description, "Deployed by cqrs 0.1.0.");
    assert!(resources.is_object(), "{resources}");
    let (description, _) = described(&format!("{MINIMAL}Description: Orders.\n"));
    assert_eq!(description, "Orders. Deployed by cqrs 0.1.0.");
    let full = format!("{MINIMAL}Metadata: {}\n", "x".repeat(MAX_SIZE - 90));
    let full = parsed(full);
    assert!(full.body().len() <= MAX_SIZE);
    assert_eq!(full.body_deployed_by("0.1.0"), full.body());
}

#[test]
fn each_form_of_yaml_is_sent_as_the_json_that_means_it() {
    let text = r#"
Resources: # all
  A:
    Type: T
    Properties:
      B: !Ref C
      D: !GetAtt E.F.G
      H: !GetAtt [E, F]
      I: !Sub "${J}\""
      K: !If [L, 1, !Ref AWS::NoValue]
      M: !Condition N
      O: [true, off, "true", -1, 0.50, "1", 012, 1e3, ~, 2010-09-09]
      P:
        Q:
        R: |
          two
          lines
"#;
    assert_eq!(
        parsed(text.to_owned()).body(),
        r#"{"Resources":{"A":{"Type":"T","Properties":{"B":{"Ref":"C"},"D":{"Fn::GetAtt":["E","F.G"]},"H":{"Fn::GetAtt":["E","F"]},"I":{"Fn::Sub":"${J}\""},"K":{"Fn::If":["L",1,{"Ref":"AWS::NoValue"}]},"M":{"Condition":"N"},"O":[true,false,"true",-1,0.50,"1","012","1e3",null,"2010-09-09"],"P":{"Q":null,"R":"two\nlines\n"}}}}}"#
    );
}

#[test]
fn what_is_wrong_in_the_file_is_said_with_its_place() {
    let nested = |depth| format!("Resources: {}", "[".repeat(depth));
    let twice = "Resources:\n  A:\n    Type: T\n  B:\n    Type: T\n  A:\n    Type: U\n";
    for (text, said) in [
        ("", "1:1: the file is empty"),
        ("Outputs: {}", "1:1: there is no `Resources` section"),
        ("Resources:\n", "1:1: `Resources` holds none"),
        (twice, "6:3: `A` is here twice, first in line 2"),
        (
            &format!("{MINIMAL}---\na: b\n"),
            "4:1: a template is one document, and here starts another",
        ),
        (
            "Resources:\n  A: &a {Type: T}\n",
            "2:6: CloudFormation takes no anchors",
        ),
        ("Resources:\n  A: [1, 2\n", "3:1: "),
        ("Resources:\n\tA: b\n", "2:"),
        (
            &format!("{MINIMAL}Parameters:\n  Nodes: {{Default: 1}}\n"),
            "5:3: the parameter `Nodes` has no `Type`",
        ),
        // The parser has a limit of its own, which comes first here.
        (&nested(20_000), "1:"),
    ] {
        let complaint = complaint(text);
        let place = format!("template.yaml:{said}");
        assert!(complaint.starts_with(&place), "{complaint}");
    }
    assert!(complaint(&nested(150)).ends_with("the template is nested too deep"));
}

#[test]
fn an_unknown_parameter_is_answered_with_the_nearest() {
    let template = template(
        "  CacheNodeType: {Type: String, Default: a}\n  Retention: {Type: Number, Default: 7}\n",
    );
    let hint = |name| {
        template
            .check(&given(&[(name, "x")]))
            .unwrap_err()
            .hint()
            .unwrap()
    };
    assert_eq!(hint("CacheNodetypes"), "did you mean `CacheNodeType`?");
    assert_eq!(hint("retention"), "did you mean `Retention`?");
    assert!(hint("Colour").contains("--guided"));
}

#[test]
fn what_the_tool_sets_cannot_be_given() {
    let template = template("  QueryCodeKey: {Type: String}\n  ArtifactBucket: {Type: String}\n");
    assert_eq!(
        refusal(&template, "QueryCodeKey", "x"),
        "the parameter `QueryCodeKey` is set by this tool"
    );
    let bucket = template
        .check(&given(&[("ArtifactBucket", "x")]))
        .unwrap_err();
    assert!(bucket.hint().unwrap().contains("--artifact-bucket"));
}

#[test]
fn values_are_held_to_the_templates_rules() {
    let template = template(concat!(
        "  Access: {Type: String, Default: iam, AllowedValues: [iam, open], ConstraintDescription: open is for emulators}\n",
        "  Days: {Type: Number, Default: 7, MinValue: 1, MaxValue: 3650}\n",
        "  Cidr: {Type: String, Default: 10.0.0.0/24, AllowedPattern: '10\\.[0-9.]+/[0-9]+|none'}\n",
        "  Name: {Type: String, Default: abc, MinLength: 2, MaxLength: 4}\n",
        "  Zones: {Type: CommaDelimitedList, Default: a, AllowedValues: [a, b]}\n",
        "  Secret: {Type: String, Default: aaaaaaaa, NoEcho: true, AllowedPattern: '[a-z]+'}\n",
    ));
    let fine = [
        ("Access", "open"),
        ("Days", "3650"),
        ("Cidr", "none"),
        ("Name", "äöü"),
        ("Zones", "b, a"),
    ];
    template.check(&given(&fine)).unwrap();
    let allowed = "`IAM`, and allowed are: iam, open (open is for emulators)";
    for (name, value, said) in [
        ("Access", "IAM", allowed),
        ("Days", "0", "is `0`, and at least 1 is needed"),
        ("Days", "4000", "is `4000`, and at most 3650 is allowed"),
        ("Days", "week", "is `week`, which is no number"),
        ("Days", "NaN", "no number"),
        ("Cidr", "x10.0.0.0/24", "does not match"),
        // The whole value counts.
        ("Cidr", "nonee", "does not match"),
        ("Name", "a", "has 1 characters, and needs at least 2"),
        ("Name", "abcde", "has 5 characters, and takes at most 4"),
        ("Zones", "a,c", "`c`"),
    ] {
        let refusal = refusal(&template, name, value);
        assert!(
            refusal.starts_with(&format!("the parameter `{name}` ")),
            "{refusal}"
        );
        assert!(refusal.contains(said), "{refusal}");
    }
    assert!(!refusal(&template, "Secret", "hunter2").contains("hunter2"));
}

#[test]
fn a_pattern_of_javas_own_is_left_to_cloudformation() {
    let template = template("  Name: {Type: String, Default: a, AllowedPattern: '(?!aws).*'}\n");
    assert!(template.check(&given(&[("Name", "aws")])).is_ok());
}

#[test]
fn all_missing_parameters_are_named_at_once() {
    let template =
        template("  A: {Type: String}\n  B: {Type: String}\n  C: {Type: String, Default: ''}\n");
    let error = template.check_complete(|_| false).unwrap_err();
    assert_eq!(error.to_string(), "the template needs a value for A, B");
    assert!(
        error
            .hint()
            .unwrap()
            .contains("`--parameter A=VALUE` `--parameter B=VALUE`")
    );
    assert!(
        template
            .check_complete(|name| ["A", "B"].contains(&name))
            .is_ok()
    );
}

#[test]
fn prompts_follow_the_templates_groups() {
    let template = parsed(format!(
        "{MINIMAL}Metadata:\n  AWS::CloudFormation::Interface:\n    ParameterGroups:\n      - Label: {{default: Cache}}\n        Parameters: [Replicas, NodeType, Gone]\nParameters:\n  Other: {{Type: String}}\n  NodeType: {{Type: String}}\n  ArtifactBucket: {{Type: String}}\n  Replicas: {{Type: Number}}\n"
    ));
    let groups: Vec<_> = template.groups();
    let names = |group: &ParameterGroup<'_>| -> String {
        let names = group.parameters.iter().map(|p| p.name.as_str());
        names.collect::<Vec<_>>().join(" ")
    };
    let groups: Vec<_> = groups
        .iter()
        .map(|group| (group.label, names(group)))
        .collect();
    let cache = (Some("Cache"), "Replicas NodeType".to_owned());
    assert_eq!(groups, [cache, (None, "Other".to_owned())]);
}

#[test]
fn the_projects_own_template_has_what_the_tool_fills_in() {
    let template = own();
    for name in SET_BY_TOOL.iter().chain(&["Architecture"]) {
        assert!(template.parameter(name).is_some(), "{name}");
    }
    let asked: usize = template
        .groups()
        .iter()
        .map(|group| group.parameters.len())
        .sum();
    assert_eq!(asked, template.parameters.len() - SET_BY_TOOL.len());
    for parameter in &template.parameters {
        let Some(default) = &parameter.default else {
            continue;
        };
        parameter.check(default).unwrap();
    }
}
