//! Gaps whose truth is known: users drawn from a design, their events stamped by a clock.

/// Microseconds in a second.
const SECOND: f64 = 1e6;

/// Seconds of an hour and of a day.
const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// How much a user's pace differs from the others', in ln g.
const BETWEEN_USERS: f64 = 0.4;

/// How gaps come about; times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gaps {
    /// Log-normal within sessions and between them; `deviation` of ln g holds that between users.
    Humps {
        /// Share of the gaps within.
        inner: f64,
        /// Median of the gaps within.
        short: f64,
        /// Median of those between.
        long: f64,
        /// Of both.
        deviation: f64,
    },
    /// Log-normal.
    LogNormal {
        /// Median.
        median: f64,
        /// Of ln g.
        deviation: f64,
    },
    /// Exponential with that mean.
    Exponential(f64),
    /// Uniform in ln g between 10 s and 3 days.
    LogUniform,
    /// Lomax with shape 1 and that scale.
    Lomax(f64),
    /// Weibull with shape 0.4 and that scale.
    Weibull(f64),
    /// Gamma with shape 0.2 and that scale.
    Gamma(f64),
    /// Each user log-normal with deviation 1 around a median of their own, those with deviation 1.5
    /// around 10 minutes.
    Paces,
    /// So many events in the sixteen waking hours of a day, at random.
    Waking(f64),
}

/// A design: gaps, the clock that stamps them, and what else is in the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Design {
    /// As tables and the command line name it.
    pub(crate) name: &'static str,
    /// The gaps.
    pub(crate) gaps: Gaps,
    /// The clock's step in microseconds.
    pub(crate) resolution: i64,
    /// The share of gaps that lie between an event and its double, because it is written twice.
    pub(crate) doubled: f64,
    /// The median of those gaps in seconds, at a deviation of 0.5; or 0.
    pub(crate) echo: f64,
    /// Whether one account more has as many gaps as all others together.
    pub(crate) account: bool,
}

/// One user's gaps in microseconds.
pub(crate) type UserGaps = Vec<i64>;

impl Design {
    /// Gaps as exact as a microsecond.
    pub(crate) const fn new(name: &'static str, gaps: Gaps) -> Self {
        Self {
            name,
            gaps,
            resolution: 1,
            doubled: 0.0,
            echo: 0.0,
            account: false,
        }
    }

    /// Where gaps within and between are as likely, in seconds, where there are such.
    pub(crate) fn truth(&self) -> Option<f64> {
        let Gaps::Humps {
            inner,
            short,
            long,
            deviation,
        } = self.gaps
        else {
            return None;
        };
        let (low, high) = (short.ln(), long.ln());
        let tilt = deviation * deviation * (inner / (1.0 - inner)).ln() / (high - low);
        Some((f64::midpoint(low, high) + tilt).exp())
    }

    /// The gaps of that many users, whole microseconds between stamps.
    pub(crate) fn users(&self, count: usize, random: &mut Random) -> Vec<UserGaps> {
        let mut users: Vec<UserGaps> = (0..count)
            .map(|_| {
                let gaps = random.pareto(1.3, 8.0, 3_000.0) as usize;
                self.user(gaps, random)
            })
            .collect();
        if self.account {
            let gaps = users.iter().map(Vec::len).sum();
            let seconds: Vec<f64> = (0..gaps).map(|_| random.log_normal(20.0, 0.5)).collect();
            users.push(self.stamped(&seconds, random));
        }
        users
    }

    fn user(&self, gaps: usize, random: &mut Random) -> UserGaps {
        let seconds = self.gaps.draw(gaps, random);
        self.stamped(&seconds, random)
    }

    /// Gaps between the stamps of a clock that tells whole steps, some events written twice.
    fn stamped(&self, gaps: &[f64], random: &mut Random) -> UserGaps {
        let step = self.resolution;
        let mut at = random.unit() * DAY * SECOND;
        let mut before = at as i64 / step;
        let mut stamped = Vec::with_capacity(gaps.len());
        for gap in gaps {
            let is_double = random.unit() < self.doubled;
            if is_double && self.echo == 0.0 {
                stamped.push(0);
                continue;
            }
            let gap = match is_double {
                true => random.log_normal(self.echo, 0.5),
                false => *gap,
            };
            at += gap * SECOND;
            let stamp = at as i64 / step;
            stamped.push((stamp - before) * step);
            before = stamp;
        }
        stamped
    }
}

impl Gaps {
    /// So many gaps of one user, in seconds.
    fn draw(&self, count: usize, random: &mut Random) -> Vec<f64> {
        let pace = random.normal();
        let mut waking = random.unit() * 16.0 * HOUR;
        (0..count)
            .map(|_| match *self {
                Gaps::Humps {
                    inner,
                    short,
                    long,
                    deviation,
                } => {
                    let within = (deviation * deviation - BETWEEN_USERS * BETWEEN_USERS).sqrt();
                    let median = if random.unit() < inner { short } else { long };
                    random.log_normal(median, within) * (BETWEEN_USERS * pace).exp()
                }
                Gaps::LogNormal { median, deviation } => random.log_normal(median, deviation),
                Gaps::Exponential(mean) => random.exponential() * mean,
                Gaps::LogUniform => 10.0 * (3.0 * DAY / 10.0).powf(random.unit()),
                Gaps::Lomax(scale) => scale * (1.0 / (1.0 - random.unit()) - 1.0),
                Gaps::Weibull(scale) => scale * random.exponential().powf(1.0 / 0.4),
                Gaps::Gamma(scale) => scale * random.gamma(0.2),
                Gaps::Paces => random.log_normal(600.0, 1.0) * (1.5 * pace).exp(),
                Gaps::Waking(events) => {
                    let day = 16.0 * HOUR;
                    let gap = random.exponential() * day / events;
                    let nights = ((waking + gap) / day).floor();
                    waking = (waking + gap) % day;
                    gap + nights * 8.0 * HOUR
                }
            })
            .collect()
    }
}

/// Draws that a seed repeats (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// From a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ 0x2545_f491_4f6c_dd1d)
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Above 0 and below 1.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    fn exponential(&mut self) -> f64 {
        -self.unit().ln()
    }

    fn log_normal(&mut self, median: f64, deviation: f64) -> f64 {
        median * (deviation * self.normal()).exp()
    }

    /// Pareto, cut off at `most`.
    fn pareto(&mut self, shape: f64, least: f64, most: f64) -> f64 {
        let beyond = (least / most).powf(shape);
        least * (1.0 - self.unit() * (1.0 - beyond)).powf(-1.0 / shape)
    }

    /// Gamma with a shape below 1, by Marsaglia and Tsang.
    fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape + 1.0 - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let v = (1.0 + c * normal).powi(3);
            if v <= 0.0 {
                continue;
            }
            if self.unit().ln() < normal * normal / 2.0 + d - d * v + d * v.ln() {
                return d * v * self.unit().powf(1.0 / shape);
            }
        }
    }
}
