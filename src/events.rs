//! The contract between import and sessions: who did something, when, in which source, in
//! batches of columns. Knows nothing of files, databases or sessions.

use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z. Everything is compared in this unit.
pub type Micros = i64;

/// Microseconds in a second.
pub const SECOND: Micros = 1_000_000;

/// The earliest and the latest instant that the packed time (56 bits) can hold, with a margin so
/// that sums of a time and any allowed timeout stay inside.
pub const EARLIEST: Micros = -(1 << 55);
/// See [`EARLIEST`].
pub const LATEST: Micros = (1 << 55) - 1;

/// The most sources one run can tell apart.
pub const MAX_SOURCES: usize = 255;

/// The index of a source whose events are not used after all.
pub const GIVEN_UP: u8 = u8::MAX;

/// A user as a source names it, borrowed from the row. Ordered as [`User`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserId<'a> {
    /// Text that is a canonical `i64` (no `+`, no leading zeros, not `-0`).
    Number(i64),
    /// Any other text, exactly as it stands.
    Text(&'a str),
}

impl<'a> UserId<'a> {
    /// The identity of an id text: `7` is the number 7, `007` is another user.
    pub fn from_text(text: &'a str) -> Self {
        canonical_number(text.as_bytes()).map_or(UserId::Text(text), UserId::Number)
    }

    /// An owned copy.
    pub fn to_user(self) -> User {
        match self {
            UserId::Number(number) => User::Number(number),
            UserId::Text(text) => User::Text(text.into()),
        }
    }
}

/// The value of a canonical decimal `i64`, or nothing.
#[inline]
pub fn canonical_number(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let canonical = match digits {
        [b'0'] => !negative,
        [b'1'..=b'9', ..] => digits.len() <= 19,
        _ => false,
    };
    if !canonical {
        return None;
    }
    let (mut value, digits) = match digits.split_first_chunk() {
        Some((first, rest)) => (eight_digits(*first)?, rest),
        None => (0, digits),
    };
    if negative {
        value = -value;
    }
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        let digit = i64::from(digit - b'0');
        value = value.checked_mul(10)?;
        value = if negative {
            value.checked_sub(digit)?
        } else {
            value.checked_add(digit)?
        };
    }
    Some(value)
}

/// The value of eight decimal digits, looked at together as one number.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<i64> {
    const TOP_BITS: u64 = 0x8080_8080_8080_8080;
    let values = u64::from_le_bytes(text) ^ u64::from_le_bytes(*b"00000000");
    // Adding lifts what is more than 9 into its byte's top bit.
    if (values.wrapping_add(0x7676_7676_7676_7676) | values) & TOP_BITS != 0 {
        return None;
    }
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let eight = fours.wrapping_mul(10_000).wrapping_add(fours >> 32);
    Some((eight & 0xffff_ffff) as i64)
}

/// An owned user. Ordered as every output is: numbers by value, before all other text by bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum User {
    /// A canonical `i64`.
    Number(i64),
    /// Any other text.
    Text(Box<str>),
}

impl User {
    /// The same user, borrowed.
    pub fn as_id(&self) -> UserId<'_> {
        match self {
            User::Number(number) => UserId::Number(*number),
            User::Text(text) => UserId::Text(text),
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            User::Number(number) => write!(out, "{number}"),
            User::Text(text) => out.write_str(text),
        }
    }
}

/// What a source's events do to a session (PRODUCT's rule 4), in the order in which they count at
/// one instant, except that `Ignore` touches nothing.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Opens a session, whatever the gap: a login.
    Start,
    /// Anything a user does.
    Activity,
    /// Counted; never opens, extends or bridges.
    Ignore,
    /// Belongs to the session it closes: a logout.
    End,
    /// Closes a session without extending it.
    Expiry,
}

impl Role {
    /// The role's word in flags, configuration and reports.
    pub fn name(self) -> &'static str {
        match self {
            Role::Start => "start",
            Role::Activity => "activity",
            Role::Ignore => "ignore",
            Role::End => "end",
            Role::Expiry => "expiry",
        }
    }
}

/// One stream of events of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, without `;` and `:`.
    pub name: String,
    /// What its events do.
    pub role: Role,
    /// Whether a row equal in source, user and instant to another is dropped.
    pub drop_duplicates: bool,
}

impl Source {
    /// Whether every event of it is activity that counts.
    pub(crate) fn is_plain(&self) -> bool {
        self.role == Role::Activity && !self.drop_duplicates
    }
}

/// A batch of events: columns of equal length, filled by an importer and drained by the engine.
#[derive(Debug, Default)]
pub struct Batch {
    at: Vec<Micros>,
    source: Vec<u8>,
    /// A number, or where a text begins (the upper half) and how long it is.
    user: Vec<i64>,
    /// Which users are texts; nothing while none is.
    is_text: Vec<bool>,
    /// How many of them are.
    texts: usize,
    text: String,
}

impl Batch {
    /// Rows after which a batch should be handed on; small enough to stay in the cache.
    pub const FULL: usize = 8192;
    /// Bytes of text after which it should be.
    const FULL_TEXT: usize = 1 << 24;

    /// Appends one event. `source` is an index into the run's sources as the importer numbers them.
    #[inline]
    pub fn push(&mut self, at: Micros, user: UserId<'_>, source: u8) {
        match user {
            UserId::Number(number) => {
                if self.texts > 0 {
                    self.is_text.push(false);
                }
                self.user.push(number);
            }
            UserId::Text(text) => {
                if self.texts == 0 {
                    self.is_text.clear();
                    self.is_text.resize(self.user.len(), false);
                }
                self.is_text.push(true);
                self.texts += 1;
                let place = (self.text.len() as u64) << 32 | text.len() as u64;
                self.user.push(place as i64);
                self.text.push_str(text);
            }
        }
        self.at.push(at);
        self.source.push(source);
    }

    /// Appends events of one source whose users are numbers; both columns are equally long.
    pub fn push_numbers(&mut self, at: &[Micros], users: &[i64], source: u8) {
        debug_assert_eq!(at.len(), users.len());
        self.at.extend_from_slice(at);
        self.user.extend_from_slice(users);
        self.source.resize(self.at.len(), source);
        if self.texts > 0 {
            self.is_text.resize(self.at.len(), false);
        }
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Whether it should be handed on now.
    pub fn is_full(&self) -> bool {
        self.at.len() >= Self::FULL || self.text.len() > Self::FULL_TEXT
    }

    /// The events in the order in which they were pushed: time, user, source.
    pub fn iter(&self) -> impl Iterator<Item = (Micros, UserId<'_>, u8)> {
        (0..self.len()).map(|row| {
            let user = match self.is_text.get(row) {
                Some(true) => UserId::Text(self.text_at(self.user[row])),
                _ => UserId::Number(self.user[row]),
            };
            (self.at[row], user, self.source[row])
        })
    }

    /// Times, users and sources, where all users are numbers.
    pub fn numbers(&self) -> Option<(&[Micros], &[i64], &[u8])> {
        (self.texts == 0).then_some((&self.at, &self.user, &self.source))
    }

    /// Times, users and sources, where all users are texts.
    pub fn texts(&self) -> Option<impl Iterator<Item = (Micros, &str, u8)>> {
        let rows = self.at.iter().zip(&self.user).zip(&self.source);
        let rows = rows.map(|((&at, &user), &source)| (at, self.text_at(user), source));
        (self.texts == self.len()).then_some(rows)
    }

    /// Times in runs of one source each, with the source.
    pub fn by_source(&self) -> impl Iterator<Item = (&[Micros], u8)> {
        let mut from = 0;
        let runs = self.source.chunk_by(|one, other| one == other);
        runs.map(move |run| {
            let times = &self.at[from..from + run.len()];
            from += run.len();
            (times, run[0])
        })
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.at.clear();
        self.source.clear();
        self.user.clear();
        self.is_text.clear();
        self.texts = 0;
        self.text.clear();
    }

    #[inline]
    fn text_at(&self, place: i64) -> &str {
        let place = place as u64;
        let from = (place >> 32) as usize;
        &self.text[from..from + (place & u64::from(u32::MAX)) as usize]
    }
}
