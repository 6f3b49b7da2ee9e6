//! The columns of each shape, by what they mean.

use crate::import::tracked::TrackedShape;

/// What a column of a tracked session means. The order is that in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Field {
    /// What identifies a session.
    Id,
    /// Whose it is.
    User,
    Subject,
    Topic,
    Subtopic,
    Template,
    Status,
    Created,
    /// When the desktop connected.
    Connected,
    Started,
    Ended,
    /// When the person was last seen, in a shape without an end.
    LastActivity,
    Updated,
    DurationSeconds,
    DurationMinutes,
    XpPhrases,
    XpSessionBonus,
    XpStreakBonus,
    TotalXp,
    StreakBefore,
    StreakAfter,
    /// The key of the application, beside the row's number.
    SessionKey,
    Device,
    Browser,
    Address,
    Information,
    Report,
    Recording,
    Resume,
}

/// How much a command needs of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Without it the table is not of the shape.
    Core,
    /// The shape has it; where a table lacks it, what it says is unknown.
    Usual,
    /// Some applications have it.
    Extra,
}

/// A column of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShapeColumn {
    pub(crate) field: Field,
    /// Its name, unless another one is configured for it.
    pub(crate) name: &'static str,
    pub(crate) need: Need,
}

const fn core(field: Field, name: &'static str) -> ShapeColumn {
    let need = Need::Core;
    ShapeColumn { field, name, need }
}

const fn usual(field: Field, name: &'static str) -> ShapeColumn {
    let need = Need::Usual;
    ShapeColumn { field, name, need }
}

const fn extra(field: Field, name: &'static str) -> ShapeColumn {
    let need = Need::Extra;
    ShapeColumn { field, name, need }
}

const INTERVIEW: [ShapeColumn; 6] = [
    core(Field::Id, "id"),
    core(Field::Created, "created_at"),
    core(Field::Connected, "desktop_connected_at"),
    usual(Field::Started, "session_started_at"),
    core(Field::Status, "status"),
    extra(Field::Ended, "ended_at"),
];

const PRACTICE: [ShapeColumn; 11] = [
    core(Field::Id, "id"),
    core(Field::User, "user_id"),
    core(Field::Started, "started_at"),
    core(Field::Ended, "ended_at"),
    usual(Field::DurationSeconds, "duration_seconds"),
    usual(Field::XpPhrases, "xp_phrases"),
    usual(Field::XpSessionBonus, "xp_session_bonus"),
    usual(Field::XpStreakBonus, "xp_streak_bonus"),
    usual(Field::TotalXp, "total_xp"),
    usual(Field::StreakBefore, "streak_before"),
    usual(Field::StreakAfter, "streak_after"),
];

const STUDY: [ShapeColumn; 9] = [
    core(Field::Id, "id"),
    core(Field::User, "child_id"),
    core(Field::Subject, "subject"),
    usual(Field::Topic, "topic"),
    usual(Field::Subtopic, "subtopic"),
    core(Field::Started, "started_at"),
    core(Field::Ended, "ended_at"),
    usual(Field::Created, "created_at"),
    usual(Field::Updated, "updated_at"),
];

const SAVED_INTERVIEW: [ShapeColumn; 10] = [
    core(Field::Id, "session_id"),
    core(Field::User, "interviewee_id"),
    usual(Field::Template, "template_id"),
    core(Field::Started, "start_time"),
    core(Field::Ended, "end_time"),
    core(Field::Status, "status"),
    core(Field::Information, "session_information"),
    usual(Field::Report, "Interview_report"),
    usual(Field::Recording, "recording_url"),
    usual(Field::Resume, "resume_url"),
];

const PLATFORM: [ShapeColumn; 10] = [
    core(Field::Id, "id"),
    core(Field::User, "person_id"),
    core(Field::SessionKey, "session_id"),
    core(Field::Started, "started_at"),
    core(Field::Ended, "ended_at"),
    usual(Field::DurationMinutes, "duration_minutes"),
    usual(Field::Device, "device_type"),
    usual(Field::Browser, "browser"),
    usual(Field::Address, "ip_address"),
    usual(Field::Created, "created_at"),
];

const SNAPSHOT: [ShapeColumn; 3] = [
    core(Field::Id, "id"),
    core(Field::Started, "last_login_at"),
    core(Field::LastActivity, "last_activity_at"),
];

impl TrackedShape {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            TrackedShape::Interview => "interview",
            TrackedShape::Practice => "practice",
            TrackedShape::Study => "study",
            TrackedShape::SavedInterview => "saved-interview",
            TrackedShape::Platform => "platform",
            TrackedShape::Snapshot => "snapshot",
        }
    }

    /// Its columns.
    pub(crate) fn columns(self) -> &'static [ShapeColumn] {
        match self {
            TrackedShape::Interview => &INTERVIEW,
            TrackedShape::Practice => &PRACTICE,
            TrackedShape::Study => &STUDY,
            TrackedShape::SavedInterview => &SAVED_INTERVIEW,
            TrackedShape::Platform => &PLATFORM,
            TrackedShape::Snapshot => &SNAPSHOT,
        }
    }
}

impl Field {
    /// Whether it holds times.
    pub(crate) fn is_time(self) -> bool {
        matches!(
            self,
            Field::Created
                | Field::Connected
                | Field::Started
                | Field::Ended
                | Field::LastActivity
                | Field::Updated
        )
    }

    /// Whether it holds whole numbers.
    pub(crate) fn is_number(self) -> bool {
        matches!(
            self,
            Field::DurationSeconds
                | Field::XpPhrases
                | Field::XpSessionBonus
                | Field::XpStreakBonus
                | Field::TotalXp
                | Field::StreakBefore
                | Field::StreakAfter
        )
    }
}
