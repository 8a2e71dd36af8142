//! Each function, with what it takes and what it does not.

use super::*;

const SECTIONS: &str = "\
Parameters:
  Text: {Type: String, Default: abc}
  Number: {Type: Number, Default: 2}
  List: {Type: CommaDelimitedList, Default: 'a, b,c'}
Mappings:
  Regions:
    eu-west-1: {Name: Ireland, Zones: [a, b]}
Conditions:
  Yes: !Equals [!Ref Text, abc]
  No: !Not [!Condition 'Yes']
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
  Gone: {Type: 'AWS::SNS::Topic', Condition: 'No'}
Outputs:
  Out:
";

/// The value of an output, or what is wrong with it, with the column in the line of the value.
fn value_of(expression: &str) -> Result<String, String> {
    let text = format!("{SECTIONS}    Value: {expression}\n");
    let line = text.lines().count();
    match evaluate_text(&text) {
        Ok(evaluated) => Ok(evaluated.outputs[0].value.clone()),
        Err(complaint) => {
            let place = format!("{FILE}:{line}:");
            let complaint = complaint
                .strip_prefix(&place)
                .unwrap_or_else(|| panic!("`{complaint}` is not about line {line}"));
            Err(complaint.replacen(" output `Out`: ", " ", 1))
        }
    }
}

#[test]
fn functions_give_their_values() {
    check_table(
        r#"
        plain => plain
        007 => 007
        !Ref Text => abc
        {Ref: Text} => abc
        !Ref Table => shop-Table
        !Ref AWS::Region => eu-west-1
        !Ref AWS::AccountId => 000000000000
        !Ref AWS::Partition => aws
        !Ref AWS::URLSuffix => amazonaws.com
        !Ref AWS::StackName => shop
        !GetAtt Table.Arn => arn:aws:dynamodb:eu-west-1:000000000000:table/shop-Table
        !GetAtt [Table, Arn] => arn:aws:dynamodb:eu-west-1:000000000000:table/shop-Table
        {Fn::GetAtt: [Table, StreamArn]} => arn:aws:dynamodb:eu-west-1:000000000000:table/shop-Table/stream/pending
        !Sub 'a${Text}b' => aabcb
        !Sub '${!Text} ${Table} ${AWS::Region}' => ${Text} shop-Table eu-west-1
        !Sub ['${Own}${Text}', {Own: !Ref Number}] => 2abc
        {Fn::Sub: ['${Text}', {Text: other}]} => other
        !Sub '${Table.Arn}' => arn:aws:dynamodb:eu-west-1:000000000000:table/shop-Table
        !Sub '' =>
        !Join ['-', [a, !Ref Text, 1]] => a-abc-1
        !Join ['', !Ref List] => abc
        !Join [',', [a, !Ref AWS::NoValue, b]] => a,b
        !Join [',', []] =>
        !Join [',', !Ref AWS::NotificationARNs] =>
        !If [Yes, 1, 2] => 1
        {Fn::If: [No, 1, 2]} => 2
        !If [Yes, 1, !GetAtt Gone.TopicArn] => 1
        !Select [1, !Ref List] => b
        !Select [!Ref Number, [a, b, c]] => c
        !Select ['0', !Split ['|', 'x|y']] => x
        !Select [5, !GetAZs ''] => eu-west-1f
        !Select [0, {Fn::GetAZs: us-east-1}] => us-east-1a
        !Join [' ', !Cidr [10.0.0.0/24, 2, 4]] => 10.0.0.0/28 10.0.0.16/28
        !FindInMap [Regions, !Ref AWS::Region, Name] => Ireland
        !Join ['', !FindInMap [Regions, eu-west-1, Zones]] => ab
        "#,
        |expression| value_of(expression).unwrap(),
    );
}

#[test]
fn the_stacks_id_is_an_arn_that_stays() {
    let id = value_of("!Ref AWS::StackId").unwrap();
    let uuid = id.strip_prefix("arn:aws:cloudformation:eu-west-1:000000000000:stack/shop/");
    assert_eq!(
        uuid::Uuid::parse_str(uuid.unwrap())
            .unwrap()
            .get_version_num(),
        5
    );
    assert_eq!(value_of("!Ref AWS::StackId"), Ok(id));
}

#[test]
fn what_a_function_does_not_take_is_refused_with_its_place() {
    check_table(
        r#"
        !Ref Txt => 12: there is no parameter or resource `Txt`; did you mean `Text`?
        !Ref Elsewhere => 12: there is no parameter or resource `Elsewhere`
        !Ref [Text] => 12: `Ref` is written as the name of a parameter or a resource
        {Ref: {a: b}} => 18: `Ref` is written as the name of a parameter or a resource
        !Ref Gone => 12: `Gone` is not there, since its condition does not hold
        !Ref AWS::NoValue => 12: an output takes no `AWS::NoValue` here
        !Ref List => 12: an output takes a text here, and this is a list
        [a] => 12: an output takes a text here, and this is a list
        {a: b} => 12: an output takes a text here, and this is a mapping
        ~ => 12: there is no value here
        !GetAtt Table => 12: `Fn::GetAtt` is written as `Resource.Attribute` or `[Resource, Attribute]`
        !GetAtt Tables.Arn => 12: there is no resource `Tables`; did you mean `Table`?
        !GetAtt Text.Arn => 12: there is no resource `Text`
        !GetAtt Table.Arm => 12: `Table` (AWS::DynamoDB::Table) has no attribute `Arm`; known are: `Arn`, `StreamArn`
        !Sub '${Txt}' => 12: there is no parameter or resource `Txt`; did you mean `Text`?
        !Sub '${List}' => 12: `List` is a list, and `Fn::Sub` takes texts
        !Sub '${}' => 12: `${}` in `Fn::Sub` is no name of letters, digits, `_`, `.` and `:`
        !Sub '${AWS::NoValue}' => 12: `Fn::Sub` takes no `AWS::NoValue` here
        !Sub [a] => 12: `Fn::Sub` is written as a text, or `[text, {name: value}]`
        !Sub ['${A}', {A: [b]}] => 30: `Fn::Sub` takes a text here, and this is a list
        !Join [a] => 12: `Fn::Join` is written as `[delimiter, [text, ...]]`
        !Join ['', abc] => 23: `Fn::Join` takes a list here, and this is a text
        !Join ['', [[a]]] => 24: `Fn::Join` takes a text here, and this is a list
        !Join [[a], [b]] => 19: `Fn::Join` takes a text here, and this is a list
        !If [Yess, 1, 2] => 17: there is no condition `Yess`; did you mean `Yes`?
        !If [Yes, 1] => 12: `Fn::If` is written as `[condition, value, other value]`
        !If [!Equals [a, a], 1, 2] => 17: `Fn::If` takes the name of a condition first
        !If [Yes, 1, !Ref Txt] => 25: there is no parameter or resource `Txt`; did you mean `Text`?
        !If [Yes, 1, !Sub '${A.B}'] => 25: there is no resource `A`
        !Equals [a, b] => 12: `Fn::Equals` gives no value; it stands in `Conditions` and `Rules`, and `Fn::If` takes the name of a condition
        !Select [3, !Ref List] => 21: `Fn::Select` takes a number from 0 to 2 here, not `3`
        !Select [-1, [a]] => 21: `Fn::Select` takes a number from 0 to 0 here, not `-1`
        !Select [0, []] => 24: `Fn::Select` has an empty list to select from
        !Select [0, a] => 24: `Fn::Select` takes a list here, and this is a text
        !Split ['', a] => 20: `Fn::Split` takes no empty delimiter
        !Split [',', [a]] => 25: `Fn::Split` takes a text here, and this is a list
        !Cidr [10.0.0.0/24, 300, 4] => 32: `Fn::Cidr` takes a number from 1 to 256 here, not `300`
        !Cidr [10.0.0.0/24, 2, 9] => 19: `10.0.0.0/24` has no room for 2 ranges of 9 bits
        !Cidr [abc, 1, 1] => 19: `abc` is no range of addresses, such as `10.0.0.0/16`
        !FindInMap [Region, a, b] => 24: there is no mapping `Region`; did you mean `Regions`?
        !FindInMap [Regions, mars, Name] => 33: `Regions` has no key `mars`; it has: `eu-west-1`
        !FindInMap [Regions, eu-west-1, Nam] => 44: `eu-west-1` has no key `Nam`; it has: `Name`, `Zones`
        !GetAZs [a] => 12: `Fn::GetAZs` takes a text here, and this is a list
        !Base64 a => 12: `!Base64` is no function that is there with `--local`
        !ImportValue a => 12: `!ImportValue` is no function that is there with `--local`
        !Transform {Name: a} => 12: `!Transform` is no function that is there with `--local`
        !Length [a] => 12: `!Length` is no function that is there with `--local`
        !Joim [a] => 12: `!Joim` is no function that is there with `--local`; did you mean `Join`?
        {Fn::Joim: [a]} => 13: `Fn::Joim` is no function that is there with `--local`; did you mean `Join`?
        {Fn::Ref: a} => 13: `Fn::Ref` is no function that is there with `--local`; did you mean `Ref`?
        {Fn::Join: [a], b: c} => 13: `Fn::Join` stands beside other keys
        "#,
        |expression| value_of(expression).unwrap_err(),
    );
}

#[test]
fn a_transform_is_refused() {
    let text = format!("Transform: AWS::LanguageExtensions\n{SECTIONS}    Value: a\n");
    assert_eq!(
        complaint(&text),
        "template.yaml:1:12: transforms are not there with `--local`"
    );
}

/// Whether this expression of conditions holds.
fn holds(expression: &str) -> Result<bool, String> {
    let sections = SECTIONS.replace(
        "Resources:\n",
        &format!("  Asked: {expression}\nResources:\n"),
    );
    let text = format!("{sections}    Value: !If [Asked, 'yes', 'no']\n");
    let evaluated = evaluate_text(&text);
    evaluated.map(|evaluated| evaluated.outputs[0].value == "yes")
}

#[test]
fn conditions_hold_or_do_not() {
    check_table(
        r#"
        !Equals [!Ref Number, '2'] => true
        !Equals [!Ref Number, 2] => true
        !Equals [!Ref List, [a, b, c]] => true
        !Equals [!Ref List, [a, b]] => false
        !Equals ['', []] => false
        {Fn::Equals: [a, b]} => false
        !Not [!Equals [a, b]] => true
        !And [!Condition 'Yes', {Condition: 'Yes'}] => true
        !And [!Condition 'Yes', !Condition 'No'] => false
        !Or [!Condition 'No', !Condition 'Yes'] => true
        {Fn::Or: [!Condition 'No', !Condition 'No']} => false
        !Condition 'Yes' => true
        "#,
        |expression| holds(expression).unwrap().to_string(),
    );
}

#[test]
fn what_is_no_condition_is_refused_with_its_place() {
    check_table(
        r#"
        'true' => 10: a condition is one of `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not` and `Condition`
        !Ref Text => 10: a condition is one of `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not` and `Condition`
        !Equals [a] => 10: `Fn::Equals` is written as `[value, value]`
        !And [!Condition 'Yes'] => 10: `Fn::And` is written as a list of 2 to 10 conditions
        !Not [] => 10: `Fn::Not` is written as a list of one condition
        !Condition Nope => 10: there is no condition `Nope`
        !Equals [!Ref Table, a] => 19: `Table` is a resource, and only parameters are known here
        !Equals [!GetAtt Table.Arn, a] => 19: `Table` is a resource, and only parameters are known here
        !Contains [[a], a] => 10: `!Contains` is no function that is there with `--local`
        !Condition Asked => 10: this is a circle: Asked -> Asked
        "#,
        |expression| {
            let complaint = holds(expression).unwrap_err();
            let complaint = complaint.strip_prefix("template.yaml:11:").unwrap();
            complaint.replacen(" condition `Asked`: ", " ", 1)
        },
    );
}

#[test]
fn rules_are_kept_or_broken() {
    let rule = |assert: &str| {
        let rules = format!(
            "Rules:\n  Rule:\n    RuleCondition: !Equals [!Ref Number, 2]\n    Assertions:\n      - Assert: {assert}\n        AssertDescription: Not so.\n"
        );
        evaluate_text(&format!("{SECTIONS}    Value: a\n{rules}")).map(|_| ())
    };
    let line = SECTIONS.lines().count() + 6;
    assert_eq!(rule("!Equals [!Ref Text, abc]"), Ok(()));
    assert_eq!(
        rule("!Equals [!Ref Text, d]").unwrap_err(),
        format!("template.yaml:{line}:17: rule `Rule`: Not so.")
    );
}

#[test]
fn a_rule_whose_condition_does_not_hold_is_not_judged() {
    let rules = "Rules:\n  Rule:\n    RuleCondition: !Equals [a, b]\n    Assertions: [{Assert: !Equals [a, b]}]\n";
    assert!(evaluate_text(&format!("{SECTIONS}    Value: a\n{rules}")).is_ok());
}
