//! `AWS::Lambda::Function`: a handler's program and how it is run.

use std::collections::BTreeMap;

use host::definition::Function;

use super::check_name;
use crate::local::evaluate::Context;
use crate::local::evaluate::fault::{Fault, Result, choices};
use crate::local::evaluate::property::Properties;
use crate::local::evaluate::resource::Resource;

/// Whose program is the zip's `bootstrap`, which is what a handler is.
const RUNTIMES: [&str; 2] = ["provided.al2023", "provided.al2"];
const PLATFORM_LOG_LEVELS: [&str; 3] = ["DEBUG", "INFO", "WARN"];
const LOG_LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
/// What Lambda sets itself: AWS Lambda Developer Guide, "Reserved environment variables".
const RESERVED: [&str; 17] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
];

pub(super) fn read(
    resource: &Resource,
    given: &Properties<'_>,
    context: &Context,
) -> Result<Function> {
    given.text("FunctionName")?;
    check_name(resource, 1..=64, "-_")?;
    given.required_text("Role")?;
    if given.choice("PackageType", &["Zip", "Image"])? == Some("Image") {
        return Err(given.fault("PackageType", "is `Image`, and images do not run here"));
    }
    let runtime = given.required_text("Runtime")?;
    if !RUNTIMES.contains(&runtime) {
        let known = choices(RUNTIMES);
        let what = format!("is `{runtime}`, and this machine runs only: {known}");
        return Err(given.fault("Runtime", &what));
    }
    let code = given.section("Code")?;
    let code = given.required("Code", code)?;
    let key = code.required_text("S3Key")?;
    let Some(program) = context.programs.get(key) else {
        let known = choices(context.programs.keys().map(String::as_str));
        let what = format!("is `{key}`, which is no handler's program; those are: {known}");
        return Err(code.fault("S3Key", &what));
    };
    let logging = given.section("LoggingConfig")?;
    let (log_json, log_level, log_platform) = match &logging {
        Some(logging) => log_settings(logging)?,
        None => (false, None, true),
    };
    let log_group = match &logging {
        Some(logging) => logging.text("LogGroup")?.map(str::to_owned),
        None => None,
    };
    Ok(Function {
        logical_id: resource.id.clone(),
        name: resource.name.clone(),
        program: program.clone(),
        handler: given.required_text("Handler")?.to_owned(),
        environment: environment(given)?,
        timeout_seconds: given.number("Timeout", 1..=900)?.unwrap_or(3),
        memory_mb: given.number("MemorySize", 128..=10_240)?.unwrap_or(128),
        reserved_concurrency: given
            .number("ReservedConcurrentExecutions", 0..=i64::from(u32::MAX))?,
        log_level,
        log_json,
        log_platform,
        log_group: log_group.unwrap_or_else(|| Function::default_log_group(&resource.name)),
    })
}

/// Whether lines are JSON, the function's least severe level, and whether Lambda's own lines about
/// invocations are severe enough; levels need JSON.
fn log_settings(given: &Properties<'_>) -> Result<(bool, Option<String>, bool)> {
    let json = given.choice("LogFormat", &["Text", "JSON"])? == Some("JSON");
    let level = given.choice("ApplicationLogLevel", &LOG_LEVELS)?;
    let platform = given.choice("SystemLogLevel", &PLATFORM_LOG_LEVELS)?;
    for (name, level) in [("ApplicationLogLevel", level), ("SystemLogLevel", platform)] {
        if level.is_some() && !json {
            return Err(given.fault(name, "needs a `LogFormat` of `JSON`"));
        }
    }
    Ok((json, level.map(str::to_owned), platform != Some("WARN")))
}

fn environment(given: &Properties<'_>) -> Result<BTreeMap<String, String>> {
    let variables = given
        .section("Environment")?
        .map(|section| section.section("Variables"));
    let Some(variables) = variables.transpose()?.flatten() else {
        return Ok(BTreeMap::new());
    };
    let mut environment = BTreeMap::new();
    for (name, value) in variables.fields() {
        if RESERVED.contains(&name.as_str()) {
            return Err(variables.fault(name, "is set by Lambda itself"));
        }
        let mut letters = name.chars();
        let starts = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
        if !starts || name.len() < 2 || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let what = format!("`{name}` is no name that Lambda takes for a variable");
            return Err(Fault::new(value.at, what));
        }
        let value = variables.required_text(name)?;
        environment.insert(name.clone(), value.to_owned());
    }
    Ok(environment)
}
