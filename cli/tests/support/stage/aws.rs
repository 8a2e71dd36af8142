//! An emulator of AWS with a real Valkey, and a sandbox whose binary deploys to it.

use std::ops::{Deref, DerefMut};

use aws_sdk_cloudformation::types::{Stack, StackStatus};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Tag, Tagging};
use test_support::emulator::Emulator;
use test_support::http;
use test_support::valkey::Found;

use super::{Stage, block_on};
use crate::support::sandbox::Sandbox;

/// CloudFormation's own means of waiting for somebody.
const HELD: &str = "
  Signal:
    Type: AWS::CloudFormation::WaitConditionHandle
  Held:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: !Ref Signal, Timeout: \"300\"}
";

/// The name of a tag.
const MARK: &str = "marked";

const OTHER_TEMPLATE: &str = r#"{
  "Description": "Somebody's jobs",
  "Parameters": {"Seconds": {"Type": "Number", "Default": 30}},
  "Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": {"Ref": "Seconds"}}}}
}"#;

/// See the module's documentation.
pub(crate) struct AwsStage {
    emulator: Emulator,
    sandbox: Sandbox,
}

impl Stage for AwsStage {
    fn empty() -> Self {
        let emulator = Emulator::start();
        let mut sandbox = Sandbox::new();
        for (name, value) in emulator.environment() {
            sandbox.set(name, &value);
        }
        // The emulator's cache knows neither TLS nor IAM.
        sandbox.write("cqrs.toml", "[parameters]\nCacheAccess = \"open\"\n");
        Self { emulator, sandbox }
    }

    fn endpoint(&self) -> String {
        self.emulator.endpoint()
    }

    fn cache(&self) -> Found {
        Found::at(self.emulator.valkey().port())
    }

    /// Sets the numbers too: the emulator keeps the template's as texts, which no SDK can read.
    fn switch_mapping(&self, on: bool) {
        let cloudformation = aws_sdk_cloudformation::Client::new(&self.sdk());
        let asked = cloudformation
            .describe_stack_resource()
            .stack_name("cqrs")
            .logical_resource_id("Changes");
        let resource = block_on(asked.send()).unwrap().stack_resource_detail;
        let switched = aws_sdk_lambda::Client::new(&self.sdk())
            .update_event_source_mapping()
            .uuid(resource.unwrap().physical_resource_id.unwrap())
            .enabled(on)
            .parallelization_factor(1)
            .maximum_retry_attempts(10)
            .maximum_record_age_in_seconds(43_200);
        block_on(switched.send()).unwrap();
    }

    fn pause(&self) {
        self.emulator.pause();
    }

    fn resume(&self) {
        self.emulator.resume();
    }
}

impl AwsStage {
    /// Adds resources to the project's template.
    pub(crate) fn add_resources(&self, text: &str) {
        self.edit_template("\nOutputs:\n", &format!("{text}\nOutputs:\n"));
    }

    /// Adds a resource to the project's template on which every operation stops, until
    /// [`AwsStage::release`].
    pub(crate) fn hold(&self) {
        self.add_resources(HELD);
    }

    /// Lets an operation go on that stopped at what [`AwsStage::hold`] added.
    pub(crate) fn release(&self) {
        let client = aws_sdk_cloudformation::Client::new(&self.sdk());
        let asked = client
            .describe_stack_resource()
            .stack_name("cqrs")
            .logical_resource_id("Signal");
        let resource = block_on(asked.send())
            .unwrap()
            .stack_resource_detail
            .unwrap();
        let url = resource.physical_resource_id.unwrap();
        let path = url.splitn(4, '/').nth(3).unwrap();
        let signal = r#"{"Status":"SUCCESS","UniqueId":"1","Data":"","Reason":"released"}"#;
        self.send(&format!("PUT /{path}"), signal);
    }

    /// The body of a dashboard. In CloudWatch's older protocol: of the newer one, which the SDK
    /// speaks, the emulator lacks this part.
    pub(crate) fn dashboard(&self, name: &str) -> serde_json::Value {
        let query = format!("Action=GetDashboard&Version=2010-08-01&DashboardName={name}");
        let answer = self.send("POST /", &query);
        let body = answer.split_once("<DashboardBody>").unwrap().1;
        serde_json::from_str(body.split_once("</DashboardBody>").unwrap().0).unwrap()
    }

    /// Sends a request in CloudWatch's name, which is well answered; gives the answer.
    fn send(&self, line: &str, body: &str) -> String {
        let address = self.emulator.endpoint().replace("http://", "");
        let headers = format!(
            "Host: {address}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=test/20261124/eu-west-1/monitoring/aws4_request\r\n"
        );
        let answer = http::ask(&address, line, &headers, body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }

    /// Makes a stack as another tool would, of a queue alone.
    pub(crate) fn make_other_stack(&self, name: &str) {
        let client = aws_sdk_cloudformation::Client::new(&self.sdk());
        let made = client
            .create_stack()
            .stack_name(name)
            .template_body(OTHER_TEMPLATE);
        block_on(made.send()).unwrap();
        self.until_created(name);
    }

    /// Makes a preview of a stack that is never made, as another tool would.
    pub(crate) fn make_other_preview(&self, name: &str) {
        let client = aws_sdk_cloudformation::Client::new(&self.sdk());
        let made = client
            .create_change_set()
            .stack_name(name)
            .change_set_name("theirs")
            .change_set_type(aws_sdk_cloudformation::types::ChangeSetType::Create)
            .template_body(OTHER_TEMPLATE);
        block_on(made.send()).unwrap();
    }

    fn until_created(&self, name: &str) {
        while self.stack_status(name) != "CREATE_COMPLETE" {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// The template that a stack was deployed with.
    pub(crate) fn deployed_template(&self, name: &str) -> String {
        let client = aws_sdk_cloudformation::Client::new(&self.sdk());
        let asked = client.get_template().stack_name(name).send();
        block_on(asked).unwrap().template_body.unwrap()
    }

    /// Makes a stack again as it is, with `new` in the place of `old` in its template: of one that comes
    /// from a change set, the emulator does not tell the description.
    pub(crate) fn make_again(&self, name: &str, old: &str, new: &str) {
        let client = aws_sdk_cloudformation::Client::new(&self.sdk());
        let body = self.deployed_template(name);
        assert!(body.contains(old), "{old:?} is not in {body}");
        let parameters = self.described(Some(name)).remove(0).parameters;
        block_on(client.delete_stack().stack_name(name).send()).unwrap();
        while self.stacks().iter().any(|stack| stack == name) {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let made = client
            .create_stack()
            .stack_name(name)
            .template_body(body.replace(old, new))
            .set_parameters(parameters);
        block_on(made.send()).unwrap();
        self.until_created(name);
    }

    /// The tags of a stack.
    pub(crate) fn stack_tags(&self, name: &str) -> Vec<(String, String)> {
        let tags = self.described(Some(name)).remove(0).tags;
        let tags = tags.unwrap_or_default().into_iter();
        tags.map(|tag| (tag.key.unwrap(), tag.value.unwrap()))
            .collect()
    }

    /// The names of the stacks that there are, also of those without any resource.
    pub(crate) fn stacks(&self) -> Vec<String> {
        let stacks = self.described(None).into_iter();
        let there = stacks.filter(|s| s.stack_status != Some(StackStatus::DeleteComplete));
        there.map(|stack| stack.stack_name.unwrap()).collect()
    }

    pub(crate) fn stack_status(&self, name: &str) -> String {
        let mut stacks = self.described(Some(name));
        stacks.remove(0).stack_status.unwrap().as_str().to_owned()
    }

    pub(crate) fn stack_parameter(&self, name: &str, parameter: &str) -> String {
        let parameters = self.described(Some(name)).remove(0).parameters.unwrap();
        let found = parameters
            .into_iter()
            .find(|p| p.parameter_key() == Some(parameter));
        found.unwrap().parameter_value.unwrap()
    }

    fn described(&self, name: Option<&str>) -> Vec<Stack> {
        let client = aws_sdk_cloudformation::Client::new(&self.sdk());
        let asked = client
            .describe_stacks()
            .set_stack_name(name.map(str::to_owned))
            .send();
        block_on(asked).unwrap().stacks.unwrap_or_default()
    }

    /// How many change sets wait on the stack.
    pub(crate) fn change_sets(&self, name: &str) -> usize {
        let client = aws_sdk_cloudformation::Client::new(&self.sdk());
        let listed = block_on(client.list_change_sets().stack_name(name).send()).unwrap();
        let waiting = listed.summaries().iter().filter(|set| {
            set.execution_status()
                .is_some_and(|status| status.as_str() == "AVAILABLE")
        });
        waiting.count()
    }

    pub(crate) fn buckets(&self) -> Vec<String> {
        let listed = block_on(self.s3().list_buckets().send()).unwrap();
        listed
            .buckets()
            .iter()
            .map(|bucket| bucket.name().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn make_bucket(&self, name: &str) {
        let location = aws_sdk_s3::types::CreateBucketConfiguration::builder()
            .location_constraint("eu-west-1".into())
            .build();
        let made = self
            .s3()
            .create_bucket()
            .bucket(name)
            .create_bucket_configuration(location)
            .send();
        block_on(made).unwrap();
    }

    /// The keys in a bucket.
    pub(crate) fn objects(&self, bucket: &str) -> Vec<String> {
        let listed = block_on(self.s3().list_objects_v2().bucket(bucket).send()).unwrap();
        listed
            .contents()
            .iter()
            .map(|object| object.key().unwrap().to_owned())
            .collect()
    }

    /// What the only object holds whose key begins so.
    pub(crate) fn object(&self, bucket: &str, prefix: &str) -> Vec<u8> {
        let keys = self.objects(bucket).into_iter();
        let keys: Vec<_> = keys.filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(keys.len(), 1, "{prefix}: {keys:?}");
        let got = self.s3().get_object().bucket(bucket).key(&keys[0]).send();
        block_on(async { got.await.unwrap().body.collect().await.unwrap() }).to_vec()
    }

    /// Puts a tag on an object, which lasts until it is put anew.
    pub(crate) fn mark(&self, bucket: &str, key: &str) {
        let tag = Tag::builder().key(MARK).value("1").build().unwrap();
        let tagging = Tagging::builder().tag_set(tag).build().unwrap();
        let marked = self.s3().put_object_tagging();
        let marked = marked.bucket(bucket).key(key).tagging(tagging);
        block_on(marked.send()).unwrap();
    }

    /// Whether it is still the object that was marked.
    pub(crate) fn is_marked(&self, bucket: &str, key: &str) -> bool {
        let asked = self.s3().get_object_tagging().bucket(bucket).key(key);
        let tags = block_on(asked.send()).unwrap().tag_set;
        tags.iter().any(|tag| tag.key() == MARK)
    }

    pub(crate) fn put_object(&self, bucket: &str, key: &str, bytes: &'static [u8]) {
        let put = self.s3().put_object().bucket(bucket).key(key);
        let put = put.body(ByteStream::from_static(bytes));
        block_on(put.send()).unwrap();
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.sdk())
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }
}

impl Deref for AwsStage {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl DerefMut for AwsStage {
    fn deref_mut(&mut self) -> &mut Sandbox {
        &mut self.sandbox
    }
}
