//! What was found in a database as the configuration that reads it: `sessionize.toml`, with a comment
//! for each choice.

use serde::Serialize;

use crate::discover::{Discovery, Finding};
use crate::report::discovery::{rows, slow_window};
use crate::report::words;
use crate::visible::visible;

/// How the file names the database, and how to get in.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Access {
    /// The path, or the address without its password.
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) my_cnf: Option<String>,
}

/// A `[[source]]`.
#[derive(Serialize)]
struct Source<'a> {
    name: &'a str,
    #[serde(flatten)]
    access: &'a Access,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    table: &'a str,
    user: &'a str,
    time: &'a str,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    filter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch_unit: Option<&'static str>,
}

/// What the file is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Configuration<'a> {
    pub(crate) discovery: &'a Discovery,
    /// The database, for people.
    pub(crate) place: &'a str,
    pub(crate) access: &'a Access,
    /// Where the password comes from.
    pub(crate) password: Option<&'static str>,
}

/// The whole file.
///
/// # Errors
///
/// When a value cannot be written as TOML, which none of the types allows.
pub(crate) fn text(configuration: &Configuration<'_>) -> Result<String, toml::ser::Error> {
    let Configuration {
        discovery,
        place,
        access,
        password,
    } = *configuration;
    let mut text = format!(
        "# What `sessionize` reads in this folder: found in {} by `sessionize discover`.\n",
        visible(place)
    );
    if let Some(password) = password {
        text += &format!("# {password}\n");
    }
    if !discovery.tracked.is_empty() {
        let tables = discovery
            .tracked
            .iter()
            .map(|tracked| visible(&tracked.table));
        let tables: Vec<String> = tables.collect();
        text += &format!(
            "# Left out, as sessions that the application tracks itself: {}.\n",
            tables.join(", ")
        );
    }
    for source in &discovery.sources {
        text += "\n";
        for comment in comments(source) {
            text += &format!("# {}\n", visible(&comment));
        }
        text += "[[source]]\n";
        text += &toml::to_string(&Source {
            name: &source.name,
            access,
            role: Some(source.role.name()).filter(|role| *role != "activity"),
            table: &source.table,
            user: &source.user,
            time: &source.time,
            filter: source.filter.as_deref(),
            epoch_unit: source.epoch_unit.map(|unit| unit.name()),
        })?;
    }
    Ok(text)
}

fn comments(source: &Finding) -> Vec<String> {
    let mut reasons = vec![rows(source), source.why.clone()];
    reasons.extend(slow_window(source));
    reasons.extend(source.remarks.iter().cloned());
    let mut comments = vec![format!("{}.", reasons.join("; "))];
    for (share, what) in [
        (source.without_user, "name no user"),
        (source.without_time, "have no time"),
    ] {
        if share > 0.0 {
            let share = words::share(share);
            comments.push(format!(
                "{share} of the table's rows {what} and are left out."
            ));
        }
    }
    if source.is_zoneless {
        comments.push(
            "Its times have no zone and are taken as UTC; timezone = \"Europe/Berlin\" would say another."
                .to_owned(),
        );
    }
    if source.epoch_unit.is_some() {
        comments.push(
            "Its times are numbers; the unit puts all of them between 2000 and 2100.".to_owned(),
        );
    }
    comments
}
