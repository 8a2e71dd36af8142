//! What CloudWatch counted: all functions and the lag in one call.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode,
};
use aws_smithy_types::DateTime;
use pattern::timestamp::Timestamp;

use super::{Activity, Counted, Invocations, Lag, Minute, Part, PerFunction};
use crate::app::clock;
use crate::app::handler::Handler;
use crate::aws::AwsError;
use crate::settings::StackName;

const ACTION: &str = "cloudwatch:GetMetricData";
const HOUR: Duration = Duration::from_secs(3_600);
/// What counts as now: Lambda's metrics come a minute or two late.
const RECENT: Duration = Duration::from_secs(300);
/// Seconds of a data point. An hour's may come in two parts, for it begins where CloudWatch likes:
/// good enough for a percentile, which cannot be made of minutes, and not for a sum.
const MINUTE: i32 = 60;
const AN_HOUR: i32 = 3_600;
const LAG: &str = "lag";

/// The data points of each query.
type Points = HashMap<String, Vec<(DateTime, f64)>>;

/// The activity of the functions `<stack>-publisher` and so on.
pub(super) async fn activity(client: &Client, stack: &StackName) -> Part<Activity> {
    let now = clock::system();
    let begin = now - HOUR;
    let mut points = Points::new();
    let mut token = None;
    loop {
        let answer = client
            .get_metric_data()
            .start_time(begin.into())
            .end_time(now.into())
            .set_metric_data_queries(Some(queries(stack)))
            .set_next_token(token)
            .send()
            .await
            .map_err(|e| AwsError::from_sdk(ACTION, e))?;
        for result in answer.metric_data_results.unwrap_or_default() {
            gather(&mut points, result)?;
        }
        token = answer.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    let recent = DateTime::from(now - RECENT);
    Ok(Activity {
        functions: PerFunction::of(|handler| invocations(&points, handler, recent)),
        lag: lag(points.get(LAG), recent),
        minutes: minutes(&points),
    })
}

fn queries(stack: &StackName) -> Vec<MetricDataQuery> {
    let mut queries = vec![query(
        LAG,
        &stack.function(Handler::Subscriber),
        "IteratorAge",
        "Maximum",
        MINUTE,
    )];
    for handler in Handler::ALL {
        let function = stack.function(handler);
        for (metric, statistic, period) in [
            ("Invocations", "Sum", MINUTE),
            ("Errors", "Sum", MINUTE),
            ("Throttles", "Sum", MINUTE),
            ("Duration", "p99", AN_HOUR),
        ] {
            let id = format!("{handler}{metric}");
            queries.push(query(&id, &function, metric, statistic, period));
        }
    }
    queries
}

fn query(id: &str, function: &str, name: &str, statistic: &str, period: i32) -> MetricDataQuery {
    let function = Dimension::builder().name("FunctionName").value(function);
    let metric = Metric::builder()
        .namespace("AWS/Lambda")
        .metric_name(name)
        .dimensions(function.build());
    let stat = MetricStat::builder()
        .metric(metric.build())
        .period(period)
        .stat(statistic);
    MetricDataQuery::builder()
        .id(id)
        .metric_stat(stat.build())
        .build()
}

/// A metric that CloudWatch cannot give is not one without data.
fn gather(points: &mut Points, result: MetricDataResult) -> Result<(), AwsError> {
    if matches!(
        result.status_code,
        Some(StatusCode::InternalError | StatusCode::Forbidden)
    ) {
        return Err(AwsError::incomplete(ACTION, "a metric"));
    }
    let id = result
        .id
        .ok_or_else(|| AwsError::incomplete(ACTION, "a query's id"))?;
    let times = result.timestamps.unwrap_or_default();
    let values = result.values.unwrap_or_default();
    points
        .entry(id)
        .or_default()
        .extend(times.into_iter().zip(values));
    Ok(())
}

fn invocations(points: &Points, handler: Handler, recent: DateTime) -> Invocations {
    let points = |metric: &str| {
        let points = points.get(&format!("{handler}{metric}"));
        points.into_iter().flatten()
    };
    let counted = |since: Option<DateTime>| {
        let sum = |metric| {
            let points = points(metric).filter(|(at, _)| since.is_none_or(|since| *at >= since));
            // Whole numbers, in CloudWatch's form.
            points.map(|(_, value)| value).sum::<f64>() as u64
        };
        Counted {
            invocations: sum("Invocations"),
            errors: sum("Errors"),
            throttles: sum("Throttles"),
            crashes: None,
        }
    };
    Invocations {
        hour: counted(None),
        recent: counted(Some(recent)),
        p99_ms: points("Duration").map(|(_, ms)| *ms).reduce(f64::max),
        last_error: None,
    }
}

fn minutes(points: &Points) -> Vec<Minute> {
    let mut minutes = BTreeMap::<i64, Minute>::new();
    for (id, points) in points.iter().filter(|(id, _)| !id.ends_with("Duration")) {
        for (begin, value) in points {
            let at = begin.secs();
            let minute = minutes.entry(at).or_insert(Minute {
                at,
                ..Minute::default()
            });
            // Whole numbers, in CloudWatch's form.
            let count = *value as u64;
            match id.as_str() {
                LAG => minute.lag_ms = Some(count),
                "publisherInvocations" => minute.commands += count,
                "subscriberInvocations" => minute.batches += count,
                "queryInvocations" => minute.queries += count,
                _ => minute.failed += count,
            }
        }
    }
    minutes.into_values().collect()
}

fn lag(points: Option<&Vec<(DateTime, f64)>>, since: DateTime) -> Lag {
    let recent = points.into_iter().flatten().filter(|(at, _)| *at >= since);
    let largest = recent.clone().map(|(_, age)| *age).reduce(f64::max);
    let newest: Option<Timestamp> = recent.filter_map(|(at, _)| clock::timestamp(at)).max();
    Lag {
        lag_ms: largest.map(|age| age as u64),
        measured_at: newest,
        behind: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(id: &str, points: &[(i64, f64)]) -> Points {
        let points = points.iter();
        let points = points.map(|(at, value)| (DateTime::from_secs(*at), *value));
        HashMap::from([(id.to_owned(), points.collect())])
    }

    #[test]
    fn a_lag_of_ten_minutes_ago_is_not_the_lag_of_now() {
        let since = DateTime::from_secs(1_000);
        let points = points(LAG, &[(400, 9_000.0), (1_000, 300.0), (1_060, 200.0)]);
        let seen = lag(points.get(LAG), since);
        assert_eq!(seen.lag_ms, Some(300));
        assert_eq!(
            seen.measured_at.map(|at| at.to_string()).as_deref(),
            Some("1970-01-01T00:17:40.000Z")
        );
    }

    #[test]
    fn without_data_the_lag_is_not_zero_and_nothing_was_invoked() {
        let epoch = DateTime::from_secs(0);
        let seen = lag(None, epoch);
        assert_eq!((seen.lag_ms, seen.measured_at), (None, None));
        let seen = invocations(&Points::new(), Handler::Query, epoch);
        assert_eq!((seen.hour.invocations, seen.p99_ms), (0, None));
    }

    #[test]
    fn the_minutes_are_added_up_and_the_last_ones_on_their_own_too() {
        let points = points("queryErrors", &[(0, 1.0), (60, 2.0)]);
        let seen = invocations(&points, Handler::Query, DateTime::from_secs(60));
        assert_eq!((seen.hour.errors, seen.recent.errors), (3, 2));
    }

    #[test]
    fn a_minute_has_what_every_metric_says_of_it() {
        let mut all = points("publisherInvocations", &[(0, 5.0), (60, 7.0)]);
        all.extend(points("queryErrors", &[(60, 2.0)]));
        all.extend(points("subscriberThrottles", &[(60, 1.0)]));
        all.extend(points("queryDuration", &[(0, 900.0)]));
        all.extend(points(LAG, &[(60, 300.0)]));
        let minutes = minutes(&all);
        assert_eq!((minutes.len(), minutes[0].commands), (2, 5));
        let last = minutes[1];
        assert_eq!((last.at, last.commands, last.failed), (60, 7, 3));
        assert_eq!(last.lag_ms, Some(300));
    }

    #[test]
    fn a_metric_that_cloudwatch_fails_to_give_is_a_failure() {
        let result = |code| {
            MetricDataResult::builder()
                .id("a")
                .status_code(code)
                .build()
        };
        let mut points = Points::new();
        gather(&mut points, result(StatusCode::Complete)).unwrap();
        gather(&mut points, result(StatusCode::InternalError)).unwrap_err();
    }

    #[test]
    fn every_query_has_an_id_of_its_own_that_cloudwatch_accepts() {
        let queries = queries(&StackName::default());
        let ids: std::collections::HashSet<_> = queries.iter().filter_map(|q| q.id()).collect();
        assert_eq!(ids.len(), 13);
        assert!(
            ids.iter()
                .all(|id| id.starts_with(|c: char| c.is_ascii_lowercase()))
        );
    }
}
