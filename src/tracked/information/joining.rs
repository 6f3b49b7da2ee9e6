//! What was saved and what is offered become one, and nothing that was saved is lost.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    ANOMALIES, CONVERSATION, Element, Information, SYSTEM, all, canonical, compact, elements, kind,
    object_text, parsed, says_nothing, spoken,
};

/// What was saved, and after it what is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) information: Information,
    pub(crate) messages_added: u64,
    pub(crate) anomalies_added: u64,
    /// Keys that were saved and that the offer lacks.
    pub(crate) kept: Vec<String>,
    /// Values in whose place others came.
    pub(crate) replaced: Vec<Replaced>,
}

/// A value in whose place another one came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// Its key, behind those of the objects around it and dots.
    pub(crate) key: String,
    /// JSON.
    pub(crate) before: String,
    /// JSON.
    pub(crate) after: String,
}

/// Joins what was saved with what is offered, so that nothing that was saved is lost:
///
/// - a key that the offer lacks, or of which it says nothing (null, an empty text, list or object),
///   stays; objects are joined key by key;
/// - a single value gives way to the offered one;
/// - of messages, and of lists that are not known, what follows those that both share is added at the
///   end, unless it stands there already: an earlier state, or the same one again, adds nothing;
/// - of anomalies those are added that are not there yet.
///
/// Joining the same offer again changes nothing.
///
/// # Errors
///
/// A list or an object in whose place something else is offered (a clause).
pub(crate) fn joined(saved: &Information, offered: &Information) -> Result<Joined, String> {
    let mut joined = Joined::default();
    let entries = joined.object("", &saved.entries, &offered.entries)?;
    joined.information = Information { entries };
    let lacks = |(key, _): &&(String, String)| offered.raw(key).is_none();
    let kept = saved.entries.iter().filter(lacks);
    joined.kept = kept.map(|(key, _)| key.clone()).collect();
    let messages = |of: &Information| of.elements(CONVERSATION).map_or(0, |all| all.len()) as u64;
    let anomalies = |of: &Information| of.anomalies().unwrap_or(0);
    joined.messages_added = messages(&joined.information).saturating_sub(messages(saved));
    joined.anomalies_added = anomalies(&joined.information).saturating_sub(anomalies(saved));
    Ok(joined)
}

impl Joined {
    fn object(
        &mut self,
        path: &str,
        saved: &[(String, String)],
        offered: &[(String, String)],
    ) -> Result<Vec<(String, String)>, String> {
        let mut entries = saved.to_vec();
        for (key, value) in offered {
            match entries.iter_mut().find(|(name, _)| name == key) {
                None => entries.push((key.clone(), compact(value))),
                Some((_, text)) => {
                    let path = match path {
                        "" => key.clone(),
                        path => format!("{path}.{key}"),
                    };
                    *text = self.value(&path, text, value)?;
                }
            }
        }
        Ok(entries)
    }

    fn value(&mut self, path: &str, saved: &str, offered: &str) -> Result<String, String> {
        let (before, after) = (parsed(saved), parsed(offered));
        let is_new = before.is_null() || says_nothing(&before) && !says_nothing(&after);
        if canonical(&before) == canonical(&after) {
            return Ok(saved.to_owned());
        }
        if is_new {
            return Ok(compact(offered));
        }
        if says_nothing(&after) {
            return Ok(saved.to_owned());
        }
        match (&before, &after) {
            (Value::Object(_), Value::Object(_)) => self.nested(path, saved, offered),
            (Value::Array(_), Value::Array(_)) => Ok(joined_list(path, saved, offered)),
            (Value::Object(_) | Value::Array(_), _) => Err(format!(
                "\"{path}\" holds {}, which would be lost for {}",
                kind(&before),
                kind(&after)
            )),
            _ => {
                self.replaced.push(Replaced {
                    key: path.to_owned(),
                    before: saved.to_owned(),
                    after: compact(offered),
                });
                Ok(compact(offered))
            }
        }
    }

    fn nested(&mut self, path: &str, saved: &str, offered: &str) -> Result<String, String> {
        let of = |text: &str| {
            let read = Information::read(text);
            read.map_err(|fault| format!("\"{path}\": {}", fault.why))
        };
        let (before, after) = (of(saved)?, of(offered)?);
        let entries = self.object(path, &before.entries, &after.entries)?;
        Ok(match entries == before.entries {
            true => saved.to_owned(),
            false => object_text(&entries),
        })
    }
}

/// A list's text with what another one adds to it.
fn joined_list(path: &str, saved: &str, offered: &str) -> String {
    let (before, after) = (elements(saved), elements(offered));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let added = match path {
        ANOMALIES => beyond(&before, &after),
        CONVERSATION => continued(&before, &all(&after)),
        _ => following(&all(&before), &all(&after)),
    };
    if added.is_empty() {
        return saved.to_owned();
    }
    let mut texts: Vec<&str> = before.iter().map(|element| element.text).collect();
    texts.extend(added.iter().map(|element| element.text));
    format!("[{}]", texts.join(", "))
}

/// What messages add to those that were saved, whoever saved them: an application may have kept what
/// is left out here, also a greeting, which nobody can tell from a person's own `Hello`.
fn continued<'a>(saved: &[Element<'_>], offered: &[&'a Element<'a>]) -> Vec<&'a Element<'a>> {
    let mut whole = all(saved);
    whole.retain(|message| message.role() != SYSTEM);
    let added = [whole, spoken(saved)].map(|saved| following(&saved, offered));
    let [one, other] = added;
    if other.len() < one.len() { other } else { one }
}

/// What of a list comes after what another one holds already.
fn following<'a, 'b>(
    saved: &[&'b Element<'b>],
    offered: &[&'a Element<'a>],
) -> Vec<&'a Element<'a>> {
    let pairs = saved.iter().zip(offered);
    let shared = pairs.take_while(|(one, other)| one.is(other)).count();
    let (saved, offered) = (&saved[shared..], &offered[shared..]);
    let is_at = |from: usize, length: usize| {
        let there = saved[from..from + length].iter();
        there.zip(offered).all(|(one, other)| one.is(other))
    };
    let lasts = saved.len().checked_sub(offered.len());
    if lasts.is_some_and(|last| (0..=last).any(|from| is_at(from, offered.len()))) {
        return Vec::new();
    }
    let overlap = (1..=saved.len().min(offered.len())).rev();
    let overlap = overlap
        .into_iter()
        .find(|length| is_at(saved.len() - length, *length));
    offered[overlap.unwrap_or(0)..].to_vec()
}

/// What of a list another one does not hold, or not as often.
fn beyond<'a>(saved: &[Element<'_>], offered: &'a [Element<'a>]) -> Vec<&'a Element<'a>> {
    let mut there: HashMap<&str, u64> = HashMap::new();
    for element in saved {
        *there.entry(&element.canonical).or_default() += 1;
    }
    let is_new = |element: &&Element<'_>| match there.get_mut(element.canonical.as_str()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    offered.iter().filter(is_new).collect()
}
