//! Where a stack's network is, and with whose key it is encrypted: what the tool chooses, asks and says.

use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{
    AwsStage, LocalStage, Outcome, Reply, Request, Run, Sandbox, Scripted, Stage, Terminal,
    handlers,
};

const KEY: &str = "arn:aws:kms:eu-west-1:000000000000:key/0e1f2a3b-0000-0000-0000-000000000000";

/// CloudFormation without a stack, and EC2 with these offers; keeps what the change set was asked for with.
struct Region {
    server: Scripted,
    asked: Arc<Mutex<String>>,
}

impl Region {
    fn new(ec2: impl Fn(&Request) -> Option<Reply> + Send + 'static) -> Self {
        let asked = Arc::new(Mutex::new(String::new()));
        let server = Scripted::new({
            let asked = Arc::clone(&asked);
            move |request| {
                if let Some(reply) = ec2(request) {
                    return reply;
                }
                match request.action().as_str() {
                    "GetCallerIdentity" => Reply::identity(),
                    "DescribeAvailabilityZones" => Reply::zones(),
                    "CreateChangeSet" => {
                        *asked.lock().unwrap() = request.body().to_owned();
                        Reply::change_set_begun()
                    }
                    "DescribeChangeSet" => Reply::change_set("CREATE_COMPLETE", ""),
                    "DescribeEvents" => Reply::xml("DescribeEvents", ""),
                    "DeleteChangeSet" => Reply::xml("DeleteChangeSet", ""),
                    _ => Reply::xml_error(
                        400,
                        "ValidationError",
                        "Stack with id cqrs does not exist",
                    ),
                }
            }
        });
        Self { server, asked }
    }

    fn plan(&self, parameters: &[&str]) -> Outcome {
        let sandbox = Sandbox::against(&self.server.endpoint());
        with(sandbox.plan(), parameters).outcome()
    }

    /// The value that a parameter was proposed with.
    fn proposed(&self, name: &str) -> Option<String> {
        let asked = self.asked.lock().unwrap();
        let (_, rest) = asked.split_once(&format!("ParameterKey={name}&"))?;
        let (_, value) = rest.split_once("ParameterValue=")?;
        Some(value.split('&').next().unwrap_or_default().to_owned())
    }

    fn asked_for(&self, action: &str) -> bool {
        self.server.counts().contains_key(action)
    }
}

/// The same run with these parameters.
fn with(run: Run, parameters: &[impl AsRef<str>]) -> Run {
    parameters.iter().fold(run, |run, parameter| {
        run.args(["--parameter", parameter.as_ref()])
    })
}

fn offers(zones: &[&str]) -> Reply {
    let offers: String = zones
        .iter()
        .map(|zone| format!("<item><location>{zone}</location></item>"))
        .collect();
    Reply::answer(
        200,
        "text/xml",
        format!(
            "<DescribeInstanceTypeOfferingsResponse><instanceTypeOfferingSet>{offers}\
             </instanceTypeOfferingSet></DescribeInstanceTypeOfferingsResponse>"
        ),
    )
}

fn denied() -> Reply {
    let error = "<Response><Errors><Error><Code>UnauthorizedOperation</Code>\
                 <Message>You are not authorized to perform this operation.</Message></Error></Errors>\
                 <RequestID>r</RequestID></Response>";
    Reply::answer(403, "text/xml", error)
}

#[test]
fn a_new_stack_is_put_into_the_first_two_zones_that_have_the_caches_node_type() {
    let region = Region::new(|request| {
        let asked = request.action() == "DescribeInstanceTypeOfferings";
        asked.then(|| {
            assert!(request.body().contains("t4g.micro"), "{request:?}");
            offers(&["euw1-az3", "euw1-az2"])
        })
    });
    assert_eq!(region.plan(&[]).code, 0);
    assert_eq!(region.proposed("FirstZoneId").as_deref(), Some("euw1-az2"));
    assert_eq!(region.proposed("SecondZoneId").as_deref(), Some("euw1-az3"));
    // One that is typed is not asked about.
    let outcome = region.plan(&["FirstZoneId=euw1-az1", "SecondZoneId=euw1-az2"]);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_eq!(region.proposed("FirstZoneId").as_deref(), Some("euw1-az1"));
    assert_eq!(region.server.counts()["DescribeAvailabilityZones"], 1);
}

#[test]
fn whoever_may_not_ask_for_machines_gets_the_first_two_zones() {
    let region =
        Region::new(|request| (request.action() == "DescribeInstanceTypeOfferings").then(denied));
    assert_eq!(region.plan(&[]).code, 0);
    assert_eq!(region.proposed("FirstZoneId").as_deref(), Some("euw1-az1"));
    assert_eq!(region.proposed("SecondZoneId").as_deref(), Some("euw1-az2"));
}

#[test]
fn a_region_where_zones_cannot_be_chosen_is_named_with_what_else_there_is() {
    let region =
        Region::new(|request| (request.action() == "DescribeAvailabilityZones").then(denied));
    assert_snapshot!(region.plan(&[]), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: permission denied: ec2:DescribeAvailabilityZones
      caused by: You are not authorized to perform this operation.
    hint: allow ec2:DescribeAvailabilityZones for this principal (`cqrs permissions` prints what a task needs), or use another with `--profile`; `--parameter FirstZoneId=ID` `--parameter SecondZoneId=ID` names the zones without asking
    ");
    let region = Region::new(|request| {
        let asked = request.action() == "DescribeInstanceTypeOfferings";
        asked.then(|| offers(&["euw1-az3"]))
    });
    assert_snapshot!(region.plan(&[]), @r"
    exit code 1
    --- stderr
    Stack cqrs in account 123456789012, eu-west-1, as arn:aws:iam::123456789012:user/ann
    error: eu-west-1 has no two zones with cache.t4g.micro
    hint: choose another with `--parameter CacheNodeType=TYPE`, or another `--region`; `--parameter FirstZoneId=ID` `--parameter SecondZoneId=ID` names two zones all the same
    ");
    assert!(!region.asked_for("CreateChangeSet"));
}

#[test]
fn a_network_of_the_users_needs_no_zone_and_no_room_for_another() {
    let region = Region::new(|_| None);
    let yours = ["VpcId=vpc-1", "SubnetIds=subnet-1,subnet-2"];
    let outcome = region.plan(&yours);
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_eq!(region.proposed("VpcId").as_deref(), Some("vpc-1"));
    assert_eq!(region.proposed("FirstZoneId"), None);
    for action in ["DescribeAvailabilityZones", "DescribeVpcs"] {
        assert!(!region.asked_for(action), "{action}");
    }
}

#[test]
fn zones_stay_and_another_key_or_network_takes_another_cache_and_says_so() {
    let stage = AwsStage::deployed();
    let first = stage.stack_parameter("cqrs", "FirstZoneId");
    assert_eq!(first, "euw1-az1");
    let plan = |parameters: &[&str]| with(stage.plan(), parameters).outcome();
    assert_eq!(plan(&[]).stdout, "Nothing would change\n");
    let of_cache = "The cache is another one then, and empty: queries answer `ReadModelIncomplete` until a \
                    rebuild from the table, the deployment's last step.\n";
    // The emulator does not know whether a group is replaced.
    let of_network = "The network may be another one then: the old one goes when Lambda has let go of it, \
                      which can take 20 minutes and more.\n";

    let with_key = plan(&[&format!("KmsKeyArn={KEY}")]);
    assert_eq!(with_key.code, 0, "{with_key}");
    assert_eq!(row(&with_key, "Cache"), "± replace");
    assert_eq!(row(&with_key, "WriteModel"), "~ change");
    assert!(with_key.stdout.contains(of_cache), "{with_key}");

    let elsewhere = plan(&["VpcId=vpc-1", "SubnetIds=subnet-1,subnet-2"]);
    assert_eq!(elsewhere.code, 0, "{elsewhere}");
    assert_eq!(row(&elsewhere, "Cache"), "± replace");
    assert_eq!(row(&elsewhere, "Query"), "~ change");
    let both = format!("{of_cache}{of_network}");
    assert!(elsewhere.stdout.contains(&both), "{elsewhere}");
    assert_eq!(stage.stack_parameter("cqrs", "CacheNumber"), "1");
}

/// What a preview says of a resource.
fn row(preview: &Outcome, resource: &str) -> String {
    let mut lines = preview.stdout.lines();
    let found = lines.find(|line| line.split_whitespace().any(|word| word == resource));
    let found = found.unwrap_or_else(|| panic!("{resource} in {preview}"));
    let words: Vec<&str> = found
        .split_whitespace()
        .take_while(|word| *word != resource)
        .collect();
    words.join(" ")
}

/// The emulator's own network and one of its subnets.
const VPC: &str = "vpc-00000001";

/// Takes the guide to where it asks for the network.
fn go_to_network(terminal: &mut Terminal) {
    for question in [
        "Stack [cqrs]:",
        "Region [eu-west-1]:",
        "Guard it for production? [y/N]",
    ] {
        terminal.until(question);
        terminal.line("");
    }
    while !terminal
        .until("Change any of these? [y/N]")
        .contains("VpcId")
    {
        terminal.line("n");
    }
    terminal.line("y");
}

#[test]
fn a_guided_deployment_lists_the_networks_that_there_are() {
    let stage = AwsStage::empty();
    let mut terminal = stage
        .cqrs(["deploy", "--guided", "--prebuilt"])
        .arg(handlers())
        .on_terminal();
    go_to_network(&mut terminal);
    let vpcs = terminal.until("VpcId []:");
    assert!(
        vpcs.contains(VPC) && vpcs.contains("172.31.0.0/16"),
        "{vpcs}"
    );
    terminal.line(VPC);
    let subnets = terminal.until("SubnetIds []:");
    assert!(subnets.contains("euw1-az2"), "{subnets}");
    let subnet = subnets
        .split_whitespace()
        .find(|word| word.starts_with("subnet-"));
    terminal.line(subnet.unwrap());
    for question in [
        "SecurityGroupIds []:",
        "VpcCidr [",
        "FirstZoneId []:",
        "SecondZoneId []:",
    ] {
        terminal.until(question);
        terminal.line("");
    }
    terminal.until("Deploy these changes? [y/N]");
    terminal.line("n");
    assert_eq!(terminal.end().0, 1);
    let file = std::fs::read_to_string(stage.project().join("cqrs.toml")).unwrap();
    assert!(file.contains(&format!("VpcId = \"{VPC}\"")), "{file}");
    assert!(!file.contains("FirstZoneId"), "{file}");
}

#[test]
fn a_guide_that_may_not_list_takes_what_is_typed() {
    let region = Region::new(|request| {
        ["DescribeVpcs", "DescribeSubnets"]
            .contains(&request.action().as_str())
            .then(denied)
    });
    let sandbox = Sandbox::against(&region.server.endpoint());
    let deploy = sandbox.cqrs(["deploy", "--guided", "--prebuilt"]);
    let mut terminal = deploy.arg(handlers()).on_terminal();
    go_to_network(&mut terminal);
    let said = terminal.until("VpcId []:");
    let denied = "cannot be listed (permission denied: ec2:DescribeVpcs): type what you know.";
    assert!(said.contains(denied), "{said}");
    terminal.line("vpc-1");
    terminal.until("(permission denied: ec2:DescribeSubnets)");
    terminal.until("SubnetIds []:");
    terminal.control('c');
    assert_eq!(terminal.end().0, 130);
}

#[test]
fn on_this_machine_a_network_and_a_key_are_taken_without_effect() {
    let stage = LocalStage::empty();
    let key = format!("KmsKeyArn={KEY}");
    let yours = ["VpcId=vpc-1", "SubnetIds=subnet-1", &key];
    let outcome = with(stage.deploy(), &yours).outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
    assert!(
        outcome.stderr.contains("without effect on one machine"),
        "{outcome}"
    );
    stage.place_order();
}

#[test]
fn a_stack_is_made_in_a_network_of_the_users_moves_to_its_own_and_goes() {
    let stage = AwsStage::empty();
    let [network, subnets] = ["VpcId=", "SubnetIds="];
    let yours = [
        format!("{network}{VPC}"),
        format!("{subnets}subnet-00000001,subnet-00000002"),
    ];
    let deploy = |parameters: &[String]| -> Value { with(stage.deploy(), parameters).json() };
    let made = deploy(&yours);
    assert_eq!(made["outputs"]["VpcId"], VPC, "{made}");
    assert_eq!(made["outputs"]["ReplicationGroupId"], "cqrs-1", "{made}");
    assert_eq!(stage.stack_parameter("cqrs", "FirstZoneId"), "");
    let id = stage.place_order();

    let moved = deploy(&[network.to_owned(), subnets.to_owned()]);
    assert_ne!(moved["outputs"]["VpcId"], VPC, "{moved}");
    assert_eq!(moved["outputs"]["ReplicationGroupId"], "cqrs-2", "{moved}");
    assert_eq!(stage.stack_parameter("cqrs", "FirstZoneId"), "euw1-az1");
    stage.cqrs(["order", "ship", &id, "--wait"]).succeeds();

    stage.cqrs(["destroy", "--yes"]).succeeds();
    assert_eq!(stage.stacks(), Vec::<String>::new());
}

#[test]
fn a_deployed_stack_gets_a_key_with_another_cache_and_keeps_both() {
    let stage = AwsStage::deployed();
    let id = stage.place_order();
    let key = format!("KmsKeyArn={KEY}");
    let deployed: Value = stage.deploy().args(["--parameter", &key]).json();
    assert_eq!(
        deployed["outputs"]["ReplicationGroupId"], "cqrs-2",
        "{deployed}"
    );
    stage.cqrs(["order", "ship", &id, "--wait"]).succeeds();
    let again: Value = stage.deploy().args(["--parameter", &key]).json();
    assert_eq!(again["status"], "unchanged", "{again}");
    assert_eq!(stage.stack_parameter("cqrs", "CacheNumber"), "2");
}
