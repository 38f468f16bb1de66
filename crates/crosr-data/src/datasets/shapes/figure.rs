//! Outlines, each about as large as the unit circle.

use std::f32::consts::TAU;

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Disc,
    Square,
    Triangle,
    Cross,
    Ring,
    Star,
    Heart,
    Crescent,
    Zigzag,
    Dumbbell,
}

impl Figure {
    /// Classes, in the order of their labels.
    pub(super) const KNOWN: [Self; 6] = [
        Self::Disc,
        Self::Square,
        Self::Triangle,
        Self::Cross,
        Self::Ring,
        Self::Star,
    ];

    /// Never among the training data: other outlines, other numbers of parts.
    pub(super) const UNKNOWN: [Self; 4] =
        [Self::Heart, Self::Crescent, Self::Zigzag, Self::Dumbbell];

    pub(super) const fn names<const N: usize>(figures: [Self; N]) -> [&'static str; N] {
        let mut names = [""; N];
        let mut i = 0;
        while i < N {
            names[i] = figures[i].name();
            i += 1;
        }
        names
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Disc => "disc",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Cross => "cross",
            Self::Ring => "ring",
            Self::Star => "star",
            Self::Heart => "heart",
            Self::Crescent => "crescent",
            Self::Zigzag => "zigzag",
            Self::Dumbbell => "dumbbell",
        }
    }

    /// Whether a point lies inside.
    pub(super) fn contains(self, u: f32, v: f32) -> bool {
        let r = u.hypot(v);
        match self {
            Self::Disc => r <= 0.92,
            Self::Square => u.abs().max(v.abs()) <= 0.7,
            // At most half a unit along each of three directions.
            Self::Triangle => {
                let third = 3f32.sqrt() * 0.5;
                v >= -0.5 && third * u.abs() + 0.5 * v <= 0.5
            }
            Self::Cross => u.abs().min(v.abs()) <= 0.27 && u.abs().max(v.abs()) <= 0.95,
            Self::Ring => (0.52..=0.95).contains(&r),
            // Five points, folded into half of one: the line from a tip (1, 0) to a notch.
            Self::Star => {
                let sector = TAU / 5.0;
                let turn = v.atan2(u);
                let folded = (turn - (turn / sector).round() * sector).abs();
                let (x, y) = (r * folded.cos(), r * folded.sin());
                let (notch_x, notch_y) = (0.4 * (0.5 * sector).cos(), 0.4 * (0.5 * sector).sin());
                (notch_x - 1.0) * y - notch_y * (x - 1.0) >= 0.0
            }
            // (x² + y² − 1)³ ≤ x² y³
            Self::Heart => {
                let (x, y) = (1.35 * u, 1.35 * v + 0.1);
                let a = x * x + y * y - 1.0;
                a * a * a <= x * x * y * y * y
            }
            Self::Crescent => r <= 0.95 && (u - 0.42).hypot(v) >= 0.72,
            // Two bars and the diagonal between them.
            Self::Zigzag => {
                let on_line = v.abs() >= 0.5 || (u - 0.55 * v).abs() <= 0.2;
                u.abs() <= 0.6 && v.abs() <= 0.78 && on_line
            }
            Self::Dumbbell => {
                (u.abs() - 0.6).hypot(v) <= 0.36 || (v.abs() <= 0.12 && u.abs() <= 0.6)
            }
        }
    }
}
