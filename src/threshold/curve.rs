//! Sessions and durations at any timeout from a histogram of gaps: the exact curve's short cut for
//! methods that need no more than a log grid, and that replicates can afford.

/// Sums over the gaps up to the end of each bin.
#[derive(Clone, Debug)]
pub struct Curve {
    /// ln seconds of each bin's end, ascending.
    ends: Vec<f64>,
    /// Users and all gaps: the sessions at a timeout of 0.
    all: f64,
    /// Gaps up to each end.
    bridged: Vec<f64>,
    /// Their seconds.
    seconds: Vec<f64>,
}

impl Curve {
    /// Of gaps by bin with the seconds of each bin's mean gap; gaps of zero do not matter.
    pub fn new(ends: &[f64], means: &[f64], users: f64, histogram: &[f64]) -> Self {
        let mut bridged = Vec::with_capacity(histogram.len());
        let mut seconds = Vec::with_capacity(histogram.len());
        let (mut gaps, mut sum) = (0.0, 0.0);
        for (count, mean) in histogram.iter().zip(means) {
            gaps += count;
            sum += count * mean;
            bridged.push(gaps);
            seconds.push(sum);
        }
        Self {
            ends: ends.to_vec(),
            all: users + gaps,
            bridged,
            seconds,
        }
    }

    /// Sessions at the timeout whose ln seconds are `at`.
    pub fn sessions(&self, at: f64) -> f64 {
        self.all - self.interpolated(&self.bridged, at)
    }

    /// Mean duration in seconds; 0 without a user.
    pub fn mean(&self, at: f64) -> f64 {
        let sessions = self.sessions(at);
        if sessions > 0.0 {
            self.interpolated(&self.seconds, at) / sessions
        } else {
            0.0
        }
    }

    /// By how many percent the mean moves per percent of timeout; `None` while it is 0.
    pub fn sensitivity(&self, at: f64) -> Option<f64> {
        let step = 1.1_f64.ln();
        let (low, high) = (self.mean(at - step), self.mean(at + step));
        (low > 0.0).then(|| (high / low).ln() / (2.0 * step))
    }

    /// A running sum at `at`, linear in ln τ within a bin.
    fn interpolated(&self, sums: &[f64], at: f64) -> f64 {
        let bin = self.ends.partition_point(|end| *end < at);
        let Some(&end) = self.ends.get(bin) else {
            return sums.last().copied().unwrap_or_default();
        };
        let start = match bin {
            0 => end - 1.0,
            _ => self.ends[bin - 1],
        };
        let before = if bin == 0 { 0.0 } else { sums[bin - 1] };
        let share = ((at - start) / (end - start)).clamp(0.0, 1.0);
        before + share * (sums[bin] - before)
    }
}

/// ln seconds from 10 s to 24 h, where knee and plateau are looked for: 92 points.
pub fn grid() -> Vec<f64> {
    let (low, high) = (10.0_f64.ln(), 86_400.0_f64.ln());
    let steps = ((high - low) / 0.1).ceil();
    (0..=steps as u32)
        .map(|place| low + (high - low) * f64::from(place) / steps)
        .collect()
}
